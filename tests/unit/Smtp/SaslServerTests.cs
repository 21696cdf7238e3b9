using System;
using System.Collections.Generic;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Smtp;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Smtp;

/// <summary>Users and passwords in memory.</summary>
internal sealed class KnownPasswords : PasswordSource
{
    internal Dictionary<string, byte[]> Users { get; } = [];
    internal LoginResult WhenRight { get; set; } = LoginResult.Accepted;
    internal byte[]? Salt { get; set; }
    internal int Asked { get; private set; }

    public override bool HasCram => true;
    public override bool HasScram => true;

    internal static KnownPasswords Of(string user, string password) =>
        new() { Users = { [user] = Latin1.Bytes(password) } };

    public override LoginVerdict CheckPassword(string user, ReadOnlySpan<byte> password)
    {
        Asked++;
        return Verdict(Users.TryGetValue(user, out byte[]? known) && password.SequenceEqual(known));
    }

    public override LoginVerdict CheckCram(string user, ReadOnlySpan<byte> challenge, ReadOnlySpan<byte> digest)
    {
        Asked++;
        return Verdict(Users.TryGetValue(user, out byte[]? known)
            && Latin1.String(digest) == Hex.Of(Qmta.Tls.Digests.Hmac("MD5", known, challenge)));
    }

    public override ScramVerifier? FindScram(string user, out string detail)
    {
        Asked++;
        detail = "";
        byte[] password = Users.TryGetValue(user, out byte[]? known) ? known : [0];
        PasswordEntry entry = PasswordEntry.Parse(PasswordEntry.ScramLine("x", known ?? "nobody's"u8, 4096, Salt));
        return new ScramVerifier(entry.Iterations, entry.Salt, () => (entry.Stored, password[0] == 0 ? new byte[32] : entry.Server));
    }

    private LoginVerdict Verdict(bool right) => new(right ? WhenRight : LoginResult.Refused);
}

/// <summary>The server's side of the mechanisms.</summary>
public class SaslServerTests
{
    private static readonly Func<string, byte[]?> Unbound = _ => null;

    private static string Said(SaslTurn turn) => Latin1.String(Assert.IsType<byte[]>(turn.Challenge));

    private static LoginResult Ended(SaslTurn turn)
    {
        Assert.Null(turn.Challenge);
        return Assert.NotNull(turn.Verdict).Result;
    }

    private static SaslTurn Take(SaslServerMechanism server, string response) => server.Take(Latin1.Bytes(response));

    [Theory] // RFC 4616 4
    [InlineData("\0tim\0tanstaaftanstaaf", LoginResult.Accepted)]
    [InlineData("tim\0tim\0tanstaaftanstaaf", LoginResult.Accepted)]
    [InlineData("Ursel\0tim\0tanstaaftanstaaf", LoginResult.Refused)]
    [InlineData("\0tim\0tanstaaftanstaa", LoginResult.Refused)]
    [InlineData("\0Tim\0tanstaaftanstaaf", LoginResult.Refused)]
    public void Plain(string response, LoginResult result)
    {
        SaslServerPlain server = new(KnownPasswords.Of("tim", "tanstaaftanstaaf"));
        Assert.Empty(server.Opening());
        Assert.Equal(result, Ended(Take(server, response)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("tim")]
    [InlineData("\0tim")]
    [InlineData("\0\0secret")]
    [InlineData("\0tim\0")]
    [InlineData("\0tim\0secret\0")]
    [InlineData("\0tim\nADMIN\0secret")]
    [InlineData("\0\x7F\0secret")]
    public void PlainThatMakesNoSense(string response)
    {
        KnownPasswords source = KnownPasswords.Of("tim", "secret");
        Assert.Equal(SaslTurn.Malformed, Take(new SaslServerPlain(source), response));
        Assert.Equal(0, source.Asked);
    }

    [Fact]
    public void Login()
    {
        SaslServerLogin server = new(KnownPasswords.Of("tim", "s\u00E9cret"));
        Assert.Equal("Username:", Latin1.String(server.Opening()));
        Assert.Equal("Password:", Said(Take(server, "tim")));
        Assert.Equal(LoginResult.Accepted, Ended(Take(server, "s\u00E9cret")));
        Assert.Equal("tim", server.User);
        Assert.Equal(SaslTurn.Malformed, Take(new SaslServerLogin(new KnownPasswords()), ""));
        Assert.Equal(SaslTurn.Malformed, Take(new SaslServerLogin(new KnownPasswords()), "a\0b"));
    }

    [Theory] // RFC 2195 2
    [InlineData("tim b913a602c7eda7a495b4e6e7334d3890", LoginResult.Accepted)]
    [InlineData("tim B913A602C7EDA7A495B4E6E7334D3890", LoginResult.Accepted)]
    [InlineData("tim b913a602c7eda7a495b4e6e7334d3891", LoginResult.Refused)]
    [InlineData("tom b913a602c7eda7a495b4e6e7334d3890", LoginResult.Refused)]
    public void Cram(string response, LoginResult result)
    {
        SaslServerCram server = new(KnownPasswords.Of("tim", "tanstaaftanstaaf"), "<1896.697170952@postoffice.reston.mci.net>");
        Assert.False(server.TakesInitialResponse);
        Assert.Equal("<1896.697170952@postoffice.reston.mci.net>", Latin1.String(server.Opening()));
        Assert.Equal(result, Ended(Take(server, response)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("tim")]
    [InlineData(" b913a602c7eda7a495b4e6e7334d3890")]
    [InlineData("tim b913a602c7eda7a495b4e6e7334d389")]
    [InlineData("tim b913a602c7eda7a495b4e6e7334d389g")]
    [InlineData("t\0im b913a602c7eda7a495b4e6e7334d3890")]
    public void CramThatMakesNoSense(string response) =>
        Assert.Equal(SaslTurn.Malformed, Take(new SaslServerCram(KnownPasswords.Of("tim", "x"), "<1@a>"), response));

    [Fact] // RFC 7677 3
    public void ScramSha256()
    {
        KnownPasswords source = KnownPasswords.Of("user", "pencil");
        source.Salt = Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ==");
        SaslServerScram server = new(source, false, false, Unbound, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
        Assert.Equal("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            Said(Take(server, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO")));
        Assert.Equal("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            Said(Take(server, "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                + "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")));
        Assert.Equal(LoginResult.Accepted, Ended(Take(server, "")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("n,,n=user")]
    [InlineData("n,,r=nonce,n=user")]
    [InlineData("x,,n=user,r=nonce")]
    [InlineData("n,user,n=user,r=nonce")]
    [InlineData("n,,m=ext,n=user,r=nonce")]
    [InlineData("n,,n=,r=nonce")]
    [InlineData("n,,n=us=er,r=nonce")]
    [InlineData("n,,n=us\0er,r=nonce")]
    [InlineData("n,,n=user,r=")]
    [InlineData("n,,n=user,r=a b")]
    [InlineData("p=tls-exporter,,n=user,r=nonce")]
    public void ScramThatMakesNoSense(string first) =>
        Assert.Equal(SaslTurn.Malformed, Take(new SaslServerScram(KnownPasswords.Of("user", "x"), false, false, Unbound), first));

    [Theory]
    [InlineData("c=biws,r=NONCE,p=AAAA")] // no hash is that short
    [InlineData("c=biws,r=NONCE")]
    [InlineData("c=%%%%,r=NONCE,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("r=NONCE,c=biws,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("")]
    public void ScramThatEndsWithoutSense(string final)
    {
        SaslServerScram server = new(KnownPasswords.Of("user", "x"), false, false, Unbound, "ONCE");
        Said(Take(server, "n,,n=user,r=N"));
        Assert.Equal(SaslTurn.Malformed, Take(server, final));
    }

    [Theory]
    [InlineData("c=biws,r=NONCE,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("c=eSws,r=NONCE,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")] // "y,,", which was not said
    [InlineData("c=biws,r=NONCEX,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("c=biws,r=N,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    public void ScramProvesNothing(string final)
    {
        SaslServerScram server = new(KnownPasswords.Of("user", "x"), false, false, Unbound, "ONCE");
        Said(Take(server, "n,,n=user,r=N"));
        Assert.Equal(LoginResult.Refused, Ended(Take(server, final)));
    }

    // what binds the client's channel, the server's, whether -PLUS is used, offered; whether that can succeed
    [Theory]
    [InlineData("tls-exporter", "tls-exporter", 1, 1, true, true, true)]
    [InlineData("tls-unique", "tls-unique", 1, 1, true, true, true)]
    [InlineData("tls-exporter", "tls-exporter", 1, 2, true, true, false)] // somebody stands in the middle
    [InlineData("tls-unique", "tls-exporter", 1, 1, true, true, false)]
    [InlineData("", "tls-exporter", 1, 1, false, true, true)] // the client cannot
    [InlineData("tls-exporter", "", 1, 1, false, false, true)] // the server cannot
    [InlineData("tls-exporter", "tls-exporter", 1, 1, false, true, false)] // the offer was taken out on the way
    public void ScramBindsChannels(string clientType, string serverType, byte client, byte server, bool plus, bool offered, bool succeeds)
    {
        SaslChannel channel = clientType.Length > 0 ? new(true, clientType, [client]) : SaslChannel.Plain;
        string name = plus ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256";
        SaslScram near = new(name, "SHA256", new Credentials("u", "p"), channel, plusOffered: plus);
        SaslServerScram far = new(KnownPasswords.Of("u", "p"), plus, offered, type => type == serverType ? [server] : null);
        Assert.Equal(succeeds ? LoginResult.Accepted : LoginResult.Refused, Converse(near, far));
    }

    private static LoginResult Converse(SaslMechanism client, SaslServerMechanism server)
    {
        SaslTurn turn = client.Start() is byte[] first ? server.Take(first) : SaslTurn.Ask(server.Opening());
        while (turn.Challenge is byte[] challenge) turn = server.Take(client.Answer(challenge));
        LoginResult result = Assert.NotNull(turn.Verdict).Result;
        if (result == LoginResult.Accepted) Assert.Null(client.Unproven);
        return result;
    }

    private static readonly Gen<string> Words =
        Gen.Choose(' ', 255).Where(n => n != 0x7F).Select(n => (char)n).NonEmptyListOf().Select(chars => new string([.. chars]));

    private static readonly Gen<byte[]> Bytes = Gen.Choose(0, 255).Select(n => (byte)n).ArrayOf();

    [Fact]
    public void ClientAndServerAgree() =>
        Prop.ForAll(Arb.From(Gen.Zip(Words, Gen.Zip(Words, Words))), given =>
        {
            (string name, (string secret, string wrong)) = given;
            foreach (string tried in new[] { secret, wrong })
            {
                KnownPasswords source = KnownPasswords.Of(name, secret);
                Credentials credentials = new(name, tried);
                LoginResult expected = tried == secret ? LoginResult.Accepted : LoginResult.Refused;
                Assert.Equal(expected, Converse(new SaslPlain(credentials), new SaslServerPlain(source)));
                Assert.Equal(expected, Converse(new SaslLogin(credentials), new SaslServerLogin(source)));
                Assert.Equal(expected, Converse(new SaslCram("CRAM-MD5", "MD5", credentials), new SaslServerCram(source, "<1@a>")));
                Assert.Equal(expected, Converse(new SaslScram("SCRAM-SHA-256", "SHA256", credentials, SaslChannel.Plain, false),
                    new SaslServerScram(source, false, false, Unbound)));
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(30));

    [Fact]
    public void NothingIsBelievedThatIsNotRight() =>
        Prop.ForAll(Arb.From(Bytes.Three()), given =>
        {
            KnownPasswords source = KnownPasswords.Of("u", "a rather long password");
            SaslServerMechanism[] servers =
            [
                new SaslServerPlain(source), new SaslServerLogin(source), new SaslServerCram(source, "<1@a>"),
                new SaslServerScram(source, false, false, Unbound), new SaslServerScram(source, true, true, _ => [1]),
            ];
            foreach (SaslServerMechanism server in servers)
                foreach (byte[] response in new[] { given.Item1, given.Item2, given.Item3 })
                {
                    SaslTurn turn = server.Take(response);
                    if (turn.Challenge != null) continue;
                    Assert.True(turn.Verdict is not { Result: not LoginResult.Refused });
                    break;
                }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
}
