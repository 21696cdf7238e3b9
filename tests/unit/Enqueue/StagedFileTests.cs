using System;
using System.IO;
using Qmta.Enqueue;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Enqueue;

public sealed class StagedFileTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-staged-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ItGetsItsPlaceWholeAndLeavesNothingElse(bool named)
    {
        StagedFile first = Stage(named), second = Stage(named);
        Assert.Equal(named ? 2 : 0, Names().Length);
        Assert.NotEqual(first.Inode, second.Inode);
        Assert.Equal(0, Files.WriteAll(first.Fd, "whole"u8));
        Assert.Equal(0, first.Place(directory + "/place"));
        Assert.Equal(-Errno.EEXIST, second.Place(directory + "/place"));
        Assert.Equal(0, Files.Status(directory + "/place", out FileStatus status));
        Assert.Equal((first.Inode, 1u), (status.Inode, status.Links));
        second.Close();
        first.Close();
        Assert.Equal([directory + "/place"], Names());
        Assert.Equal("whole", File.ReadAllText(directory + "/place"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WhatSomebodyWritesIsLocked(bool named)
    {
        StagedFile file = Stage(named);
        int other = Files.Open($"/proc/self/fd/{file.Fd}", OpenMode.Read);
        Assert.Equal(-Errno.EAGAIN, Files.TryLock(other));
        file.Close();
        Assert.Equal(0, Files.TryLock(other));
        _ = Files.Close(other);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WithoutADirectoryThereIsNone(bool named) => Assert.Null(StagedFile.Create(directory + "/none", named));

    private StagedFile Stage(bool named) => StagedFile.Create(directory, named) ?? throw new IOException("no file");

    private string[] Names() => Directory.GetFileSystemEntries(directory);
}
