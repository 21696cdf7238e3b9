// What is known about files that are not there.
using System.IO;
using Qmta.Send;
using Qmta.Tests.Queue;
using Xunit;

namespace Qmta.Tests.Send;

public sealed class LeftoversTests
{
    private readonly Leftovers leftovers = new();

    [Fact]
    public void WhatWasThereAtFirstIsRemoved()
    {
        using TempQueue queue = new();
        string info = queue.Layout.Info(17), local = queue.Layout.Local(17), other = queue.Layout.Info(17 + (ulong)queue.Layout.Split);
        File.WriteAllText(info, "Fsomebody");
        File.WriteAllText(local, "Tsomebody");
        leftovers.RemoveOf(queue.Layout, 17);
        Assert.False(File.Exists(info));
        Assert.False(File.Exists(local));
        // The directory was not empty: that of another message in it may be there, too.
        File.WriteAllText(other, "F");
        Assert.True(leftovers.MayBe(other));
        leftovers.RemoveOf(queue.Layout, 17 + (ulong)queue.Layout.Split);
        Assert.False(File.Exists(other));
    }

    [Fact]
    public void AfterAFileWasMadeItMayBeThere()
    {
        using TempQueue queue = new();
        string remote = queue.Layout.Remote(5);
        Assert.False(leftovers.MayBe(remote));
        leftovers.Make(remote);
        Assert.True(leftovers.MayBe(remote));
        Assert.True(leftovers.MayBe(queue.Layout.Remote(5 + (ulong)queue.Layout.Split)));
        Assert.False(leftovers.MayBe(queue.Layout.Remote(6)));
    }

    [Fact]
    public void NotesAreRemovedWhetherTheirDirectoryIsThereOrNot()
    {
        using TempQueue queue = new();
        string note = queue.Layout.Defer(9), directory = Path.GetDirectoryName(note)!;
        if (Directory.Exists(directory)) Directory.Delete(directory);
        leftovers.RemoveNotes(queue.Layout, 9);
        leftovers.Make(note);
        Directory.CreateDirectory(directory);
        File.WriteAllText(note, "T");
        leftovers.RemoveNotes(queue.Layout, 9);
        Assert.False(File.Exists(note));
    }
}
