// Where a recipient goes: the percent hack, locals and virtualdomains (qmta-send(8)).
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Send;

/// <summary>A recipient as it is delivered.</summary>
internal readonly record struct Destination(ChannelKind Channel, string Address);

/// <summary>Rewrites recipients and tells local ones from remote ones.</summary>
internal sealed class AddressRouting
{
    private readonly HashSet<string> locals;
    private readonly HashSet<string> percentHack;
    private readonly DomainMap virtualDomains;
    private readonly string hostForNone;

    /// <param name="locals">Domains delivered here.</param>
    /// <param name="percentHack">Domains where user%domain@here means user@domain.</param>
    /// <param name="virtualDomains">Lines user@domain:prepend and domain:prepend.</param>
    /// <param name="hostForNone">The domain of an address without one.</param>
    internal AddressRouting(List<string>? locals, List<string>? percentHack, List<string>? virtualDomains, string hostForNone)
    {
        this.locals = Set(locals);
        this.percentHack = Set(percentHack);
        this.virtualDomains = new DomainMap(virtualDomains);
        this.hostForNone = hostForNone;
    }

    /// <summary>Where the recipient goes, under what address.</summary>
    internal Destination Route(string recipient)
    {
        string address = recipient;
        int at = address.LastIndexOf('@');
        if (at < 0)
        {
            at = address.Length;
            address += "@" + hostForNone;
        }
        while (percentHack.Count > 0 && percentHack.Contains(Latin1.Lower(address[(at + 1)..])))
        {
            int percent = address.LastIndexOf('%', at - 1 < 0 ? 0 : at - 1);
            if (percent < 0) break;
            // user%fqdn@domain is user@fqdn, and fqdn may be such a domain again
            address = address[..percent] + "@" + address[(percent + 1)..at];
            at = percent;
        }
        string domain = address[(at + 1)..];
        if (locals.Contains(Latin1.Lower(domain))) return new Destination(ChannelKind.Local, address);
        string? prepend = virtualDomains.Exact(address) ?? virtualDomains.Find(domain);
        return string.IsNullOrEmpty(prepend)
            ? new Destination(ChannelKind.Remote, address)
            : new Destination(ChannelKind.Local, prepend + "-" + address);
    }

    /// <summary>A recipient as the sender knew it: without what virtualdomains put before it.</summary>
    internal string WithoutPrepend(string address)
    {
        int at = address.LastIndexOf('@');
        if (at < 0) return address;
        string domain = address[(at + 1)..];
        if (virtualDomains.IsEmpty || locals.Contains(Latin1.Lower(domain))) return address;
        // The entry of the single address, when there is one, is found under the address that is left.
        for (int dash = address.IndexOf('-'); dash >= 0 && dash < at; dash = address.IndexOf('-', dash + 1))
        {
            string original = address[(dash + 1)..];
            if (virtualDomains.Exact(original) is string own && own == address[..dash]) return original;
        }
        return virtualDomains.Find(domain) is { Length: > 0 } prepend && address.StartsWith(prepend + "-")
            ? address[(prepend.Length + 1)..]
            : address;
    }

    private static HashSet<string> Set(List<string>? lines)
    {
        HashSet<string> set = [];
        if (lines != null)
            foreach (string line in lines) set.Add(Latin1.Lower(line));
        return set;
    }
}
