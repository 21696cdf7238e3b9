using System;
using System.IO;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Posix;

public sealed class OrderedFilesystemTests
{
    // What Linux 6.18 says of an ext4 with a journal and of one without, shortened.
    private const string WithJournal = "rw\nbsddf\nbarrier\ncommit=5\ni_version\nstripe=0\ndata=ordered\ninode_readahead_blks=32\n";
    private const string WithoutJournal = "rw\nbsddf\nnojournal_checksum\nbarrier\ncommit=5\ni_version\nstripe=0\ninode_readahead_blks=32\n";

    [Theory]
    [InlineData(WithJournal, true)]
    [InlineData(WithoutJournal, false)]
    [InlineData("data=ordered", true)]
    [InlineData("rw\ndata=journal\n", true)]
    [InlineData("rw\njournal_async_commit\ndata=writeback\n", false)]
    [InlineData("rw\nmetadata=ordered\ndata=ordered,x\n", false)]
    [InlineData("", false)]
    public void OptionsOfExt4TellWhetherContentsComeFirst(string options, bool expected) =>
        Assert.Equal(expected, OrderedFilesystem.WritesContentsFirst(options));

    [Fact]
    public void WhatIsNotKnownIsNotOrdered()
    {
        Assert.False(OrderedFilesystem.Carries(-1));
        Assert.False(IsOrdered("/proc/self/status")); // no device
        int pipe = Files.Pipe(out int read, out int write);
        Assert.Equal(0, pipe);
        Assert.False(OrderedFilesystem.Carries(read));
        _ = Files.Close(read);
        _ = Files.Close(write);
        if (Directory.Exists("/dev/shm")) Assert.False(IsOrdered("/dev/shm"));
    }

    // Whatever filesystem the tests run on: what the answer is made of must agree with what the system says elsewhere.
    [Fact]
    public void OnlyExt4AndXfsAreOrdered()
    {
        string type = "";
        string best = "";
        foreach (string line in File.ReadAllLines("/proc/self/mounts"))
        {
            string[] words = line.Split(' ');
            if (!(Path.GetTempPath() + "/").StartsWith(words[1].TrimEnd('/') + "/", StringComparison.Ordinal) || words[1].Length < best.Length) continue;
            best = words[1];
            type = words[2];
        }
        bool ordered = IsOrdered(Path.GetTempPath());
        if (type is not ("ext4" or "ext3" or "xfs")) Assert.False(ordered);
        if (type == "xfs") Assert.True(ordered);
        Assert.Equal(ordered, IsOrdered(Path.GetTempPath()));
    }

    private static bool IsOrdered(string path)
    {
        int fd = Files.Open(path, OpenMode.Read);
        Assert.True(fd >= 0);
        bool ordered = OrderedFilesystem.Carries(fd);
        _ = Files.Close(fd);
        return ordered;
    }
}
