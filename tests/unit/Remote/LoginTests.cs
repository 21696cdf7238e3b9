using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Qmta.Control;
using Qmta.Dns;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Remote;
using Qmta.Smtp;
using Qmta.Tests.Sink;
using Xunit;

namespace Qmta.Tests.Remote;

/// <summary>Deliveries over routes with a password, to a server in this process.</summary>
public class LoginTests
{
    private const string Password = "Secr3t+/=x,y";

    public static TheoryData<string> Mechanisms()
    {
        TheoryData<string> names = [];
        foreach (string name in SaslServer.Known)
            if (!name.EndsWith("-PLUS", StringComparison.Ordinal)) names.Add(name);
        return names;
    }

    [Theory]
    [MemberData(nameof(Mechanisms))]
    public void LogsIn(string mechanism)
    {
        using FakeMailServer server = Server(new SaslServer("joe@here", Password, [mechanism]));
        Assert.Equal("K127.0.0.1 accepted message.\nRemote host said: 250 ok\n", Deliver(server, Words).Merge());
        Assert.Contains(server.Heard, line => line.StartsWith("MAIL", StringComparison.Ordinal));
        Assert.DoesNotContain(server.Heard, line => line.Contains(Password, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Mechanisms))]
    public void AWrongPasswordWaitsForTheRightOne(string mechanism)
    {
        using FakeMailServer server = Server(new SaslServer("joe@here", "other", [mechanism]));
        string report = Deliver(server, Words).Merge();
        string step = mechanism switch
        {
            "PLAIN" => "AUTH PLAIN",
            "LOGIN" => "password",
            _ when mechanism.StartsWith("SCRAM", StringComparison.Ordinal) => "digest",
            _ => "username+digest",
        };
        Assert.Equal($"ZConnected to 127.0.0.1 but authentication was rejected ({step}).\n"
            + "Remote host said: 535 5.7.8 who are you?\n", report);
    }

    [Fact]
    public void TriesTheNextMechanismWhenTheServerDoesNotKnowOneItOffers()
    {
        using FakeMailServer server = Server(new SaslServer("joe@here", Password, ["CRAM-MD5"]), "SCRAM-SHA-256 CRAM-MD5");
        Assert.StartsWith("K", Deliver(server, Words).Merge());
    }

    [Fact]
    public void DoesNotTryARejectedPasswordAgain()
    {
        using FakeMailServer server = Server(new SaslServer("joe@here", "other", ["CRAM-MD5", "PLAIN", "LOGIN"]));
        Assert.StartsWith("Z", Deliver(server, Words).Merge());
        Assert.Single(server.Heard, line => line.StartsWith("AUTH", StringComparison.Ordinal));
    }

    [Fact]
    public void TheRouteNamesTheMechanism()
    {
        using FakeMailServer server = Server(new SaslServer("joe@here", Password, ["SCRAM-SHA-256", "LOGIN", "PLAIN"]));
        Assert.StartsWith("K", Deliver(server, Words + " AUTH_SMTP=LOGIN").Merge());
        Assert.Contains("AUTH LOGIN", server.Heard);
    }

    [Fact]
    public void OffersNothingUsable()
    {
        using FakeMailServer server = Server(new SaslServer("joe@here", Password, []), "GSSAPI XOAUTH2");
        Assert.Equal("ZConnected to 127.0.0.1 but found no AUTH method that may be used.\nIt offers GSSAPI XOAUTH2.\n",
            Deliver(server, Words).Merge());
    }

    [Theory]
    [InlineData("250 ok", "K127.0.0.1 accepted message.\nRemote host said: 250 ok\n")]
    [InlineData("530 5.7.0 who?", "ZConnected to 127.0.0.1 but sender was rejected.\nRemote host said: 530 5.7.0 who?\n")]
    public void WithoutAnyAuthTheMailGoesWithoutIt(string mail, string report)
    {
        using FakeMailServer server = new(s =>
        {
            s.Say("220 x\r\n");
            s.Answer("250 x\r\n");
            s.Answer(mail + "\r\n");
            s.Answer("250 ok\r\n");
            s.Answer("354 go\r\n");
            s.HearMessage();
            s.Say("250 ok\r\n");
        });
        Assert.Equal(report + Login.Skipped, Deliver(server, Words).Merge());
    }

    [Theory]
    [InlineData("334 !!!!", "unable to base64decode challenge.")]
    [InlineData("334 AAA", "unable to base64decode challenge.")]
    [InlineData("334 ", "got no challenge.")]
    [InlineData("334", "got no challenge.")]
    [InlineData("334 =", "got no challenge.")]
    [InlineData("334-YWJj\r\n334 YWJj", "got a challenge of several lines.")]
    [InlineData("454 4.7.0 later", "authentication was rejected (AUTH CRAM-MD5).\nRemote host said: 454 4.7.0 later")]
    [InlineData("534 5.7.9 too weak", "authentication was rejected (AUTH CRAM-MD5).\nRemote host said: 534 5.7.9 too weak")]
    [InlineData("504 unknown", "authentication was rejected (AUTH CRAM-MD5).\nRemote host said: 504 unknown")]
    [InlineData("250 ok", "authentication was rejected (AUTH CRAM-MD5).\nRemote host said: 250 ok")]
    public void OddRepliesToAuth(string reply, string says)
    {
        using FakeMailServer server = Scripted("CRAM-MD5", reply, "501 cancelled");
        Assert.Equal("ZConnected to 127.0.0.1 but " + says + "\n", Deliver(server, Words).Merge());
        if (reply.StartsWith("334", StringComparison.Ordinal)) Assert.Contains("*", server.Heard);
    }

    [Fact]
    public void AYesBeforeTheProofIsNotBelieved()
    {
        using FakeMailServer server = Scripted("SCRAM-SHA-256", "235 welcome");
        Assert.Equal("ZConnected to 127.0.0.1 but the server did not prove that it knows the password (SCRAM-SHA-256).\n",
            Deliver(server, Words).Merge());
        Assert.DoesNotContain(server.Heard, line => line.StartsWith("MAIL", StringComparison.Ordinal));
    }

    [Fact]
    public void EndlessChallengesEnd()
    {
        using FakeMailServer server = Scripted("LOGIN", "334 x", "334 x", "334 x", "334 x");
        Assert.StartsWith("ZConnected to 127.0.0.1 but got more challenges than LOGIN has.\n", Deliver(server, Words).Merge());
    }

    [Fact]
    public void AHugeChallengeEndsTheConversation()
    {
        using FakeMailServer server = Scripted("CRAM-MD5", "334 " + new string('A', 65536));
        Assert.Contains("a reply line of more than", Deliver(server, Words).Merge());
    }

    [Theory]
    [InlineData("535 wrong password Secr3t+/=x,y")]
    [InlineData("535-no\r\n535 Secr3t+/=x,y")]
    [InlineData("500 what is AGpvZUBoZXJlAFNlY3IzdCsvPXgseQ== ?")]
    [InlineData("500 what is AGpvZUBoZXJlAF...")]
    [InlineData("500 U2VjcjN0Ky89eCx5")]
    public void AServerThatRepeatsThePasswordIsNotQuoted(string reply)
    {
        using FakeMailServer server = Scripted("PLAIN", reply);
        Assert.Equal("ZConnected to 127.0.0.1 but authentication was rejected (AUTH PLAIN).\nRemote host said: "
            + reply[..3] + " (text withheld: it repeats the credentials)\n", Deliver(server, Words).Merge());
    }

    [Fact]
    public void ALongResponseWaitsToBeAskedFor()
    {
        string password = new('p', 1000);
        using FakeMailServer server = Server(new SaslServer("joe@here", password, ["PLAIN"]));
        Assert.StartsWith("K", Deliver(server, "joe@here " + password).Merge());
        Assert.Contains("AUTH PLAIN", server.Heard);
    }

    [Theory]
    [InlineData("235", "K")]
    [InlineData("", "ZConnected to 127.0.0.1 but connection died. (#4.4.2)")]
    public void HangsUpOrNot(string reply, string report)
    {
        using FakeMailServer server = reply.Length > 0 ? Server(new SaslServer("joe@here", Password, ["PLAIN"])) : Scripted("PLAIN");
        Assert.StartsWith(report, Deliver(server, Words).Merge());
    }

    [Fact]
    public void AnUnknownMechanismInTheRouteIsTold()
    {
        using FakeMailServer server = Server(new SaslServer("joe@here", Password, ["PLAIN"]));
        Assert.Equal("ZConnected to 127.0.0.1 but I am unable to log in. (#4.3.5)\n"
            + "AUTH_SMTP names a mechanism that this program does not have: X.\n",
            Deliver(server, Words + " AUTH_SMTP=X").Merge());
    }

    [Theory]
    [InlineData("127.0.0.1", "joe x", false)]
    [InlineData("127.9.9.9", "joe x", false)]
    [InlineData("::1", "joe x", false)]
    [InlineData("192.0.2.1", "joe x", true)]
    [InlineData("2001:db8::1", "joe x", true)]
    [InlineData("192.0.2.1", "joe x AUTH_WITHOUT_TLS=1", false)]
    [InlineData("192.0.2.1", "joe x AUTH_WITHOUT_TLS=0", true)]
    [InlineData("192.0.2.1", "joe x AUTH_WITHOUT_TLS=", true)]
    public void TheServerMustProveWhoItIs(string peer, string words, bool expected)
    {
        Assert.True(IpAddress.TryParse(peer, out IpAddress address));
        string route = "relay.example " + words;
        Login login = RouteLogin.Cut(ref route)!.Resolve(new RemoteAuth(new ControlFiles("/nonexistent")), route, "", "");
        Assert.Equal(expected, login.NeedsVerified(address));
        if (!expected) return;
        RemoteReport report = login.Run(null!, address, false, SaslChannel.Plain, out _)!; // says nothing to it
        Assert.Contains("did not prove by TLS that it is relay.example", report.Merge());
    }

    [Fact]
    public void LoginsAreEqualWhenASessionServesBoth()
    {
        Login Of(string words)
        {
            string route = "relay.example " + words;
            return RouteLogin.Cut(ref route)!.Resolve(new RemoteAuth(new ControlFiles("/nonexistent")), route, "", "");
        }
        Assert.Equal(Of("joe x"), Of("joe  x"));
        Assert.NotEqual(Of("joe x"), Of("joe y"));
        Assert.NotEqual(Of("joe x"), Of("ann x"));
        Assert.NotEqual(Of("joe x"), Of("joe x AUTH_SMTP=LOGIN"));
        Assert.NotEqual(Of("joe x"), Of("joe x AUTH_WITHOUT_TLS=1"));
    }

    private static string Words => "joe@here " + Password;

    private static FakeMailServer Server(SaslServer sasl, string? offer = null) => new(s =>
    {
        s.Say("220 x\r\n");
        s.Answer($"250-x\r\n250-AUTH {offer ?? string.Join(' ', sasl.Mechanisms)}\r\n250 8BITMIME\r\n");
        bool known = false;
        while (s.Hear() is string line)
        {
            if (line.StartsWith("AUTH ", StringComparison.Ordinal))
            {
                string[] words = line.Split(' ');
                string reply = sasl.Run(words[1], words.Length > 2 ? Convert.FromBase64String(words[2]) : null, challenge =>
                {
                    s.Say("334 " + Convert.ToBase64String(challenge) + "\r\n");
                    return s.Hear() is string answer && answer != "*" ? Convert.FromBase64String(answer) : null;
                });
                known |= reply.StartsWith("235", StringComparison.Ordinal);
                s.Say(reply + "\r\n");
            }
            else if (line == "DATA")
            {
                s.Say("354 go\r\n");
                s.HearMessage();
                s.Say("250 ok\r\n");
            }
            else s.Say(known ? "250 ok\r\n" : "530 who?\r\n");
        }
    });

    private static FakeMailServer Scripted(string mechanism, params string[] replies) => new(s =>
    {
        s.Say("220 x\r\n");
        s.Answer($"250-x\r\n250 AUTH={mechanism}\r\n");
        foreach (string reply in replies) s.Answer(reply + "\r\n");
        _ = s.Hear();
    });

    private static RemoteReport Deliver(FakeMailServer server, string words)
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, "x\n", Encoding.Latin1);
        int fd = Files.Open(path, OpenMode.Read);
        try
        {
            RemoteSettings settings = new("me.test", new SmtpRoutes([$":[127.0.0.1]:{server.Port} {words}"]), 10_000, 10_000, false);
            RemoteReport report = new RemoteDelivery(settings, new Resolver(), new SmtpBuffers(), new TcpTimeouts("/nonexistent"))
                .Deliver(new RemoteMessage("there", "joe@here", ["to@there"], 2, fd));
            Assert.DoesNotContain("Secr3t", report.Encode());
            return report;
        }
        finally
        {
            _ = Files.Close(fd);
            File.Delete(path);
        }
    }
}
