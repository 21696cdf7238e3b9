using System;
using System.Collections.Generic;
using System.Linq;
using Qmta.Smtp;
using Xunit;

namespace Qmta.Tests.Smtp;

public class SaslPolicyTests
{
    private static readonly string[] All =
    [
        "LOGIN", "PLAIN", "CRAM-MD5", "DIGEST-MD5", "CRAM-SHA1", "CRAM-SHA256", "SCRAM-SHA-1", "SCRAM-SHA-256", "XOAUTH2",
        "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "GSSAPI",
    ];

    private static readonly SaslChannel Tls = new(true, "tls-exporter", [1]);

    [Fact]
    public void StrongestFirst() => Assert.Equal(
        ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-SHA256", "CRAM-SHA1", "DIGEST-MD5",
            "CRAM-MD5", "PLAIN", "LOGIN"], Choose(Tls));

    [Fact]
    public void WithoutTlsNoPasswordAndNoBinding() => Assert.Equal(
        ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-SHA256", "CRAM-SHA1", "DIGEST-MD5", "CRAM-MD5"], Choose(SaslChannel.Plain));

    [Fact]
    public void WithoutTlsThePasswordWhereTheRouteAllowsIt()
    {
        Assert.Equal(["PLAIN", "LOGIN"], Choose(SaslChannel.Plain, clear: true)[^2..]);
        Assert.Equal("CRAM-MD5", Choose(SaslChannel.Plain, clear: true, "SECURE_AUTH=")[^1]);
        Assert.Equal("LOGIN", Choose(Tls, clear: false, "SECURE_AUTH=")[^1]);
    }

    [Theory]
    [InlineData("AUTH_SMTP=cram-md5", "CRAM-MD5")]
    [InlineData("AUTH_SMTP=SCRAM-SHA256", "SCRAM-SHA-256")]
    [InlineData("AUTH_SMTP=LOGIN, plain", "LOGIN PLAIN")]
    [InlineData("AUTH_SMTP=CRAM-SHA512", "")] // not offered
    public void AsWished(string variable, string expected) =>
        Assert.Equal(expected, string.Join(' ', Choose(Tls, false, variable)));

    [Fact]
    public void AnEmptyWishIsNone() => Assert.Equal(10, Choose(Tls, false, "AUTH_SMTP=").Count);

    [Fact]
    public void RuledOut() => Assert.Equal(["SCRAM-SHA-1", "CRAM-SHA256", "CRAM-SHA1", "LOGIN"],
        Choose(Tls, false, "DISABLE_SCRAM_SHA256=", "DISABLE_SCRAM_SHA1_PLUS=", "DISABLE_SCRAM_SHA256_PLUS=1",
            "DISABLE_DIGEST_MD5=", "DISABLE_CRAM_MD5=", "DISABLE_AUTH_PLAIN="));

    [Fact]
    public void UnknownWish()
    {
        FormatException e = Assert.Throws<FormatException>(() => Choose(Tls, false, "AUTH_SMTP=CRAM-MD6"));
        Assert.Contains("CRAM-MD6", e.Message);
    }

    [Theory]
    [InlineData(64, "SCRAM-SHA-256-PLUS SCRAM-SHA-256")]
    [InlineData(40, "SCRAM-SHA-1-PLUS SCRAM-SHA-1")]
    [InlineData(10, "")]
    public void ASaltedPasswordIsForItsOwnMechanism(int digits, string expected)
    {
        Credentials salted = new("joe", new string('a', digits), salted: true);
        Assert.Equal(expected, string.Join(' ', Choose(Tls, salted, false, [])));
    }

    [Theory]
    [InlineData("", "x")]
    [InlineData("x", "")]
    [InlineData("a\0b", "x")]
    [InlineData("x", "Secr3t\0")]
    public void UnusableCredentials(string user, string password)
    {
        FormatException e = Assert.Throws<FormatException>(() => new Credentials(user, password));
        Assert.DoesNotContain("Secr3t", e.Message);
    }

    [Fact]
    public void CredentialsShowNothing()
    {
        Credentials credentials = new("joe", "Secr3t");
        Assert.DoesNotContain("Secr3t", credentials.ToString());
        Assert.Throws<FormatException>(() => new Credentials("joe", "xyz0", salted: true));
        Assert.Throws<FormatException>(() => new Credentials("joe", "abc", salted: true));
        Assert.Throws<FormatException>(() => new Credentials("joe", new string('a', 1025)));
    }

    [Fact]
    public void CredentialsAreEqualInBothParts()
    {
        Assert.Equal(new Credentials("a", "b"), new Credentials("a", "b"));
        Assert.Equal(new Credentials("a", "b").GetHashCode(), new Credentials("a", "b").GetHashCode());
        Assert.NotEqual(new Credentials("a", "b"), new Credentials("a", "c"));
        Assert.NotEqual(new Credentials("a", "b"), new Credentials("c", "b"));
        Assert.NotEqual(new Credentials("a", "bb"), new Credentials("a", "bb", salted: true));
    }

    private static List<string> Choose(SaslChannel channel, bool clear = false, params string[] variables) =>
        Choose(channel, new Credentials("joe", "Secr3t"), clear, variables);

    private static List<string> Choose(SaslChannel channel, Credentials credentials, bool clear, string[] variables)
    {
        string? Variable(string name) =>
            variables.Where(v => v.StartsWith(name + "=", StringComparison.Ordinal)).Select(v => v[(name.Length + 1)..]).FirstOrDefault();
        return SaslPolicy.Read(Variable, clear).Choose(All, credentials, channel, "mail.example")
            .Select(create => create().Name).ToList();
    }
}
