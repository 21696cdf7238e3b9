using System;
using System.IO;
using Qmta.Queue;
using Xunit;

namespace Qmta.Tests.Queue;

public sealed class RateLimitTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-rate").FullName;
    private readonly QueueLayout queue;

    public RateLimitTests()
    {
        queue = new QueueLayout(directory);
        Directory.CreateDirectory(directory + "/ratelimit");
    }

    public void Dispose() => Directory.Delete(directory, true);

    private void Define(string domain, string text) => File.WriteAllText(directory + "/ratelimit/" + domain, text);

    // The figures of the field's own log: 5 messages an hour, counted from second 1000.
    [Theory]
    [InlineData(0, 1006, 1, "0.0000000000", -6)]
    [InlineData(1, 1011, 2, "0.0909090909", 709)]
    [InlineData(1, 1025, 2, "0.0400000000", 695)]
    [InlineData(1, 1721, 2, "0.0013869626", -1)]
    [InlineData(2, 1721, 3, "0.0027739251", 719)]
    [InlineData(2, 2442, 3, "0.0013869626", -2)]
    public void TheNextMessageKeepsTheRate(long count, long now, long ordinal, string current, long seconds)
    {
        Define("slow.example", $"5/3600\n{count} 1000 1000\n");
        RateVerdict verdict = RateLimit.Of(queue, "Slow.EXAMPLE")!.Judge(now);
        Assert.Equal((ordinal, current, seconds, seconds > 0),
            (verdict.Ordinal, verdict.Current.ToString("F10"), verdict.Seconds, verdict.IsExceeded));
    }

    [Fact]
    public void CountsWhatGoes()
    {
        Define("a.example", "2/10\n");
        RateLimit.Of(queue, "a.example")!.CountOne(500);
        RateLimit.Of(queue, "a.example")!.CountOne(505);
        RateLimit limit = RateLimit.Of(queue, "a.example")!;
        Assert.Equal(("2/10", 2L, 500L, 505L), (limit.Expression, limit.Count, limit.Start, limit.Last));
        Assert.Equal(5, limit.Judge(505).Seconds);
        Assert.False(limit.Judge(510).IsExceeded);
    }

    [Fact]
    public void AStartInTheFutureIsNoStart()
    {
        Define("a.example", "1/3600\n7 5000 5000\n");
        Assert.False(RateLimit.Of(queue, "a.example")!.Judge(4000).IsExceeded);
    }

    [Theory]
    [InlineData("")]
    [InlineData("../lock/tcpto")]
    [InlineData(".hidden")]
    [InlineData("a/b")]
    [InlineData("unlimited.example")]
    public void OtherNamesHaveNone(string domain) => Assert.Null(RateLimit.Of(queue, domain));

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("5/0")]
    [InlineData("0/5")]
    [InlineData("-5/3600")]
    [InlineData("5/3600/2")]
    [InlineData("99999999999999999999/1")]
    public void NonsenseIsSaid(string text)
    {
        Define("x.example", text + "\n");
        Assert.Throws<FormatException>(() => RateLimit.Of(queue, "x.example"));
    }
}
