// From which of this host's addresses, and under which name, a message is sent: outgoingip and its relatives.
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Remote;

/// <summary>
/// The control files bindroutes, domainbindings, outgoingip.HOST, outgoingip and helohostbyip and the variables
/// OUTGOINGIP and DOMAINBINDINGS (qmail-remote(8)). The first of them that says something about a connection counts.
/// </summary>
internal sealed class Origins
{
    private readonly ControlFiles? control;
    private readonly List<string> outgoing;
    private readonly bool fixedOutgoing;
    private readonly DomainMap senders;
    private readonly Dictionary<string, string> peers = [];
    private readonly Dictionary<IpAddress, string> names = [];

    private Origins(ControlFiles? control, List<string> outgoing, bool fixedOutgoing, IEnumerable<string>? senders,
        IEnumerable<string>? peers, IEnumerable<string>? names)
    {
        this.control = control;
        this.outgoing = outgoing;
        this.fixedOutgoing = fixedOutgoing;
        this.senders = new DomainMap(senders);
        foreach (string line in peers ?? [])
            if (SplitAddress(line) is (string peer, string local)) this.peers.TryAdd(peer, local);
        // No name has a colon in it: the last one ends the address, also one of IPv6 without brackets.
        foreach (string line in names ?? [])
            if (line.LastIndexOf(':') is int colon and >= 0 && colon + 1 < line.Length)
                this.names.TryAdd(Address(line[..colon], "helohostbyip"), line[(colon + 1)..]);
    }

    /// <summary>The system's choice, always.</summary>
    internal static Origins None { get; } = new(null, [], true, null, null, null);

    /// <exception cref="PosixException">A file exists and cannot be read.</exception>
    /// <exception cref="FormatException">A line of outgoingip is not an address.</exception>
    internal static Origins Read(ControlFiles control)
    {
        string? variable = Variables.Get("OUTGOINGIP"), bindings = Variables.Get("DOMAINBINDINGS");
        bool named = !string.IsNullOrEmpty(variable);
        List<string> outgoing = named ? [variable!] : control.Lines("outgoingip") ?? [];
        foreach (string line in outgoing) _ = Address(line, "outgoingip");
        return new Origins(control, outgoing, named,
            control.Lines(string.IsNullOrEmpty(bindings) ? "domainbindings" : bindings),
            control.Lines("bindroutes"), control.Lines("helohostbyip"));
    }

    /// <summary>For tests: the files as lines.</summary>
    internal static Origins Of(List<string>? outgoing = null, List<string>? domainBindings = null,
        List<string>? bindRoutes = null, List<string>? heloHostByIp = null) =>
        new(null, outgoing ?? [], true, domainBindings, bindRoutes, heloHostByIp);

    /// <summary>What holds for one delivery.</summary>
    /// <param name="host">The recipients' domain.</param>
    /// <param name="sender">The envelope sender.</param>
    /// <exception cref="PosixException">A file exists and cannot be read.</exception>
    /// <exception cref="FormatException">An address in a file is none.</exception>
    internal Origin For(string host, string sender)
    {
        (string? bound, bool byDomain) = senders.IsEmpty ? (null, false) : BySender(sender);
        List<string> own = bound != null ? (bound.Length == 0 ? [] : [bound])
            : fixedOutgoing || control == null || !IsName(host) ? outgoing
            : control.Lines("outgoingip." + Latin1.Lower(host)) ?? outgoing;
        List<IpAddress> addresses = [];
        string file = bound != null ? "domainbindings" : "outgoingip";
        foreach (string line in own) addresses.Add(Address(line, file));
        string? name = byDomain ? sender[(sender.LastIndexOf('@') + 1)..] : null;
        return new Origin(this, addresses, name);
    }

    /// <summary>The name for connections from an address, by helohostbyip; null for none.</summary>
    internal string? NameOf(IpAddress? local) => local is IpAddress address ? names.GetValueOrDefault(address) : null;

    /// <summary>The local address for a peer by bindroutes; null for none, "" for the system's choice.</summary>
    internal string? ForPeer(IpAddress peer)
    {
        if (peers.Count == 0) return null;
        string text = peer.ToString();
        char separator = peer.IsV6 ? ':' : '.';
        if (peers.TryGetValue(text, out string? local)) return local;
        for (int at = text.LastIndexOf(separator); at >= 0; at = at == 0 ? -1 : text.LastIndexOf(separator, at - 1))
            if (peers.TryGetValue(text[..(at + 1)], out local)) return local;
        return peers.GetValueOrDefault("");
    }

    /// <summary>The address in a line of a control file.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    internal static IpAddress Address(string line, string file) =>
        IpAddress.TryParse(line, out IpAddress address) || IpAddress.TryParseLiteral(line, out address) ? address
            : throw new FormatException(file + " has something that is not an IP address: " + line);

    private (string? Local, bool ByDomain) BySender(string sender)
    {
        int at = sender.LastIndexOf('@');
        if (at >= 0)
        {
            if (senders.Exact(sender) is string exact) return (exact, true);
            string domain = sender[(at + 1)..];
            if (senders.Exact(domain) is string own) return (own, true);
            for (int dot = domain.IndexOf('.'); dot >= 0; dot = domain.IndexOf('.', dot + 1))
                if (senders.Exact(domain[dot..]) is string wild) return (wild, true);
        }
        return (senders.Exact(""), false);
    }

    // A host becomes part of a file's name only if it is the name of a host.
    private static bool IsName(string host)
    {
        foreach (char c in host)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-' or '_')) return false;
        return host.Length is > 0 and <= 240;
    }

    // "remote:local", where IPv6 addresses are in brackets.
    private static (string Peer, string Local)? SplitAddress(string line)
    {
        int close = line.StartsWith('[') ? line.IndexOf(']') : -1;
        int colon = close >= 0 ? close + 1 : line.IndexOf(':');
        if (colon < 0 || colon >= line.Length || line[colon] != ':') return null;
        string peer = close >= 0 ? line[1..close] : line[..colon];
        return (IpAddress.TryParse(peer, out IpAddress address) ? address.ToString() : Latin1.Lower(peer), line[(colon + 1)..]);
    }
}

/// <summary>From where one delivery's connections come.</summary>
internal sealed class Origin
{
    private readonly Origins origins;
    private readonly List<IpAddress> addresses;

    internal Origin(Origins origins, List<IpAddress> addresses, string? name)
    {
        this.origins = origins;
        this.addresses = addresses;
        Name = name;
    }

    /// <summary>The name said to servers because of the sender; null for none.</summary>
    internal string? Name { get; }

    /// <summary>The name said to servers.</summary>
    /// <param name="local">From which address.</param>
    /// <param name="otherwise">When nobody has a better one.</param>
    internal string NameFrom(IpAddress? local, string otherwise) => Name ?? origins.NameOf(local) ?? otherwise;

    /// <summary>
    /// The local address for connections to a peer, or null for the system's choice: of several of its kind, each in
    /// turn by the second.
    /// </summary>
    /// <exception cref="FormatException">bindroutes has no address for it but something else: it is not to be reached.</exception>
    internal IpAddress? AddressFor(IpAddress peer)
    {
        if (origins.ForPeer(peer) is string bound)
        {
            if (bound.Length == 0) return null;
            IpAddress address = Origins.Address(bound, "bindroutes");
            return address.IsAny ? null : address;
        }
        int count = 0;
        foreach (IpAddress address in addresses)
            if (address.IsV6 == peer.IsV6) count++;
        if (count == 0) return null;
        long chosen = Clocks.Realtime % count;
        foreach (IpAddress address in addresses)
            if (address.IsV6 == peer.IsV6 && chosen-- == 0) return address.IsAny ? null : address;
        return null;
    }
}
