using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Send;
using Qmta.Tests.Queue;
using Xunit;

namespace Qmta.Tests.Send;

public sealed class TodoScanTests : IDisposable
{
    private const long Now = 1_795_154_000;

    private readonly Channel[] channels = [new(ChannelKind.Local) { Concurrency = 10 }, new(ChannelKind.Remote) { Concurrency = 20 }];
    private TempQueue queue = new();

    public void Dispose() => queue.Dispose();

    private TodoScan Scan(int expected)
    {
        queue.Write("control/me", "here.example\n");
        QueueClock clock = new(queue.Layout.Clock, () => new ClockReading(Now, 1000, "boot"));
        TodoScan todo = new(queue.Layout, new Settings(new ControlFiles(queue.At("control")), queue.Layout), clock, new Cleaner(queue.Layout), channels, _ => true);
        todo.Begin();
        int found = 0;
        while (todo.Scanning) found += todo.Step();
        Assert.Equal(expected, found);
        return todo;
    }

    [Fact]
    public void OneRecipientIsDeliveredStraightFromTodo()
    {
        ulong id = queue.Accept("u1000!p5!Fs@x!Tjoe@here.example!");
        TodoScan todo = Scan(1);
        Assert.True(todo.Holds(id));
        Assert.Equal((1, 0), (channels[0].DirectCount, channels[1].DirectCount));
        Job job = channels[0].Next(0, (_, _) => null, _ => { })!.Value.Job;
        Assert.Equal((id, "s@x", Now, "joe@here.example"), (job.Id, job.Sender, job.Birth, job.Only));
        Assert.Equal([$"todo/{id}"], queue.FilesOf("todo", "info", "local", "remote"));
        // not taken in twice while it is under way
        todo.Begin();
        Assert.Equal(0, todo.Step());
        todo.Forget(id);
        Assert.False(todo.Holds(id));
    }

    [Fact]
    public void SeveralRecipientsAreWrittenDownInQmailsForm()
    {
        ulong id = queue.Accept("u1000!p5!Fs@x!Ta@here.example!Tb@there!Tc!Td@there!");
        TodoScan todo = Scan(1);
        Assert.True(todo.Settled);
        Assert.Equal("Fs@x!", TempQueue.Read(queue.Layout.Info(id)));
        Assert.Equal("Ta@here.example!Tc@here.example!", TempQueue.Read(queue.Layout.Local(id)));
        Assert.Equal("Tb@there!Td@there!", TempQueue.Read(queue.Layout.Remote(id)));
        Assert.Empty(queue.FilesOf("todo", "intd"));
        Assert.NotNull(TempQueue.Read(queue.Layout.Mess(id)));
        Assert.Equal(0, Files.Status(queue.Layout.Info(id), out FileStatus info));
        Assert.Equal((Now, 0x180), (info.Modified, info.Mode));
        Assert.All(channels, channel => Assert.Equal([(id, Now)], channel.Waiting));
    }

    [Fact]
    public void OnHoldEvenOneRecipientIsWrittenDown()
    {
        channels[1].Concurrency = 0;
        ulong id = queue.Accept("u1!p1!Fs!Ta@there!");
        Scan(1);
        Assert.Equal("Ta@there!", TempQueue.Read(queue.Layout.Remote(id)));
        Assert.Empty(queue.FilesOf("local", "todo"));
    }

    [Theory]
    [InlineData("Ta@here.example!eX-A: b\n!", "Ta@here.example!")]
    [InlineData("eX-A: b\n!Ta@here.example!", "Ta@here.example!")]
    [InlineData("Ta@here.example!Tb@here.example!Tc@here.example!hX-B: c\n!eX-A: b\n!",
        "Ta@here.example!Tb@here.example!Tc@here.example!")]
    public void AnExtraHeaderIsWrittenDownAsIndimailDoes(string records, string recipients)
    {
        ulong id = queue.Accept("u1!p1!Fs@x!" + records);
        Scan(1);
        Assert.Equal("Fs@x!eX-A: b\n!", TempQueue.Read(queue.Layout.Info(id)));
        Assert.Equal(recipients, TempQueue.Read(queue.Layout.Local(id)));
        Assert.Equal(0, Files.Status(queue.Layout.Info(id), out FileStatus info));
        Assert.Equal(Now, info.Modified);
    }

    [Fact]
    public void WithoutRecipientsTheMessageIsDone()
    {
        ulong id = queue.Accept("u1!p1!Fs!");
        Assert.Equal([id], Scan(1).WithoutRecipients);
        Assert.Equal([$"info/{id % 5}/{id}"], queue.FilesOf("todo", "intd", "info", "local", "remote"));
    }

    [Fact]
    public void ManyMessagesAreAllTakenIn()
    {
        HashSet<ulong> ids = [.. Enumerable.Range(0, 100).Select(n => queue.Accept($"u1!p1!Fs!Ta{n}@there!Tb@here.example!"))];
        Scan(100);
        Assert.All(channels, channel => Assert.True(ids.SetEquals(channel.Waiting.Select(one => one.Id))));
        Assert.Empty(queue.FilesOf("todo", "intd"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("u1!p1!")]
    [InlineData("u1!p1!Fs!Ta@b")]
    [InlineData("u1!p1!Fs!Ta@b!Tc@d!Te")]
    [InlineData("u1!p1!Fs!Xa@b!")]
    [InlineData("u1!p1!Fs!Ta!!Tb!")]
    [InlineData("garbage")]
    [InlineData("Ta@b!Fs!")]
    public void AMalformedEnvelopeIsLeftAloneWhole(string envelope)
    {
        ulong id = queue.Accept(envelope), good = queue.Accept("u1!p1!Fs!Ta@b!Tc@d!");
        TodoScan todo = Scan(1);
        Assert.False(todo.Failed);
        Assert.Equal([$"intd/{id}", $"todo/{id}"], queue.FilesOf("todo", "intd"));
        Assert.Equal([$"info/{good % 5}/{good}"], queue.FilesOf("info"));
        Assert.NotNull(TempQueue.Read(queue.Layout.Mess(id)));
    }

    [Fact]
    public void GarbageDoesNotKeepMailWaiting()
    {
        foreach (string name in new[] { "x", "007", "-1", "5x", " 5" }) queue.Write("todo/" + name, "u1\0p1\0Fs\0Ta@b\0");
        Directory.CreateDirectory(queue.At("todo/123"));
        Files.MakeFifo(queue.At("todo/124"), 0x180);
        Files.Symlink("/etc/passwd", queue.At("todo/125"));
        queue.Write("todo/126", "u1\0p1\0Fs\0Ta@b\0"); // without a message
        ulong id = queue.Accept("u1!p1!Fs!Ta@b!");
        TodoScan todo = Scan(1);
        Assert.True(todo.Holds(id));
        Assert.False(todo.Failed);
        Assert.Equal(8 + 1, queue.FilesOf("todo").Count);
    }

    [Fact]
    public void WhatACrashLeftOfSettlingIsNotInherited()
    {
        ulong one = queue.Accept("u1!p1!Fs!Ta@there!"), two = queue.Accept("u1!p1!Fs!Ta@there!Tb@there!");
        foreach (ulong id in new[] { one, two })
            foreach (string path in new[] { queue.Layout.Info(id), queue.Layout.Local(id), queue.Layout.Remote(id) })
                queue.Write(path, "Told@here.example\0");
        Scan(2);
        Assert.Empty(queue.FilesOf("local"));
        Assert.Equal([$"info/{two % 5}/{two}"], queue.FilesOf("info"));
        Assert.Equal("Ta@there!Tb@there!", TempQueue.Read(queue.Layout.Remote(two)));
    }

    [Fact]
    public void AFailedSettlementLeavesTheMessageInTodoAndIsNoNewMail()
    {
        ulong id = queue.Accept("u1!p1!Fs!Ta@here.example!Tb@there!"), other = queue.Accept("u1!p1!Fs!Ta@there!Tb@there!");
        // intd/N cannot be removed: nothing may be taken out of todo
        File.Delete(queue.Layout.Intd(id));
        Directory.CreateDirectory(queue.Layout.Intd(id));
        TodoScan todo = Scan(1);
        Assert.True(todo.Failed);
        Assert.Equal([$"todo/{id}"], queue.FilesOf("todo"));
        Assert.Equal([$"info/{other % 5}/{other}"], queue.FilesOf("info"));
        Assert.Empty(queue.FilesOf("local"));
        Assert.Empty(channels[0].Waiting);
    }

    [Fact]
    public void AMissingDirectoryIsTriedAgainLaterAndLeavesNothingOpen()
    {
        ulong id = queue.Accept("u1!p1!Fs!Ta@here.example!Tb@there!");
        Directory.Delete(queue.At($"remote/{id % 5}"));
        TodoScan todo = Scan(0);
        Assert.True(todo.Failed);
        Assert.Equal([$"todo/{id}"], queue.FilesOf("todo", "info", "local"));
        Directory.CreateDirectory(queue.At($"remote/{id % 5}"));
        Scan(1);
        Assert.Equal("Tb@there!", TempQueue.Read(queue.Layout.Remote(id)));
    }

    [Fact]
    public void AMessageOfAnotherSplitIsMovedIntoPlace()
    {
        ulong id;
        do id = queue.Accept("u1!p1!Fs!Ta@b!Tc@d!", by: new QueueLayout(queue.Layout.Directory, 3));
        while (id % 3 == id % 5);
        int found = queue.FilesOf("todo").Count;
        Scan(found);
        Assert.NotNull(TempQueue.Read(queue.Layout.Mess(id)));
        Assert.Equal("Fs!", TempQueue.Read(queue.Layout.Info(id)));
    }

    [Fact]
    public void InASplitTodoFlatEnvelopesAreFoundToo()
    {
        queue.Dispose();
        queue = new TempQueue(bigTodo: true);
        ulong split = queue.Accept("u1!p1!Fs!Ta@b!Tc@d!"), flat = queue.Accept("u1!p1!Fs!Ta@b!Tc@d!", by: new QueueLayout(queue.Layout.Directory, 5));
        queue.Write("todo/garbage", "");
        Scan(2);
        Assert.Equal("Fs!", TempQueue.Read(queue.Layout.Info(split)));
        Assert.Equal("Fs!", TempQueue.Read(queue.Layout.Info(flat)));
        Assert.Equal(["todo/garbage"], queue.FilesOf("todo"));
    }
}
