using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Posix;
using Qmta.Smtp;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Smtp;

/// <summary>AUTH line by line.</summary>
public class ServerAuthenticationTests
{
    private static readonly KnownPasswords Tim = KnownPasswords.Of("tim", "secret");

    private static ServerAuthentication New(PasswordSource? source = null, string variables = "AUTH_WITHOUT_TLS", int delay = 0) =>
        new(source ?? Tim, SaslOffers.Read(name => Array.IndexOf(variables.Split(' '), name) >= 0 ? "1" : null), "mx.test", delay);

    private static string B(string text) => Convert.ToBase64String(Latin1.Bytes(text));

    private static string Begin(ServerAuthentication auth, string arguments) => auth.Begin(Latin1.Bytes(arguments)).Text;

    private static string Go(ServerAuthentication auth, string line) => auth.Continue(Latin1.Bytes(line)).Text;

    private const string Yes = "235 ok, go ahead (#2.0.0)", No = "535 authorization failed (#5.7.0)",
        Senseless = "501 malformed auth input (#5.5.4)";

    [Fact]
    public void PlainInOneLine()
    {
        ServerAuthentication auth = New();
        Assert.Equal(Yes, Begin(auth, "plain " + B("\0tim\0secret")));
        Assert.Equal(("tim", "PLAIN", true, false), (auth.User, auth.Mechanism, auth.MayRelay, auth.InProgress));
        Assert.Equal("503 you're already authenticated (#5.5.0)", Begin(auth, "PLAIN " + B("\0tim\0secret")));
    }

    [Fact]
    public void PlainInTwoLines()
    {
        ServerAuthentication auth = New();
        Assert.Equal("334 ", Begin(auth, "PLAIN"));
        Assert.True(auth.InProgress);
        Assert.Equal(Yes, Go(auth, B("\0tim\0secret")));
    }

    [Theory]
    [InlineData("LOGIN")]
    [InlineData("LOGIN dGlt")] // Outlook's
    public void Login(string command)
    {
        ServerAuthentication auth = New();
        if (command == "LOGIN")
        {
            Assert.Equal("334 VXNlcm5hbWU6", Begin(auth, command));
            Assert.Equal("334 UGFzc3dvcmQ6", Go(auth, B("tim")));
        }
        else Assert.Equal("334 UGFzc3dvcmQ6", Begin(auth, command));
        Assert.Equal(Yes, Go(auth, B("secret")));
    }

    [Fact]
    public void CramChallengesAreNeverTheSame()
    {
        HashSet<string> challenges = [];
        for (int i = 0; i < 20; i++)
        {
            string challenge = Begin(New(), "CRAM-MD5");
            Assert.StartsWith("334 ", challenge);
            Assert.Matches("^<[0-9a-f]{32}\\.[0-9]+@mx\\.test>$", Latin1.String(Convert.FromBase64String(challenge[4..])));
            Assert.True(challenges.Add(challenge));
        }
        Assert.Equal(Senseless, Begin(New(), "CRAM-MD5 " + B("tim b913a602c7eda7a495b4e6e7334d3890")));
    }

    [Fact]
    public void ScramToTheEnd()
    {
        ServerAuthentication auth = New();
        SaslScram client = new("SCRAM-SHA-256", "SHA256", new Credentials("tim", "secret"), SaslChannel.Plain, false);
        string reply = Begin(auth, "SCRAM-SHA-256 " + Convert.ToBase64String(client.Start()));
        while (reply.StartsWith("334 ", StringComparison.Ordinal))
            reply = Go(auth, Convert.ToBase64String(client.Answer(Convert.FromBase64String(reply[4..]))));
        Assert.Equal(Yes, reply);
        Assert.Null(client.Unproven);
    }

    [Fact]
    public void ClientsMayGiveUp()
    {
        ServerAuthentication auth = New();
        Begin(auth, "LOGIN");
        Assert.Equal("501 auth exchange cancelled (#5.0.0)", Go(auth, "*"));
        Assert.False(auth.InProgress);
        Assert.Null(auth.User);
        Assert.Equal(Yes, Begin(auth, "PLAIN " + B("\0tim\0secret"))); // and begin again
    }

    [Theory]
    [InlineData("%")]
    [InlineData("AAA")]
    [InlineData("dGlt\0")]
    [InlineData("dG lt")]
    [InlineData("====")]
    [InlineData("\u00E9\u00E9\u00E9\u00E9")]
    public void WhatIsNoBase64MakesNoSense(string line)
    {
        ServerAuthentication auth = New();
        Begin(auth, "LOGIN");
        Assert.Equal(Senseless, Go(auth, line));
        Assert.False(auth.InProgress);
    }

    [Fact]
    public void LinesHaveAnEnd()
    {
        ServerAuthentication auth = New();
        Begin(auth, "PLAIN");
        Assert.Equal("500 authentication exchange line is too long (#5.5.6)",
            Go(auth, new string('A', ServerAuthentication.LongestLine + 2)));
        Begin(auth, "PLAIN");
        Assert.Equal("500 authentication exchange line is too long (#5.5.6)", auth.Continue("AAAA"u8, tooLong: true).Text);
        Begin(auth, "LOGIN");
        Assert.Equal(Senseless, Go(auth, B(new string('u', Credentials.Longest + 1))));
    }

    [Fact]
    public void AnEmptyResponseIsWrittenAsAnEqualsSign()
    {
        Assert.Equal(Senseless, Begin(New(), "PLAIN ="));
        Assert.Equal(Senseless, Begin(New(), "LOGIN ="));
        Assert.Equal("334 ", Begin(New(), "PLAIN "));
    }

    // variables, encrypted, what is offered
    [Theory]
    [InlineData("", "SCRAM-SHA-256 CRAM-MD5")]
    [InlineData("AUTH_WITHOUT_TLS", "SCRAM-SHA-256 CRAM-MD5 PLAIN LOGIN")]
    [InlineData("AUTH_WITHOUT_TLS SECURE_AUTH", "SCRAM-SHA-256 CRAM-MD5")]
    [InlineData("AUTH_WITHOUT_TLS DISABLE_AUTH_LOGIN DISABLE_CRAM_MD5", "SCRAM-SHA-256 PLAIN")]
    [InlineData("DISABLE_SCRAM_SHA256 DISABLE_CRAM_MD5", "")]
    public void OffersWhatIsAllowed(string variables, string offered) =>
        Assert.Equal(offered, string.Join(' ', New(variables: variables).Mechanisms));

    [Fact]
    public void PasswordsDoNotTravelInTheClear()
    {
        ServerAuthentication auth = New(variables: "");
        const string Encrypt = "538 encryption required for requested authentication mechanism (#5.7.11)";
        Assert.Equal(Encrypt, Begin(auth, "PLAIN " + B("\0tim\0secret")));
        Assert.Equal(Encrypt, Begin(auth, "LOGIN"));
        Assert.Equal("504 auth type unimplemented (#5.5.1)", Begin(auth, "XOAUTH2"));
        Assert.Equal("504 auth type unimplemented (#5.5.1)", Begin(auth, ""));
        Assert.Equal("504 auth type unimplemented (#5.5.1)", Begin(New(variables: "DISABLE_AUTH_PLAIN"), "PLAIN"));
        string none = "DISABLE_SCRAM_SHA256 DISABLE_CRAM_MD5 DISABLE_AUTH_PLAIN DISABLE_AUTH_LOGIN";
        Assert.Equal("503 auth not available (#5.3.3)", Begin(New(variables: none), "PLAIN"));
    }

    [Fact]
    public void FailuresTakeTheirTimeAndTheirNumberIsLimited()
    {
        ServerAuthentication auth = New(delay: 1000);
        long now = Clocks.BoottimeMilliseconds;
        for (int failure = 1; failure <= 5; failure++)
        {
            AuthReply reply = auth.Begin(Latin1.Bytes("PLAIN " + B("\0tim\0wrong")));
            Assert.InRange(reply.NotBefore - now, 1000 << (failure - 1), (1000 << (failure - 1)) + 20_000);
            Assert.Equal(failure == 5, reply.HangUp);
            Assert.Equal(failure < 5 ? No : "421 too many failed authentications (#4.7.0)", reply.Text);
            Assert.Equal("tim", auth.Claimed);
        }
    }

    [Fact]
    public void WhatCannotBeFoundOutIsNoFailure()
    {
        KnownPasswords broken = KnownPasswords.Of("tim", "secret");
        broken.WhenRight = LoginResult.Unavailable;
        ServerAuthentication auth = New(broken);
        AuthReply reply = auth.Begin(Latin1.Bytes("PLAIN " + B("\0tim\0secret")));
        Assert.Equal(new AuthReply("454 temporary authentication failure (#4.7.0)"), reply);
        Assert.Null(auth.User);
    }

    [Fact]
    public void SomeMayLogInAndNotRelay()
    {
        KnownPasswords source = KnownPasswords.Of("tim", "secret");
        source.WhenRight = LoginResult.AcceptedWithoutRelay;
        ServerAuthentication auth = New(source);
        Assert.Equal(Yes, Begin(auth, "PLAIN " + B("\0tim\0secret")));
        Assert.False(auth.MayRelay);
    }

    [Fact]
    public void WhateverComesIsAnswered() =>
        Prop.ForAll(Arb.From(Gen.Choose(0, 255).Select(n => (byte)n).ArrayOf().ArrayOf()), lines =>
        {
            ServerAuthentication auth = New();
            string[] mechanisms = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"];
            int turn = 0;
            foreach (byte[] line in lines)
            {
                byte[] sent = line.Length % 2 == 0 ? line : Latin1.Bytes(Convert.ToBase64String(line));
                AuthReply reply = auth.InProgress ? auth.Continue(sent)
                    : auth.Begin([.. Latin1.Bytes(mechanisms[turn++ % mechanisms.Length]), .. line.Length % 3 == 0 ? " "u8 : [], .. sent]);
                Assert.Matches("^(334|421|500|501|503|504|535) ", reply.Text);
                Assert.DoesNotContain('\n', reply.Text);
                Assert.Null(auth.User);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void ManyAtOnce() => Parallel.For(0, 50, i =>
    {
        ServerAuthentication auth = New();
        Assert.Equal(i % 2 == 0 ? Yes : No, Begin(auth, "PLAIN " + B("\0tim\0" + (i % 2 == 0 ? "secret" : "wrong"))));
    });
}
