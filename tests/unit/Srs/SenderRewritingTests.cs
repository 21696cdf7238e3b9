using System;
using System.Linq;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Srs;
using Xunit;

namespace Qmta.Tests.Srs;

public sealed class SenderRewritingTests
{
    // a moment in 2026
    private const long Now = 1_795_158_000;
    private const long Day = 86400;

    private static SenderRewriting Srs(string secret = "tester", int length = 4, int min = 4, char separator = '=', bool always = false,
        string domain = "srs.example.org") => new()
        {
            Domain = domain,
            Secrets = secret.Split('|'),
            HashLength = length,
            HashMin = min,
            Separator = separator,
            AlwaysRewrites = always,
            OwnDomains = ["example.org", ".example.net"],
        };

    [Theory]
    [InlineData("")]
    [InlineData("#@[]")]
    [InlineData("list-@example.com-@[]")]
    [InlineData("joe")]
    [InlineData("joe@example.org")]
    [InlineData("joe@EXAMPLE.org")]
    [InlineData("joe@a.example.net")]
    [InlineData("SRS0=abcd=AA=x.example=joe@srs.example.org")]
    public void TheseStayAsTheyAre(string sender) => Assert.Equal(sender, Srs().Forward(sender, Now));

    [Fact]
    public void OwnDomainsAreRewrittenWhenAllAre() =>
        Assert.StartsWith("SRS0=", Srs(always: true).Forward("joe@example.org", Now));

    [Theory]
    [InlineData('=')]
    [InlineData('-')]
    [InlineData('+')]
    public void AddressHasHashStampHostAndUser(char separator) =>
        Assert.Matches(@"^SRS0\" + separator + @"[A-Za-z0-9+/]{4}=[A-Z2-7]{2}=example\.com=joe@srs\.example\.org$",
            Srs(separator: separator).Forward("joe@example.com", Now));

    // The figures come from Python's hmac and base64: HMAC-SHA1("tester", lower(stamp + host + user)).
    [Fact]
    public void HashIsThatOfOtherImplementations()
    {
        long stamp = 20777 * Day; // day 20777 % 1024 = 297 = 9 * 32 + 9: "JJ"
        Assert.Equal("SRS0=mEMA=JJ=Example.COM=Joe@srs.example.org", Srs().Forward("Joe@Example.COM", stamp));
    }

    [Fact]
    public void ForwardedTwiceTheFirstForwarderStaysWhole()
    {
        SenderRewriting first = Srs("one", domain: "first.example"), second = Srs("two", domain: "second.example"), third = Srs("three", domain: "third.example");
        string once = first.Forward("joe@example.com", Now);
        string twice = second.Forward(once, Now);
        string thrice = third.Forward(twice, Now);
        Assert.StartsWith("SRS1=", twice);
        Assert.EndsWith("@third.example", thrice);
        Assert.Contains("=first.example=" + once[4..once.IndexOf('@')] + "@", thrice);
        // third sends a bounce to first directly, not to second
        string? back = third.Reverse(thrice, Now, out _);
        Assert.Equal(once, back);
        Assert.Equal("joe@example.com", first.Reverse(back!, Now, out _));
    }

    [Fact]
    public void ReverseUndoesForward() => Prop.ForAll(
        Gen.Elements("joe@example.com", "a=b@x.example", "Joe.Doe+ext@sub.Example.COM", "\"a b\"@x.example", "SRS0=abcd=AB=h.example=u@other.example",
            "srs1-h=first.example=+abcd=AB=h=u@other.example").Zip(Gen.Choose(0, 7)).ToArbitrary(),
        pair =>
        {
            string rewritten = Srs().Forward(pair.Item1, Now);
            string? back = Srs().Reverse(rewritten, Now + pair.Item2 * Day, out string reason);
            // An address that was rewritten before comes back as the first forwarder's.
            return rewritten.StartsWith("SRS1") ? back!.StartsWith("SRS0") : back == pair.Item1 && reason == "";
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void CaseOnTheWayDoesNotMatter()
    {
        string rewritten = Srs().Forward("joe@example.com", Now);
        Assert.Equal("joe@example.com", Srs().Reverse(rewritten.ToLowerInvariant(), Now, out _));
        Assert.Equal("JOE@EXAMPLE.COM", Srs().Reverse(rewritten.ToUpperInvariant(), Now, out _));
    }

    [Fact]
    public void AgeIsLimitedAlsoWhereTheDayCounterWraps()
    {
        for (long day = 1010; day < 1040; day++)
        {
            string rewritten = Srs().Forward("joe@example.com", day * Day);
            Assert.NotNull(Srs().Reverse(rewritten, (day + 21) * Day, out _));
            Assert.Null(Srs().Reverse(rewritten, (day + 22) * Day, out string reason));
            Assert.Contains("expired", reason);
            Assert.Null(Srs().Reverse(rewritten, (day - 1) * Day, out _));
        }
    }

    [Fact]
    public void OldSecretsAreStillAccepted()
    {
        string old = Srs("old").Forward("joe@example.com", Now);
        Assert.Equal("joe@example.com", Srs("new|old").Reverse(old, Now, out _));
        Assert.NotEqual(old, Srs("new|old").Forward("joe@example.com", Now));
        Assert.Null(Srs("new").Reverse(old, Now, out string reason));
        Assert.Contains("hash", reason);
    }

    [Fact]
    public void ShorterHashesAreAcceptedDownToTheMinimum()
    {
        string four = Srs(length: 4).Forward("joe@example.com", Now);
        Assert.NotNull(Srs(length: 8, min: 4).Reverse(four, Now, out _));
        Assert.Null(Srs(length: 8, min: 5).Reverse(four, Now, out _));
        Assert.NotNull(Srs(length: 4).Reverse(Srs(length: 26).Forward("joe@example.com", Now), Now, out _));
    }

    [Theory]
    [InlineData("joe@srs.example.org", "not an SRS")]
    [InlineData("SRS0=@srs.example.org", "not an SRS")]
    [InlineData("SRS0=x@srs.example.org", "incomplete")]
    [InlineData("SRS0=abcd=AA=host@srs.example.org", "incomplete")]
    [InlineData("SRS0=abcd=AA==user@srs.example.org", "incomplete")]
    [InlineData("SRS0=abcd=A1=host=user@srs.example.org", "expired")]
    [InlineData("SRS1=abcd=host=user@srs.example.org", "hash")]
    [InlineData("SRS2=abcd=host=user@srs.example.org", "not an SRS")]
    public void NotOurs(string address, string why)
    {
        Assert.Null(Srs().Reverse(address, Now, out string reason));
        Assert.Contains(why, reason);
    }

    [Fact]
    public void EveryChangedCharacterIsNoticed()
    {
        string rewritten = Srs(length: 20, min: 20).Forward("joe@example.com", Now);
        int end = rewritten.IndexOf('@');
        for (int i = 5; i < end; i++)
        {
            string changed = rewritten[..i] + (char.ToLowerInvariant(rewritten[i]) == 'x' ? 'y' : 'x') + rewritten[(i + 1)..];
            Assert.Null(Srs(length: 20, min: 20).Reverse(changed, Now, out _));
        }
    }
}
