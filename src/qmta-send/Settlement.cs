// Writing a message's state down: from todo (S4) to info, local and remote (S5), as qmail preprocesses it.
//
// The files must be on stable storage before the removal of todo/N is. Where one journal keeps the order of all changes
// (OrderedFilesystem), their contents are written out before the removal, and nothing more is needed. Elsewhere they are
// synced, several messages' together: starting all writes before waiting for the first lets them share what that costs.
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Send;

/// <summary>The files of one message while it is settled.</summary>
internal sealed class Settlement
{
    private readonly QueueLayout queue;
    private readonly List<string> paths = [];
    private readonly ByteWriter info;
    private readonly long birth;
    private readonly List<int> fds = [];
    private readonly ByteWriter?[] recipients = new ByteWriter?[2];

    /// <summary>Removes what an earlier attempt left and writes info/N.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="leftovers">What may be there.</param>
    /// <param name="id">The message.</param>
    /// <param name="sender">Its envelope sender.</param>
    /// <param name="birth">
    /// When it entered the queue, in seconds since 1970 by the queue's clock: the file's own time may be that of a clock
    /// set a moment ago.
    /// </param>
    /// <exception cref="PosixException">A file cannot be written; nothing of it is left.</exception>
    internal Settlement(QueueLayout queue, Leftovers leftovers, ulong id, string sender, long birth)
    {
        this.queue = queue;
        this.birth = birth;
        Id = id;
        try
        {
            leftovers.RemoveOf(queue, id);
            leftovers.Make(queue.Info(id));
            leftovers.Make(queue.Local(id));
            leftovers.Make(queue.Remote(id));
            // A message in todo has none: this is an earlier message's, whose number it got after a power cut.
            int removed = Files.Unlink(queue.Bounce(id));
            if (removed < 0 && removed != -Errno.ENOENT) PosixException.Check(removed, "unable to remove " + queue.Bounce(id));
            info = Create(queue.Info(id));
            info.Put((byte)'F');
            info.Put(sender);
            info.Put(0);
            info.Flush();
            PosixException.Check(Files.SetModified(queue.Info(id), birth), "unable to set the time of " + queue.Info(id));
        }
        catch
        {
            Abandon();
            throw;
        }
    }

    internal ulong Id { get; }

    /// <summary>Whether the message has recipients on the channel.</summary>
    internal bool Has(ChannelKind channel) => recipients[(int)channel] != null;

    /// <summary>Adds a recipient.</summary>
    /// <exception cref="PosixException">A file cannot be written.</exception>
    internal void Add(Destination to)
    {
        ref ByteWriter? writer = ref recipients[(int)to.Channel];
        writer ??= Create(queue.Recipients(to.Channel, Id));
        writer.Put((byte)'T');
        writer.Put(to.Address);
        writer.Put(0);
    }

    /// <summary>Adds header lines that go in front of the message; nothing when there are none.</summary>
    /// <exception cref="PosixException">The file cannot be written.</exception>
    internal void AddExtraHeader(string lines)
    {
        if (lines.Length == 0) return;
        info.Put((byte)'e');
        info.Put(lines);
        info.Put(0);
        info.Flush();
        PosixException.Check(Files.SetModified(queue.Info(Id), birth), "unable to set the time of " + queue.Info(Id));
    }

    /// <summary>
    /// Takes all these messages out of todo when their files are durable, or will be before the removal is. Those for which
    /// that fails are abandoned and returned: they stay in todo.
    /// </summary>
    internal static List<Settlement> Commit(List<Settlement> all, Cleaner cleaner)
    {
        List<Settlement> failed = [];
        HashSet<string> directories = [];
        foreach (Settlement one in all) one.StartSync(failed);
        foreach (Settlement one in all)
            if (!failed.Contains(one)) one.Sync(failed, directories);
        foreach (string directory in directories)
        {
            int synced = Files.SyncDirectory(directory);
            if (synced >= 0) continue;
            Log.Line($"warning: unable to sync {directory}: {Errno.Text(synced)}; will try again later");
            foreach (Settlement one in all)
                if (!failed.Contains(one)) failed.Add(one);
        }
        foreach (Settlement one in all)
            if (!failed.Contains(one) && !cleaner.RemoveTodo(one.Id)
                // qmail-clean may have removed it and died before it said so: without todo, these files are all there is.
                && Files.Status(one.queue.Todo(one.Id), out _) != -Errno.ENOENT) failed.Add(one);
        foreach (Settlement one in failed) one.Abandon();
        return failed;
    }

    /// <summary>Removes the files again; the message is still in todo.</summary>
    internal void Abandon()
    {
        Close();
        foreach (string path in paths) _ = Files.Unlink(path);
    }

    private void StartSync(List<Settlement> failed)
    {
        try
        {
            foreach (ByteWriter? writer in recipients) writer?.Flush();
            foreach (int fd in fds) PosixException.Check(Files.StartSync(fd), "unable to write message " + Id);
        }
        catch (PosixException failure)
        {
            Log.Line($"warning: {failure.Message}; will try again later");
            failed.Add(this);
        }
    }

    private void Sync(List<Settlement> failed, HashSet<string> directories)
    {
        bool ordered = !fds.Exists(static fd => !OrderedFilesystem.Carries(fd));
        foreach (int fd in fds)
        {
            int synced = ordered ? Files.WriteOut(fd) : Files.Sync(fd);
            if (synced >= 0) continue;
            Log.Line($"warning: unable to sync message {Id}: {Errno.Text(synced)}; will try again later");
            failed.Add(this);
            return;
        }
        Close();
        if (ordered) return;
        foreach (string path in paths) directories.Add(QueueLayout.DirectoryOf(path));
    }

    private ByteWriter Create(string path)
    {
        int fd = PosixException.Check(
            Files.Open(path, OpenMode.Write | OpenMode.Create | OpenMode.Exclusive, 0x180 /* 0600 */), "unable to create " + path);
        fds.Add(fd);
        paths.Add(path);
        return new ByteWriter(fd, path, 2048);
    }

    private void Close()
    {
        foreach (int fd in fds) _ = Files.Close(fd);
        fds.Clear();
    }
}
