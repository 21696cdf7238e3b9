// Delivery into an mbox file: appended under a lock, taken back when it cannot be written whole (mbox(5)).
using System;
using Qmta.Mailbox;
using Qmta.Posix;

namespace Qmta.Local;

/// <summary>Appends messages to mbox files.</summary>
internal static class Mbox
{
    /// <summary>How long to wait for a lock, in milliseconds.</summary>
    private const long LockLimit = 30_000;

    /// <summary>
    /// Delivers the message; when this returns, it is on stable storage, or will be before its removal from the queue is.
    /// </summary>
    /// <exception cref="DeliveryFailure">It was not delivered; a file that could be locked is as it was.</exception>
    internal static void Deliver(string path, MessageFile message, Delivery delivery)
    {
        message.Rewind();
        int fd = Open(path, out bool locked, out FileStatus before);
        MboxNote? note = locked && before.IsFile ? new MboxNote(fd, (long)before.Size) : null;
        try
        {
            try
            {
                note?.TakeBackHalf();
                Append(fd, path, message, delivery, note);
                if (before.IsFile)
                {
                    note?.Whole();
                    // The removal of the message from the queue is never on disk without what is written now.
                    bool follows = message.RemovedFrom(delivery) == before.Device && OrderedFilesystem.Carries(fd, before.Device);
                    PosixException.Check(follows ? Files.WriteOut(fd) : Files.Sync(fd), "");
                    note?.Remove();
                    // A first message: the file's own entry may be new as well. A directory we may not read holds a
                    // file that somebody else made before.
                    int r = before.Size == 0 && !follows ? MaildirFile.SyncDirectory(DirectoryOf(path)) : 0;
                    if (r != -Errno.EACCES) PosixException.Check(r, "");
                }
                int closing = fd;
                fd = -1;
                PosixException.Check(Files.Close(closing), "");
            }
            catch (Exception failure) when (failure is PosixException or DeliveryFailure)
            {
                if (note != null && fd >= 0) note.TakeBack();
                if (failure is not PosixException write) throw;
                throw DeliveryFailure.Write(write.Errno, DeliveryFailure.TryLater("Unable to write " + path, write.Errno));
            }
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    // Whoever held the lock may have put a new file in the old one's place: what is appended to the old one is lost.
    private static int Open(string path, out bool locked, out FileStatus status)
    {
        long end = Clocks.BoottimeMilliseconds + LockLimit;
        while (true)
        {
            // O_NONBLOCK: a FIFO without a reader is an error, not a wait.
            int fd = Files.Open(path, OpenMode.Write | OpenMode.Append | OpenMode.Create | OpenMode.NonBlocking,
                0x180 /* 0600 */);
            if (fd < 0) throw DeliveryFailure.TryLater("Unable to open " + path, fd, "#4.2.1");
            bool keep = false;
            try
            {
                locked = Lock(fd, end - Clocks.BoottimeMilliseconds);
                int r = Files.Status(fd, out status);
                if (r < 0) throw DeliveryFailure.TryLater("Unable to open " + path, r, "#4.2.1");
                keep = !locked || !status.IsFile || (Files.Status(path, out FileStatus named) == 0
                    && named.Inode == status.Inode && named.Device == status.Device);
                if (keep) return fd;
            }
            finally
            {
                if (!keep) _ = Files.Close(fd);
            }
        }
    }

    /// <summary>
    /// Locks the file: false where the filesystem has no locks, which does not prevent the delivery.
    /// </summary>
    /// <exception cref="DeliveryFailure">Somebody else had the lock all the time, or the system has no room for another.</exception>
    internal static bool Lock(int fd, long limit)
    {
        long end = Clocks.BoottimeMilliseconds + limit;
        for (int wait = 5; ; wait = Math.Min(2 * wait, 250))
        {
            int r = Files.TryLock(fd);
            // Somebody may have the lock: without it two messages would run into each other.
            if (r == -Errno.ENOMEM) throw DeliveryFailure.TryLater("Unable to lock mbox", r);
            if (r != -Errno.EAGAIN) return r == 0;
            if (Clocks.BoottimeMilliseconds >= end)
                throw DeliveryFailure.TryLater("File has been locked for 30 seconds straight. (#4.3.0)");
            _ = Poll.Wait([], wait);
        }
    }

    private static void Append(int fd, string path, MessageFile message, Delivery delivery, MboxNote? note)
    {
        ByteWriter file = new(fd, path, 16384);
        string fromLine = delivery.FromLine(Clocks.Realtime);
        if (note != null) file.Put(note.Begin(fromLine));
        file.Put(fromLine);
        file.Put(delivery.ReturnPath);
        file.Put(delivery.DeliveredTo);
        file.Put(delivery.ExtraHeaderLines);
        MboxQuoting quoting = new(file);
        while (true)
        {
            ReadOnlySpan<byte> piece = message.Read();
            if (piece.IsEmpty) break;
            quoting.Put(piece);
        }
        quoting.End();
        file.Flush();
    }

    private static string DirectoryOf(string path) => path[..Math.Max(1, path.LastIndexOf('/'))];
}
