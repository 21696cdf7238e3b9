// What is in a queue, message by message, for those who ask: mailq and the operator's tools.
using System;
using System.Collections.Generic;
using Qmta.Posix;

namespace Qmta.Queue;

/// <summary>
/// Lists a queue without disturbing it. Nothing is written, locked or signalled, so a running qmta-send and any number of
/// qmail-queue work on; a listing is what each message looked like when its turn came.
///
/// Every message has one file in mess for as long as it lives, so going through mess meets each message once, and a
/// message that is there all the time is never missed. A message only moves from todo to info, and its files in info,
/// local and remote count only when it is not in todo; so todo is looked at first, and a message that is in neither was
/// removed a moment ago or is only being written. Files may vanish between any two steps: that is no error.
///
/// Memory does not depend on the number of recipients; with <see cref="OldestFirst"/> it is 16 bytes for each message,
/// with <see cref="Messages"/> nothing.
/// </summary>
public sealed class QueueListing
{
    private readonly QueueLayout queue;

    /// <param name="queue">The queue.</param>
    /// <param name="now">The present, in seconds since 1970.</param>
    public QueueListing(QueueLayout queue, long now)
    {
        this.queue = queue;
        Now = now;
    }

    /// <summary>The present, as the listing sees it.</summary>
    public long Now { get; }

    /// <summary>The messages, in the order of the disk.</summary>
    /// <exception cref="PosixException">The queue cannot be read: EACCES when this user may not, ENOENT when there is none.</exception>
    public IEnumerable<ListedMessage> Messages()
    {
        foreach (ulong id in Ids())
            if (Find(id) is ListedMessage message) yield return message;
    }

    /// <summary>The messages, the longest waiting first.</summary>
    /// <exception cref="PosixException">As for <see cref="Messages"/>.</exception>
    public IEnumerable<ListedMessage> OldestFirst()
    {
        List<(long Arrival, ulong Id)> order = [];
        foreach (ulong id in Ids())
            if (Files.Status(queue.Todo(id), out FileStatus status) == 0 || Files.Status(queue.Info(id), out status) == 0)
                order.Add((status.Modified, id));
        order.Sort();
        foreach ((_, ulong id) in order)
            if (Find(id) is ListedMessage message) yield return message;
    }

    /// <summary>How many messages there are, and how many of them wait in todo to be taken in.</summary>
    /// <exception cref="PosixException">As for <see cref="Messages"/>.</exception>
    public (long Messages, long New) Count()
    {
        long all = 0, waiting = 0;
        foreach (ulong id in Ids())
        {
            all++;
            if (Files.Status(queue.Todo(id), out _) == 0) waiting++;
        }
        return (all, waiting);
    }

    /// <summary>One message; null when there is none of that number, or it is not yet or no longer queued.</summary>
    public ListedMessage? Find(ulong id)
    {
        // The message itself last: while it is there, so was what was read before it.
        bool isNew = true;
        string path = queue.Todo(id);
        int fd = Open(path, out string? problem);
        if (fd < 0 && problem == null)
        {
            isNew = false;
            path = queue.Info(id);
            fd = Open(path, out problem);
        }
        if (fd < 0 && problem == null) return null;
        string sender = "";
        FileStatus envelope = default;
        try
        {
            if (fd >= 0)
            {
                PosixException.Check(Files.Status(fd, out envelope), "unable to look at " + path);
                sender = SenderOf(fd, path);
            }
        }
        catch (Exception failure) when (failure is PosixException or FormatException)
        {
            problem = failure.Message;
        }
        finally
        {
            _ = Files.Close(fd);
        }
        if (Files.Status(queue.Mess(id), out FileStatus message) < 0 && problem == null) return null;
        return new ListedMessage(queue, id, Now)
        {
            Size = message.Size,
            Arrival = Math.Min(envelope.Modified == 0 ? message.Modified : envelope.Modified, Now),
            Sender = sender,
            IsNew = isNew,
            IsHeld = Files.Status(queue.Hold(id), out _, followLinks: false) == 0,
            HasFailures = Files.Status(queue.Bounce(id), out _) == 0,
            Problem = problem,
        };
    }

    // todo has u and p records before the sender, info has the sender only.
    private static string SenderOf(int fd, string path)
    {
        EnvelopeReader reader = new(fd, path, 2048);
        while (reader.Next())
            if (reader.Kind == 'F') return reader.Value;
        throw new FormatException(path + " has no sender");
    }

    private IEnumerable<ulong> Ids()
    {
        string mess = queue.Directory + "/mess";
        foreach (string part in Files.List(mess))
        {
            // A queue may have been made with another split than ours; names that are no numbers are not the queue's.
            if (!QueueLayout.TryParseId(part, out _)) continue;
            foreach (string name in Files.List(mess + "/" + part))
                if (QueueLayout.TryParseId(name, out ulong id)) yield return id;
        }
    }

    /// <summary>Opens a file of the queue; negative when that is not possible.</summary>
    /// <param name="path">The file.</param>
    /// <param name="problem">Why not; null when the file is just not there.</param>
    internal static int Open(string path, out string? problem)
    {
        problem = null;
        // Whatever else is there by that name must neither hold this program up nor lead it away.
        int fd = Files.Open(path, OpenMode.Read | OpenMode.NonBlocking | OpenMode.NoFollow);
        if (fd < 0)
        {
            if (fd != -Errno.ENOENT) problem = "unable to open " + path + ": " + Errno.Text(fd);
            return fd;
        }
        if (Files.Status(fd, out FileStatus status) == 0 && status.IsFile) return fd;
        problem = path + " is not a file";
        _ = Files.Close(fd);
        return -Errno.EINVAL;
    }
}
