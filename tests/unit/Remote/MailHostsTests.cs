using System.Collections.Generic;
using System.Linq;
using Qmta.Control;
using Qmta.Dns;
using Qmta.Posix;
using Qmta.Remote;
using Qmta.Tests.Dns;
using Xunit;
using static Qmta.Tests.Dns.Packets;

namespace Qmta.Tests.Remote;

public class MailHostsTests
{
    [Fact]
    public void ExchangersAreTriedByPreference()
    {
        Expect("192.0.2.1 2001::1 192.0.2.2 192.0.2.3", null, Find("three.example"));
    }

    [Fact]
    public void EqualExchangersAreTriedInRandomOrder()
    {
        List<MailExchanger> equal = [new(5, "a"), new(5, "b"), new(1, "c"), new(5, "d")];
        HashSet<string> orders = [];
        for (int i = 0; i < 500; i++)
        {
            List<MailExchanger> order = MailHosts.InOrder(equal);
            Assert.Equal("c", order[0].Host);
            orders.Add(string.Concat(order.Select(x => x.Host)));
        }
        Assert.Equal(6, orders.Count);
    }

    [Theory]
    [InlineData("plain.example", "192.0.2.9")]         // no exchanger: its own address
    [InlineData("[192.0.2.7]", "192.0.2.7")]
    [InlineData("[IPv6:2001:db8::7]", "2001:db8::7")]
    [InlineData("half.example", "192.0.2.1")]          // one of two exchangers is not known now
    [InlineData("mixed.example", "192.0.2.1")]         // a null MX beside a real one
    public void OthersAreFoundToo(string domain, string address) => Expect(address, null, Find(domain));

    [Theory]
    [InlineData("nowhere.example", "DSorry, I couldn't find any host named nowhere.example. (#5.1.2)\n")]
    [InlineData("[nonsense]", "DSorry, I couldn't find any host named [nonsense]. (#5.1.2)\n")]
    [InlineData("null.example", "DSorry, null.example accepts no mail: it has a null MX record. (#5.1.10)\n")]
    [InlineData("empty.example", "DSorry, I couldn't find a mail exchanger or IP address. (#5.4.4)\n")]
    [InlineData("dangling.example", "DSorry, I couldn't find a mail exchanger or IP address. (#5.4.4)\nNone of its mail exchangers has an address.\n")]
    public void ARealNoIsPermanent(string domain, string report) => Expect("", report, Find(domain));

    [Theory]
    [InlineData("broken.example")]      // the exchangers are not known now
    [InlineData("unknown-mx.example")]  // their addresses are not
    [InlineData("unknown-a.example")]   // the domain's own are not
    public void NotKnowingIsTemporary(string domain)
    {
        (string[] addresses, string? report) = Find(domain);
        Assert.Empty(addresses);
        Assert.StartsWith("ZSorry, I couldn't find any host by that name. (#4.1.2)\nThe DNS look-up of ", report);
    }

    [Fact]
    public void ARelayThatDoesNotExistHoldsTheMail()
    {
        (_, string? report) = Find("three.example", new Route("nowhere.example", 25));
        Assert.Equal("ZSorry, I couldn't find the relay nowhere.example that the route for three.example names. (#4.4.4)\n"
            + "There is no host of that name.\n", report);
    }

    [Theory]
    [InlineData("localhost", "127.0.0.1")]
    [InlineData("[192.0.2.5]", "192.0.2.5")]
    [InlineData("192.0.2.5", "192.0.2.5")]
    [InlineData("mx1.example", "192.0.2.1")]
    public void RelaysAreFound(string relay, string address) => Assert.Equal(address, Find("three.example", new Route(relay, 25)).Addresses[0]);

    [Theory]
    [InlineData("three.example", "192.0.2.3", "192.0.2.1 2001::1")]    // the worse exchanger is this host
    [InlineData("three.example", "2001::/16", "")]                     // the best one is
    [InlineData("plain.example", "192.0.2.0/24", "")]
    [InlineData("[192.0.2.7]", "192.0.2.7", "")]
    [InlineData("twins.example", "192.0.2.9", "192.0.2.1")]            // one of two equal ones is
    [InlineData("three.example", "192.0.2.0/30", "192.0.2.1 2001::1 192.0.2.2 192.0.2.3", "192.0.2.0/24")]
    public void MailIsNotSentToThisHostItself(string domain, string more, string addresses, string? not = null)
    {
        (string[] found, string? report) = Find(domain, null, OwnAddresses.Of([more], not == null ? null : [not]));
        Assert.Equal(addresses, string.Join(' ', found));
        if (addresses.Length > 0) Assert.Null(report);
        else Assert.Matches("^DSorry, the mail for .*\\(#5\\.4\\.6\\)\n$", report);
    }

    [Fact]
    public void ARelayMayBeThisHost() =>
        Assert.Equal(["192.0.2.5"], Find("three.example", new Route("192.0.2.5", 25), OwnAddresses.Of(["192.0.2.5"], null)).Addresses);

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.3.4.5", true)]
    [InlineData("0.0.0.0", true)]
    [InlineData("::1", true)]
    [InlineData("203.0.113.199", false)]
    [InlineData("2001:db8::1", false)]
    public void TheAddressesOfInterfacesAreOwn(string text, bool own)
    {
        Assert.True(IpAddress.TryParse(text, out IpAddress address));
        Assert.Equal(own, OwnAddresses.Of(null, null).Contains(address));
        Assert.False(OwnAddresses.Of(null, [text]).Contains(address));
    }

    [Theory]
    [InlineData("192.0.2.1/33")]
    [InlineData("2001:db8::/-1")]
    [InlineData("host")]
    public void LinesThatAreNoAddressesAreRefused(string line) =>
        Assert.Contains(line, Assert.Throws<System.FormatException>(() => OwnAddresses.Of([line], null)).Message);

    [Fact]
    public void TheNumberOfAddressesIsLimited() => Assert.Equal(MailHosts.MostAddresses, Find("farm.example").Addresses.Length);

    private static void Expect(string addresses, string? report, (string[] Addresses, string? Report) found)
    {
        Assert.Equal(addresses, string.Join(' ', found.Addresses));
        Assert.Equal(report, found.Report);
    }

    // The machine of the tests may have addresses of a documentation network.
    private static OwnAddresses Others => OwnAddresses.Of(null, ["192.0.2.0/24", "198.51.100.0/24", "2001::/16"]);

    private static (string[] Addresses, string? Report) Find(string domain, Route? route = null, OwnAddresses? own = null)
    {
        using FakeNameServer server = new(Answer);
        MailHosts hosts = new(domain, route ?? Route.Direct, server.Resolver(), own ?? Others, Sockets.In(10_000));
        string[] addresses = [.. hosts.Addresses().Select(h => h.Address.ToString())];
        return (addresses, hosts.Failure?.Merge());
    }

    private static byte[][] Answer(Question q)
    {
        byte[][] Records(params byte[][] records) => [Response(q.Id, q.Name, q.Type, answers: records)];
        byte[][] MxOf(params (int Preference, string Host)[] exchangers) =>
            q.Type == Mx ? Records([.. exchangers.Select(x => Record(q.Name, Mx, 60, MxData(x.Preference, x.Host)))]) : Records();
        byte[][] Failure() => [Response(q.Id, q.Name, q.Type, 2)];

        return (q.Name, q.Type) switch
        {
            ("mx1.example", A) => Records(Record(q.Name, A, 60, [192, 0, 2, 1])),
            ("both.example", A) => Records(Record(q.Name, A, 60, [192, 0, 2, 1])),
            ("both.example", Aaaa) => Records(Record(q.Name, Aaaa, 60, [0x20, 1, .. new byte[13], 1])),
            ("mx2.example", A) => Records(Record(q.Name, A, 60, [192, 0, 2, 2]), Record(q.Name, A, 60, [192, 0, 2, 3])),
            ("mx2.example", Aaaa) => Failure(),
            ("plain.example", A) => Records(Record(q.Name, A, 60, [192, 0, 2, 9])),
            ("farm-mx.example", A) => Records([.. Enumerable.Range(0, 50).Select(i => Record(q.Name, A, 60, [198, 51, 100, (byte)i]))]),
            ("three.example", _) => MxOf((20, "mx2.example"), (10, "both.example")),
            ("twins.example", _) => MxOf((10, "mx1.example"), (20, "plain.example"), (20, "mx2.example")),
            ("half.example", _) => MxOf((10, "fails.example"), (20, "mx1.example")),
            ("mixed.example", _) => MxOf((0, ""), (10, "mx1.example")),
            ("null.example", _) => MxOf((0, "")),
            ("dangling.example", _) => MxOf((0, "nowhere.example"), (1, "empty.example")),
            ("unknown-mx.example", _) => MxOf((0, "fails.example"), (1, "nowhere.example")),
            ("farm.example", _) => MxOf((0, "farm-mx.example")),
            ("unknown-a.example", Mx) => Records(),
            ("unknown-a.example", _) or ("broken.example", _) or ("fails.example", _) => Failure(),
            ("nowhere.example", _) => [Response(q.Id, q.Name, q.Type, 3)],
            _ => Records(),
        };
    }
}
