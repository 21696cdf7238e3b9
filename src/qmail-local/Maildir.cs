// Delivery into a Maildir: one new file per message, complete or not there at all (maildir(5)).
using System;
using Qmta.Posix;

namespace Qmta.Local;

/// <summary>Adds messages to Maildirs.</summary>
internal static class Maildir
{
    /// <summary>
    /// A copy that takes longer, in milliseconds, is given up: mail readers delete files in tmp that are older.
    /// </summary>
    private const long Limit = 24 * 3600 * 1000;

    private static int counter;

    /// <summary>Delivers the message; when this returns, file and directory entry are on stable storage.</summary>
    /// <param name="directory">The Maildir, with a slash at the end.</param>
    /// <param name="make">Make the Maildir if it does not exist, in a directory that does.</param>
    /// <exception cref="DeliveryFailure">It was not delivered.</exception>
    internal static void Deliver(string directory, MessageFile message, Delivery delivery, bool make = false)
    {
        message.Rewind();
        string temporary = Create(directory, make, out int fd, out string moment, out string place);
        try
        {
            ByteWriter file = new(fd, temporary, 16384);
            file.Put(delivery.ReturnPath);
            file.Put(delivery.DeliveredTo);
            file.Put(delivery.ExtraHeaderLines);
            long end = Clocks.BoottimeMilliseconds + Limit;
            while (true)
            {
                ReadOnlySpan<byte> piece = message.Read();
                if (piece.IsEmpty) break;
                file.Put(piece);
                if (Clocks.BoottimeMilliseconds > end)
                    throw DeliveryFailure.TryLater("Timeout on maildir delivery. (#4.3.0)");
            }
            file.Flush();
            PosixException.Check(Files.Sync(fd), "unable to sync " + temporary);
            // The inode number tells this file from every other that is there now, whatever clock, pid and host say.
            PosixException.Check(Files.Status(fd, out FileStatus status), "unable to stat " + temporary);
            int closing = fd;
            fd = -1;
            PosixException.Check(Files.Close(closing), "unable to close " + temporary);
            Publish(directory, temporary, $"{directory}new/{moment}I{status.Inode:x}{place},S={file.Length}");
        }
        catch (PosixException failure)
        {
            throw Failure(failure.Errno, failure.Message);
        }
        finally
        {
            // After the link the name in tmp has done its work; before it, the file is worthless.
            _ = Files.Close(fd);
            _ = Files.Unlink(temporary);
        }
    }

    /// <summary>
    /// Waits until a directory's entries are on stable storage. Some network filesystems know no such thing and say
    /// EINVAL: they have written the entry when the call that made it returned.
    /// </summary>
    internal static int SyncDirectory(string path)
    {
        int r = Files.SyncDirectory(path);
        return r == -Errno.EINVAL ? 0 : r;
    }

    private static string Create(string directory, bool make, out int fd, out string moment, out string place)
    {
        place = "." + Programs.HostName.Replace("/", "\\057", StringComparison.Ordinal)
            .Replace(":", "\\072", StringComparison.Ordinal);
        for (int attempt = 1; ; attempt++)
        {
            long now = Clocks.RealtimeMicroseconds;
            moment = $"{now / 1_000_000}.M{now % 1_000_000}P{Processes.Id}Q{++counter}";
            string path = directory + "tmp/" + moment + place;
            fd = Files.Open(path, OpenMode.Write | OpenMode.Create | OpenMode.Exclusive | OpenMode.NoFollow,
                0x180 /* 0600 */);
            if (fd >= 0) return path;
            if (fd == -Errno.ENOENT && make)
            {
                make = false;
                Make(directory);
            }
            else if (fd != -Errno.EEXIST || attempt == 3)
            {
                string reason = Errno.Text(fd);
                throw IsReachable(directory) ? Failure(fd, "unable to create " + path + ": " + reason)
                    : DeliveryFailure.TryLater("Unable to chdir to maildir. (#4.2.1)\n" + directory + ": " + reason);
            }
        }
    }

    // tmp is the last: a Maildir without it is one that was not finished, and the next delivery finishes it. Another
    // delivery may be making the same one.
    private static void Make(string directory)
    {
        string path = directory.TrimEnd('/');
        int slash = path.LastIndexOf('/');
        if (slash < 0) return;
        foreach (string part in new[] { path, path + "/cur", path + "/new", path + "/tmp" })
        {
            int r = Files.MakeDirectory(part, 0x1C0 /* 0700 */);
            if (r is not (0 or -Errno.EEXIST)) throw Failure(r, "unable to create " + part + ": " + Errno.Text(r));
        }
        int synced = SyncDirectory(path);
        if (synced >= 0) synced = SyncDirectory(slash == 0 ? "/" : path[..slash]);
        // A directory that we may write to and not read holds what it holds.
        if (synced is not (>= 0 or -Errno.EACCES))
            throw Failure(synced, "unable to sync " + path + ": " + Errno.Text(synced));
    }

    private static bool IsReachable(string directory) =>
        Files.Status(directory, out FileStatus status) == 0 && status.IsDirectory && Files.IsExecutable(directory);

    private static void Publish(string directory, string temporary, string path)
    {
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

    private static DeliveryFailure Failure(int errno, string sentence) => DeliveryFailure.Write(errno,
        DeliveryFailure.TryLater("Temporary error on maildir delivery. (#4.3.0)\n" + sentence));
}
