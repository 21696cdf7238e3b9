using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Posix;

public sealed class FilesTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-files-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    private string At(string name) => directory + "/" + name;

    private string Write(string name, string text = "x")
    {
        File.WriteAllText(At(name), text);
        return At(name);
    }

    [Fact]
    public void FailuresAreNegativeErrorNumbers()
    {
        Assert.Equal(-Errno.ENOENT, Files.Open(At("none"), OpenMode.Read));
        Assert.Equal(-Errno.ENOENT, Files.Open("", OpenMode.Read));
        Assert.Equal(-Errno.ENOENT, Files.Unlink(At("none")));
        Assert.Equal(-Errno.ENOENT, Files.Status(At("none"), out _));
        Assert.Equal(-Errno.ENAMETOOLONG, Files.Open(At(new string('x', 300)), OpenMode.Read));
        Assert.Equal(-Errno.EEXIST, Files.Open(Write("a"), OpenMode.Write | OpenMode.Create | OpenMode.Exclusive, 0x180));
        Assert.Equal(-Errno.EEXIST, Files.MakeDirectory(directory, 0x1C0));
        Assert.Equal(-Errno.EBADF, Files.Read(-1, new byte[1]));
        Assert.Equal(0, Files.Close(-5));
    }

    [Fact]
    public void WritingOutWaitsForAFilesContents()
    {
        int fd = Files.Open(Write("a", new string('x', 100_000)), OpenMode.Write);
        Assert.Equal(0, Files.StartSync(fd));
        Assert.Equal(0, Files.WriteOut(fd));
        _ = Files.Close(fd);
        Assert.Equal(-Errno.EBADF, Files.WriteOut(-1));
        Assert.Equal(-Errno.EBADF, Files.StartSync(-1));
        Assert.Equal(0, Files.Pipe(out int read, out int write));
        Assert.Equal(-Errno.ESPIPE, Files.WriteOut(write));
        _ = Files.Close(read);
        _ = Files.Close(write);
    }

    [Fact]
    public void ANulInAPathNamesNothing()
    {
        Write("a");
        Assert.Equal(-Errno.ENOENT, Files.Unlink(At("a\0b")));
        Assert.True(File.Exists(At("a")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AFileWithoutANameIsGoneUnlessItGetsOne(bool byDescriptor)
    {
        int fd = Files.OpenNameless(directory, 0x1A0);
        Assert.True(fd >= 0, $"error {-fd}");
        Assert.Equal(0, Files.WriteAll(fd, "text"u8));
        Assert.Empty(Directory.GetFileSystemEntries(directory));
        string taken = Write("taken");
        int Link(string to) => byDescriptor ? Files.LinkOpen(fd, to) : Files.LinkThroughProc(fd, to);
        Assert.Equal(-Errno.EEXIST, Link(taken));
        Assert.Equal(-Errno.ENOENT, Link(At("none/a")));
        Assert.Equal(0, Link(At("a")));
        Assert.Equal(0, Link(At("b")));
        _ = Files.Close(fd);
        Assert.Equal("text", File.ReadAllText(At("a")));
        Assert.Equal("text", File.ReadAllText(At("b")));
        Assert.Equal("x", File.ReadAllText(taken));

        _ = Files.Close(Files.Open(At("named"), OpenMode.Write | OpenMode.Create, 0x1A0));
        Assert.Equal(0, Files.Status(At("named"), out FileStatus named));
        Assert.Equal(0, Files.Status(At("a"), out FileStatus status));
        Assert.Equal(named.Mode, status.Mode);
        _ = Files.Close(Files.OpenNameless(directory, 0x1A0));
        Assert.Equal(4, Directory.GetFileSystemEntries(directory).Length);
        Assert.Equal(-Errno.ENOENT, Files.OpenNameless(At("none"), 0x1A0));
        Assert.Equal(-Errno.EBADF, Files.LinkOpen(-1, At("c")));
    }

    [Fact]
    public void LinksAndKindsAreToldApart()
    {
        Files.Symlink(Write("file"), At("link"));
        Assert.Equal(-Errno.ELOOP, Files.Open(At("link"), OpenMode.Read | OpenMode.NoFollow));
        Assert.Equal(-Errno.ENOTDIR, Files.Open(At("file"), OpenMode.Read | OpenMode.Directory));
        Assert.Equal(At("file"), Files.ReadLink(At("link")));
        Assert.Null(Files.ReadLink(At("file")));
        Files.MakeFifo(At("fifo"), 0x180);
        Assert.True(Status("file").IsFile);
        Assert.True(Status("link").IsLink);
        Assert.True(Status("fifo").IsFifo);
        Assert.True(Status(".").IsDirectory);
        Assert.Equal(-Errno.ENXIO, Files.Open(At("fifo"), OpenMode.Write | OpenMode.NonBlocking));
    }

    [Fact]
    public void StatusTellsWhatStatDoes()
    {
        Write("a", "12345");
        Assert.Equal(0, Files.ChangeMode(At("a"), 0x1A0));
        Assert.Equal(0, Files.Link(At("a"), At("b")));
        Assert.Equal(0, Files.SetModified(At("a"), 5_000_000_000));
        FileStatus status = Status("b");
        Assert.Equal((5L, 0x1A0, 2u, 5_000_000_000L), (status.Size, status.Mode, status.Links, status.Modified));
        Assert.Equal(Status("a").Inode, status.Inode);
        Assert.Equal(Users.EffectiveUid, status.Uid);
        int fd = Files.Open(At("a"), OpenMode.Read);
        Assert.Equal(0, Files.Status(fd, out FileStatus open));
        Assert.Equal((status.Inode, status.Device), (open.Inode, open.Device));
        Files.Close(fd);
    }

    [Fact]
    public void PositionsAreKeptApart()
    {
        int fd = Files.Open(Write("a", "TTTT"), OpenMode.ReadWrite);
        Assert.Equal(1, Files.WriteAt(fd, "D"u8, 2));
        byte[] buffer = new byte[9];
        Assert.Equal(4, Files.Read(fd, buffer));
        Assert.Equal("TTDT"u8.ToArray(), buffer[..4]);
        Assert.Equal(2, Files.ReadAt(fd, buffer, 2));
        Assert.Equal(1, Files.Seek(fd, 1));
        Assert.Equal(3, Files.Seek(fd, -1, fromEnd: true));
        Assert.Equal(0, Files.Truncate(fd, 1));
        Assert.Equal(0, Files.Sync(fd));
        Files.Close(fd);
        Assert.Equal("T", File.ReadAllText(At("a")));
    }

    [Fact]
    public void ALockIsSomebodys()
    {
        int mine = Files.Open(Write("lock"), OpenMode.Write), theirs = Files.Open(At("lock"), OpenMode.Read);
        Assert.Equal(0, Files.TryLock(mine));
        Assert.Equal(-Errno.EAGAIN, Files.TryLock(theirs));
        Files.Close(mine);
        Assert.Equal(0, Files.TryLock(theirs));
        Files.Close(theirs);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(4097)]
    [InlineData(10_000)]
    public void WholeFilesUpToALimit(int size)
    {
        Write("a", new string('x', size));
        Assert.Equal(size, Files.ReadWhole(At("a"), size, out int error)!.Length);
        Assert.Equal(0, error);
        if (size == 0) return;
        Assert.Null(Files.ReadWhole(At("a"), size - 1, out error));
        Assert.Equal(-Errno.EFBIG, error);
    }

    [Fact]
    public void EveryNameOfALargeDirectoryIsListed()
    {
        HashSet<string> names = [.. Enumerable.Range(0, 2000).Select(n => n + new string('n', n % 200)), ".hidden", "..."];
        foreach (string name in names) Write(name);
        List<string> listed = [.. Files.List(directory)];
        Assert.Equal(names.Count, listed.Count);
        Assert.True(names.SetEquals(listed));
        Assert.Equal(Errno.ENOTDIR, Assert.Throws<PosixException>(() => Files.List(At("...")).ToList()).Errno);
    }

    [Fact]
    public void NamesAreBytes()
    {
        string name = "\u00ff\u00e9\u0001";
        Files.Close(Files.Open(At(name), OpenMode.Write | OpenMode.Create, 0x180));
        Assert.Equal([name], Files.List(directory));
        Assert.Equal(0, Files.Unlink(At(name)));
    }

    [Fact]
    public void ErrorsHaveTheSystemsWords()
    {
        Assert.Equal("No such file or directory", Errno.Text(Errno.ENOENT));
        Assert.Equal("No such file or directory", Errno.Text(-Errno.ENOENT));
        Assert.Equal(7, PosixException.Check(7, "unable"));
        PosixException failure = Assert.Throws<PosixException>(() => PosixException.Check(-Errno.EACCES, "unable to open /x"));
        Assert.Equal((Errno.EACCES, "unable to open /x: Permission denied"), (failure.Errno, failure.Message));
    }

    private FileStatus Status(string name)
    {
        Assert.Equal(0, Files.Status(At(name), out FileStatus status, followLinks: false));
        return status;
    }
}
