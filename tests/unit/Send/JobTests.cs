using System;
using System.Collections.Generic;
using Qmta.Queue;
using Qmta.Send;
using Qmta.Tests.Queue;
using Xunit;

namespace Qmta.Tests.Send;

public sealed class JobTests : IDisposable
{
    private readonly TempQueue queue = new();

    public void Dispose() => queue.Dispose();

    private Job Pass(string recipients) =>
        new(1, "s@x", 100, ChannelKind.Local, queue.Write(queue.Layout.Local(1), recipients.Replace('!', '\0')));

    private static List<(string, long)> All(Job job)
    {
        List<(string, long)> all = [];
        while (job.NextRecipient(out long position) is string recipient) all.Add((recipient, position));
        return all;
    }

    [Fact]
    public void DoneRecipientsAreSkippedAndTheOthersMarked()
    {
        Job job = Pass("Ta@b!Dc@d!Te!");
        List<(string Recipient, long Position)> all = All(job);
        Assert.Equal([("a@b", 0), ("e", 10)], all);
        Assert.Equal((2, true), (job.Undone, job.AllRead));
        job.MarkDone(all[1].Position);
        Assert.Equal(1, job.Undone);
        Assert.Equal("Ta@b!Dc@d!De!", TempQueue.Read(queue.Layout.Local(1)));
        job.MarkDone(all[0].Position);
        Assert.Equal([], All(new Job(1, "s@x", 100, ChannelKind.Local, queue.Layout.Local(1))));
    }

    [Fact]
    public void AMissingFileIsDoneWith()
    {
        Job job = new(1, "s", 100, ChannelKind.Local, queue.Layout.Local(9));
        Assert.Null(job.NextRecipient(out _));
        Assert.Equal((0, true), (job.Undone, job.AllRead));
    }

    [Theory]
    [InlineData("Ta!Tb")]
    [InlineData("Ta!!Tb!")]
    public void WhatCannotBeReadIsNotDone(string recipients)
    {
        Job job = Pass(recipients);
        Assert.Equal([("a", 0)], All(job));
        job.MarkDone(0);
        Assert.Equal((1, true), (job.Undone, job.AllRead));
    }

    [Fact]
    public void AMessageInTodoHasOneRecipientAndNoFile()
    {
        Job job = Job.Direct(5, "s", 100, new Destination(ChannelKind.Remote, "a@b"));
        Assert.Equal([("a@b", 0)], All(job));
        Assert.Equal((1, true), (job.Undone, job.AllRead));
        job.MarkDone(0);
        Assert.Equal(0, job.Undone);
        Assert.Empty(queue.FilesOf("local", "remote", "info"));
    }

    [Theory]
    [InlineData("s@x", "r@y", "s@x")]
    [InlineData("", "r@y", "")]
    [InlineData("#@[]", "r@y", "#@[]")]
    [InlineData("list-@x-@[]", "joe@y.z", "list-joe=y.z@x")]
    [InlineData("list-@x-@[]", "a@b@y.z", "list-a@b=y.z@x")]
    [InlineData("list-@x-@[]", "nohost", "list-@x-@[]")]
    [InlineData("list-@[]", "joe@y", "list-@[]")]
    [InlineData("-@[]", "joe@y", "-@[]")]
    public void EveryRecipientHasItsOwnSenderWhereTheListAsks(string sender, string recipient, string expected) =>
        Assert.Equal(expected, Job.SenderFor(sender, recipient));
}
