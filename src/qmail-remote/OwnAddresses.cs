// Which addresses are this host's own: mail must not be sent to itself by way of its mail exchangers.
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.Remote;

/// <summary>
/// The addresses of the interfaces, without those in notipme and with those in moreipme: what a router in between
/// translates to this host cannot be seen here. notipme counts more.
/// </summary>
internal sealed class OwnAddresses
{
    private readonly List<Network> more, not;

    private OwnAddresses(List<Network> more, List<Network> not)
    {
        this.more = more;
        this.not = not;
    }

    /// <exception cref="PosixException">A file exists and cannot be read.</exception>
    /// <exception cref="FormatException">A line is not an address.</exception>
    internal static OwnAddresses Read(ControlFiles control) => Of(control.Lines("moreipme"), control.Lines("notipme"));

    /// <exception cref="FormatException">A line is not an address.</exception>
    internal static OwnAddresses Of(IEnumerable<string>? more, IEnumerable<string>? not) =>
        new(Parse(more, "moreipme"), Parse(not, "notipme"));

    internal bool Contains(IpAddress address)
    {
        foreach (Network network in not)
            if (network.Contains(address)) return false;
        foreach (Network network in more)
            if (network.Contains(address)) return true;
        return Sockets.IsOwn(address);
    }

    private static List<Network> Parse(IEnumerable<string>? lines, string file)
    {
        List<Network> networks = [];
        foreach (string line in lines ?? [])
            networks.Add(Network.TryParse(line, out Network network) ? network
                : throw new FormatException(file + " has a line that is neither an address nor address/bits: " + line));
        return networks;
    }

    /// <summary>An address, or all that begin with the same bits.</summary>
    private readonly record struct Network(IpAddress Address, int Bits)
    {
        internal static bool TryParse(string text, out Network network)
        {
            network = default;
            int slash = text.IndexOf('/'), bits = -1;
            string address = slash < 0 ? text : text[..slash];
            if (!IpAddress.TryParse(address, out IpAddress parsed) && !IpAddress.TryParseLiteral(address, out parsed)) return false;
            int most = parsed.IsV6 ? 128 : 32;
            if (slash >= 0 && (!int.TryParse(text.AsSpan(slash + 1), System.Globalization.NumberStyles.None,
                System.Globalization.CultureInfo.InvariantCulture, out bits) || bits > most)) return false;
            network = new Network(parsed, slash < 0 ? most : bits);
            return true;
        }

        internal bool Contains(IpAddress other)
        {
            if (other.IsV6 != Address.IsV6) return false;
            Span<byte> mine = stackalloc byte[16], its = stackalloc byte[16];
            Address.Write(mine);
            other.Write(its);
            int whole = Bits / 8, rest = Bits % 8;
            return mine[..whole].SequenceEqual(its[..whole])
                && (rest == 0 || (mine[whole] ^ its[whole]) >> (8 - rest) == 0);
        }
    }
}
