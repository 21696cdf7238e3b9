// A channel, local or remote: the messages that wait for it, in the order of their time, and what is under way.
using System;
using System.Collections.Generic;
using Qmta.Queue;

namespace Qmta.Send;

/// <summary>What the scheduler keeps of one channel.</summary>
internal sealed class Channel
{
    private readonly PriorityQueue<ulong, long> waiting = new();
    private readonly Queue<Job> direct = new();
    private readonly PriorityQueue<Job, long> stalled = new();
    private readonly Destinations? destinations;
    private Delivery?[] slots = [];
    private Job? pass;
    private bool directNext;

    internal Channel(ChannelKind kind)
    {
        Kind = kind;
        // Local users do not wait for each other's hosts.
        if (kind == ChannelKind.Remote) destinations = new Destinations();
    }

    internal ChannelKind Kind { get; }

    /// <summary>"local" or "remote", as the log says.</summary>
    internal string Name => Kind == ChannelKind.Local ? "local" : "remote";

    /// <summary>Most deliveries at a time; 0 while the channel is on hold.</summary>
    internal int Concurrency { get; set; }

    /// <summary>Deliveries under way.</summary>
    internal int Running { get; private set; }

    /// <summary>The helper, when it is running.</summary>
    internal Helper? Helper { get; set; }

    /// <summary>When the helper was started, in milliseconds since boot.</summary>
    internal long HelperStarted { get; set; }

    /// <summary>No helper is started before this time (milliseconds since boot): the last one failed.</summary>
    internal long HelperPause { get; set; }

    /// <summary>When the channel last had something to do, in milliseconds since boot.</summary>
    internal long LastBusy { get; set; }

    /// <summary>Messages that wait for their time.</summary>
    internal int WaitingCount => waiting.Count;

    /// <summary>Messages in todo that wait for their first attempt.</summary>
    internal int DirectCount => direct.Count;

    /// <summary>Whether a delivery could start if there were one.</summary>
    internal bool HasRoom => Running < Concurrency && (Helper == null || Helper.Capacity == 0 || Running < Helper.Capacity);

    /// <summary>Schedules a message whose recipients are in the channel's file.</summary>
    internal void Add(ulong id, long due) => waiting.Enqueue(id, due);

    /// <summary>Schedules a message in todo for its first attempt.</summary>
    internal void Add(Job job) => direct.Enqueue(job);

    /// <summary>Schedules a message in todo whose failed attempt could not be written down.</summary>
    internal void AddStalled(Job job, long due) => stalled.Enqueue(job, due);

    /// <summary>Whether there is a recipient to try now.</summary>
    internal bool HasWork(long now) => destinations is { HasReady: true }
        || ((pass != null || direct.Count > 0 || NextDue() <= now) && destinations is not { Kept: >= Destinations.MostKept });

    /// <summary>When the next waiting message is due, in seconds since 1970; <see cref="long.MaxValue"/> when none waits.</summary>
    internal long NextDue()
    {
        long due = waiting.TryPeek(out _, out long first) ? first : long.MaxValue;
        return stalled.TryPeek(out _, out long stalledFirst) ? Math.Min(due, stalledFirst) : due;
    }

    /// <summary>The recipient whose turn it is; null when there is none to try now.</summary>
    /// <param name="now">Seconds since 1970.</param>
    /// <param name="open">Makes a pass of a message whose time has come; null when that is not possible.</param>
    /// <param name="over">Told of a pass that is over: it has no recipients left, and none was chosen or is under way.</param>
    internal Candidate? Next(long now, Func<Channel, ulong, Job?> open, Action<Job> over)
    {
        if (destinations?.Next() is Candidate kept) return kept;
        while (destinations is not { Kept: >= Destinations.MostKept })
        {
            Job? job = NextPass(now, open);
            if (job == null) return null;
            string? recipient = job.NextRecipient(out long position);
            if (recipient == null)
            {
                if (pass == job) pass = null;
                if (job.Open == 0) over(job);
                continue;
            }
            job.Open++;
            Candidate candidate = new(job, recipient, position);
            if (destinations == null || destinations.Admit(candidate)) return candidate;
        }
        return null;
    }

    // First attempts and retries take turns, so that a full todo does not keep old messages from their time nor a long
    // list new ones.
    private Job? NextPass(long now, Func<Channel, ulong, Job?> open)
    {
        while (stalled.TryPeek(out _, out long due) && due <= now) direct.Enqueue(stalled.Dequeue());
        directNext = !directNext;
        if (directNext && direct.Count > 0) return direct.Dequeue();
        while (pass == null && waiting.TryPeek(out ulong id, out long due) && due <= now)
        {
            waiting.Dequeue();
            pass = open(this, id);
        }
        if (pass != null) return pass;
        return direct.Count > 0 ? direct.Dequeue() : null;
    }

    /// <summary>Puts a delivery under way; returns its number.</summary>
    internal int Start(Delivery delivery)
    {
        int number = Array.IndexOf(slots, null);
        if (number < 0)
        {
            number = slots.Length;
            Array.Resize(ref slots, Math.Max(8, slots.Length * 2));
        }
        slots[number] = delivery;
        Running++;
        return number;
    }

    /// <summary>A candidate does not go now after all.</summary>
    internal void Release(Candidate candidate)
    {
        candidate.Job.Open--;
        destinations?.Ended(candidate.Recipient, 'D', Concurrency);
    }

    /// <summary>Takes a delivery out when it has ended; null when there is none of that number.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="verdict">The report's first letter.</param>
    internal Delivery? End(int number, char verdict)
    {
        Delivery? delivery = number < slots.Length ? slots[number] : null;
        if (delivery == null) return null;
        slots[number] = null;
        Running--;
        delivery.Job.Open--;
        destinations?.Ended(delivery.Recipient, verdict, Concurrency);
        return delivery;
    }

    /// <summary>The numbers of all deliveries under way.</summary>
    internal List<int> RunningNumbers()
    {
        List<int> numbers = [];
        for (int i = 0; i < slots.Length; i++)
            if (slots[i] != null) numbers.Add(i);
        return numbers;
    }

    /// <summary>The waiting messages and their times, soonest first or not.</summary>
    internal IEnumerable<(ulong Id, long Due)> Waiting
    {
        get
        {
            foreach ((ulong id, long due) in waiting.UnorderedItems) yield return (id, due);
        }
    }

    /// <summary>The passes that have begun or wait for their first attempt; one of several deliveries more than once.</summary>
    internal IEnumerable<Job> Jobs
    {
        get
        {
            foreach (Delivery? delivery in slots)
                if (delivery != null) yield return delivery.Job;
            if (pass != null) yield return pass;
            if (destinations != null)
                foreach (Candidate kept in destinations.All) yield return kept.Job;
            foreach (Job job in direct) yield return job;
            foreach ((Job job, _) in stalled.UnorderedItems) yield return job;
        }
    }

    /// <summary>Whether a delivery of the message is under way.</summary>
    internal bool IsUnderWay(ulong id)
    {
        foreach (Delivery? delivery in slots)
            if (delivery?.Job.Id == id) return true;
        return false;
    }

    /// <summary>Makes the message's next attempt due; false when it has none.</summary>
    internal bool Hasten(ulong id, long now)
    {
        bool any = false;
        if (Drop(waiting, one => one == id).Count > 0)
        {
            Add(id, now);
            any = true;
        }
        foreach ((Job job, _) in Drop(stalled, job => job.Id == id))
        {
            AddStalled(job, now);
            any = true;
        }
        return any;
    }

    /// <summary>
    /// Takes a message out, apart from deliveries under way. When it was due; null when it is not here.
    /// </summary>
    /// <param name="id">The message.</param>
    /// <param name="now">Seconds since 1970.</param>
    /// <param name="straight">It is still in todo, as this job.</param>
    internal long? Withdraw(ulong id, long now, out Job? straight)
    {
        long? due = null;
        straight = null;
        foreach ((_, long time) in Drop(waiting, one => one == id)) due = time;
        foreach ((Job job, _) in Drop(stalled, job => job.Id == id)) straight = job;
        for (int left = direct.Count; left > 0; left--)
        {
            Job job = direct.Dequeue();
            if (job.Id == id) straight = job;
            else direct.Enqueue(job);
        }
        if (pass?.Id == id)
        {
            // Deliveries of it that are under way end it; the recipients nobody looked at wait for the next pass.
            pass.Abandon();
            pass = null;
            due = now;
        }
        if (destinations == null) return due;
        foreach (Candidate kept in destinations.Withdraw(id))
        {
            kept.Job.Open--;
            if (kept.Job.Only != null) straight = kept.Job;
            else due = now;
        }
        return due;
    }

    // Takes the chosen ones out of a queue and returns them.
    private static List<(T Item, long Due)> Drop<T>(PriorityQueue<T, long> from, Predicate<T> chosen)
    {
        List<(T, long)> dropped = [], others = [];
        foreach ((T item, long due) in from.UnorderedItems) (chosen(item) ? dropped : others).Add((item, due));
        if (dropped.Count == 0) return dropped;
        from.Clear();
        from.EnqueueRange(others);
        return dropped;
    }

    /// <summary>Gives every waiting message another time.</summary>
    internal void Reschedule(Func<long, long> time)
    {
        (ulong, long)[] all = new (ulong, long)[waiting.Count];
        int i = 0;
        foreach ((ulong id, long due) in waiting.UnorderedItems) all[i++] = (id, time(due));
        waiting.Clear();
        waiting.EnqueueRange(all);
        (Job, long)[] held = new (Job, long)[stalled.Count];
        i = 0;
        foreach ((Job job, long due) in stalled.UnorderedItems) held[i++] = (job, time(due));
        stalled.Clear();
        stalled.EnqueueRange(held);
    }
}
