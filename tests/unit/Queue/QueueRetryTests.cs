using System;
using Qmta.Posix;
using Qmta.Queue;
using Xunit;

namespace Qmta.Tests.Queue;

public sealed class QueueRetryTests : IDisposable
{
    private const string Locks = "1: POSIX  ADVISORY  WRITE 77 fe:00:5308420 0 EOF\n2: FLOCK  ADVISORY  WRITE 20989 fe:10:5308420 0 EOF\n"
        + "2: -> FLOCK  ADVISORY  WRITE 30000 fe:10:5308420 0 EOF\n3: FLOCK  ADVISORY  WRITE 4 00:2c:12 0 EOF\nnonsense\n";

    private readonly TempQueue temp = new();

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData(5308420, 0xfe00000010UL, 20989)]
    [InlineData(5308420, 0xfe00000000UL, 77)]
    [InlineData(5308420, 0UL, 0)]
    [InlineData(12, 0x2cUL, 4)]
    [InlineData(13, 0x2cUL, 0)]
    public void TheHolderIsInProcLocks(ulong inode, ulong device, int pid) =>
        Assert.Equal(pid, QueueRetry.HolderIn(Locks, inode, device, _ => false));

    [Fact]
    public void ASchedulerIsKnownWhereDeviceNumbersDiffer() =>
        Assert.Equal(20989, QueueRetry.HolderIn(Locks, 5308420, 5, pid => pid == 20989));

    [Fact]
    public void WithoutADaemonEverythingBecomesDue()
    {
        temp.Write(temp.Layout.SendMutex, "");
        string local = temp.Write(temp.Layout.Local(7), "Ta@b\0"), remote = temp.Write(temp.Layout.Remote(8), "Ta@b\0");
        string info = temp.Write(temp.Layout.Info(8), "Fa@b\0");
        foreach (string path in new[] { local, remote, info }) _ = Files.SetModified(path, 1_000_000_000);
        Assert.Equal(0, QueueRetry.Begin(temp.Layout));
        foreach (string path in new[] { local, remote })
        {
            _ = Files.Status(path, out FileStatus status);
            Assert.InRange(status.Modified, Clocks.Realtime - 60, Clocks.Realtime);
        }
        _ = Files.Status(info, out FileStatus birth);
        Assert.Equal(1_000_000_000, birth.Modified); // a message does not become younger
    }

    [Fact]
    public void WithoutAQueueThereIsNothingToTry() =>
        Assert.Equal(Errno.ENOENT, Assert.Throws<PosixException>(() => QueueRetry.Begin(new QueueLayout("/nonexistent"))).Errno);
}
