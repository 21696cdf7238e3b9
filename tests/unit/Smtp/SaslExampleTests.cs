using System;
using Qmta.Smtp;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Smtp;

/// <summary>The examples that the specifications of the mechanisms publish.</summary>
public class SaslExampleTests
{
    [Fact]
    public void Plain() // RFC 4616 4
    {
        SaslPlain plain = new(new Credentials("tim", "tanstaaftanstaaf"));
        Assert.Equal("\0tim\0tanstaaftanstaaf", Latin1.String(plain.Start()));
        Assert.Null(plain.Unproven);
        Assert.Throws<SaslException>(() => plain.Answer([]));
    }

    [Fact]
    public void Login()
    {
        SaslLogin login = new(new Credentials("tim", "s\u00E9cret"));
        Assert.Null(login.Start());
        Assert.Equal("tim", Answer(login, "User Name"));
        Assert.Equal("s\u00E9cret", Answer(login, "Password"));
        Assert.Throws<SaslException>(() => login.Answer([]));
    }

    [Fact]
    public void CramMd5() // RFC 2195 2
    {
        SaslCram cram = new("CRAM-MD5", "MD5", new Credentials("tim", "tanstaaftanstaaf"));
        Assert.Null(cram.Start());
        Assert.Equal("tim b913a602c7eda7a495b4e6e7334d3890", Answer(cram, "<1896.697170952@postoffice.reston.mci.net>"));
    }

    [Theory] // RFC 2202 and 4231, case 2; RFC 2286 2
    [InlineData("CRAM-SHA1", "SHA1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")]
    [InlineData("CRAM-SHA224", "SHA224", "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44")]
    [InlineData("CRAM-SHA256", "SHA256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")]
    [InlineData("CRAM-SHA384", "SHA384", "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
        + "8e2240ca5e69e2c78b3239ecfab21649")]
    [InlineData("CRAM-SHA512", "SHA512", "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
        + "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737")]
    [InlineData("CRAM-RIPEMD", "RIPEMD160", "dda6c0213a485a9e24f4742064a7f033b43c4069")]
    public void CramWithOtherHashes(string name, string hash, string digest)
    {
        SaslCram cram = new(name, hash, new Credentials("joe", "Jefe"));
        Assert.Equal("joe " + digest, Answer(cram, "what do ya want for nothing?"));
    }

    [Fact]
    public void DigestMd5() // RFC 2831 4
    {
        SaslDigestMd5 digest = new(new Credentials("chris", "secret"), "imap/elwood.innosoft.com", "OA6MHXh6VqTrRk");
        Assert.Equal("charset=utf-8,username=\"chris\",realm=\"elwood.innosoft.com\",nonce=\"OA6MG9tEQGm2hh\","
            + "nc=00000001,cnonce=\"OA6MHXh6VqTrRk\",digest-uri=\"imap/elwood.innosoft.com\","
            + "response=d388dad90d4bbd760a152321f2143af7,qop=auth",
            Answer(digest, "realm=\"elwood.innosoft.com\",nonce=\"OA6MG9tEQGm2hh\",qop=\"auth\","
                + "algorithm=md5-sess,charset=utf-8"));
        Assert.NotNull(digest.Unproven);
        Assert.Equal("", Answer(digest, "rspauth=ea40f60335c427b5527b84dbabcdfffd"));
        Assert.Null(digest.Unproven);
    }

    [Fact]
    public void ScramSha1() // RFC 5802 5
    {
        SaslScram scram = new("SCRAM-SHA-1", "SHA1", new Credentials("user", "pencil"), SaslChannel.Plain, false,
            "fyko+d2lbbFgONRv9qkxdawL");
        Assert.Equal("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL", Latin1.String(scram.Start()));
        Assert.Equal("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            Answer(scram, "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"));
        Assert.NotNull(scram.Unproven);
        Assert.Equal("", Answer(scram, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="));
        Assert.Null(scram.Unproven);
    }

    // RFC 7677 3; the same with the password in its salted form, as SALTED_PASSWORD has it.
    [Theory]
    [InlineData("pencil", false)]
    [InlineData("c4a49510323ab4f952cac1fa99441939e78ea74d6be81ddf7096e87513dc615d", true)]
    [InlineData("C4A49510323AB4F952CAC1FA99441939E78EA74D6BE81DDF7096E87513DC615D", true)]
    public void ScramSha256(string password, bool salted)
    {
        SaslScram scram = new("SCRAM-SHA-256", "SHA256", new Credentials("user", password, salted), SaslChannel.Plain,
            false, "rOprNGfwEbeRWgbNEkqO");
        Assert.Equal("n,,n=user,r=rOprNGfwEbeRWgbNEkqO", Latin1.String(scram.Start()));
        Assert.Equal("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            + "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            Answer(scram, "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
        Assert.Equal("", Answer(scram, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        Assert.Null(scram.Unproven);
    }

    [Fact]
    public void ScramBindsTheChannel()
    {
        SaslChannel channel = new(true, "tls-exporter", [1, 2, 255]);
        SaslScram scram = new("SCRAM-SHA-256-PLUS", "SHA256", new Credentials("a=b,c", "x"), channel, true, "nonce");
        Assert.Equal("p=tls-exporter,,n=a=3Db=2Cc,r=nonce", Latin1.String(scram.Start()));
        string final = Answer(scram, "r=nonce2,s=QSXCR+Q6sek8bf92,i=4096");
        byte[] bound = [.. Latin1.Bytes("p=tls-exporter,,"), 1, 2, 255];
        Assert.StartsWith("c=" + Convert.ToBase64String(bound) + ",r=nonce2,p=", final);
    }

    [Theory]
    [InlineData(true, false, "y,,")] // could bind, and the server seems unable: it will notice when that is a lie
    [InlineData(true, true, "n,,")]
    [InlineData(false, false, "n,,")]
    public void ScramTellsWhetherItCouldBind(bool canBind, bool plusOffered, string header)
    {
        SaslChannel channel = canBind ? new(true, "tls-unique", [1]) : SaslChannel.Plain;
        SaslScram scram = new("SCRAM-SHA-1", "SHA1", new Credentials("u", "p"), channel, plusOffered, "nonce");
        Assert.StartsWith(header + "n=", Latin1.String(scram.Start()));
    }

    [Fact]
    public void NoncesAreFresh()
    {
        Credentials credentials = new("u", "p");
        string Nonce() => Latin1.String(new SaslScram("SCRAM-SHA-1", "SHA1", credentials, SaslChannel.Plain, false).Start());
        Assert.NotEqual(Nonce(), Nonce());
        string challenge = "nonce=\"n\",algorithm=md5-sess";
        Assert.NotEqual(Answer(new SaslDigestMd5(credentials, "smtp/h"), challenge),
            Answer(new SaslDigestMd5(credentials, "smtp/h"), challenge));
    }

    internal static string Answer(SaslMechanism mechanism, string challenge) =>
        Latin1.String(mechanism.Answer(Latin1.Bytes(challenge)));
}
