using System;
using System.Linq;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Text;

public sealed class Latin1Tests
{
    private static readonly string All = new([.. Enumerable.Range(0, 256).Select(n => (char)n)]);

    [Fact]
    public void BytesSurviveTheWayThroughAString() =>
        Prop.ForAll<byte[]>(bytes => Latin1.Bytes(Latin1.String(bytes)).SequenceEqual(bytes)).QuickCheckThrowOnFailure();

    [Fact]
    public void OneCharIsOneByte() => Assert.Equal(Enumerable.Range(0, 256).Select(n => (byte)n), Latin1.Bytes(All));

    [Fact]
    public void OnlyAsciiLettersHaveCase()
    {
        string lower = Latin1.Lower(All);
        for (int i = 0; i < 256; i++) Assert.Equal(i is >= 'A' and <= 'Z' ? i + 32 : i, lower[i]);
        for (int i = 0; i < 256; i++)
            for (int j = 0; j < 256; j++)
                Assert.Equal(lower[i] == lower[j], Latin1.EqualsIgnoreCase(All.AsSpan(i, 1), All.AsSpan(j, 1)));
        Assert.False(Latin1.EqualsIgnoreCase("a", "aa"));
        Assert.True(Latin1.EqualsIgnoreCase("", ""));
    }
}
