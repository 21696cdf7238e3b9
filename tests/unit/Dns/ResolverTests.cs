using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
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
        Assert.InRange(Clocks.BoottimeMilliseconds - start, 250, 20_000);
    }

    private static ResolverSettings SettingsFor(FakeNameServer server, bool tcp = false, bool trust = false, int dots = 1, string[]? suffixes = null) =>
        new()
        {
            Servers = [new NameServer(IpAddress.LoopbackV4, server.Port)],
            Timeout = 1,
            Attempts = 1,
            AlwaysTcp = tcp,
            TrustAuthenticated = trust,
            Dots = dots,
            Suffixes = [.. suffixes ?? []],
        };

    [Fact]
    public void OtherRecordsAreFoundToo()
    {
        byte[] digest = [3, 1, 1, .. Enumerable.Range(0, 32).Select(i => (byte)i)];
        using FakeNameServer server = new(q => (q.Name, q.Type) switch
        {
            ("text.example", Txt) => [Response(q.Id, q.Name, q.Type, answers: [Record(q.Name, Txt, 60, [2, (byte)'a', (byte)'b', 0, 1, 0xFF])])],
            ("4.3.2.1.in-addr.arpa", Ptr) => [Response(q.Id, q.Name, q.Type, answers: [Record(q.Name, Ptr, 60, Name("host.example"))])],
            ("_25._tcp.mx.example", Tlsa) => [Response(q.Id, q.Name, q.Type, answers: [Record(q.Name, Tlsa, 60, digest)])],
            _ => [Response(q.Id, q.Name, q.Type, 3)],
        });
        Resolver resolver = server.Resolver();
        Assert.Equal(["ab\xFF"], resolver.Texts("text.example", Soon).Texts);
        Assert.Equal(["host.example"], resolver.Names(IpAddress.From([1, 2, 3, 4]), Soon).Names);
        TlsaRecord record = Assert.Single(resolver.Tlsa("mx.example", 25, Soon).TlsaRecords);
        Assert.Equal((3, 1, 1), (record.Usage, record.Selector, record.Matching));
        Assert.Equal(digest[3..], record.Data);
        Assert.Equal(DnsStatus.NoName, resolver.Tlsa("mx.example", 465, Soon).Status);
    }

    [Fact]
    public void TheReverseNameOfAnIPv6AddressHasItsDigits()
    {
        Assert.True(IpAddress.TryParse("2001:db8::567:89ab", out IpAddress address));
        Assert.Equal("b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", Resolver.ReverseName(address)); // RFC 3596 2.5
    }

    [Theory]
    [InlineData(new byte[] { 3, 65, 66 })]  // a string beyond its record
    [InlineData(new byte[] { 1 })]
    public void MalformedTextsAreNoAnswer(byte[] data)
    {
        using FakeNameServer server = new(q => [Response(q.Id, q.Name, q.Type, answers: [Record(q.Name, Txt, 60, data)])]);
        Assert.Equal(DnsStatus.Failed, server.Resolver().Texts("text.example", Soon).Status);
    }

    [Theory]
    [InlineData(true, 0x81A0, true)]
    [InlineData(true, 0x8180, false)]
    [InlineData(false, 0x81A0, false)]  // whoever does not trust the server does not believe this either
    public void AuthenticationIsBelievedWhereTheServerIsTrusted(bool trust, int flags, bool expected)
    {
        using FakeNameServer server = new(q => q.Name == "no.example"
            ? [Response(q.Id, q.Name, q.Type, 3, flags: flags, authority: [Record("", Soa, 60, SoaData(60))])]
            : [Response(q.Id, q.Name, q.Type, flags: flags, answers: [Record(q.Name, Mx, 60, MxData(1, "mx"))])]);
        Resolver resolver = new(SettingsFor(server, trust: trust));
        Assert.Equal(expected, resolver.MailExchangers("example", Soon).Authenticated);
        Assert.Equal(expected, resolver.MailExchangers("no.example", Soon).Authenticated);
        Assert.Equal(DnsStatus.NoName, resolver.MailExchangers("no.example", Soon).Status);
        Assert.All(server.Asked, q => Assert.Equal(trust, q.Authenticated));
    }

    [Fact]
    public void OneUnsignedLinkMakesTheWholeChainUnsigned()
    {
        using FakeNameServer server = new(q => q.Name == "one"
            ? [Response(q.Id, q.Name, q.Type, flags: 0x8180, answers: [Record("one", CName, 60, Name("two"))])]
            : [Response(q.Id, q.Name, q.Type, flags: 0x81A0, answers: [Record("two", Mx, 60, MxData(1, "mx"))])]);
        Resolver resolver = new(SettingsFor(server, trust: true));
        Assert.False(resolver.MailExchangers("one", Soon).Authenticated);
        Assert.True(resolver.MailExchangers("two", Soon).Authenticated);
    }

    [Fact]
    public void UseVcAsksByTcpOnly()
    {
        using FakeNameServer server = new(q => [Response(q.Id, q.Name, q.Type, answers: [Record(q.Name, Mx, 60, MxData(1, "mx"))])]);
        Assert.Equal(DnsStatus.Found, new Resolver(SettingsFor(server, tcp: true)).MailExchangers("example", Soon).Status);
        Assert.True(Assert.Single(server.Asked).Tcp);
    }

    [Fact]
    public void ServersAreAskedByIPv6()
    {
        using FakeNameServer server = new(q => [Response(q.Id, q.Name, q.Type, answers: [Record(q.Name, Mx, 60, MxData(1, "mx"))])],
            System.Net.IPAddress.IPv6Loopback);
        Resolver resolver = new(new ResolverSettings { Servers = [new NameServer(IpAddress.LoopbackV6, server.Port)], Timeout = 1 });
        Assert.Equal(DnsStatus.Found, resolver.MailExchangers("example", Soon).Status);
    }

    [Fact]
    public void AServerThatDoesNotHearExtendedQuestionsIsAskedPlainlyAtLast()
    {
        using FakeNameServer server = new(q => q.Extended ? [] : [Response(q.Id, q.Name, q.Type, answers: [Record(q.Name, Mx, 60, MxData(1, "mx"))])]);
        Assert.Equal(DnsStatus.Found, server.Resolver(attempts: 2).MailExchangers("example", Soon).Status);
    }

    [Theory]
    [InlineData("relay", 1, "relay.a.test relay.b.test")]
    [InlineData("relay.x", 1, "relay.x relay.x.a.test relay.x.b.test")]
    [InlineData("relay.x", 2, "relay.x.a.test relay.x.b.test")]
    [InlineData("relay.x.", 2, "relay.x")]
    [InlineData("down.x", 1, "down.x")]
    public void RelaysAreTriedWithSuffixes(string name, int dots, string names)
    {
        using FakeNameServer server = new(q => q.Name switch
        {
            "relay.x.b.test" or "relay.b.test" => [Response(q.Id, q.Name, q.Type, answers: q.Type == A ? [Record(q.Name, A, 60, [192, 0, 2, 1])] : [])],
            "down.x" => [Response(q.Id, q.Name, q.Type, 2)],
            _ => [Response(q.Id, q.Name, q.Type, 3)],
        });
        _ = new Resolver(SettingsFor(server, dots: dots, suffixes: ["a.test", "b.test"])).HostAddresses(name, Soon);
        Assert.Equal(names, string.Join(' ', server.Asked.Select(q => q.Name).Distinct()));
    }

    [Fact]
    public void TheSameQuestionIsAskedOnceAtATime()
    {
        using ManualResetEventSlim go = new();
        using FakeNameServer server = new(q =>
        {
            go.Wait();
            return [Response(q.Id, q.Name, q.Type, answers: [Record(q.Name, Mx, 0, MxData(1, "mx"))])];
        });
        Resolver resolver = new(new ResolverSettings { Servers = [new NameServer(IpAddress.LoopbackV4, server.Port)], Timeout = 10 });
        DnsAnswer[] answers = new DnsAnswer[8];
        Thread[] threads = [.. Enumerable.Range(0, 8).Select(i => new Thread(() => answers[i] = resolver.MailExchangers("example", Soon)))];
        foreach (Thread thread in threads) thread.Start();
        long end = Sockets.In(5000);
        while (threads.Any(t => (t.ThreadState & ThreadState.WaitSleepJoin) == 0) && Clocks.BoottimeMilliseconds < end) Thread.Sleep(5);
        go.Set();
        foreach (Thread thread in threads) thread.Join();
        Assert.All(answers, a => Assert.Equal(DnsStatus.Found, a.Status));
        Assert.InRange(server.Asked.Count, 1, 7);
    }

    [Fact]
    public void ANoIsRememberedAsLongAsItSaysAndNoLonger()
    {
        using FakeNameServer server = new(q => [Response(q.Id, q.Name, q.Type, 3,
            authority: q.Name == "untold" ? [] : [Record("", Soa, 3600, SoaData(q.Name == "zero" ? 0 : 60))])]);
        Resolver resolver = server.Resolver();
        for (int i = 0; i < 3; i++)
            foreach (string name in (string[])["minute", "zero", "untold"]) _ = resolver.MailExchangers(name, Soon);
        Assert.Equal([1, 3, 3], ((string[])["minute", "zero", "untold"]).Select(n => server.Asked.Count(q => q.Name == n)));
    }

    [Fact]
    public void AnswersOfAnySizeTakeBoundedMemory()
    {
        string label = new('x', 60);
        using FakeNameServer server = new(q => q.Tcp
            ? [Response(q.Id, q.Name, q.Type, answers: [.. Enumerable.Range(0, 190).Select(i => Record(q.Name, Mx, 60, MxData(i, $"{i}.{label}.{label}.{label}.{label}")))])]
            : [Response(q.Id, q.Name, q.Type, flags: 0x8380)]);
        Resolver resolver = server.Resolver();
        Assert.Equal(190, resolver.MailExchangers("big.example", Soon).Exchangers.Count);
        Assert.Equal(190, resolver.MailExchangers("big.example", Soon).Exchangers.Count);
        Assert.Equal(4, server.Asked.Count); // too big to remember
    }
}
