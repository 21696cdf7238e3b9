// What the operator asks for (qmta(8), queue): the scheduler does it on its own thread, as the only one who changes the
// queue.
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Send;

internal sealed partial class Scheduler
{
    private const string Returned = "The postmaster of the sending system returned this message before it was delivered. (#5.0.0)\n";

    private readonly OperatorRequests requests;
    private readonly Holds holds;

    // Request files of which something waits for the end of a delivery, or for the message to be taken in.
    private readonly Dictionary<string, List<OperatorRequest>> unfinished = [];
    private readonly HashSet<ulong> awaited = [];

    /// <summary>Does what the operator asked for while nobody worked on the queue, and delivers nothing.</summary>
    internal int RunRequests()
    {
        LoadQueue();
        LookForRequests();
        while (true)
        {
            while (todo.Scanning) TakeInNew();
            if (unfinished.Count == 0) break;
            int before = unfinished.Count;
            ContinueRequests();
            if (todo.Scanning || unfinished.Count < before) continue;
            break; // it waits for something that is not here
        }
        FinishDue();
        LeaveTimes();
        return 0;
    }

    /// <summary>Whether a new message may be delivered before its state is written down.</summary>
    private bool MayGoStraight(ulong id) => !holds.Contains(id) && !awaited.Contains(id);

    private void LookForRequests()
    {
        List<string> names = requests.Names();
        if (names.Count > 0) requests.RemoveForgotten(Clocks.Realtime);
        foreach (string name in names)
        {
            if (unfinished.ContainsKey(name)) continue;
            if (requests.Read(name) is not List<OperatorRequest> asked)
            {
                Log.Line($"warning: {requests.Directory}/req.{Log.Safe(name)} is not a request; removing it");
                _ = requests.Remove(name);
                continue;
            }
            List<string> answers = [];
            List<OperatorRequest> waiting = [];
            foreach (OperatorRequest one in asked)
            {
                string? answer = Do(one);
                if (answer == null) waiting.Add(one);
                answers.Add(answer ?? "Zit will be done as soon as the delivery under way has ended");
            }
            int written = requests.Answer(name, answers);
            if (written < 0) Log.Line($"warning: unable to answer a request in {requests.Directory}: {Errno.Text(written)}");
            if (waiting.Count == 0) _ = requests.Remove(name);
            else Keep(name, waiting);
        }
    }

    // What is done is not to be done again after a restart, when the numbers may be other messages'. That is what the
    // time in each request guards against, so the file may stay as it is.
    private void Keep(string name, List<OperatorRequest> waiting)
    {
        unfinished[name] = waiting;
        foreach (OperatorRequest one in waiting) awaited.Add(one.Id);
    }

    private void ContinueRequests()
    {
        if (unfinished.Count == 0) return;
        foreach (string name in (List<string>)[.. unfinished.Keys])
        {
            unfinished[name].RemoveAll(one =>
            {
                if (Do(one) is not string answer) return false;
                if (answer[0] != 'K') Log.Line($"warning: msg {one.Id}: {OperatorRequests.NameOf(one.Verb)}: {answer[1..]}");
                return true;
            });
            if (unfinished[name].Count > 0) continue;
            unfinished.Remove(name);
            _ = requests.Remove(name);
        }
        if (unfinished.Count > 0) return;
        awaited.Clear();
    }

    /// <summary>Does one thing; the answer, or null when it has to wait for a delivery under way.</summary>
    private string? Do(OperatorRequest request)
    {
        ulong id = request.Id;
        int found = Files.Status(queue.Mess(id), out FileStatus message);
        if (found == -Errno.ENOENT || (found >= 0 && message.Modified != request.Written)) return "Dthere is no such message any more";
        if (found < 0) return $"Zunable to look at {queue.Mess(id)}: {Errno.Text(found)}";
        bool inTodo = Files.Status(queue.Todo(id), out _) >= 0;
        if (!inTodo && Files.Status(queue.Info(id), out _) == -Errno.ENOENT) return "Zit is not completely queued, or just being removed";
        return request.Verb switch
        {
            OperatorVerb.Retry => Retry(id, inTodo),
            OperatorVerb.Hold => Hold(id),
            OperatorVerb.Release => Release(id),
            OperatorVerb.Remove => Remove(id),
            _ => Bounce(id),
        };
    }

    private string Retry(ulong id, bool inTodo)
    {
        if (holds.Contains(id)) return "Dit is on hold; release it";
        bool any = false;
        foreach (Channel channel in channels) any |= channel.Hasten(id, clock.Now);
        any |= HastenFinish(id);
        if (!any && !inTodo && !IsUnderWay(id)) return "Znothing of it waits";
        Log.Line($"info: msg {id} is tried now: the operator asked for it");
        return any ? "Kit is tried now" : "Kit is being tried";
    }

    private string Hold(ulong id)
    {
        if (holds.Contains(id)) return "Kit is on hold";
        int held = holds.Add(id);
        if (held < 0) return $"Zunable to create {queue.Hold(id)}: {Errno.Text(held)}";
        foreach (Channel channel in channels)
            if (Withdraw(channel, id) is long due) holds.Park(channel.Kind, id, due);
        Log.Line($"info: msg {id} is on hold: the operator asked for it");
        return IsUnderWay(id) ? "Kit is on hold; a delivery under way will still end" : "Kit is on hold";
    }

    private string Release(ulong id)
    {
        if (!holds.Contains(id)) return "Dit is not on hold";
        foreach ((ChannelKind channel, _, long due) in holds.Forget(id)) channels[(int)channel].Add(id, due);
        Log.Line($"info: msg {id} is not on hold any more: the operator asked for it");
        return "Kit is not on hold any more";
    }

    private string? Remove(ulong id)
    {
        foreach (Channel channel in channels)
            if (Withdraw(channel, id) is long due) channel.Add(id, due); // until it is really removed, it waits
        if (IsUnderWay(id)) return null;
        // Without recipients nothing can be delivered, and without todo and info there is no message: in this order a crash
        // leaves either the message or an orphan.
        foreach (string path in (ReadOnlySpan<string>)[queue.Bounce(id), queue.Local(id), queue.Remote(id), queue.Info(id)])
            if (!Cleaner.Remove(path)) return "Zunable to remove " + path;
        if (!cleaner.RemoveTodo(id)) return "Zunable to remove " + queue.Todo(id);
        // What was removed must not come back after a power cut.
        foreach (string path in (ReadOnlySpan<string>)[queue.Info(id), queue.Todo(id)])
            if (Files.SyncDirectory(QueueLayout.DirectoryOf(path)) < 0) return "Zunable to sync " + QueueLayout.DirectoryOf(path);
        foreach (Channel channel in channels) _ = channel.Withdraw(id, clock.Now, out _);
        _ = DropFinish(id);
        todo.Forget(id);
        _ = holds.Forget(id);
        cleaner.RemoveMessage(id);
        Log.Line($"info: msg {id} is removed: the operator asked for it");
        Log.Line($"end msg {id}");
        return "Kit is removed";
    }

    private string? Bounce(ulong id)
    {
        foreach (Channel channel in channels)
            if (Withdraw(channel, id) is long due) channel.Add(id, due);
        if (IsUnderWay(id)) return null;
        if (Files.Status(queue.Todo(id), out _) >= 0)
        {
            // Its recipients are known when it has been taken in.
            if (todo.Holds(id)) return "Zits state cannot be written down; the log says why";
            bool begun = awaited.Contains(id);
            if (!begun) todo.Begin();
            return !begun || todo.Scanning ? null : "Zit cannot be taken in; the log says why";
        }
        if (ReadInfo(id, out long birth, out _) is not string sender) return "Zunable to read its sender; the log says why";
        foreach (Channel channel in channels)
        {
            string path = queue.Recipients(channel.Kind, id);
            if (Files.Status(path, out _) == -Errno.ENOENT) continue;
            if (!Return(new Job(id, sender, birth, channel.Kind, path))) return "Zunable to note that it failed; the log says why";
            if (!Cleaner.Remove(path)) return "Zunable to remove " + path;
        }
        foreach (Channel channel in channels) _ = channel.Withdraw(id, clock.Now, out _);
        _ = holds.Forget(id);
        _ = DropFinish(id);
        finished.Enqueue(id, clock.Now);
        Log.Line($"info: msg {id} is returned to its sender: the operator asked for it");
        return "Kit is returned to its sender";
    }

    // Every recipient of a channel that is not done with fails for good.
    private bool Return(Job job)
    {
        while (job.NextRecipient(out long position) is string recipient)
        {
            if (!bounces.Add(job.Id, recipient, Returned))
            {
                job.Close();
                return false;
            }
            job.MarkDone(position);
        }
        return job.Undone == 0;
    }

    /// <summary>
    /// Takes a message from a channel, apart from deliveries under way. When its next attempt would have been, in seconds
    /// since 1970, or null when it has none: it is not there, or a delivery under way decides.
    /// </summary>
    private long? Withdraw(Channel channel, ulong id)
    {
        long? due = channel.Withdraw(id, clock.Now, out Job? straight);
        // In todo, and not yet tried: from now on its state is on disk. When that fails, it waits to be written down.
        if (straight != null) return WriteDown(straight) == null ? null : clock.Now;
        return channel.IsUnderWay(id) ? null : due;
    }

    private bool IsUnderWay(ulong id) => channels[0].IsUnderWay(id) || channels[1].IsUnderWay(id);

    private bool HastenFinish(ulong id)
    {
        if (!DropFinish(id)) return false;
        finished.Enqueue(id, clock.Now);
        return true;
    }

    private bool DropFinish(ulong id)
    {
        List<(ulong, long)> others = [];
        foreach ((ulong one, long due) in finished.UnorderedItems)
            if (one != id) others.Add((one, due));
        bool any = others.Count < finished.Count;
        if (!any) return false;
        finished.Clear();
        finished.EnqueueRange(others);
        return true;
    }
}
