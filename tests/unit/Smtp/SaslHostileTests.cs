using System;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Smtp;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Smtp;

/// <summary>Challenges that no honest server sends.</summary>
public class SaslHostileTests
{
    private static readonly Credentials Joe = new("joe", "Secr3t");

    [Theory]
    [InlineData("")]
    [InlineData("r=")]
    [InlineData("r=other,s=QSXCR+Q6sek8bf92,i=4096")] // not our nonce
    [InlineData("r=nonce,s=QSXCR+Q6sek8bf92,i=4096")] // nothing added to it
    [InlineData("s=QSXCR+Q6sek8bf92,i=4096")]
    [InlineData("r=nonce1,i=4096")]
    [InlineData("r=nonce1,s=,i=4096")]
    [InlineData("r=nonce1,s=!!!,i=4096")]
    [InlineData("r=nonce1,s=QSXCR+Q6sek8bf92")]
    [InlineData("r=nonce1,s=QSXCR+Q6sek8bf92,i=")]
    [InlineData("r=nonce1,s=QSXCR+Q6sek8bf92,i=0")]
    [InlineData("r=nonce1,s=QSXCR+Q6sek8bf92,i=1")]
    [InlineData("r=nonce1,s=QSXCR+Q6sek8bf92,i=-4096")]
    [InlineData("r=nonce1,s=QSXCR+Q6sek8bf92,i=2000001")]
    [InlineData("r=nonce1,s=QSXCR+Q6sek8bf92,i=2147483648")]
    [InlineData("r=nonce1,s=QSXCR+Q6sek8bf92,i=99999999999999999999")]
    [InlineData("m=ext,r=nonce1,s=QSXCR+Q6sek8bf92,i=4096")]
    [InlineData("i=4096,s=QSXCR+Q6sek8bf92,r=nonce1")]
    [InlineData(",,,,,,,")]
    [InlineData("\0\0\0")]
    public void ScramRefusesChallenge(string challenge)
    {
        SaslScram scram = Scram();
        AssertRefused(scram, challenge);
        Assert.NotNull(scram.Unproven);
    }

    [Theory]
    [InlineData("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", "proof")]
    [InlineData("v=", "proof")]
    [InlineData("v=!", "proof")]
    [InlineData("", "challenge")]
    [InlineData("x=y", "proof")]
    [InlineData("e=invalid-proof", "invalid-proof")]
    [InlineData("e=a\nb\xFF", "a?b?")]
    public void ScramKnowsAnImpostor(string final, string says)
    {
        SaslScram scram = Scram();
        SaslExampleTests.Answer(scram, "r=nonce1,s=QSXCR+Q6sek8bf92,i=4096");
        SaslException e = Assert.Throws<SaslException>(() => scram.Answer(Latin1.Bytes(final)));
        Assert.Contains(says, e.Message);
        Assert.NotNull(scram.Unproven);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonce")]
    [InlineData("qop=\"auth\",algorithm=md5-sess")]
    [InlineData("nonce=\"\",algorithm=md5-sess")]
    [InlineData("nonce=\"a\",nonce=\"b\",algorithm=md5-sess")]
    [InlineData("nonce=\"a\"")]
    [InlineData("nonce=\"a\",algorithm=md5")]
    [InlineData("nonce=\"a\",algorithm=md5-sess,qop=\"auth-int,auth-conf\"")]
    [InlineData("nonce=\"a,algorithm=md5-sess")]
    [InlineData("nonce=\"a\\")]
    [InlineData("nonce=\"a\"x,algorithm=md5-sess")]
    [InlineData("\0\0\0")]
    [InlineData(",,,,")]
    [InlineData("rspauth=ea40f60335c427b5527b84dbabcdfffd")]
    public void DigestRefusesChallenge(string challenge)
    {
        SaslDigestMd5 digest = new(Joe, "smtp/h", "cnonce");
        AssertRefused(digest, challenge);
        Assert.NotNull(digest.Unproven);
    }

    [Theory]
    [InlineData("rspauth=ea40f60335c427b5527b84dbabcdfffd")]
    [InlineData("rspauth=")]
    [InlineData("nonce=\"a\",algorithm=md5-sess")]
    [InlineData("")]
    public void DigestKnowsAnImpostor(string proof)
    {
        SaslDigestMd5 digest = new(Joe, "smtp/h", "cnonce");
        SaslExampleTests.Answer(digest, "nonce=\"a\",algorithm=md5-sess");
        AssertRefused(digest, proof);
        Assert.NotNull(digest.Unproven);
    }

    [Fact]
    public void DigestChoosesTheRealmOfTheUsersDomain()
    {
        SaslDigestMd5 digest = new(new Credentials("joe@b.example", "x"), "smtp/h", "cnonce");
        Assert.Contains(",realm=\"B.example\",",
            SaslExampleTests.Answer(digest, "realm=\"a\",realm=\"B.example\",nonce=\"a\",algorithm=md5-sess"));
    }

    [Fact]
    public void DigestQuotes()
    {
        SaslDigestMd5 digest = new(new Credentials("jo\"e\\", "x"), "smtp/h", "cnonce");
        string answer = SaslExampleTests.Answer(digest, "nonce=\"a\\\"b\\\\\",algorithm=md5-sess");
        Assert.Contains("username=\"jo\\\"e\\\\\"", answer);
        Assert.Contains("nonce=\"a\\\"b\\\\\"", answer);
    }

    [Fact]
    public void LongChallenges()
    {
        string kilobytes = new('a', 65536);
        AssertRefused(Scram(), "r=" + kilobytes);
        AssertRefused(Scram(), new string(',', 65536));
        AssertRefused(new SaslDigestMd5(Joe, "smtp/h"), "nonce=\"" + kilobytes + "\",algorithm=md5-sess");
        Assert.Equal(36, SaslExampleTests.Answer(new SaslCram("CRAM-MD5", "MD5", Joe), kilobytes).Length);
    }

    [Fact]
    public void CramRefusesASecondChallengeAndAnEmptyOne()
    {
        SaslCram cram = new("CRAM-MD5", "MD5", Joe);
        AssertRefused(new SaslCram("CRAM-MD5", "MD5", Joe), "");
        SaslExampleTests.Answer(cram, "x");
        AssertRefused(cram, "x");
    }

    [Fact]
    public void WhateverComesIsAnsweredOrRefusedWithoutTheSecret() => Prop.ForAll<byte[], byte[]>((first, second) =>
    {
        foreach (SaslMechanism mechanism in (SaslMechanism[])[Scram(), new SaslDigestMd5(Joe, "smtp/h")])
        {
            try
            {
                mechanism.Answer(first);
                mechanism.Answer(second);
            }
            catch (SaslException e)
            {
                Assert.DoesNotContain("Secr3t", e.Message);
            }
            Assert.NotNull(mechanism.Unproven);
        }
    }).QuickCheckThrowOnFailure();

    private static SaslScram Scram()
    {
        SaslScram scram = new("SCRAM-SHA-1", "SHA1", Joe, SaslChannel.Plain, false, "nonce");
        _ = scram.Start();
        return scram;
    }

    private static void AssertRefused(SaslMechanism mechanism, string challenge)
    {
        SaslException e = Assert.Throws<SaslException>(() => mechanism.Answer(Latin1.Bytes(challenge)));
        Assert.DoesNotContain("Secr3t", e.Message);
        Assert.DoesNotContain("\n", e.Message);
    }
}
