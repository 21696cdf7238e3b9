using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Qmta.Control;
using Qmta.Dns;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Remote;
using Qmta.Smtp;
using Qmta.Tests.Dns;
using Qmta.Tests.Tls;
using Qmta.Tls;
using Xunit;

namespace Qmta.Tests.Remote;

public sealed class TlsDeliveryTests : IDisposable
{
    private const string Relay = "relay.example";
    private readonly TestAuthority authority = new();
    private readonly TlsMemory memory = new();
    private readonly X509Certificate2 good;
    private readonly FakeNameServer names = new(q => [Packets.Response(q.Id, q.Name, q.Type, answers: q.Type == Packets.A
        ? [Packets.Record(q.Name, Packets.A, 60, [127, 0, 0, 1])] : [])]);

    public TlsDeliveryTests() => good = authority.Leaf(Relay);

    public void Dispose()
    {
        good.Dispose();
        names.Dispose();
        authority.Dispose();
    }

    private void Put(string path, string text = "")
    {
        Directory.CreateDirectory(Path.GetDirectoryName(authority.PathOf(path))!);
        File.WriteAllText(authority.PathOf(path), text);
    }

    private void TrustOwnAuthority() => Put($"tlshosts/{Relay}.pem", File.ReadAllText(authority.CertificateFile));

    private TlsPolicy Policy() => TlsPolicy.Read(new ControlFiles(authority.PathOf("control")), new CertificateFiles(authority.Directory));

    private string Deliver(int port, int patience = 5000, Resolver? resolver = null)
    {
        RemoteSettings settings = new("me.test", new SmtpRoutes([$":{Relay}:{port}"]), 5000, patience, false) { Tls = Policy() };
        int empty = Files.Open("/dev/null", OpenMode.Read);
        try
        {
            return new RemoteDelivery(settings, resolver ?? names.Resolver(), new SmtpBuffers(), new TcpTimeouts("/nonexistent"), null, memory)
                .Deliver(new RemoteMessage("there.example", "joe@here", ["a@there.example"], 0, empty)).Merge();
        }
        finally
        {
            _ = Files.Close(empty);
        }
    }

    // Offers TLS and does it, with something after its 220 perhaps.
    private static void Play(FakeSession s, X509Certificate2? certificate, string injected = "", Action<FakeSession>? instead = null)
    {
        s.Say("220 fake\r\n");
        bool secure = false;
        for (string? line = s.Hear(); line != null; line = s.Hear())
            switch (line.Split(' ')[0])
            {
                case "EHLO":
                    s.Say(certificate == null || secure ? "250-fake\r\n250 SIZE\r\n" : "250-fake\r\n250-PIPELINING\r\n250 STARTTLS\r\n");
                    break;
                case "STARTTLS" when certificate == null:
                    s.Say("454 not now\r\n");
                    break;
                case "STARTTLS":
                    s.Say("220 go ahead\r\n" + injected);
                    if (instead != null)
                    {
                        instead(s);
                        return;
                    }
                    s.Secure(certificate);
                    secure = true;
                    break;
                case "DATA":
                    s.Say("354 go\r\n");
                    s.HearMessage();
                    s.Say("250 taken\r\n");
                    break;
                default:
                    s.Say("250 ok\r\n");
                    break;
            }
    }

    private static readonly string[] secureDialogue = ["EHLO me.test", "STARTTLS", "EHLO me.test",
        "MAIL FROM:<joe@here> SIZE=0", "RCPT TO:<a@there.example>", "DATA", ".", "QUIT"];

    private static readonly string[] clearDialogue = ["EHLO me.test", "MAIL FROM:<joe@here>", "RCPT TO:<a@there.example>", "DATA", ".", "QUIT"];

    private static void AssertHeard(string[] expected, FakeMailServer server, int session = 0)
    {
        Aside.WaitFor(() => server.Sessions[session].Heard.Count >= expected.Length);
        Assert.Equal(expected, server.Sessions[session].Heard);
    }

    [Fact]
    public void UsesTlsWhereItIsOfferedWhoeverTheServerIs()
    {
        using X509Certificate2 strange = authority.Leaf("other.example", expired: true, selfSigned: true);
        using FakeMailServer server = new(s => Play(s, strange));
        Assert.Equal("K127.0.0.1 accepted message. TLS transmitted with TLSv1.3 TLS_AES_256_GCM_SHA384 bits=256, "
            + "certificate not verified.\nRemote host said: 250 taken\n", Deliver(server.Port));
        AssertHeard(secureDialogue, server);
    }

    [Theory]
    [InlineData("250-fake\r\n250 PIPELINING\r\n")]
    [InlineData("250 unfinished")]
    public void WhatCameBeforeTheHandshakeIsThrownAway(string injected)
    {
        using FakeMailServer server = new(s => Play(s, good, injected));
        Assert.StartsWith("K127.0.0.1 accepted message. TLS", Deliver(server.Port));
        AssertHeard(secureDialogue, server); // one command at a time: PIPELINING was offered outside only
    }

    [Fact]
    public void GoesInTheClearWhenTlsDoesNotWorkAndRemembersIt()
    {
        using FakeMailServer server = new(s => Play(s, good, instead: _ => { }));
        for (int i = 0; i < 2; i++) Assert.Equal("K127.0.0.1 accepted message.\nRemote host said: 250 taken\n", Deliver(server.Port));
        Assert.Equal(3, server.Sessions.Count);
        AssertHeard(["EHLO me.test", "STARTTLS"], server);
        string[] clear = [clearDialogue[0], clearDialogue[1], .. clearDialogue[2..]];
        AssertHeard(clear, server, 1);
        AssertHeard(clear, server, 2);
    }

    [Fact]
    public void GoesOnInTheClearWhenStartTlsIsRefused()
    {
        using FakeMailServer server = new(s =>
        {
            s.Say("220 x\r\n");
            s.Answer("250-x\r\n250 STARTTLS\r\n");
            s.Answer("454 not now\r\n");
            foreach (string reply in (string[])["250 ok", "250 ok", "354 go"]) s.Answer(reply + "\r\n");
            s.HearMessage();
            s.Say("250 taken\r\n");
        });
        Assert.Equal("K127.0.0.1 accepted message.\nRemote host said: 250 taken\n", Deliver(server.Port));
    }

    [Fact]
    public void AHostWithAFileMustProveItself()
    {
        TrustOwnAuthority();
        using FakeMailServer server = new(s => Play(s, good));
        Assert.Equal("K127.0.0.1 accepted message. TLS transmitted with TLSv1.3 TLS_AES_256_GCM_SHA384 bits=256, "
            + "certificate verified.\nRemote host said: 250 taken\n", Deliver(server.Port));
    }

    [Theory]
    [InlineData("other.example", false, "hostname mismatch")]
    [InlineData(Relay, true, "certificate has expired")]
    public void MailWaitsForAHostThatCannotProveItself(string name, bool expired, string reason)
    {
        TrustOwnAuthority();
        using X509Certificate2 bad = authority.Leaf(name, expired);
        using FakeMailServer server = new(s => Play(s, bad));
        Assert.Equal($"ZConnected to 127.0.0.1 but TLS with {Relay} failed, which is required because there is "
            + $"{authority.PathOf("tlshosts")}/{Relay}.pem. (#4.7.5)\ncertificate verify failed: {reason}.\n", Deliver(server.Port));
        Assert.Single(server.Sessions);
    }

    [Fact]
    public void MailWaitsWhenTheHandshakeStalls()
    {
        TrustOwnAuthority();
        using System.Threading.ManualResetEventSlim over = new();
        using FakeMailServer server = new(s => Play(s, good, instead: _ => over.Wait()));
        Assert.EndsWith("(#4.7.5)\nthe server did not finish the TLS handshake in time.\n", Deliver(server.Port, 400));
        over.Set();
    }

    [Fact]
    public void MailWaitsForAHostThatDoesNotOfferTheTlsItMustHave()
    {
        TrustOwnAuthority();
        using FakeMailServer server = new(s => Play(s, null));
        Assert.Equal($"ZConnected to 127.0.0.1 but {Relay} does not begin TLS, which is required because there is "
            + $"{authority.PathOf("tlshosts")}/{Relay}.pem. (#4.7.10)\nIt does not offer STARTTLS.\n", Deliver(server.Port));
    }

    [Fact]
    public void AClientCertificateThatIsNoGoodIsNamed()
    {
        Put("clientcert.pem", "nonsense\n");
        using FakeMailServer server = new(s => Play(s, good));
        string report = Deliver(server.Port);
        Assert.StartsWith($"ZUnable to use TLS. (#4.3.5)\nunable to use the certificate and key in {authority.PathOf("clientcert.pem")}: ", report);
    }

    [Theory]
    [InlineData("notlshosts/relay.example", "")]
    [InlineData("notlshosts/there.example", "")]
    [InlineData("control/notlshosts", "There.Example\n")]
    [InlineData("tlshosts/exhaustivelist", "")]
    public void ExemptedHostsGetNoTls(string file, string text)
    {
        Put(file, text);
        using FakeMailServer server = new(s => Play(s, good));
        Assert.Equal("K127.0.0.1 accepted message.\nRemote host said: 250 taken\n", Deliver(server.Port));
        Assert.DoesNotContain("STARTTLS", server.Heard);
        TrustOwnAuthority(); // and this counts more
        Assert.Contains("certificate verified", Deliver(server.Port));
    }

    [Fact]
    public void DecidesByHostAndPort()
    {
        TlsPolicy policy = Policy();
        TlsPlan plan = policy.For(Relay, 25, "there.example");
        Assert.Equal((TlsNeed.WhenOffered, TlsTrust.Nobody, false), (plan.Need, plan.Trust, plan.FromTheStart));
        TlsPlan verified = policy.RequireVerified(plan);
        Assert.Equal((TlsNeed.Always, TlsTrust.Authorities, true), (verified.Need, verified.Trust, verified.SystemAuthorities));
        Assert.Empty(verified.Authorities);
        plan = policy.For(Relay, 465, "there.example");
        Assert.Equal((TlsNeed.Always, TlsTrust.Nobody, true), (plan.Need, plan.Trust, plan.FromTheStart));
        Put("clientca.pem", "x");
        Assert.Equal([authority.PathOf("clientca.pem")], Policy().RequireVerified(plan).Authorities);
        Put("notlshosts/" + Relay);
        plan = Policy().For(Relay.ToUpperInvariant(), 25, "there.example");
        Assert.Equal(TlsNeed.Never, policy.RequireVerified(plan).Need); // the postmaster's word
        // names that would lead out of the directory lead nowhere
        Put("outside.pem");
        Assert.Equal(TlsNeed.WhenOffered, policy.For("../outside", 25, "../notlshosts/" + Relay).Need);
    }

    // which certificate the DNS names: the server's, another one, none that is of use; or the look-up fails
    [Theory]
    [InlineData("own", "K127.0.0.1 accepted message. TLS transmitted with TLSv1.3 TLS_AES_256_GCM_SHA384 bits=256, verified by DANE.\n")]
    [InlineData("other", "ZConnected to 127.0.0.1 but TLS with relay.example failed, which is required because it has TLSA records. "
        + "(#4.7.5)\ncertificate verify failed: ")]
    [InlineData("useless", "K127.0.0.1 accepted message. TLS transmitted with TLSv1.3 TLS_AES_256_GCM_SHA384 bits=256, certificate not verified.\n")]
    [InlineData("bogus", "ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n127.0.0.1 port PORT: not tried, as it is "
        + "not known whether relay.example has TLSA records\n")]
    [InlineData("unsigned", "K127.0.0.1 accepted message. TLS transmitted with TLSv1.3 TLS_AES_256_GCM_SHA384 bits=256, certificate not verified.\n")]
    public void DaneDecides(string which, string report)
    {
        const int Tlsa = 52, Signed = 0x81A0, Unsigned = 0x8180;
        byte[] hash = SHA256.HashData((which == "other" ? authority.Certificate : good).RawData);
        using FakeMailServer server = new(s => Play(s, good));
        using FakeNameServer signed = new(q => [Packets.Response(q.Id, q.Name, q.Type, which == "bogus" && q.Type == Tlsa ? 2 : 0,
            flags: which == "unsigned" ? Unsigned : Signed, answers: q.Type switch
            {
                Packets.A => [Packets.Record(q.Name, Packets.A, 60, [127, 0, 0, 1])],
                Tlsa when q.Name == $"_{server.Port}._tcp.{Relay}" =>
                    [Packets.Record(q.Name, Tlsa, 60, [(byte)(which == "useless" ? 1 : 3), 0, 1, .. hash])],
                _ => [],
            })]);
        Resolver resolver = new(new ResolverSettings
        {
            Servers = [new NameServer(IpAddress.LoopbackV4, signed.Port)],
            Timeout = 1,
            Attempts = 1,
            TrustAuthenticated = true,
        });
        Assert.StartsWith(report.Replace("PORT", server.Port.ToString()), Deliver(server.Port, resolver: resolver));
    }

    [Fact]
    public void DaneRecordsMakeTlsMandatory()
    {
        TlsPolicy policy = Policy();
        Assert.True(policy.AsksDane(Relay, "there.example"));
        TlsPlan plan = policy.For(Relay, 25, "there.example", [new(3, 1, 1, new byte[32])]);
        Assert.Equal((TlsNeed.Always, TlsTrust.Dane), (plan.Need, plan.Trust));
        plan = policy.For(Relay, 25, "there.example", [new(1, 1, 1, new byte[32])]); // not for mail
        Assert.Equal((TlsNeed.Always, TlsTrust.Nobody), (plan.Need, plan.Trust));
        Put("control/tlsadomains", "other.example\n");
        Assert.False(Policy().AsksDane(Relay, "there.example"));
        Assert.True(Policy().AsksDane("Other.Example", "there.example"));
        Put("notlshosts/other.example");
        Assert.False(Policy().AsksDane("other.example", "there.example"));
    }

    [Theory]
    [InlineData("tlsclientmethod", "TLSv7", "holds not a version of TLS, nor a range of versions: TLSv7")]
    public void NonsenseInControlFilesIsNamed(string file, string text, string words)
    {
        Put("control/" + file, text + "\n");
        Assert.Equal(authority.PathOf("control/" + file) + " " + words, Assert.Throws<FormatException>(Policy).Message);
    }
}
