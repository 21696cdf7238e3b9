using System.Linq;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Text;

public sealed class WildcardTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("*", "")]
    [InlineData("*", "anything@at.all")]
    [InlineData("joe@example.org", "Joe@Example.ORG")]
    [InlineData("*@example.org", "joe@example.org")]
    [InlineData("*.yahoo.com", "mail.yahoo.com")]
    [InlineData("*consultant", "a@b.consultant")]
    [InlineData("a*b*c", "a-b-b-c")]
    [InlineData("a*b*c", "abbbcbc")]
    [InlineData("**a**", "bab")]
    [InlineData("j?e", "joe")]
    [InlineData("[a-c]x", "Bx")]
    [InlineData("[^a-c]x", "dx")]
    [InlineData("[]x]", "]")]
    [InlineData("[^]x]", "y")]
    [InlineData("[a-]", "-")]
    [InlineData("\\*", "*")]
    [InlineData("\\[a]", "[a]")]
    [InlineData("[", "[")]
    [InlineData("[^", "[^")]
    [InlineData("[^]", "[^]")]
    [InlineData("a\\", "a\\")]
    [InlineData("\xE4*", "\xE4\xF6")]
    public void Matching(string pattern, string text) => Assert.True(Wildcard.Matches(pattern, text));

    [Theory]
    [InlineData("", "a")]
    [InlineData("?", "")]
    [InlineData("example.org", "mail.example.org")]
    [InlineData("*.yahoo.com", "yahoo.com")]
    [InlineData("*.yahoo.com", "mail.yahoo.com.au")]
    [InlineData("a*b", "a")]
    [InlineData("[a-c]", "d")]
    [InlineData("[^a-c]", "B")]
    [InlineData("[^a]", "")]
    [InlineData("\\*", "x")]
    [InlineData("\xC4", "\xE4")]
    public void NotMatching(string pattern, string text) => Assert.False(Wildcard.Matches(pattern, text));

    [Fact]
    public void StarsCostNoMoreThanTheyMust() =>
        Assert.False(Wildcard.Matches(string.Concat(Enumerable.Repeat("*a", 500)) + "b", new string('a', 20_000)));

    [Fact]
    public void EveryTextIsItsOwnPatternWhenEscaped() =>
        Prop.ForAll<string>(text => text == null || Wildcard.Matches(string.Concat(text.Select(c => "\\" + c)), text)
            && Wildcard.Matches("*" + string.Concat(text.Select(_ => '?')), text)).QuickCheckThrowOnFailure();

    [Fact]
    public void NoPatternBreaksIt()
    {
        Gen<string> text = Gen.Elements('*', '?', '[', ']', '^', '-', '\\', 'a', 'b').ArrayOf().Select(chars => new string(chars));
        Prop.ForAll(Arb.From(Gen.Zip(text, text)), both => Wildcard.Matches(both.Item1, both.Item2) || true)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }
}
