using System;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Queue;
using Xunit;

namespace Qmta.Tests.Queue;

public sealed class RetryScheduleTests
{
    private const long Birth = 1_795_154_000;

    // qmail's tables, for a message that is deferred each time: seconds after its birth.
    private static readonly long[] LocalTable =
    [
        0, 100, 400, 900, 1600, 2500, 3600, 4900, 6400, 8100, 10000, 12100, 14400, 16900, 19600, 22500, 25600, 28900, 32400, 36100,
        40000, 44100, 48400, 52900, 57600, 62500, 67600, 72900, 78400, 84100, 90000, 96100, 102400, 108900, 115600, 122500, 129600,
        136900, 144400, 152100, 160000, 168100, 176400, 184900, 193600, 202500, 211600, 220900, 230400, 240100, 250000, 260100, 270400,
        280900, 291600, 302500, 313600, 324900, 336400, 348100, 360000, 372100, 384400, 396900, 409600, 422500, 435600, 448900, 462400,
        476100, 490000, 504100, 518400, 532900, 547600,
    ];

    private static readonly long[] RemoteTable =
    [
        0, 400, 1600, 3600, 6400, 10000, 14400, 19600, 25600, 32400, 40000, 48400, 57600, 67600, 78400, 90000, 102400, 115600, 129600,
        144400, 160000, 176400, 193600, 211600, 230400, 250000, 270400, 291600, 313600, 336400, 360000, 384400, 409600, 435600, 462400,
        490000, 518400, 547600, 577600, 608400, 640000, 672400, 705600, 739600, 774400, 810000, 846400, 883600, 921600, 960400, 1000000,
        1040400, 1081600, 1123600, 1166400, 1210000, 1254400, 1299600, 1345600, 1392400, 1440000, 1488400, 1537600, 1587600, 1638400,
        1690000, 1742400, 1795600, 1849600, 1904400, 1960000, 2016400, 2073600, 2131600, 2190400,
    ];

    [Fact]
    public void LocalMailFollowsQmailsTable() => Follows(LocalTable, ChannelKind.Local);

    [Fact]
    public void RemoteMailFollowsQmailsTable() => Follows(RemoteTable, ChannelKind.Remote);

    private static void Follows(long[] table, ChannelKind channel)
    {
        for (int attempt = 1; attempt < table.Length; attempt++)
            Assert.Equal(Birth + table[attempt], RetrySchedule.Next(Birth, Birth + table[attempt - 1], channel));
    }

    [Fact]
    public void TheNextAttemptIsAlwaysLaterAndNeverTooLate() =>
        Prop.ForAll(Arb.From(Gen.Zip(Gen.Choose(0, int.MaxValue), Gen.Choose(0, 1))), given =>
        {
            (long age, ChannelKind channel) = (given.Item1, (ChannelKind)given.Item2);
            long skip = channel == ChannelKind.Local ? 10 : 20, wait = RetrySchedule.Next(Birth, Birth + age, channel) - Birth - age;
            return wait > 0 && wait <= skip * skip + 2 * skip * (long)Math.Ceiling(Math.Sqrt(age));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void ABirthInTheFutureCountsAsNow()
    {
        Assert.Equal(1000 + 100, RetrySchedule.Next(5000, 1000, ChannelKind.Local));
        Assert.Equal(1000 + 400, RetrySchedule.Next(long.MaxValue / 2, 1000, ChannelKind.Remote));
    }
}
