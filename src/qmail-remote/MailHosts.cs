// The hosts that take mail for a domain, best first: an artificial route, mail exchangers, or the domain itself.
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Dns;
using Qmta.Posix;

namespace Qmta.Remote;

/// <summary>A host to try.</summary>
/// <param name="Address">Where it is.</param>
/// <param name="Name">What it is called: the relay or exchanger, or the address when there is no name.</param>
/// <param name="IsVouched">The DNS vouches for this being the host (RFC 7672 2.2).</param>
internal readonly record struct MailHost(IpAddress Address, string Name, bool IsVouched);

/// <summary>
/// Finds addresses one after the other, as they are needed: names of exchangers that nobody has to try are not looked
/// up. When there is none, <see cref="Failure"/> says why.
/// </summary>
internal sealed class MailHosts
{
    /// <summary>Most addresses tried for one delivery; RFC 5321 5.1 asks for at least two.</summary>
    internal const int MostAddresses = 20;

    private readonly string domain;
    private readonly Route route;
    private readonly Resolver resolver;
    private readonly OwnAddresses own;
    private readonly long deadline;

    /// <param name="own">The addresses of this host, to which a domain's mail must not be sent.</param>
    /// <param name="deadline">When looking up must be over.</param>
    internal MailHosts(string domain, Route route, Resolver resolver, OwnAddresses own, long deadline)
    {
        this.domain = domain;
        this.route = route;
        this.resolver = resolver;
        this.own = own;
        this.deadline = deadline;
    }

    /// <summary>Why <see cref="Addresses"/> gave nothing.</summary>
    internal RemoteReport? Failure { get; private set; }

    /// <summary>The addresses in the order in which to try them.</summary>
    internal IEnumerable<MailHost> Addresses()
    {
        int tried = 0;
        foreach (MailHost host in route.Relay.Length > 0 ? RelayAddresses() : ExchangerAddresses())
        {
            if (tried++ == MostAddresses) yield break;
            yield return host;
        }
    }

    private static List<MailHost> Named(string name, DnsAnswer answer, bool isVouched = true)
    {
        List<MailHost> hosts = [];
        foreach (IpAddress address in answer.Addresses) hosts.Add(new MailHost(address, name, isVouched && answer.Authenticated));
        return hosts;
    }

    private static List<MailHost> Literal(IpAddress address) => [new(address, address.ToString(), false)];

    private List<MailHost> RelayAddresses()
    {
        string relay = route.Relay;
        if (IpAddress.TryParseLiteral(relay, out IpAddress literal) || IpAddress.TryParse(relay, out literal))
            return Literal(literal);
        DnsAnswer answer = resolver.HostAddresses(relay, deadline);
        if (answer.Addresses.Count > 0) return Named(relay, answer);
        // That a relay does not exist is a mistake of this host's postmaster: mail waits until it is mended.
        Failure = RemoteReport.Temporary(
            $"Sorry, I couldn't find the relay {relay} that the route for {domain} names. (#4.4.4)\n"
            + Details(answer));
        return [];
    }

    private IEnumerable<MailHost> ExchangerAddresses()
    {
        if (domain.StartsWith('['))
        {
            if (IpAddress.TryParseLiteral(domain, out IpAddress literal)) return NotOwn(Literal(literal));
            Failure = NoHost();
            return [];
        }
        DnsAnswer answer = resolver.MailExchangers(domain, deadline);
        switch (answer.Status)
        {
            case DnsStatus.NoName:
                Failure = NoHost();
                return [];
            case DnsStatus.Failed:
                Failure = NotNow(answer);
                return [];
            case DnsStatus.NoData:
                return DomainAddresses();
        }
        // RFC 7505: a single exchanger named "." says that the domain takes no mail at all
        if (answer.Exchangers is [{ Host: "" }])
        {
            Failure = RemoteReport.Permanent($"Sorry, {domain} accepts no mail: it has a null MX record. (#5.1.10)");
            return [];
        }
        return EachExchanger(answer);
    }

    private List<MailHost> DomainAddresses()
    {
        // RFC 5321 5.1: a domain without exchangers is its own
        DnsAnswer answer = resolver.Addresses(domain, deadline);
        if (answer.Addresses.Count > 0) return NotOwn(Named(domain, answer));
        Failure = answer.Status switch
        {
            DnsStatus.NoName => NoHost(),
            DnsStatus.Failed => NotNow(answer),
            _ => NoAddress(""),
        };
        return [];
    }

    private IEnumerable<MailHost> EachExchanger(DnsAnswer exchangers)
    {
        bool any = false;
        DnsAnswer? failed = null;
        List<MailExchanger> ordered = InOrder(exchangers.Exchangers);
        List<MailHost> equals = [];
        for (int i = 0; i < ordered.Count; i++)
        {
            if (ordered[i].Host.Length > 0) // a null MX beside real ones is meaningless
            {
                DnsAnswer answer = resolver.Addresses(ordered[i].Host, deadline);
                if (answer.Status == DnsStatus.Failed) failed = answer;
                equals.AddRange(Named(ordered[i].Host, answer, exchangers.Authenticated));
            }
            if (i + 1 < ordered.Count && ordered[i + 1].Preference == ordered[i].Preference
                && equals.Count < MostAddresses) continue;
            // RFC 5321 5.1: exchangers no better than this host would send the mail back to it
            if (HasOwn(equals))
            {
                if (!any && failed == null) Failure = Looping();
                else if (!any) Failure = NotNow(failed!);
                yield break;
            }
            foreach (MailHost host in equals)
            {
                any = true;
                yield return host;
            }
            equals.Clear();
        }
        if (any) yield break;
        Failure = failed == null ? NoAddress("None of its mail exchangers has an address.\n") : NotNow(failed);
    }

    /// <summary>By preference, lowest first, and in random order where it is equal (RFC 5321 5.1).</summary>
    internal static List<MailExchanger> InOrder(IReadOnlyList<MailExchanger> exchangers)
    {
        List<MailExchanger> ordered = [.. exchangers];
        for (int i = ordered.Count - 1; i > 0; i--)
        {
            int j = Random.Shared.Next(i + 1);
            (ordered[i], ordered[j]) = (ordered[j], ordered[i]);
        }
        // stable, so that the shuffle decides among equals
        for (int i = 1; i < ordered.Count; i++)
        {
            MailExchanger moved = ordered[i];
            int j = i;
            for (; j > 0 && ordered[j - 1].Preference > moved.Preference; j--) ordered[j] = ordered[j - 1];
            ordered[j] = moved;
        }
        return ordered;
    }

    private List<MailHost> NotOwn(List<MailHost> hosts)
    {
        if (!HasOwn(hosts)) return hosts;
        Failure = Looping();
        return [];
    }

    private bool HasOwn(List<MailHost> hosts)
    {
        foreach (MailHost host in hosts)
            if (own.Contains(host.Address)) return true;
        return false;
    }

    private RemoteReport Looping() => RemoteReport.Permanent(
        $"Sorry, the mail for {domain} would come back to this host: in the DNS it is the best mail exchanger, and "
        + "nothing here (locals, virtualdomains, smtproutes) says what to do with it. (#5.4.6)");

    private RemoteReport NoHost() => RemoteReport.Permanent($"Sorry, I couldn't find any host named {domain}. (#5.1.2)");

    private static RemoteReport NoAddress(string details) =>
        RemoteReport.Permanent("Sorry, I couldn't find a mail exchanger or IP address. (#5.4.4)\n" + details);

    private static RemoteReport NotNow(DnsAnswer answer) =>
        RemoteReport.Temporary("Sorry, I couldn't find any host by that name. (#4.1.2)\n" + Details(answer));

    private static string Details(DnsAnswer answer) => answer.Status switch
    {
        DnsStatus.NoName => "There is no host of that name.\n",
        DnsStatus.NoData => "That name has no address.\n",
        _ => answer.Reason + "\n",
    };
}
