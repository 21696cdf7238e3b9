using System;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Posix;

public sealed class RegularExpressionTests
{
    [Theory]
    [InlineData("^joe@", "JOE@example.org", true)]
    [InlineData("(a|b)+c$", "xabbac", true)]
    [InlineData("a{3}", "aa", false)]
    [InlineData("", "anything", true)]
    [InlineData("\xE4", "a\xE4", true)]
    [InlineData("^$", "", true)]
    public void Matching(string pattern, string text, bool matches)
    {
        using RegularExpression expression = new(pattern);
        Assert.Equal(matches, expression.Matches(text));
        Assert.Equal(matches, expression.Matches(text));
    }

    [Theory]
    [InlineData("(")]
    [InlineData("[a")]
    [InlineData("*(")]
    public void WhatIsNone(string pattern) =>
        Assert.StartsWith("\"" + pattern + "\" is no regular expression: ", Assert.Throws<FormatException>(() => new RegularExpression(pattern)).Message);

    [Fact]
    public void AfterItsEndItSaysSo()
    {
        RegularExpression expression = new("a");
        expression.Dispose();
        expression.Dispose();
        Assert.Throws<ObjectDisposedException>(() => expression.Matches("a"));
    }
}
