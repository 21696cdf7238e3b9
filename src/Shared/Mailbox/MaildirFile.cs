// A new message in a Maildir: written in tmp, and in new when it is complete and on stable storage (maildir(5)).
using System;
using Qmta.Posix;

namespace Qmta.Mailbox;

/// <summary>A file that becomes a message with <see cref="Publish"/>, or leaves nothing behind.</summary>
public sealed class MaildirFile : IDisposable
{
    private static int counter;

    private readonly string directory, temporary, moment, place;
    private int fd;

    private MaildirFile(string directory, string temporary, string moment, string place, int fd)
    {
        this.directory = directory;
        this.temporary = temporary;
        this.moment = moment;
        this.place = place;
        this.fd = fd;
        Writer = new ByteWriter(fd, temporary, 16384);
    }

    /// <summary>Where the message goes.</summary>
    public ByteWriter Writer { get; }

    /// <summary>Begins a message.</summary>
    /// <param name="directory">The Maildir, with a slash at the end.</param>
    /// <exception cref="PosixException">The file cannot be made; ENOENT when there is no such Maildir.</exception>
    public static MaildirFile Create(string directory)
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
            if (fd >= 0) return new MaildirFile(directory, path, moment, place, fd);
            if (fd != -Errno.EEXIST || attempt == 3) throw new PosixException(fd, "unable to create " + path);
        }
    }

    /// <summary>Delivers the message; when this returns, file and directory entry are on stable storage.</summary>
    /// <exception cref="PosixException">It is not delivered.</exception>
    public void Publish()
    {
        Writer.Flush();
        PosixException.Check(Files.Sync(fd), "unable to sync " + temporary);
        // The inode number tells this file from every other that is there now, whatever clock, pid and host say.
        PosixException.Check(Files.Status(fd, out FileStatus status), "unable to stat " + temporary);
        int closing = fd;
        fd = -1;
        PosixException.Check(Files.Close(closing), "unable to close " + temporary);
        string path = $"{directory}new/{moment}I{status.Inode:x}{place},S={Writer.Length}";
        int r = Files.Link(temporary, path);
        // Some filesystems have no hard links. Rename would replace a file of that name; the inode number excludes one.
        if (r is -Errno.EPERM or -Errno.EMLINK or -Errno.EOPNOTSUPP or -Errno.ENOSYS) r = Files.Rename(temporary, path);
        PosixException.Check(r, "unable to create " + path);
        r = SyncDirectory(directory + "new");
        if (r >= 0) return;
        // The entry may be lost again: not delivered. Without this the next attempt would make a second copy.
        _ = Files.Unlink(path);
        throw new PosixException(r, "unable to sync " + directory + "new");
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

    /// <summary>
    /// Removes the name in tmp: after the message is published it has done its work; before that, the file is worthless.
    /// </summary>
    public void Dispose()
    {
        _ = Files.Close(fd);
        fd = -1;
        _ = Files.Unlink(temporary);
    }
}
