// Delivery into a Maildir: one new file per message, complete or not there at all (maildir(5)).
using System;
using Qmta.Mailbox;
using Qmta.Posix;

namespace Qmta.Local;

/// <summary>Adds messages to Maildirs.</summary>
internal static class Maildir
{
    /// <summary>
    /// A copy that takes longer, in milliseconds, is given up: mail readers delete files in tmp that are older.
    /// </summary>
    private const long Limit = 24 * 3600 * 1000;

    /// <summary>
    /// Delivers the message; when this returns, file and directory entry are on stable storage, or will be before the
    /// message's removal from the queue is.
    /// </summary>
    /// <param name="directory">The Maildir, with a slash at the end.</param>
    /// <param name="make">Make the Maildir if it does not exist, in a directory that does.</param>
    /// <exception cref="DeliveryFailure">It was not delivered.</exception>
    internal static void Deliver(string directory, MessageFile message, Delivery delivery, bool make = false)
    {
        MaildirBatch batch = new();
        using MaildirFile file = Write(directory, message, delivery, make, batch);
        batch.Publish();
        if (Failure(batch, file) is DeliveryFailure failure) throw failure;
    }

    /// <summary>Writes the message and adds it to the batch: it is delivered when that is published.</summary>
    /// <param name="buffer">What to write through, of <see cref="MaildirFile.BufferSize"/> bytes; may be null.</param>
    /// <exception cref="DeliveryFailure">It will not be delivered.</exception>
    internal static MaildirFile Write(string directory, MessageFile message, Delivery delivery, bool make, MaildirBatch batch,
        byte[]? buffer = null)
    {
        message.Rewind();
        MaildirFile file = Create(directory, make, buffer);
        file.RemovedFrom = message.RemovedFrom(delivery);
        bool complete = false;
        try
        {
            file.Writer.Put(delivery.ReturnPath);
            file.Writer.Put(delivery.DeliveredTo);
            file.Writer.Put(delivery.ExtraHeaderLines);
            long end = Clocks.BoottimeMilliseconds + Limit;
            while (true)
            {
                ReadOnlySpan<byte> piece = message.Read();
                if (piece.IsEmpty) break;
                file.Writer.Put(piece);
                if (Clocks.BoottimeMilliseconds > end)
                    throw DeliveryFailure.TryLater("Timeout on maildir delivery. (#4.3.0)");
            }
            batch.Add(file);
            complete = true;
            return file;
        }
        catch (PosixException failure)
        {
            throw Failure(failure.Errno, failure.Message);
        }
        finally
        {
            if (!complete) file.Dispose();
        }
    }

    /// <summary>Why a message of a batch was not delivered; null when it was.</summary>
    internal static DeliveryFailure? Failure(MaildirBatch batch, MaildirFile file) =>
        batch.Failure(file) is PosixException failure ? Failure(failure.Errno, failure.Message) : null;

    private static MaildirFile Create(string directory, bool make, byte[]? buffer)
    {
        try
        {
            return MaildirFile.Create(directory, buffer);
        }
        catch (PosixException failure) when (failure.Errno == Errno.ENOENT && make)
        {
            Make(directory);
            return Create(directory, make: false, buffer);
        }
        catch (PosixException failure)
        {
            throw IsReachable(directory) ? Failure(failure.Errno, failure.Message) : DeliveryFailure.TryLater(
                "Unable to chdir to maildir. (#4.2.1)\n" + directory + ": " + Errno.Text(failure.Errno));
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
        int synced = MaildirFile.SyncDirectory(path);
        if (synced >= 0) synced = MaildirFile.SyncDirectory(slash == 0 ? "/" : path[..slash]);
        // A directory that we may write to and not read holds what it holds.
        if (synced is not (>= 0 or -Errno.EACCES))
            throw Failure(synced, "unable to sync " + path + ": " + Errno.Text(synced));
    }

    private static bool IsReachable(string directory) =>
        Files.Status(directory, out FileStatus status) == 0 && status.IsDirectory && Files.IsExecutable(directory);

    private static DeliveryFailure Failure(int errno, string sentence) => DeliveryFailure.Write(errno,
        DeliveryFailure.TryLater("Temporary error on maildir delivery. (#4.3.0)\n" + sentence));
}
