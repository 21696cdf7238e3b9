// The scheduler: one thread that owns the queue's state. It waits for new mail, for a message's time, for a helper's
// report or for a signal, and does what follows from it.
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Send;

/// <summary>Works on a queue until told to stop (daemon) or until there is nothing left to try (one-shot).</summary>
internal sealed partial class Scheduler
{
    // Seconds until something is tried again that failed for a reason of the system, a full disk perhaps; qmail's own.
    private const int SystemFailurePause = 123;

    // Seconds until todo is searched although nobody pulled the trigger; qmail's own.
    private const int TodoInterval = 1500;

    // Milliseconds for which no helper is started after one failed.
    private const int HelperPause = 10_000;

    // Milliseconds until it waits again for what happens, when that failed.
    private const int PollPause = 200;

    // Milliseconds in which one that is let go has usually ended.
    private const int HelperEnd = 500;

    // Milliseconds in which a helper must say that it is ready.
    private const int HelperSilence = 60_000;

    // Milliseconds between two notes of the clock while messages are written down.
    private const int ClockInterval = 600_000;

    private readonly QueueLayout queue;
    private readonly Settings settings;
    private readonly Helpers helpers;
    private readonly bool daemon;
    private readonly QueueClock clock;
    private readonly Cleaner cleaner;
    private readonly Bounces bounces;
    private readonly TodoScan todo;
    private readonly Rates rates;
    private readonly QueueServer? queueServer;
    private readonly Channel[] channels = [new(ChannelKind.Local), new(ChannelKind.Remote)];
    private readonly PriorityQueue<ulong, long> finished = new();
    private readonly HashSet<ulong> finishing = [];
    private readonly Slumber? slumber;
    private readonly int signals, clockWatch;
    private int trigger = -1;
    private long nextScan, nextCleanup, clockSaved = -ClockInterval;
    private long deliveries;
    private bool stopping, untried, foundNothing;

    /// <summary>Who is told that the service is ready, alive and stopping.</summary>
    internal ServiceNotices? Notices { get; init; }

    /// <param name="queue">The queue; its lock is held.</param>
    /// <param name="settings">What the control files say.</param>
    /// <param name="helpers">Starts delivery helpers.</param>
    /// <param name="cleaner">Removes files from the queue.</param>
    /// <param name="signals">Descriptor of the signals.</param>
    /// <param name="daemon">Whether to stay when there is nothing left to do.</param>
    /// <param name="slumber">What it remembers when it has slept.</param>
    internal Scheduler(QueueLayout queue, Settings settings, Helpers helpers, Cleaner cleaner, int signals, bool daemon, Slumber? slumber = null)
    {
        this.queue = queue;
        this.settings = settings;
        this.helpers = helpers;
        this.cleaner = cleaner;
        this.signals = signals;
        this.daemon = daemon;
        this.slumber = slumber;
        clock = new QueueClock(queue.Clock, before: slumber?.Clock);
        clockWatch = slumber?.ClockWatch ?? Clocks.WatchForSteps();
        bounces = new Bounces(queue, settings, clock);
        rates = new Rates(queue);
        todo = new TodoScan(queue, settings, clock, cleaner, channels, MayGoStraight);
        requests = new OperatorRequests(queue);
        holds = new Holds(queue);
        if (daemon) queueServer = new QueueServer(queue, slumber?.Listening);
        SetConcurrency();
    }

    /// <summary>Gives the scheduler the local helper that was started as root.</summary>
    internal void Adopt(Helper localHelper)
    {
        Channel local = channels[(int)ChannelKind.Local];
        local.Helper = localHelper;
        local.HelperStarted = clock.SinceBoot;
    }

    /// <summary>Runs; returns the exit code: 0, or 111 when messages could not be tried.</summary>
    internal int Run()
    {
        Log.Gather(true);
        try
        {
            if (slumber == null) Begin();
            else WakeUp(slumber);
            Work();
            Stop();
        }
        finally
        {
            Log.Gather(false);
        }
        return untried || (!daemon && todo.Failed) ? 111 : 0;
    }

    private void Work()
    {
        while (true)
        {
            FollowClock();
            if (!stopping) DoWork();
            if (stopping && Running == 0) break;
            if (!daemon && NothingToTry())
            {
                // Messages may have come since todo was last looked through. Only a look that finds none ends the run.
                if (foundNothing) break;
                nextScan = 0;
                foundNothing = true;
                continue;
            }
            Wait();
        }
    }

    private void Begin()
    {
        LogStatus();
        cleaner.BeginSearch();
        nextCleanup = clock.SinceBoot + Cleaner.Interval * 1000L;
        LoadQueue();
        OpenTrigger();
        LookForRequests();
        todo.Begin();
        nextScan = UsualScan;
        quietSince = clock.SinceBoot;
        Notices?.Say("READY=1");
    }

    private int Running => channels[0].Running + channels[1].Running;

    private void DoWork()
    {
        if (todo.Scanning) TakeInNew();
        else if (clock.SinceBoot >= nextScan)
        {
            OpenTrigger();
            LookForRequests();
            todo.Begin();
            nextScan = UsualScan;
        }
        ContinueRequests();
        foreach (Channel channel in channels)
        {
            StartDeliveries(channel);
            Log.Flush();
            channel.Helper?.Flush();
        }
        FinishDue();
        if (queueServer?.OpensAt <= clock.SinceBoot) queueServer.Open();
        if (cleaner.Searching) cleaner.SearchSome(clock.Now);
        else if (clock.SinceBoot >= nextCleanup)
        {
            cleaner.BeginSearch();
            nextCleanup = clock.SinceBoot + Cleaner.Interval * 1000L;
        }
    }

    private void TakeInNew()
    {
        if (todo.Step() > 0) foundNothing = false;
        if (todo.Settled) NoteClock();
        foreach (ulong id in todo.WithoutRecipients) FinishAt(id, clock.Now);
        todo.WithoutRecipients.Clear();
        if (todo.Failed && !todo.Scanning) nextScan = Math.Min(nextScan, clock.SinceBoot + SystemFailurePause * 1000L);
    }

    // Once only: the number may be another message's when the second time comes.
    private void FinishAt(ulong id, long due)
    {
        if (finishing.Add(id)) finished.Enqueue(id, due);
    }

    private void FinishDue()
    {
        while (finished.TryPeek(out ulong id, out long due) && due <= clock.Now)
        {
            finished.Dequeue();
            finishing.Remove(id);
            Finish(id);
        }
    }

    // ---- deliveries

    private void StartDeliveries(Channel channel)
    {
        rates.LookAgain();
        while (channel.HasRoom && channel.HasWork(clock.Now))
        {
            if (!HelperReady(channel)) return;
            if (channel.Next(clock.Now, OpenPass, Close) is not Candidate next) return;
            if (holds.Contains(next.Job.Id))
            {
                channel.Release(next);
                if (next.Job.AllRead && next.Job.Open == 0) Close(next.Job);
                continue;
            }
            if (!rates.Permit(next, clock.Now))
            {
                channel.Release(next);
                NoteDeferral(next.Job.Id, next.Recipient, "The rate of its domain is used up; it waits its turn.");
                LogStatus();
                if (next.Job.AllRead && next.Job.Open == 0) Close(next.Job);
                continue;
            }
            Delivery delivery = new(next.Job, next.Recipient, next.Position, ++deliveries);
            int number = channel.Start(delivery);
            Log.Line($"starting delivery {delivery.LogNumber}: msg {next.Job.Id} to {channel.Name} {Log.Safe(next.Recipient)}");
            LogStatus();
            channel.Helper!.Ask(new DeliveryCommand(number, queue.MessName(next.Job.Id),
                Job.SenderFor(next.Job.Sender, next.Recipient), next.Recipient)
            {
                ExtraHeader = next.Job.ExtraHeader,
                // Straight from todo, there is no mark to be written, which a journal would not keep in order.
                IsLast = next.Job.Only != null && channel.Kind == ChannelKind.Local,
            });
        }
    }

    /// <summary>Whether the channel's helper takes commands; starts it when there is none.</summary>
    private bool HelperReady(Channel channel)
    {
        channel.LastBusy = clock.SinceBoot;
        if (channel.Helper != null && channel.Helper.Capacity == 0 && clock.SinceBoot >= channel.HelperStarted + HelperSilence)
        {
            Log.Line($"alert: {channel.Helper.Name} does not say that it is ready");
            HelperGone(channel);
            return false;
        }
        if (channel.Helper != null) return channel.Helper.Capacity > 0;
        if (clock.SinceBoot < channel.HelperPause) return false;
        channel.Helper = helpers.Start(channel.Kind);
        channel.HelperStarted = clock.SinceBoot;
        if (channel.Helper == null) HelperFailed(channel);
        return false;
    }

    private void HelperFailed(Channel channel)
    {
        channel.HelperPause = clock.SinceBoot + HelperPause;
        // One-shot, there is nobody to wait for a better time: the next run will try.
        if (!daemon) stopping = untried = true;
        if (helpers.ByRole && channel.Kind == ChannelKind.Local) stopping = untried = true;
    }

    private Job? OpenPass(Channel channel, ulong id)
    {
        if (holds.Contains(id))
        {
            holds.Park(channel.Kind, id, clock.Now);
            return null;
        }
        string? sender = ReadInfo(id, out long birth, out string extraHeader);
        if (sender == null)
        {
            channel.Add(id, clock.Now + SystemFailurePause);
            return null;
        }
        string path = queue.Recipients(channel.Kind, id);
        return new Job(id, sender, birth, channel.Kind, path)
        {
            Dying = IsDying(sender, birth),
            ExtraHeader = extraHeader,
        };
    }

    private bool IsDying(string sender, long birth) =>
        clock.Now - birth >= (sender.Length == 0 ? settings.BounceLifetime : settings.QueueLifetime);

    /// <summary>The sender of a message, or null after saying why it cannot be told.</summary>
    private string? ReadInfo(ulong id, out long birth, out string extraHeader)
    {
        string path = queue.Info(id);
        birth = 0;
        extraHeader = "";
        int fd = Files.Open(path, OpenMode.Read | OpenMode.NonBlocking);
        try
        {
            PosixException.Check(fd, "unable to open " + path);
            PosixException.Check(Files.Status(fd, out FileStatus status), "unable to look at " + path);
            birth = Math.Min(status.Modified, clock.Now);
            EnvelopeReader info = new(fd, path, 2 * QueueLayout.LongestAddress);
            if (!info.Next() || info.Kind != 'F') throw new FormatException(path + " has no sender");
            string sender = info.Value;
            while (info.NextPosition < (long)status.Size && info.Next())
                if (info.Kind == 'e') extraHeader = info.Value;
            return sender;
        }
        catch (Exception failure) when (failure is PosixException or FormatException)
        {
            Log.Line($"warning: {failure.Message}; will try again later");
            return null;
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    private void TakeReport(Channel channel, DeliveryReport report)
    {
        Delivery? delivery = channel.End(report.Number, report.Text.Length > 0 ? report.Text[0] : '?');
        if (delivery == null)
        {
            Log.Line($"warning: {channel.Helper!.Name} reports on delivery {report.Number}, which is not under way");
            return;
        }
        channel.LastBusy = clock.SinceBoot;
        Conclude(delivery, report.Text);
    }

    private void Conclude(Delivery delivery, string report)
    {
        Job job = delivery.Job;
        char verdict = report.Length > 0 ? report[0] : '?';
        string text = report.Length > 0 ? report[1..] : "";
        if (job.Only != null) job.Dying = IsDying(job.Sender, job.Birth);
        if (verdict == 'Z' && job.Dying)
        {
            verdict = 'D';
            text += "I'm not going to try again; this message has been in the queue too long.\n";
        }
        Log.Line($"delivery {delivery.LogNumber}: " + verdict switch
        {
            'K' => "success: " + Log.Safe(text),
            'D' => "failure: " + Log.Safe(text),
            'Z' => "deferral: " + Log.Safe(text),
            _ => "report mangled, will defer",
        });
        LogStatus();
        // A message may be gone for good in a moment.
        Log.Flush();
        if (verdict == 'D')
        {
            Fail(delivery, text);
            return;
        }
        if (verdict == 'K') job.MarkDone(delivery.Position);
        else NoteDeferral(job.Id, delivery.Recipient, verdict == 'Z' ? text : "The delivery helper's report was mangled.");
        if (job.AllRead && job.Open == 0) Close(job);
    }

    private void NoteDeferral(ulong id, string recipient, string reason)
    {
        cleaner.Leftovers.Make(queue.Defer(id));
        int noted = DeferralNotes.Add(queue, id, recipient, new Deferral(clock.Now, reason));
        if (noted < 0) Log.Line($"warning: unable to write {queue.Defer(id)}: {Errno.Text(noted)}; mailq cannot say why the message waits");
    }

    private void Fail(Delivery delivery, string text)
    {
        Job job = delivery.Job;
        if (job.Only != null)
        {
            // The note of the failure needs a message that is written down.
            if (WriteDown(job) is not Job settled) return;
            if (bounces.Add(job.Id, delivery.Recipient, text))
            {
                settled.NextRecipient(out long position);
                settled.MarkDone(position);
            }
            else settled.Undone++;
            settled.Close();
            Close(settled);
            return;
        }
        if (bounces.Add(job.Id, delivery.Recipient, text)) job.MarkDone(delivery.Position);
        if (job.AllRead && job.Open == 0) Close(job);
    }

    /// <summary>A pass is over: the channel is done with the message, or the rest waits for its time.</summary>
    private void Close(Job job)
    {
        Channel channel = channels[(int)job.Channel];
        if (job.Only != null)
        {
            if (job.Undone > 0)
            {
                if (WriteDown(job) != null) channel.Add(job.Id, NextAttempt(job));
                return;
            }
            FinishDirect(job.Id);
            return;
        }
        if (job.Undone > 0)
        {
            channel.Add(job.Id, NextAttempt(job));
            return;
        }
        string path = queue.Recipients(job.Channel, job.Id);
        int removed = Files.Unlink(path);
        if (removed < 0 && removed != -Errno.ENOENT)
        {
            Log.Line($"warning: unable to remove {path}: {Errno.Text(removed)}; will try again later");
            channel.Add(job.Id, clock.Now + SystemFailurePause);
            return;
        }
        string other = queue.Recipients(job.Channel == ChannelKind.Local ? ChannelKind.Remote : ChannelKind.Local, job.Id);
        int otherStatus = Files.Status(other, out _);
        if (otherStatus == -Errno.ENOENT) FinishAt(job.Id, clock.Now);
        else if (otherStatus < 0) FinishAt(job.Id, clock.Now + SystemFailurePause);
    }

    private long NextAttempt(Job job) => job.NotBefore ?? RetrySchedule.Next(job.Birth, clock.Now, job.Channel);

    /// <summary>
    /// Writes the state of a message in todo down, so that it can wait; null when that fails, and the message stays in
    /// todo and is tried again from there.
    /// </summary>
    private Job? WriteDown(Job job)
    {
        Channel channel = channels[(int)job.Channel];
        Settlement? settlement = null;
        try
        {
            settlement = new Settlement(queue, cleaner.Leftovers, job.Id, job.Sender, job.Birth);
            settlement.Add(new Destination(job.Channel, job.Only!));
            if (Settlement.Commit([settlement], cleaner).Count == 0)
            {
                todo.Forget(job.Id);
                NoteClock();
                return new Job(job.Id, job.Sender, job.Birth, job.Channel, queue.Recipients(job.Channel, job.Id));
            }
        }
        catch (PosixException failure)
        {
            settlement?.Abandon();
            Log.Line($"warning: {failure.Message}; will try again later");
        }
        channel.AddStalled(Job.Direct(job.Id, job.Sender, job.Birth, new Destination(job.Channel, job.Only!)), clock.Now + SystemFailurePause);
        return null;
    }

    /// <summary>Removes a message that was delivered straight from todo.</summary>
    private void FinishDirect(ulong id)
    {
        if (!cleaner.RemoveTodo(id))
        {
            FinishAt(id, clock.Now + SystemFailurePause);
            return;
        }
        cleaner.RemoveMessage(id);
        todo.Forget(id);
        _ = holds.Forget(id);
        Log.Line($"end msg {id}");
    }

    /// <summary>No recipient is left: bounces what failed and removes the message.</summary>
    private void Finish(ulong id)
    {
        if (Files.Status(queue.Local(id), out _) != -Errno.ENOENT || Files.Status(queue.Remote(id), out _) != -Errno.ENOENT) return;
        if (Files.Status(queue.Info(id), out _) == -Errno.ENOENT)
        {
            if (todo.Holds(id)) FinishDirect(id);
            return;
        }
        string? sender = ReadInfo(id, out _, out _);
        if (sender == null || !bounces.Send(id, sender))
        {
            FinishAt(id, clock.Now + SystemFailurePause);
            return;
        }
        int removed = Files.Unlink(queue.Info(id));
        if (removed < 0 && removed != -Errno.ENOENT)
        {
            Log.Line($"warning: unable to remove {queue.Info(id)}: {Errno.Text(removed)}; will try again later");
            FinishAt(id, clock.Now + SystemFailurePause);
            return;
        }
        cleaner.RemoveMessage(id);
        _ = holds.Forget(id);
        Log.Line($"end msg {id}");
    }

    // ---- waiting

    private bool NothingToTry()
    {
        if (todo.Scanning || cleaner.Searching || Running > 0) return false;
        if (finished.TryPeek(out _, out long due) && due <= clock.Now) return false;
        foreach (Channel channel in channels)
            if (channel.Concurrency > 0 && channel.HasWork(clock.Now)) return false;
        return true;
    }

    private void Wait()
    {
        int timeout = Timeout(); // first: it lets helpers go
        Channel local = channels[0], remote = channels[1];
        Span<PollEntry> entries =
        [
            new() { Fd = signals, Events = PollEntry.In },
            new() { Fd = trigger, Events = PollEntry.In },
            new() { Fd = clockWatch, Events = PollEntry.In },
            new() { Fd = local.Helper?.ReportFd ?? -1, Events = PollEntry.In },
            new() { Fd = local.Helper?.WaitingToSend ?? -1, Events = PollEntry.Out },
            new() { Fd = remote.Helper?.ReportFd ?? -1, Events = PollEntry.In },
            new() { Fd = remote.Helper?.WaitingToSend ?? -1, Events = PollEntry.Out },
            new() { Fd = queueServer?.ListeningFd ?? -1, Events = PollEntry.In },
            new() { Fd = queueServer?.StatusFd ?? -1, Events = PollEntry.In },
        ];
        // While stopping, new mail is the next one's business; the trigger would only keep us from sleeping.
        if (stopping) entries[1].Fd = -1;
        Notices?.StillAlive();
        Log.Flush();
        long bedtime = UntilSleep(timeout);
        int happened = Poll.Wait(entries, bedtime < timeout ? (int)bedtime : timeout);
        if (happened < 0)
        {
            // No memory, or fewer descriptors allowed than these: the next attempt would fail at once, too.
            _ = Poll.Wait([], PollPause);
            return;
        }
        if (happened > 0) eventful = true;
        else if (bedtime == 0) FallAsleep(timeout);
        // Mail, requests and reports; what has ended, and signals, may be followed by sleep at once.
        if (entries[1].Happened != 0 || entries[3].Happened != 0 || entries[5].Happened != 0 || entries[7].Happened != 0)
            quietSince = clock.SinceBoot;
        if (entries[0].Happened != 0) TakeSignals();
        if (entries[1].Happened != 0)
        {
            nextScan = 0;
            LookForRequests();
        }
        if (entries[2].Happened != 0) _ = Clocks.RearmWatch(clockWatch);
        Serve(local, entries[3].Happened, entries[4].Happened);
        Serve(remote, entries[5].Happened, entries[6].Happened);
        if (entries[7].Happened != 0) queueServer!.Start();
        if (entries[8].Happened != 0) queueServer!.Ended();
    }

    private void Serve(Channel channel, short reports, short commands)
    {
        Helper? helper = channel.Helper;
        if (helper == null) return;
        if (commands != 0) helper.Flush();
        if (reports != 0 && !helper.Receive(report => TakeReport(channel, report))) HelperGone(channel);
    }

    private void HelperGone(Channel channel)
    {
        Log.Line($"alert: lost connection to {channel.Helper!.Name}");
        channel.Helper.Close();
        channel.Helper = null;
        foreach (int number in channel.RunningNumbers())
            Conclude(channel.End(number, 'Z')!, "ZThe delivery helper ended before it reported. (#4.3.0)\n");
        HelperFailed(channel);
    }

    /// <summary>How long nothing will happen by itself, in milliseconds.</summary>
    private int Timeout()
    {
        if (!stopping && (todo.Scanning || cleaner.Searching)) return 0;
        long wait = (Notices?.NextSign ?? long.MaxValue) - clock.SinceBoot;
        if (stopping) return wait > int.MaxValue ? -1 : (int)Math.Max(wait, 0);
        wait = Math.Min(wait, Math.Min(Math.Min(nextScan, nextCleanup), queueServer?.OpensAt ?? long.MaxValue) - clock.SinceBoot);
        if (finished.TryPeek(out _, out long due)) wait = Math.Min(wait, (due - clock.Now) * 1000);
        foreach (Channel channel in channels)
        {
            long next = channel.NextDue();
            if (channel.HasRoom && channel.HasWork(clock.Now))
            {
                // Work that could start waits for its helper: for its announcement, or for the pause after a failure.
                if (channel.Helper == null) wait = Math.Min(wait, channel.HelperPause - clock.SinceBoot);
                else if (channel.Helper.Capacity == 0) wait = Math.Min(wait, channel.HelperStarted + HelperSilence - clock.SinceBoot);
            }
            else if (channel.Concurrency > 0 && next > clock.Now && next != long.MaxValue) wait = Math.Min(wait, (next - clock.Now) * 1000);
            if (LetGo(channel) is long idle) wait = Math.Min(wait, idle);
        }
        return (int)Math.Clamp(wait, 0, int.MaxValue);
    }

    /// <summary>Lets the channel's helper go when it has had nothing to do for a while; else the time until then.</summary>
    private long? LetGo(Channel channel)
    {
        if (channel.Helper == null || channel.Running > 0 || (channel.Kind == ChannelKind.Local && helpers.ByRole)) return null;
        long left = channel.LastBusy + Sleep.Idle - clock.SinceBoot;
        if (left > 0) return left;
        channel.Helper.Close();
        channel.Helper = null;
        // Its end is to be noticed awake.
        quietSince = Math.Max(quietSince, clock.SinceBoot - Sleep.Idle + Math.Min(Sleep.Idle, HelperEnd));
        return null;
    }

    private void TakeSignals()
    {
        for (int signal = Signals.Next(signals); signal != 0; signal = Signals.Next(signals))
            switch (signal)
            {
                case Signals.TERM or Signals.INT:
                    stopping = true;
                    queueServer?.Close();
                    Notices?.Say("STOPPING=1");
                    LogStatus();
                    break;
                case Signals.ALRM:
                    foreach (Channel channel in channels) channel.Reschedule(due => Math.Min(due, clock.Now));
                    holds.Hasten(clock.Now);
                    break;
                case Signals.HUP:
                    Reread();
                    break;
                case Signals.CHLD:
                    while (Processes.Collect(out _) > 0) { }
                    break;
            }
    }

    private void Reread()
    {
        try
        {
            settings.Reread();
            SetConcurrency();
        }
        catch (Exception failure) when (failure is PosixException or FormatException)
        {
            Log.Line($"alert: unable to reread controls: {failure.Message}");
        }
    }

    private void SetConcurrency()
    {
        channels[(int)ChannelKind.Local].Concurrency = settings.ConcurrencyLocal;
        channels[(int)ChannelKind.Remote].Concurrency = settings.ConcurrencyRemote;
    }

    // Where the trigger cannot be heard, which may pass, todo is searched more often.
    private long UsualScan => clock.SinceBoot + (trigger >= 0 ? TodoInterval : SystemFailurePause) * 1000L;

    /// <summary>Opens the trigger anew: what was written to it before is news no longer.</summary>
    private void OpenTrigger()
    {
        _ = Files.Close(trigger);
        trigger = Files.Open(queue.Trigger, OpenMode.Read | OpenMode.NonBlocking);
        if (trigger >= 0 && Files.Status(trigger, out FileStatus status) == 0 && !status.IsFifo)
        {
            // Anything else is always readable: we would search todo without a pause.
            _ = Files.Close(trigger);
            trigger = -Errno.EINVAL;
        }
        if (trigger < 0) Log.Line($"warning: unable to open {queue.Trigger}: {Errno.Text(trigger)}; new mail is noticed every {SystemFailurePause} seconds only");
    }

    // ---- the end

    private void Stop()
    {
        queueServer?.Close();
        LeaveTimes();
        foreach (Channel channel in channels) channel.Helper?.Close();
        Log.Line("status: exiting");
    }

    /// <summary>Leaves every message's next attempt on disk, for the next start and for qmail's tools.</summary>
    private void LeaveTimes(bool saveClock = true)
    {
        bool waiting = false;
        foreach (Channel channel in channels)
            foreach ((ulong id, long due) in channel.Waiting) Leave(channel.Kind, id, due);
        foreach ((ChannelKind channel, ulong id, long due) in holds.Parked) Leave(channel, id, due);
        if (waiting && saveClock) SaveClock();

        void Leave(ChannelKind channel, ulong id, long due)
        {
            waiting = true;
            string path = queue.Recipients(channel, id);
            if (Files.Status(path, out FileStatus status) == 0 && status.Modified != due) _ = Files.SetModified(path, due);
        }
    }

    private void LogStatus() => Log.Line(
        $"status: local {channels[0].Running}/{channels[0].Concurrency} remote {channels[1].Running}/{channels[1].Concurrency}"
        + (rates.Delayed > 0 ? $" delayed jobs={rates.Delayed}" : "") + (stopping ? " exitasap" : ""));
}
