// Preprocessing: new messages in todo are split into local and remote recipients and scheduled (queue(5)).
//
// A message with one recipient, as most are, is delivered straight from todo: its state before the first attempt is the
// one qmail-queue wrote, and after a success none is needed. Only when the attempt fails is the state written down. A
// message with more recipients is written down first, so that a restart repeats none that is done.
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Send;

/// <summary>Finds new messages and hands them to the channels.</summary>
internal sealed class TodoScan
{
    // Few enough that deliveries are served between two steps, many enough that settling shares its waiting.
    private const int StepSize = 16;

    // Messages kept in memory for their first attempt, by channel; beyond that they are written down and wait on disk.
    private const int MostDirect = 1000;

    private readonly QueueLayout queue;
    private readonly Settings settings;
    private readonly QueueClock clock;
    private readonly Cleaner cleaner;
    private readonly Channel[] channels;
    private readonly Func<ulong, bool> mayGoStraight;
    private readonly HashSet<ulong> direct = [];
    private readonly HashSet<ulong> broken = [];
    private IEnumerator<string>? names;

    /// <param name="queue">The queue.</param>
    /// <param name="settings">What the control files say.</param>
    /// <param name="clock">The queue's clock.</param>
    /// <param name="cleaner">Removes files.</param>
    /// <param name="channels">Where messages go.</param>
    /// <param name="mayGoStraight">Whether a message may be delivered before its state is written down.</param>
    internal TodoScan(QueueLayout queue, Settings settings, QueueClock clock, Cleaner cleaner, Channel[] channels,
        Func<ulong, bool> mayGoStraight)
    {
        this.mayGoStraight = mayGoStraight;
        this.queue = queue;
        this.settings = settings;
        this.clock = clock;
        this.cleaner = cleaner;
        this.channels = channels;
    }

    /// <summary>Whether a scan is under way.</summary>
    internal bool Scanning => names != null;

    /// <summary>New messages whose recipients are all done with: those that never had any.</summary>
    internal List<ulong> WithoutRecipients { get; } = [];

    /// <summary>Whether the last step wrote messages down.</summary>
    internal bool Settled { get; private set; }

    /// <summary>Whether the last scan left a message in todo that is to be tried again later.</summary>
    internal bool Failed { get; private set; }

    /// <summary>Whether todo has messages in it that could not be taken in.</summary>
    internal bool HasTrouble => Failed || broken.Count > 0;

    /// <summary>Begins to look through todo from the start.</summary>
    internal void Begin()
    {
        names?.Dispose();
        names = Names().GetEnumerator();
        Failed = false;
    }

    /// <summary>Takes in some messages. Returns the number of new ones.</summary>
    internal int Step()
    {
        List<Settlement> batch = [];
        int found = 0;
        for (int i = 0; i < StepSize && names != null; i++)
        {
            string? path = NextName();
            if (path == null) break;
            if (!QueueLayout.TryParseId(path[(path.LastIndexOf('/') + 1)..], out ulong id) || direct.Contains(id)) continue;
            // One that was moved into place may be met there again, while it is still being settled.
            if (batch.Exists(one => one.Id == id)) continue;
            try
            {
                if (TakeIn(id, path, batch)) found++;
            }
            catch (PosixException failure)
            {
                Log.Line($"warning: {failure.Message}; will try again later");
                Failed = true;
            }
            catch (FormatException failure)
            {
                if (broken.Add(id)) Log.Line($"warning: {failure.Message}; leaving message {id} alone");
            }
        }
        foreach (Settlement failed in Settlement.Commit(batch, cleaner))
        {
            batch.Remove(failed);
            Failed = true;
            found--; // still as new as before: a one-shot run would take it in again and again
        }
        foreach (Settlement settled in batch) Schedule(settled);
        Settled = batch.Count > 0;
        return found;
    }

    /// <summary>Whether the message is being delivered straight from todo.</summary>
    internal bool Holds(ulong id) => direct.Contains(id);

    /// <summary>The message in todo is done with: it is delivered, or its state is written down.</summary>
    internal void Forget(ulong id) => direct.Remove(id);

    private void Schedule(Settlement settled)
    {
        bool any = false;
        foreach (Channel channel in channels)
        {
            if (!settled.Has(channel.Kind)) continue;
            channel.Add(settled.Id, clock.Now);
            any = true;
        }
        if (!any) WithoutRecipients.Add(settled.Id);
    }

    private string? NextName()
    {
        try
        {
            if (names!.MoveNext()) return names.Current;
        }
        catch (PosixException failure)
        {
            Log.Line($"warning: {failure.Message}; will try again later");
            Failed = true;
        }
        names!.Dispose();
        names = null;
        return null;
    }

    private IEnumerable<string> Names()
    {
        string todo = queue.Directory + "/todo";
        if (!queue.BigTodo)
        {
            foreach (string name in Files.List(todo)) yield return todo + "/" + name;
            yield break;
        }
        foreach (string directory in Files.List(todo))
        {
            if (!QueueLayout.TryParseId(directory, out _)) continue;
            // A qmail-queue that does not know of the split puts files here.
            if (Files.Status(todo + "/" + directory, out FileStatus status) == 0 && !status.IsDirectory) yield return todo + "/" + directory;
            else
                foreach (string name in Files.List(todo + "/" + directory)) yield return $"{todo}/{directory}/{name}";
        }
    }

    /// <summary>Reads one envelope; true unless it is gone already.</summary>
    private bool TakeIn(ulong id, string path, List<Settlement> batch)
    {
        int fd = Files.Open(path, OpenMode.Read | OpenMode.NoFollow | OpenMode.NonBlocking); // a FIFO must not stop us
        if (fd == -Errno.ENOENT) return false;
        if (fd is -Errno.ELOOP or -Errno.ENXIO) throw new FormatException(path + " is not a file");
        PosixException.Check(fd, "unable to open " + path);
        try
        {
            PosixException.Check(Files.Status(fd, out FileStatus envelopeStatus), "unable to look at " + path);
            if (!envelopeStatus.IsFile)
                throw new FormatException(path + (envelopeStatus.IsDirectory ? " is a directory: a split todo needs -b" : " is not a file"));
            if (PutInPlace(id, path, out FileStatus message) < 0)
                throw new FormatException($"there is an envelope {path} without its message {queue.Mess(id)}");
            EnvelopeReader envelope = new(fd, path);
            (string uid, string pid, string sender) = ReadHead(envelope, path);
            string extraHeader = "";
            string? first = NextRecipient(envelope, path, ref extraHeader);
            string? second = first == null ? null : NextRecipient(envelope, path, ref extraHeader);
            cleaner.Leftovers.RemoveNotes(queue, id); // of an earlier message with this number
            Log.Line($"new msg {id}");
            Log.Line($"info msg {id}: bytes {message.Size} from <{Log.Safe(sender)}> qp {Log.Safe(pid)} uid {Log.Safe(uid)}");
            // An extra header is kept in info: in memory, those of many messages would be too much.
            if (first != null && second == null && extraHeader.Length == 0)
            {
                Destination to = Route(first, id, sender, message.Size);
                Channel channel = channels[(int)to.Channel];
                // On hold, it may wait for days: then in info and remote, where qmail's tools look.
                if (channel.Concurrency > 0 && channel.DirectCount < MostDirect && mayGoStraight(id))
                {
                    cleaner.Leftovers.RemoveOf(queue, id);
                    direct.Add(id);
                    channel.Add(Job.Direct(id, sender, clock.Now, to));
                    return true;
                }
                Settle(id, sender, [to], () => "", batch);
                return true;
            }
            Settle(id, sender, Destinations(), () => extraHeader, batch);
            return true;

            IEnumerable<Destination> Destinations()
            {
                if (first == null) yield break;
                yield return Route(first, id, sender, message.Size);
                if (second == null) yield break;
                yield return Route(second, id, sender, message.Size);
                while (NextRecipient(envelope, path, ref extraHeader) is string recipient)
                    yield return Route(recipient, id, sender, message.Size);
            }
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    // The extra header is known when all destinations are.
    private void Settle(ulong id, string sender, IEnumerable<Destination> destinations, Func<string> extraHeader,
        List<Settlement> batch)
    {
        Settlement settlement = new(queue, cleaner.Leftovers, id, sender, clock.Now);
        try
        {
            foreach (Destination to in destinations) settlement.Add(to);
            settlement.AddExtraHeader(extraHeader());
        }
        catch
        {
            settlement.Abandon();
            throw;
        }
        batch.Add(settlement);
    }

    private Destination Route(string recipient, ulong id, string sender, long size)
    {
        Destination to = settings.Routing.Route(recipient);
        Log.Line($"{(to.Channel == ChannelKind.Local ? "local" : "remote")}: {Log.Safe(sender)} {Log.Safe(to.Address)} {id} {size} bytes");
        return to;
    }

    private static (string Uid, string Pid, string Sender) ReadHead(EnvelopeReader envelope, string path)
    {
        string uid = "0", pid = "0";
        while (envelope.Next())
            switch (envelope.Kind)
            {
                case 'u': uid = envelope.Value; break;
                case 'p': pid = envelope.Value; break;
                case 'F': return (uid, pid, envelope.Value);
                default: throw new FormatException($"{path} has a record of unknown kind");
            }
        throw new FormatException(path + " has no sender");
    }

    private static string? NextRecipient(EnvelopeReader envelope, string path, ref string extraHeader)
    {
        while (envelope.Next())
            switch (envelope.Kind)
            {
                case 'T': return envelope.Value;
                case 'e': extraHeader = envelope.Value; break;
                case 'h': break; // header fields for programs, which only indimail-mta's own understand
                default: throw new FormatException($"{path} has a record of unknown kind");
            }
        return null;
    }

    /// <summary>
    /// Moves the files of a message that a program with another split put into the queue to where ours has them.
    /// </summary>
    /// <param name="message">The message itself.</param>
    /// <returns>0; negative when there is no message.</returns>
    private int PutInPlace(ulong id, string todoPath, out FileStatus message)
    {
        if (todoPath != queue.Todo(id))
        {
            MoveFromSplit("intd", id, queue.Intd(id));
            PosixException.Check(Files.Rename(todoPath, queue.Todo(id)), "unable to move " + todoPath);
        }
        int r = Files.Status(queue.Mess(id), out message);
        if (r != -Errno.ENOENT) return r;
        MoveFromSplit("mess", id, queue.Mess(id));
        return Files.Status(queue.Mess(id), out message);
    }

    private void MoveFromSplit(string kind, ulong id, string to)
    {
        for (int n = 0; n < queue.Split; n++)
            if (Files.Rename($"{queue.Directory}/{kind}/{n}/{id}", to) == 0) return;
    }
}
