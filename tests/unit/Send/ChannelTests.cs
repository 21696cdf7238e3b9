using System;
using System.Collections.Generic;
using System.Linq;
using Qmta.Queue;
using Qmta.Send;
using Xunit;

namespace Qmta.Tests.Send;

public sealed class ChannelTests
{
    private readonly Channel channel = new(ChannelKind.Remote) { Concurrency = 3 };

    private static Job Direct(ulong id) => Job.Direct(id, "s", 100, new Destination(ChannelKind.Remote, "r@x"));

    private static Job? Open(Channel channel, ulong id) => new(id, "s", 100, channel.Kind, "/nowhere");

    /// <summary>A pass over a file with one recipient for each message.</summary>
    private sealed class Lists : IDisposable
    {
        private readonly string directory = System.IO.Directory.CreateTempSubdirectory("qmta-channel").FullName;

        internal List<ulong> Over { get; } = [];

        internal Job Open(Channel channel, ulong id, params string[] recipients)
        {
            string path = directory + "/" + id;
            System.IO.File.WriteAllText(path, string.Concat(recipients.Select(one => "T" + one + "\0")));
            return new Job(id, "s", 100, channel.Kind, path);
        }

        public void Dispose() => System.IO.Directory.Delete(directory, true);
    }

    [Fact]
    public void NewMailAndRetriesTakeTurns()
    {
        using Lists lists = new();
        for (ulong id = 1; id <= 3; id++) channel.Add(Job.Direct(id, "s", 100, new Destination(ChannelKind.Remote, "r@direct" + id)));
        channel.Add(100, 50);
        List<ulong> order = [];
        for (int i = 0; i < 5; i++)
            order.Add(channel.Next(60, (c, id) => lists.Open(c, id, "a@x", "b@y"), job => lists.Over.Add(job.Id))!.Value.Job.Id);
        Assert.Equal(2, order.Count(id => id == 100));
        Assert.Equal([1, 2, 3], order.Where(id => id != 100));
        Assert.NotEqual(order[0] == 100, order[1] == 100);
    }

    [Fact]
    public void RetriesComeInTheOrderOfTheirTimeAndNotBefore()
    {
        using Lists lists = new();
        Candidate? Next(long now) => channel.Next(now, (c, id) => lists.Open(c, id, "r@x" + id), job => lists.Over.Add(job.Id));
        channel.Add(3, 30);
        channel.Add(1, 10);
        channel.Add(2, 20);
        Assert.False(channel.HasWork(9));
        Assert.Equal(10, channel.NextDue());
        Assert.Null(Next(9));
        Assert.Equal(1u, Next(25)!.Value.Job.Id);
        Assert.Equal(2u, Next(25)!.Value.Job.Id);
        Assert.Null(Next(25));
        Assert.False(channel.HasWork(25));
        Assert.True(channel.HasWork(30));
        Assert.Empty(lists.Over); // their recipients are chosen and not concluded
    }

    [Fact]
    public void AMessageThatCannotBeOpenedDoesNotKeepOthersWaiting()
    {
        using Lists lists = new();
        channel.Add(1, 10);
        channel.Add(2, 10);
        Candidate? next = channel.Next(20, (c, id) => id == 1 ? null : lists.Open(c, id, "r@x"), _ => { });
        Assert.Equal(2u, next!.Value.Job.Id);
    }

    [Fact]
    public void APassWithoutRecipientsIsOver()
    {
        List<ulong> over = [];
        channel.Add(1, 10);
        Assert.Null(channel.Next(20, Open, job => over.Add(job.Id)));
        Assert.Equal([1ul], over);
    }

    [Fact]
    public void ADestinationDoesNotGetAheadOfItsWindow()
    {
        using Lists lists = new();
        Channel wide = new(ChannelKind.Remote) { Concurrency = 20 };
        Candidate? Next() => wide.Next(60, (c, id) => lists.Open(c, id, [.. Enumerable.Range(0, 30).Select(i => i + "@dead.example"), "r@alive.example"]), _ => { });
        wide.Add(1, 10);
        Assert.Equal("0@dead.example", Next()!.Value.Recipient);
        Assert.Equal("r@alive.example", Next()!.Value.Recipient); // overtakes the other 29
        Assert.Null(Next());
        Assert.False(wide.HasWork(60));
        Delivery first = new(Open(wide, 1)!, "0@dead.example", 0, 1);
        int number = wide.Start(first);
        Assert.Same(first, wide.End(number, 'K'));
        Assert.True(wide.HasWork(60));
        Assert.Equal(["1@dead.example", "2@dead.example"], [Next()!.Value.Recipient, Next()!.Value.Recipient]); // a success widens the window
        Assert.Null(Next());
    }

    [Fact]
    public void NumbersAreTheLowestFree()
    {
        Job job = Direct(1);
        for (int i = 0; i < 20; i++) Assert.Equal(i, channel.Start(new Delivery(job, "r", 0, i)));
        Assert.Equal(20, channel.Running);
        Assert.Equal(7, channel.End(7, 'K')!.LogNumber);
        Assert.Equal(3, channel.End(3, 'K')!.LogNumber);
        Assert.Null(channel.End(3, 'K'));
        Assert.Null(channel.End(65535, 'K'));
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
        Assert.Null(channel.Next(5999, Open, _ => { }));
        channel.Reschedule(_ => 0);
        HashSet<ulong> tried = [];
        while (channel.Next(0, Open, job => tried.Add(job.Id)) is Candidate next) tried.Add(next.Job.Id);
        Assert.Equal([1ul, 2, 3], tried.Order().ToArray());
    }

    [Fact]
    public void EveryPassIsKnownWhereverItIs()
    {
        using Lists lists = new();
        Job running = Direct(1), waiting = Direct(2), stalled = Direct(3);
        channel.Start(new Delivery(running, "r", 0, 1));
        channel.Start(new Delivery(running, "q", 0, 2));
        channel.Add(4, 10);
        _ = channel.Next(20, (c, id) => lists.Open(c, id, "a@x", "b@x"), _ => { });
        channel.Add(waiting);
        channel.AddStalled(stalled, 500);
        Assert.Equal([1ul, 2, 3, 4], channel.Jobs.Select(job => job.Id).Distinct().Order().ToArray());
    }

    [Fact]
    public void AWithdrawnMessageIsNowhereAndOthersStay()
    {
        using Lists lists = new();
        Channel wide = new(ChannelKind.Remote) { Concurrency = 20 };
        Candidate? Next() => wide.Next(60, (c, id) => lists.Open(c, id, [.. Enumerable.Range(0, 5).Select(i => i + "@dead.example")]), job => lists.Over.Add(job.Id));
        wide.Add(1, 10);
        wide.Add(2, 90);
        wide.Add(Direct(3));
        wide.Add(Direct(4));
        wide.AddStalled(Direct(5), 70);
        Candidate first = Next()!.Value; // a straight one or the list: they take turns
        Candidate second = Next()!.Value;
        Assert.Equal(90, wide.Withdraw(2, 60, out Job? straight));
        Assert.Null(straight);
        Assert.Null(wide.Withdraw(5, 60, out straight));
        Assert.Equal(5u, straight!.Id);
        int number = wide.Start(new Delivery(first.Job, first.Recipient, first.Position, 1));
        Assert.True(wide.IsUnderWay(first.Job.Id));
        Assert.Equal(60, wide.Withdraw(1, 60, out _)); // recipients that were kept back, or not read
        Assert.Same(first.Job, wide.End(number, 'K')!.Job);
        while (Next() is Candidate other) Assert.NotEqual(1u, other.Job.Id);
        Assert.Null(wide.Withdraw(1, 60, out straight));
        Assert.Null(straight);
        Assert.Equal(long.MaxValue, wide.NextDue());
        Assert.NotEqual(first.Job.Id, second.Job.Id);
    }

    [Fact]
    public void AHastenedMessageIsDue()
    {
        Channel one = new(ChannelKind.Local) { Concurrency = 1 };
        one.Add(1, 100);
        one.Add(2, 200);
        Assert.False(one.Hasten(3, 50));
        Assert.True(one.Hasten(2, 50));
        Assert.Equal([(1ul, 100L), (2ul, 50L)], one.Waiting.Order());
    }
}
