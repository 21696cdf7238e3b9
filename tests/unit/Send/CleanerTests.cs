using System;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Send;
using Qmta.Tests.Queue;
using Xunit;

namespace Qmta.Tests.Send;

public sealed class CleanerTests : IDisposable
{
    private const long Now = 1_795_154_000, Old = Now - 129_601, Young = Now - 129_599;

    private readonly TempQueue queue = new();
    private readonly Cleaner cleaner;

    public CleanerTests() => cleaner = new Cleaner(queue.Layout);

    public void Dispose() => queue.Dispose();

    private string Aged(string path, long time)
    {
        queue.Write(path, "x");
        _ = Files.SetModified(path[0] == '/' ? path : queue.At(path), time);
        return path;
    }

    private void Search()
    {
        cleaner.BeginSearch();
        while (cleaner.Searching) cleaner.SearchSome(Now);
    }

    [Fact]
    public void OldFilesThatNobodyFinishesGoAndOthersStay()
    {
        QueueLayout layout = queue.Layout;
        Aged(layout.Mess(1), Old);
        Aged(layout.Intd(1), Old);
        Aged(layout.Mess(2), Young);
        Aged(layout.Mess(3), Old);
        queue.Write(layout.Info(3), "F\0");
        Aged(layout.Mess(4), Old);
        queue.Write(layout.Todo(4), "F\0");
        Aged("pid/old", Old);
        Aged("pid/young", Young);
        Aged("mess/0/garbage", Old);
        Aged("mess/4/10", Old); // belongs to another split
        Search();
        Assert.Equal(["mess/0/garbage", "mess/2/2", "mess/3/3", "mess/4/10", "mess/4/4", "pid/young"], queue.FilesOf("mess", "pid", "intd"));
    }

    [Fact]
    public void WhatSomebodyWritesStaysHoweverOldItLooks()
    {
        Aged(queue.Layout.Mess(1), Old);
        int writer = Files.Open(queue.Layout.Mess(1), OpenMode.Write);
        Assert.Equal(0, Files.TryLock(writer));
        Search();
        Assert.True(System.IO.File.Exists(queue.Layout.Mess(1)));
        Files.Close(writer);
        Search();
        Assert.Null(TempQueue.Read(queue.Layout.Mess(1)));
    }

    [Fact]
    public void ASearchThatIsGivenUpRemovesNothing()
    {
        Aged(queue.Layout.Mess(1), Old);
        cleaner.BeginSearch();
        Assert.Equal(129_600, cleaner.GiveUpSearch());
        Assert.False(cleaner.Searching);
        cleaner.SearchSome(Now);
        Assert.NotNull(TempQueue.Read(queue.Layout.Mess(1)));
    }

    [Fact]
    public void AMissingDirectoryDoesNotEndTheSearch()
    {
        System.IO.Directory.Delete(queue.At("pid"));
        Aged(queue.Layout.Mess(4), Old);
        Search();
        Assert.Empty(queue.FilesOf("mess"));
    }

    [Fact]
    public void RemovingTodoTakesTheUnfinishedNameFirst()
    {
        ulong id = queue.Accept("u1!p1!Fs!");
        System.IO.File.Delete(queue.Layout.Intd(id));
        System.IO.Directory.CreateDirectory(queue.Layout.Intd(id));
        Assert.False(cleaner.RemoveTodo(id));
        Assert.NotNull(TempQueue.Read(queue.Layout.Todo(id)));
        System.IO.Directory.Delete(queue.Layout.Intd(id));
        Assert.True(cleaner.RemoveTodo(id));
        Assert.True(cleaner.RemoveTodo(id));
        cleaner.RemoveMessage(id);
        Assert.Empty(queue.FilesOf("todo", "intd", "mess"));
    }
}
