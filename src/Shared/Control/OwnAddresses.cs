// Which addresses are this host's own: mail must not be sent to itself by way of its mail exchangers.
using System;
using System.Collections.Generic;
using Qmta.Posix;

namespace Qmta.Control;

/// <summary>
/// The addresses of the interfaces, without those in notipme and with those in moreipme: what a router in between
/// translates to this host cannot be seen here. notipme counts more.
/// </summary>
public sealed class OwnAddresses
{
    private readonly List<IpNetwork> more, not;

    private OwnAddresses(List<IpNetwork> more, List<IpNetwork> not)
    {
        this.more = more;
        this.not = not;
    }

    /// <summary>From the control files.</summary>
    /// <exception cref="PosixException">A file exists and cannot be read.</exception>
    /// <exception cref="FormatException">A line is not an address.</exception>
    public static OwnAddresses Read(ControlFiles control) => Of(control.Lines("moreipme"), control.Lines("notipme"));

    /// <summary>From the lines of moreipme and notipme.</summary>
    /// <exception cref="FormatException">A line is not an address.</exception>
    public static OwnAddresses Of(IEnumerable<string>? more, IEnumerable<string>? not) =>
        new(Parse(more, "moreipme"), Parse(not, "notipme"));

    /// <summary>Whether the address is this host's.</summary>
    public bool Contains(IpAddress address)
    {
        foreach (IpNetwork network in not)
            if (network.Contains(address)) return false;
        foreach (IpNetwork network in more)
            if (network.Contains(address)) return true;
        return Sockets.IsOwn(address);
    }

    private static List<IpNetwork> Parse(IEnumerable<string>? lines, string file)
    {
        List<IpNetwork> networks = [];
        foreach (string line in lines ?? [])
            networks.Add(IpNetwork.TryParse(line, out IpNetwork network) ? network
                : throw new FormatException(file + " has a line that is neither an address nor address/bits: " + line));
        return networks;
    }
}
