// Bytes that come once and are needed once for every hub that is tried: kept in a file without a name.
using System;
using Qmta.Posix;
using Qmta.Qmqp;

namespace Qmta.NullClient;

/// <summary>
/// A file in memory while it is small. A larger one goes to the directory that TMPDIR names, so that a message of any
/// size costs the same memory; where nothing can be written there, as on a host without disks, it stays in memory.
/// </summary>
internal sealed class Spool
{
    private const string DefaultDirectory = "/tmp";

    private readonly byte[] buffer = GC.AllocateUninitializedArray<byte>(32768);
    private int used, fd = -1;
    private long written;

    /// <exception cref="HandoverException">It cannot be kept.</exception>
    internal void Put(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (used == buffer.Length) Write(inMemory: false);
            int n = Math.Min(bytes.Length, buffer.Length - used);
            bytes[..n].CopyTo(buffer.AsSpan(used));
            used += n;
            bytes = bytes[n..];
        }
    }

    /// <summary>Everything that was put.</summary>
    /// <exception cref="HandoverException">It cannot be kept.</exception>
    internal FilePart Finish()
    {
        Write(inMemory: true);
        return new FilePart(fd, 0, written);
    }

    /// <summary>What is left to read from a descriptor: the file itself, or a copy of what comes through a pipe.</summary>
    /// <exception cref="HandoverException">It cannot be read or kept.</exception>
    internal static FilePart Of(int source)
    {
        if (Files.Status(source, out FileStatus status) == 0 && status.IsFile && Files.Position(source) is long at and >= 0)
            return new FilePart(source, at, Math.Max(0, status.Size - at));
        Spool spool = new();
        while (true)
        {
            if (spool.used == spool.buffer.Length) spool.Write(inMemory: false);
            int n = Files.Read(source, spool.buffer.AsSpan(spool.used));
            if (n < 0) throw new HandoverException(ExitCode.Read, "unable to read the message: " + Errno.Text(n));
            if (n == 0) return spool.Finish();
            spool.used += n;
        }
    }

    private void Write(bool inMemory)
    {
        if (fd < 0) fd = inMemory ? Files.InMemory() : Create();
        int r = fd < 0 ? fd : Files.WriteAll(fd, buffer.AsSpan(0, used));
        if (r < 0) throw new HandoverException(ExitCode.Write, "unable to keep the message in a temporary file: " + Errno.Text(r));
        written += used;
        used = 0;
    }

    private static int Create()
    {
        string? directory = Variables.Get("TMPDIR");
        if (string.IsNullOrEmpty(directory)) directory = DefaultDirectory;
        string path = directory + "/qmail-qmqpc." + Processes.Id + "." + Clocks.RealtimeMicroseconds;
        int fd = Files.Open(path, OpenMode.ReadWrite | OpenMode.Create | OpenMode.Exclusive, 0x180 /* 0600 */);
        if (fd < 0) return Files.InMemory();
        _ = Files.Unlink(path);
        return fd;
    }
}
