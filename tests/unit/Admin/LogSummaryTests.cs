using System;
using Qmta.Admin;
using Xunit;

namespace Qmta.Tests.Admin;

public sealed class LogSummaryTests
{
    private const long Now = 1795164099; // 20 November 2026, 08:41:39 UTC

    [Theory]
    [InlineData("@400000006afeaf4e1dcd6500 ", 1795075908.5)]
    [InlineData("1626451235.303814 ", 1626451235.303814)]
    [InlineData("1795164000.123456 pi qmta-send[12]: ", 1795164000.123456)]
    [InlineData("2026-11-20T08:00:00+00:00 pi qmta-send: ", 1795161600)]
    [InlineData("2026-11-20T09:00:00.500000+01:00 pi x: ", 1795161600.5)]
    public void TimesInFrontOfLines(string prefix, double seconds) => Assert.Equal(seconds, LogTime.Of(prefix, Now)!.Value, 3);

    [Theory]
    [InlineData("")]
    [InlineData("pi qmta-send: ")]
    [InlineData("@4000")]
    [InlineData("@zzzzzzzzzzzzzzzzzzzzzzzz ")]
    [InlineData("Foo 20 08:00:00 pi x: ")]
    [InlineData("Feb 30 08:00:00 pi x: ")]
    [InlineData("12 ")]
    public void WhatIsNoTime(string prefix) => Assert.Null(LogTime.Of(prefix, Now));

    [Fact]
    public void SyslogsDatesAreOfTheLastTwelveMonths()
    {
        DateTime local = DateTimeOffset.FromUnixTimeSeconds(Now).LocalDateTime;
        Assert.Equal(Now, LogTime.Of($"{local:MMM} {local.Day,2} {local:HH:mm:ss} pi qmta-send: ", Now)!.Value, 0);
        double december = LogTime.Of("Dec 24 08:00:00 pi qmta-send: ", Now)!.Value;
        Assert.InRange(Now - december, 0, 366 * 86400);
    }

    [Fact]
    public void DeliveriesThatBeganBeforeTheLogAreNobodys()
    {
        LogSummary summary = new(Now);
        foreach (string line in new[]
        {
            "delivery 1: success: x", "end msg 5", "starting delivery 2: msg 6 to local a@b", "delivery 2: report mangled, will defer",
            "new msg 6", "new msg x", "info msg 6: bytes many from <s> qp 1 uid 1", "starting delivery", "the delivery 3: success: x",
        })
            summary.Take(line);
        Assert.Equal(9, summary.Lines);
        Assert.Equal(0, summary.Completed);
        Assert.Equal(1, summary.Channels["local"].Deferrals);
        Assert.Equal(1, summary.Unfinished);
        Assert.Null(summary.First);
    }

    [Fact]
    public void HostsBeyondTheLimitAreCountedTogether()
    {
        LogSummary summary = new(Now);
        for (int i = 0; i < 60_000; i++)
        {
            summary.Take($"starting delivery {i}: msg 6 to remote a@host{i}.example");
            summary.Take($"delivery {i}: success: x");
        }
        Assert.Equal(50_001, summary.Hosts.Count);
        Assert.Equal(60_000, summary.Channels["remote"].Successes);
    }
}
