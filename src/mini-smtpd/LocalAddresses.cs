// box@[192.0.2.1] is mail for this host when the address is its own: localiphost says under what name.
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.Reception;

/// <summary>Puts localiphost in the place of this host's own addresses (RFC 1123 5.2.17).</summary>
internal sealed class LocalAddresses
{
    private readonly string? host;
    private readonly OwnAddresses own;

    private LocalAddresses(string? host, OwnAddresses own)
    {
        this.host = host;
        this.own = own;
    }

    /// <exception cref="PosixException">A control file cannot be read.</exception>
    /// <exception cref="System.FormatException">A line of moreipme or notipme is not an address.</exception>
    internal static LocalAddresses Read(ControlFiles control) => new(control.LineOrMe("localiphost"), OwnAddresses.Read(control));

    /// <summary>The address, with a name after the @ where an own address was.</summary>
    internal string Named(string address)
    {
        int at = address.LastIndexOf('@');
        return host != null && at >= 0 && at + 1 < address.Length && address[at + 1] == '['
            && IpAddress.TryParseLiteral(address[(at + 1)..], out IpAddress literal) && own.Contains(literal)
            ? address[..(at + 1)] + host : address;
    }
}
