// A new message in a Maildir: written in tmp, and in new when it is complete and on stable storage (maildir(5)).
using System;
using Qmta.Posix;

namespace Qmta.Mailbox;

/// <summary>
/// A file that becomes a message with <see cref="Publish"/> or with a <see cref="MaildirBatch"/>, or leaves nothing behind.
/// </summary>
public sealed class MaildirFile : IDisposable
{
    /// <summary>Size of the buffer that messages are written through, in bytes.</summary>
    public const int BufferSize = 16384;

    private static int counter;

    private readonly string moment, place;

    private MaildirFile(string directory, string temporary, string moment, string place, int fd, byte[] buffer)
    {
        Directory = directory;
        Temporary = temporary;
        this.moment = moment;
        this.place = place;
        Fd = fd;
        Writer = new ByteWriter(fd, temporary, buffer);
    }

    /// <summary>Where the message goes.</summary>
    public ByteWriter Writer { get; }

    /// <summary>The Maildir, with a slash at the end.</summary>
    internal string Directory { get; }

    /// <summary>The name in tmp.</summary>
    internal string Temporary { get; }

    /// <summary>
    /// The filesystem from which another copy of the message will be removed after this one is published, and no sooner;
    /// null when that is not sure.
    /// </summary>
    public ulong? RemovedFrom { get; set; }

    /// <summary>The file, open for writing; -1 when it is closed.</summary>
    internal int Fd { get; private set; }

    /// <summary>The name in new; null as long as it has none.</summary>
    internal string? Name { get; private set; }

    /// <summary>The filesystem that the file is on.</summary>
    internal ulong Device { get; private set; }

    // Tells this file from every other that is there now, whatever clock, pid and host say.
    private ulong inode;

    /// <summary>Whether the fsync of a directory, after this file has moved, carries it (<see cref="OrderedFilesystem"/>).</summary>
    internal bool IsOrdered { get; private set; }

    /// <summary>Whether its entry in new has been synced, could not be, or need not be.</summary>
    internal bool IsSynced { get; set; }

    /// <summary>0, or -errno when <see cref="StartWriting"/> failed.</summary>
    internal int Started { get; private set; }

    /// <summary>Begins a message.</summary>
    /// <param name="directory">The Maildir, with a slash at the end.</param>
    /// <param name="buffer">What to write it through; one of its own when null. It is free again when the message has been
    /// added to a batch, or published.</param>
    /// <exception cref="PosixException">The file cannot be made; ENOENT when there is no such Maildir.</exception>
    public static MaildirFile Create(string directory, byte[]? buffer = null)
    {
        string place = "." + Programs.HostName.Replace("/", "\\057", StringComparison.Ordinal)
            .Replace(":", "\\072", StringComparison.Ordinal);
        for (int attempt = 1; ; attempt++)
        {
            long now = Clocks.RealtimeMicroseconds;
            string moment = $"{now / 1_000_000}.M{now % 1_000_000}P{Processes.Id}Q{++counter}";
            string path = directory + "tmp/" + moment + place;
            int fd = Files.Open(path, OpenMode.Write | OpenMode.Create | OpenMode.Exclusive | OpenMode.NoFollow,
                0x180 /* 0600 */);
            if (fd >= 0) return new MaildirFile(directory, path, moment, place, fd, buffer ?? new byte[BufferSize]);
            if (fd != -Errno.EEXIST || attempt == 3) throw new PosixException(fd, "unable to create " + path);
        }
    }

    /// <summary>Delivers the message; when this returns, file and directory entry are on stable storage.</summary>
    /// <exception cref="PosixException">It is not delivered.</exception>
    public void Publish()
    {
        MaildirBatch batch = new();
        batch.Add(this);
        batch.Publish();
        if (batch.Failure(this) is PosixException failure) throw failure;
    }

    /// <summary>Starts to write the contents to the disk, without waiting.</summary>
    internal void StartWriting() => Started = Files.StartSync(Fd);

    /// <summary>Finds out what the file is and where: before <see cref="Move"/>.</summary>
    /// <exception cref="PosixException">That cannot be told.</exception>
    internal void Look()
    {
        PosixException.Check(Files.Status(Fd, out FileStatus status), "unable to stat " + Temporary);
        (Device, inode) = (status.Device, status.Inode);
        IsOrdered = OrderedFilesystem.Carries(Fd, Device);
    }

    /// <summary>Moves the file from tmp to new, where it is seen from then on.</summary>
    /// <exception cref="PosixException">It is not moved.</exception>
    internal void Move()
    {
        string path = $"{Directory}new/{moment}I{inode:x}{place},S={Writer.Length}";
        int r = Files.RenameNew(Temporary, path);
        // Not every filesystem can promise to replace nothing; a link never does.
        if (r is -Errno.EINVAL or -Errno.ENOSYS or -Errno.EOPNOTSUPP)
        {
            r = Files.Link(Temporary, path);
            // Some have no hard links. Rename would replace a file of that name; the inode number excludes one.
            if (r is -Errno.EPERM or -Errno.EMLINK or -Errno.EOPNOTSUPP or -Errno.ENOSYS) r = Files.Rename(Temporary, path);
            else if (r >= 0) _ = Files.Unlink(Temporary);
        }
        PosixException.Check(r, "unable to create " + path);
        Name = path;
    }

    /// <summary>Takes it out of new again: the entry may be lost, and the next attempt would make a second copy.</summary>
    internal void TakeBack()
    {
        if (Name != null) _ = Files.Unlink(Name);
    }

    /// <summary>Closes the file; 0 or -errno.</summary>
    internal int Close()
    {
        int closing = Fd;
        Fd = -1;
        return Files.Close(closing);
    }

    /// <summary>
    /// Waits until a directory's entries are on stable storage. Some network filesystems know no such thing and say
    /// EINVAL: they have written the entry when the call that made it returned.
    /// </summary>
    public static int SyncDirectory(string path)
    {
        int r = Files.SyncDirectory(path);
        return r == -Errno.EINVAL ? 0 : r;
    }

    /// <summary>Closes the file. Unless it is in new, it is worthless and removed.</summary>
    public void Dispose()
    {
        _ = Close();
        if (Name == null) _ = Files.Unlink(Temporary);
    }
}
