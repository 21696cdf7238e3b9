// What passes between qmail-lspawn and its delivery processes, and which of them are kept.
using System;
using System.Linq;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Local;
using Qmta.Posix;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Local;

[Collection("alone")]
public sealed class WorkerTests
{
    [Fact]
    public void ARequestArrivesAsItWasSent()
    {
        Gen<string> text = Gen.Elements("", "joe", "a\nb", "../..", "$(x)", "\xFF\x01", new string('x', 5000)).Or(
            Gen.Choose(1, 255).Select(c => (char)c).ArrayOf().Select(chars => new string(chars)));
        Gen<Delivery> delivery =
            from parts in text.ArrayOf(8)
            from last in Gen.Elements(true, false)
            select new Delivery(parts[0], "/" + parts[1], parts[2], parts[3], parts[4], parts[5], parts[6], "./M/", parts[7])
            {
                MessageName = "5/123",
                IsLast = last,
            };
        // Several are the requests of each with a NUL between.
        Check.QuickThrowOnFailure(Prop.ForAll(delivery.NonEmptyListOf().ToArbitrary(), all =>
            Worker.Decode(all.SelectMany(one => Worker.Encode(one)!.Append((byte)0)).SkipLast(1).ToArray(), "./M/")!.SequenceEqual(all)));
    }

    [Fact]
    public void OutcomesArriveAsTheyWereSent()
    {
        PlainOutcome[] outcomes = [new(0, "did 1+0+0\n"), new(PlainDeliveries.NotPlain, ""), new(111, "Unable: \xE9 \x01.\n"), new(100, "")];
        byte[] bytes = PlainDeliveries.Encode(outcomes);
        Assert.Equal(outcomes, PlainDeliveries.Decode(bytes, outcomes.Length));
        // Neither fewer nor more than were asked for, nor half an answer.
        Assert.Null(PlainDeliveries.Decode(bytes, outcomes.Length - 1));
        Assert.Null(PlainDeliveries.Decode(bytes, outcomes.Length + 1));
        for (int length = 0; length < bytes.Length; length++) Assert.Null(PlainDeliveries.Decode(bytes.AsSpan(0, length), outcomes.Length));
    }

    [Fact]
    public void AnOutcomeIsShortAndHasNoNul()
    {
        PlainOutcome[]? arrived = PlainDeliveries.Decode(PlainDeliveries.Encode([new(111, "a\0b" + new string('x', 100_000))]), 1);
        Assert.StartsWith("a?bxxx", arrived![0].Text);
        Assert.InRange(arrived[0].Text.Length, 1000, 3000);
    }

    [Fact]
    public void WhatWouldNotArriveIsNotSent()
    {
        Assert.Null(Worker.Encode(Scratch.Delivery with { Local = "a\0b" }));
        Assert.Null(Worker.Encode(Scratch.Delivery with { Sender = new string('x', Worker.LongestRequest) }));
    }

    [Theory]
    [InlineData("")]
    [InlineData("joe\0/home/joe")]
    [InlineData("joe\0home\0joe\0\0\0h\0s\0\05/1\0")]
    [InlineData("joe\0/home/joe\0joe\0\0\0h\0s\0\05/1\0last\0more")]
    public void ARequestThatIsNone(string request) => Assert.Null(Worker.Decode(Latin1.Bytes(request), "./M/"));

    private static WorkerProcess Idle(int pid, uint uid)
    {
        DescriptorSocket.Pair(out int ours, out int theirs);
        Files.Close(theirs);
        return new WorkerProcess(pid, ours, uid, 100);
    }

    [Fact]
    public void OnlyOneOfTheSameIdentityIsTaken()
    {
        WorkerPool pool = new("/nonexistent", "./M/", true);
        WorkerProcess joe = Idle(1, 7), again = Idle(2, 7);
        pool.Keep(joe, 0);
        pool.Keep(again, 5);
        Assert.Null(pool.Take(8, 100));
        Assert.Null(pool.Take(7, 101));
        Assert.Same(again, pool.Take(7, 100));
        Assert.Same(joe, pool.Take(7, 100));
        Assert.Null(pool.Take(7, 100));
        Files.Close(joe.Socket);
        Files.Close(again.Socket);
    }

    [Fact]
    public void TheyAreEndedWhenTheirTimeIsOver()
    {
        WorkerPool pool = new("/nonexistent", "./M/", true);
        Assert.Equal(long.MaxValue, pool.Deadline);
        DescriptorSocket.Pair(out int ours, out int theirs);
        pool.Keep(new WorkerProcess(1, ours, 7, 100), 100);
        pool.Keep(Idle(2, 7), 200);
        Assert.Equal(100 + WorkerPool.Patience, pool.Deadline);
        pool.MeetDeadline(pool.Deadline);
        Assert.Equal((1, 200 + WorkerPool.Patience), (pool.Count, pool.Deadline));
        Assert.True(Poll.WaitFor(theirs, false, 0));
        Assert.Equal(0, Files.Read(theirs, new byte[1]));
        Files.Close(theirs);
        pool.Forget(99);
        pool.Forget(2);
        Assert.Equal(0, pool.Count);
    }

    [Fact]
    public void OfTooManyOneGoesThatHasATwin()
    {
        WorkerPool pool = new("/nonexistent", "./M/", true);
        pool.Keep(Idle(1, 1000), 0);
        for (int i = 1; i < WorkerPool.MostIdle - 1; i++) pool.Keep(Idle(1 + i, (uint)i), i);
        pool.Keep(Idle(500, 3), 50);
        pool.Keep(Idle(501, 4), 51);
        Assert.Equal(WorkerPool.MostIdle, pool.Count);
        Assert.NotNull(pool.Take(1000, 100)); // the oldest, and the only one of its kind
        Assert.Equal(500, pool.Take(3, 100)!.Pid);
        Assert.Null(pool.Take(3, 100)); // its twin went
        pool.Forget(501);
        while (Enumerable.Range(1, 20).Select(uid => pool.Take((uint)uid, 100)).FirstOrDefault(taken => taken != null) is
            WorkerProcess rest) Files.Close(rest.Socket);
    }

    [Fact]
    public void AProgramThatIsNotThere()
    {
        Assert.Null(new WorkerPool("/nonexistent", "./M/", false).Start(1, 1, 2, out string trouble));
        Assert.Equal("ZUnable to run qmail-local: /nonexistent: No such file or directory. (#4.3.0)\n", trouble);
    }
}
