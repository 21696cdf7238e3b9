using System;
using Qmta.Queue;
using Xunit;

namespace Qmta.Tests.Queue;

public sealed class ExtraHeaderTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("X-A: b", "X-A: b\n")]
    [InlineData("X-A: b\n", "X-A: b\n")]
    [InlineData("X-A: b\r\n", "X-A: b\n")]
    [InlineData("X-A:\nX-B:c", "X-A:\nX-B:c\n")]
    [InlineData("X-A: b\n c\n\td\nX-B : e\n", "X-A: b\n c\n\td\nX-B : e\n")]
    [InlineData("X-A: \xE4\xFF", "X-A: \xE4\xFF\n")]
    public void HeaderLinesAreKept(string text, string lines) => Assert.Equal(lines, ExtraHeader.Lines(text));

    [Theory]
    [InlineData("\n")]
    [InlineData("X-A: b\n\nbody")]
    [InlineData("X-A: b\n\n")]
    [InlineData("X-A: b\r\n\r\nbody")]
    [InlineData("no field")]
    [InlineData(": no name")]
    [InlineData(" X-A: b")]
    [InlineData("X A: b")]
    [InlineData("X-\xE4: b")]
    [InlineData("X-A: b\n \t\nX-B: c")]
    [InlineData("X-A: b\rX-B: c")]
    [InlineData("X-A: b\0")]
    public void WhatWouldEndTheHeaderIsNot(string text) => Assert.Null(ExtraHeader.Lines(text));

    [Fact]
    public void TheLengthIsLimited()
    {
        string longest = "X: " + new string('x', ExtraHeader.Longest - 4) + "\n";
        Assert.Equal(longest, ExtraHeader.Lines(longest));
        Assert.Equal(longest, ExtraHeader.Lines(longest[..^1]));
        Assert.Null(ExtraHeader.Lines(longest[..^1] + "x"));
        Assert.Null(ExtraHeader.Lines(new string('x', 1 << 20)));
    }
}
