using System.Collections.Generic;
using System.Linq;
using Qmta.Send;
using Xunit;

namespace Qmta.Tests.Send;

public sealed class ChannelTests
{
    private readonly Channel channel = new(ChannelKind.Remote) { Concurrency = 3 };

    private static Job Direct(ulong id) => Job.Direct(id, "s", 100, new Destination(ChannelKind.Remote, "r@x"));

    private static Job? Open(Channel channel, ulong id) => new(id, "s", 100, channel.Kind, "/nowhere");

    [Fact]
    public void NewMailAndRetriesTakeTurns()
    {
        for (ulong id = 1; id <= 3; id++) channel.Add(Direct(id));
        channel.Add(100, 50);
        List<ulong> order = [];
        for (int i = 0; i < 5; i++) order.Add(channel.NextPass(60, Open)!.Id);
        Assert.Equal(2, order.Count(id => id == 100)); // the retry has many recipients and stays the pass
        Assert.Equal([1, 2, 3], order.Where(id => id != 100));
        Assert.NotEqual(order[0] == 100, order[1] == 100);
    }

    [Fact]
    public void RetriesComeInTheOrderOfTheirTimeAndNotBefore()
    {
        channel.Add(3, 30);
        channel.Add(1, 10);
        channel.Add(2, 20);
        Assert.False(channel.HasWork(9));
        Assert.Equal(10, channel.NextDue());
        Assert.Null(channel.NextPass(9, Open));
        for (ulong id = 1; id <= 2; id++)
        {
            Job job = channel.NextPass(25, Open)!;
            Assert.Equal(id, job.Id);
            channel.EndPass(job);
        }
        Assert.Null(channel.NextPass(25, Open));
        Assert.False(channel.HasWork(25));
        Assert.True(channel.HasWork(30));
    }

    [Fact]
    public void AMessageThatCannotBeOpenedDoesNotKeepOthersWaiting()
    {
        channel.Add(1, 10);
        channel.Add(2, 10);
        Job? job = channel.NextPass(20, (_, id) => id == 1 ? null : Open(channel, id));
        Assert.Equal(2u, job!.Id);
    }

    [Fact]
    public void NumbersAreTheLowestFree()
    {
        Job job = Direct(1);
        for (int i = 0; i < 20; i++) Assert.Equal(i, channel.Start(new Delivery(job, "r", 0, i)));
        Assert.Equal((20, 20), (channel.Running, job.Running));
        Assert.Equal(7, channel.End(7)!.LogNumber);
        Assert.Equal(3, channel.End(3)!.LogNumber);
        Assert.Null(channel.End(3));
        Assert.Null(channel.End(65535));
        Assert.Equal(3, channel.Start(new Delivery(job, "r", 0, 99)));
        Assert.Equal(7, channel.Start(new Delivery(job, "r", 0, 99)));
        Assert.Equal(Enumerable.Range(0, 20), channel.RunningNumbers());
    }

    [Fact]
    public void OnHoldThereIsNoRoom()
    {
        Assert.True(channel.HasRoom);
        channel.Concurrency = 0;
        Assert.False(channel.HasRoom);
    }

    [Fact]
    public void ReschedulingMovesEveryTime()
    {
        channel.Add(1, 1000);
        channel.Add(2, 2000);
        channel.AddStalled(Direct(3), 1500);
        channel.Reschedule(due => due + 5000);
        Assert.Equal([(1ul, 6000L), (2ul, 7000L)], channel.Waiting.OrderBy(one => one.Id).ToArray());
        Assert.Equal(6000, channel.NextDue());
        Assert.Null(channel.NextPass(5999, Open));
        channel.Reschedule(_ => 0);
        HashSet<ulong> tried = [];
        for (Job? job = channel.NextPass(0, Open); job != null; job = channel.NextPass(0, Open))
        {
            tried.Add(job.Id);
            channel.EndPass(job);
        }
        Assert.Equal([1ul, 2, 3], tried.Order().ToArray());
    }

    [Fact]
    public void EveryPassIsKnownWhereverItIs()
    {
        Job running = Direct(1), waiting = Direct(2), stalled = Direct(3);
        channel.Start(new Delivery(running, "r", 0, 1));
        channel.Start(new Delivery(running, "q", 0, 2));
        channel.Add(waiting);
        channel.AddStalled(stalled, 500);
        channel.Add(4, 10);
        while (channel.NextPass(20, Open) is Job pass && pass.Id != 4) channel.Add(pass);
        Assert.Equal([1ul, 2, 3, 4], channel.Jobs.Select(job => job.Id).Distinct().Order().ToArray());
    }
}
