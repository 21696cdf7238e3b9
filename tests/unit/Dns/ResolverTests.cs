using System;
using System.Collections.Generic;
using System.Linq;
using Qmta.Dns;
using Qmta.Posix;
using Xunit;
using static Qmta.Tests.Dns.Packets;

namespace Qmta.Tests.Dns;

public class ResolverTests
{
    private static long Soon => Sockets.In(10_000);

    [Fact]
    public void FindsAddressesOfBothKinds()
    {
        using FakeNameServer server = new(q => [Response(q.Id, q.Name, q.Type,
            answers: [q.Type == A ? Record(q.Name, A, 60, [192, 0, 2, 1]) : Record(q.Name, Aaaa, 60, [0x20, 1, .. new byte[13], 1])])]);
        DnsAnswer answer = server.Resolver().Addresses("host.example", Soon);
        Assert.Equal(DnsStatus.Found, answer.Status);
        Assert.Equal(["192.0.2.1", "2001::1"], answer.Addresses.Select(a => a.ToString()));
    }

    [Fact]
    public void FindsMailExchangers()
    {
        using FakeNameServer server = new(q => [Response(q.Id, q.Name, q.Type,
            answers: [Record(q.Name, Mx, 60, MxData(10, "a.example")), Record(q.Name, Mx, 60, MxData(5, "b.example"))])]);
        Assert.Equal([new MailExchanger(10, "a.example"), new MailExchanger(5, "b.example")],
            server.Resolver().MailExchangers("example", Soon).Exchangers);
    }

    [Fact]
    public void TellsTheKindsOfNoApart()
    {
        using FakeNameServer server = new(q => q.Name switch
        {
            "nxdomain" => [Response(q.Id, q.Name, q.Type, 3, authority: [Record("", Soa, 60, SoaData(60))])],
            "nodata" => [Response(q.Id, q.Name, q.Type, authority: [Record("", Soa, 60, SoaData(60))])],
            "servfail" => [Response(q.Id, q.Name, q.Type, 2)],
            "refused" => [Response(q.Id, q.Name, q.Type, 5)],
            "lame" => [Response(q.Id, q.Name, q.Type, flags: 0x8100, authority: [Record("", Ns, 60, Name("elsewhere"))])],
            _ => [],
        });
        Resolver resolver = server.Resolver();
        Assert.Equal(DnsStatus.NoName, resolver.MailExchangers("nxdomain", Soon).Status);
        Assert.Equal(DnsStatus.NoData, resolver.MailExchangers("nodata", Soon).Status);
        Assert.Equal(DnsStatus.NoData, resolver.Addresses("nodata", Soon).Status);
        foreach (string name in (string[])["servfail", "refused", "lame", "silence"])
        {
            DnsAnswer answer = resolver.MailExchangers(name, Soon);
            Assert.Equal(DnsStatus.Failed, answer.Status);
            Assert.Contains("MX " + name, answer.Reason);
        }
    }

    [Fact]
    public void NamesThatCannotBeAreNotAskedFor()
    {
        using FakeNameServer server = new(q => []);
        foreach (string name in (string[])["", ".", "a..b", new string('a', 64), string.Join('.', Enumerable.Repeat("abc", 70))])
            Assert.Equal(DnsStatus.NoName, server.Resolver().MailExchangers(name, Soon).Status);
        Assert.Empty(server.Asked);
    }

    [Fact]
    public void ForgedAnswersAreWaitedOut()
    {
        using FakeNameServer server = new(q =>
        [
            Response(q.Id ^ 1, q.Name, q.Type, 3),
            Response(q.Id, "other.example", q.Type, 3),
            [1, 2, 3],
            Response(q.Id, q.Name, q.Type, answers: [Record(q.Name, A, 60, [192, 0, 2, 1])]),
        ]);
        Assert.Equal(DnsStatus.Found, server.Resolver().Addresses("host.example", Soon).Status);
    }

    [Fact]
    public void ACutAnswerIsAskedForByTcp()
    {
        using FakeNameServer server = new(q => q.Tcp
            ? [Response(q.Id, q.Name, q.Type, answers: [.. Enumerable.Range(0, 200).Select(i => Record(q.Name, Mx, 60, MxData(i, $"mx{i}.example")))])]
            : [Response(q.Id, q.Name, q.Type, flags: 0x8380)]);
        Assert.Equal(200, server.Resolver().MailExchangers("big.example", Soon).Exchangers.Count);
    }

    [Fact]
    public void AServerTooOldForExtensionsIsAskedWithout()
    {
        using FakeNameServer server = new(q => q.Extended
            ? [[(byte)(q.Id >> 8), (byte)q.Id, 0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0]]
            : [Response(q.Id, q.Name, q.Type, answers: [Record(q.Name, A, 60, [192, 0, 2, 1])])]);
        Assert.Equal(DnsStatus.Found, server.Resolver().Addresses("host.example", Soon).Status);
    }

    [Fact]
    public void AliasesAreFollowedWithinAndAcrossAnswers()
    {
        using FakeNameServer server = new(q => q.Name switch
        {
            "one" => [Response(q.Id, q.Name, q.Type, answers: [Record("one", CName, 60, Name("two")), Record("two", CName, 60, Name("three"))])],
            "three" => [Response(q.Id, q.Name, q.Type, answers: q.Type == A ? [Record("three", A, 60, [192, 0, 2, 3])] : [])],
            _ => [],
        });
        Assert.Equal(["192.0.2.3"], server.Resolver().Addresses("one", Soon).Addresses.Select(a => a.ToString()));
    }

    [Fact]
    public void AliasesInCirclesEnd()
    {
        using FakeNameServer server = new(q => [Response(q.Id, q.Name, q.Type, answers:
            [Record(q.Name, CName, 60, Name(q.Name == "a" ? "b" : "a"))])]);
        DnsAnswer answer = server.Resolver().MailExchangers("a", Soon);
        Assert.Equal(DnsStatus.Failed, answer.Status);
        Assert.Contains("alias", answer.Reason);
        using FakeNameServer within = new(q => [Response(q.Id, q.Name, q.Type, answers:
            [Record("a", CName, 60, Name("b")), Record("b", CName, 60, Name("a"))])]);
        Assert.Equal(DnsStatus.Failed, within.Resolver().MailExchangers("a", Soon).Status);
    }

    [Fact]
    public void RecordsOfOtherNamesDoNotCount()
    {
        using FakeNameServer server = new(q => [Response(q.Id, q.Name, q.Type, answers: [Record("evil.example", A, 60, [192, 0, 2, 66])])]);
        Assert.Equal(DnsStatus.NoData, server.Resolver().Addresses("host.example", Soon).Status);
    }

    [Fact]
    public void AnswersLiveAsLongAsTheySay()
    {
        using FakeNameServer server = new(q => [Response(q.Id, q.Name, q.Type, answers:
            [Record(q.Name, Mx, q.Name == "long" ? 60 : 0, MxData(1, "mx"))])]);
        Resolver resolver = server.Resolver();
        for (int i = 0; i < 3; i++)
        {
            _ = resolver.MailExchangers("long", Soon);
            _ = resolver.MailExchangers("LONG.", Soon);
            _ = resolver.MailExchangers("short", Soon);
        }
        Assert.Equal(1, server.Asked.Count(q => q.Name == "long"));
        Assert.Equal(3, server.Asked.Count(q => q.Name == "short"));
    }

    [Fact]
    public void TheNextServerIsAskedWhenOneDoesNotKnow()
    {
        using FakeNameServer bad = new(q => [Response(q.Id, q.Name, q.Type, 2)]);
        using FakeNameServer good = new(q => [Response(q.Id, q.Name, q.Type, answers: [Record(q.Name, Mx, 60, MxData(1, "mx"))])]);
        Resolver resolver = new(new ResolverSettings
        {
            Servers = [new(IpAddress.LoopbackV4, bad.Port), new(IpAddress.LoopbackV4, good.Port)],
        });
        Assert.Equal(DnsStatus.Found, resolver.MailExchangers("example", Soon).Status);
    }

    [Fact]
    public void NothingTakesLongerThanItMay()
    {
        using FakeNameServer server = new(q => []);
        long start = Clocks.BoottimeMilliseconds;
        Assert.Equal(DnsStatus.Failed, server.Resolver(timeout: 30, attempts: 5).MailExchangers("example", Sockets.In(300)).Status);
        Assert.InRange(Clocks.BoottimeMilliseconds - start, 250, 5000);
    }
}
