using System;
using System.IO;
using System.Linq;
using System.Threading;
using Qmta.Filter;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Filter;

public sealed class RecentFileTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-recent-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    private string Path => directory + "/recent";

    private int Count(string key, long now, long window = 100)
    {
        using RecentFile file = RecentFile.Open(Path, window, now);
        return file.Count(key);
    }

    private void Add(string key, long now, long window = 100)
    {
        using RecentFile file = RecentFile.Open(Path, window, now);
        file.Add(key);
    }

    [Fact]
    public void AnEntryCountsForTheWindow()
    {
        Assert.Equal(0, Count("a", 1000));
        Add("a", 1000);
        Add("a", 1001);
        Add("b c", 1001);
        Assert.Equal(2, Count("a", 1002));
        Assert.Equal(1, Count("b c", 1002));
        Assert.Equal(1, Count("a", 1100));
        Assert.Equal(0, Count("a", 1101));
        Assert.Equal("1000 a\n1001 a\n1001 b c\n", File.ReadAllText(Path));
    }

    [Fact]
    public void AClockThatWasAheadDoesNotMakeAnEntryEternal()
    {
        Add("a", 1_000_000);
        Assert.Equal(1, Count("a", 999_950));
        Assert.Equal(0, Count("a", 1000));
    }

    [Fact]
    public void WhatACrashLeavesDoesNotSpoilWhatIsAdded()
    {
        File.WriteAllText(Path, "1000 a\nnonsense\n1000\n" + new string('x', 5000) + "\n1000 cut o");
        Assert.Equal(1, Count("a", 1001));
        Add("b", 1001);
        Assert.Equal("1000 a\n1001 b\n", File.ReadAllText(Path));
    }

    [Fact]
    public void TheFileStaysSmall()
    {
        File.WriteAllText(Path, string.Concat(Enumerable.Range(0, RecentFile.MostEntries).Select(i => $"1000 {i}\n")));
        using (RecentFile file = RecentFile.Open(Path, 100, 1001))
        {
            Assert.True(file.IsFull);
            file.Add("new\nline" + new string('x', 1000));
        }
        Assert.Equal(RecentFile.MostEntries, File.ReadAllLines(Path).Length);
        Assert.Equal(0, Count("0", 1001));
        Assert.Equal(1, Count("1", 1001));
        Assert.Equal(1, Count("new_line" + new string('x', 1000), 1001));
        Add("later", 2000);
        Assert.Equal("2000 later\n", File.ReadAllText(Path));
    }

    [Fact]
    public void OneAtATime()
    {
        RecentFile first = RecentFile.Open(Path, 100, 1000);
        int count = -1;
        Thread second = new(() => count = Count("a", 1001));
        second.Start();
        Assert.False(second.Join(100));
        first.Add("a");
        first.Dispose();
        Assert.True(second.Join(10_000));
        Assert.Equal(1, count);
    }

    [Fact]
    public void SomethingElseUnderTheNameIsAnError()
    {
        Files.MakeFifo(Path, 0x180);
        Assert.Throws<PosixException>(() => Count("a", 1));
        Assert.Throws<PosixException>(() => RecentFile.Open(directory + "/none/recent", 1, 1));
    }
}
