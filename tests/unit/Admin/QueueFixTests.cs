using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Qmta.Admin;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Tests.Queue;
using Xunit;

namespace Qmta.Tests.Admin;

public sealed class QueueFixTests : IDisposable
{
    private static readonly QueueOwners Me = new(Users.EffectiveUid, Users.EffectiveUid, Users.EffectiveGid, false);

    private readonly string top = Directory.CreateTempSubdirectory("qmta-fix-").FullName;
    private readonly TempQueue queue = new();

    public void Dispose()
    {
        queue.Dispose();
        Directory.Delete(top, recursive: true);
    }

    // As root a queue for one user has to be asked for.
    private static int Fix(QueueLayout layout) =>
        QueueFix.Run(layout, Users.EffectiveUid == 0 ? Users.ByUid(0)!.Name : null, new Repairs(), rates: false);

    private static string? Mode(string path) =>
        Files.Status(path, out FileStatus status, followLinks: false) < 0 ? null : Convert.ToString(status.Mode, 8) + (status.IsDirectory ? "/" : status.IsFifo ? "|" : "");

    [Fact]
    public void EverythingIsCreatedWithItsMode()
    {
        QueueLayout layout = new(top + "/a/b/queue", 3, bigTodo: true);
        Assert.Equal(0, Fix(layout));
        Assert.Equal("755/", Mode(top + "/a"));
        foreach (string name in new[] { "", "/lock", "/pid", "/intd", "/todo", "/bounce", "/todo/2", "/intd/0", "/mess", "/mess/0", "/mess/2", "/info/1", "/local/2", "/remote/0" })
            Assert.Equal("700/", Mode(layout.Directory + name));
        Assert.False(Directory.Exists(layout.Directory + "/mess/3"));
        Assert.Equal("620|", Mode(layout.Trigger));
        Assert.Equal("600", Mode(layout.SendMutex));
        Assert.Equal("640", Mode(layout.TcpTo));
        Assert.Equal(1024, new FileInfo(layout.TcpTo).Length);
    }

    [Fact]
    public void WrongModesAndThingsAreRepairedAndMailStays()
    {
        Assert.Equal(0, Fix(queue.Layout));
        ulong id = queue.Accept("u1!p1!Fs!Ta@b!");
        Files.Unlink(queue.Layout.Trigger);
        queue.Write("lock/trigger", "no fifo");
        queue.Write("lock/tcpto", "hosts");
        Files.ChangeMode(queue.Layout.Mess(id), 0x1FF);
        Files.ChangeMode(queue.At("mess"), 0x1FF);
        Directory.Delete(queue.At("bounce"));
        Assert.Equal(0, Fix(queue.Layout));
        Assert.Equal("620|", Mode(queue.Layout.Trigger));
        Assert.Equal("640", Mode(queue.Layout.Mess(id)));
        Assert.Equal("700/", Mode(queue.At("mess")));
        Assert.Equal("700/", Mode(queue.At("bounce")));
        Assert.Equal("u1!p1!Fs!Ta@b!", TempQueue.Read(queue.Layout.Todo(id)));
        Assert.Equal(1024, new FileInfo(queue.Layout.TcpTo).Length);
    }

    [Fact]
    public void AQueueInUseIsLeftAlone()
    {
        Assert.Equal(0, Fix(queue.Layout));
        int mutex = Files.Open(queue.Layout.SendMutex, OpenMode.Write);
        Assert.Equal(0, Files.TryLock(mutex));
        Assert.Equal(111, Fix(queue.Layout));
        Files.Close(mutex);
        Assert.Equal(0, Fix(queue.Layout));
    }

    [Fact]
    public void WhatCannotBeAQueueIsSaid()
    {
        File.WriteAllText(top + "/file", "");
        Assert.Equal(111, Fix(new QueueLayout(top + "/file/queue")));
        Assert.Equal(111, Fix(new QueueLayout(top + "/file")));
    }

    /// <summary>Each message's files by the text of its message.</summary>
    private static Dictionary<string, string> Everything(TempQueue queue)
    {
        Dictionary<string, string> all = [];
        foreach (string mess in queue.FilesOf("mess"))
        {
            Files.Status(queue.At(mess), out FileStatus status);
            ulong id = status.Inode;
            QueueLayout layout = queue.Layout;
            Assert.Equal(layout.Mess(id), queue.At(mess));
            all[TempQueue.Read(queue.At(mess))!] = string.Join('|',
                new[] { layout.Todo(id), layout.Intd(id), layout.Info(id), layout.Local(id), layout.Remote(id), layout.Bounce(id), layout.Hold(id) }.Select(TempQueue.Read));
        }
        return all;
    }

    private void Fill(int messages)
    {
        for (int n = 0; n < messages; n++)
        {
            ulong id = queue.Accept($"Fs{n}!Ta!", $"message {n}");
            if (n % 2 == 0) continue;
            File.Delete(queue.Layout.Todo(id));
            File.Delete(queue.Layout.Intd(id));
            queue.Write(queue.Layout.Info(id), $"Fs{n}\0");
            queue.Write(n % 4 == 1 ? queue.Layout.Local(id) : queue.Layout.Remote(id), $"Tr{n}\0");
            queue.Write(queue.Layout.Bounce(id), $"bounce {n}");
            Directory.CreateDirectory(queue.At("hold"));
            queue.Write(queue.Layout.Hold(id), $"message {n}");
        }
    }

    /// <summary>Gives every message another inode, often the one whose number is the name of another: as a copy does.</summary>
    private void Copy()
    {
        List<(string Path, byte[] Bytes)> all = [.. queue.FilesOf("mess").Select(name => (queue.At(name), File.ReadAllBytes(queue.At(name))))];
        foreach ((string path, _) in all) File.Delete(path);
        all.Reverse();
        foreach ((string path, byte[] bytes) in all) File.WriteAllBytes(path, bytes);
    }

    [Fact]
    public void ACopiedQueueKeepsEveryMessageWithItsEnvelope()
    {
        Fill(40);
        Dictionary<string, string> before = Everything(queue);
        Copy();
        MisplacedMessages.Repair(queue.Layout, Me, new Repairs());
        Assert.Equal(before, Everything(queue));
        Assert.False(Directory.Exists(queue.At("aside")));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(11)]
    public void AnotherSplitKeepsEveryMessage(int split)
    {
        Fill(40);
        Dictionary<string, string> before = Everything(queue);
        QueueLayout other = new(queue.Layout.Directory, split);
        Assert.Equal(0, Fix(other));
        foreach (string name in queue.FilesOf("mess", "info", "local", "remote"))
            Assert.Equal((ulong)split, (ulong)split * (ulong.Parse(name.Split('/')[2]) % (ulong)split == ulong.Parse(name.Split('/')[1]) ? 1u : 0u));
        Assert.Equal(0, Fix(queue.Layout));
        Assert.Equal(before, Everything(queue));
    }

    [Theory]
    [InlineData("info")]
    [InlineData("local")]
    [InlineData("remote")]
    [InlineData("bounce")]
    [InlineData("hold")]
    [InlineData("intd")]
    [InlineData("mess")]
    [InlineData("todo")]
    public void AnInterruptedRepairIsFinishedByTheNext(string obstacle)
    {
        Fill(20);
        Dictionary<string, string> before = Everything(queue);
        Copy();
        // A directory in the way ends the repair when it comes to that file of a message in the middle.
        Directory.CreateDirectory(queue.At("aside"));
        List<string> having = queue.FilesOf("mess").FindAll(mess => mess.Split('/') is [_, string split, string name]
            && (File.Exists(queue.At($"{obstacle}/{name}")) || File.Exists(queue.At($"{obstacle}/{split}/{name}"))));
        Files.Status(queue.At(having[having.Count / 2]), out FileStatus status);
        string way = queue.At($"aside/{obstacle}.{status.Inode}");
        Directory.CreateDirectory(way + "/full");
        Assert.Throws<PosixException>(() => MisplacedMessages.Repair(queue.Layout, Me, new Repairs()));
        Directory.Delete(way, recursive: true);
        MisplacedMessages.Repair(queue.Layout, Me, new Repairs());
        Assert.Equal(before, Everything(queue));
    }
}
