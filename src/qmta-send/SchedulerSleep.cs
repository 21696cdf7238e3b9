// The scheduler's sleep: when nothing runs, nothing is to be done and only the queue on disk has to be remembered, a few
// lines of C wait in its place (decision 040).
using System;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Send;

internal sealed partial class Scheduler
{
    // Messages that may wait for their time: waking, they are all looked at.
    private const int MostWaiting = 100;

    // Set when this cannot sleep, or could not.
    private bool sleepless;

    // Whether anything has happened since the start, or since it woke.
    private bool eventful;

    // Since when there has been nothing to do, in milliseconds since boot.
    private long quietSince;

    /// <summary>The lock of the queue.</summary>
    internal int LockFd { get; init; } = -1;

    /// <summary>Goes on where it was; what woke it waits in its descriptors.</summary>
    private void WakeUp(Slumber slumber)
    {
        (trigger, nextScan, nextCleanup) = (slumber.Trigger, slumber.NextScan, slumber.NextCleanup);
        (clockSaved, quietSince, deliveries) = (slumber.ClockSaved, slumber.QuietSince, slumber.Deliveries);
        if (slumber.Messages) LoadQueue();
    }

    /// <summary>
    /// Milliseconds until it has been quiet for long enough to sleep; <see cref="long.MaxValue"/> when it is not to sleep.
    /// </summary>
    /// <param name="wait">How long nothing will happen by itself, in milliseconds.</param>
    private long UntilSleep(int wait) => sleepless || wait < Sleep.Idle || !NothingInMemory()
        ? long.MaxValue
        : Math.Max(0, quietSince + Sleep.Idle - clock.SinceBoot);

    /// <summary>Falls asleep; returns when that is not possible.</summary>
    private void FallAsleep(int wait)
    {
        // Awake before its time, and nothing has happened: it might wake again at once.
        if (slumber != null && !eventful && clock.SinceBoot < slumber.Until)
        {
            quietSince = clock.SinceBoot;
            eventful = true;
            return;
        }
        sleepless = true;
        if (!Sleep.IsPossible(Program.Name)) return;
        LeaveTimes(saveClock: false);
        Slumber next = Remember(clock.SinceBoot + wait);
        Log.Flush();
        int error = Sleep.Begin(Program.Name, next.Write(), wait, helpers.ByRole, next.Wakers, next.Kept);
        Log.Line($"info: unable to sleep: {Errno.Text(error)}; staying awake");
    }

    /// <summary>Whether the queue on disk says everything.</summary>
    private bool NothingInMemory()
    {
        if (!daemon || stopping || todo.Scanning || todo.HasTrouble || cleaner.Searching || cleaner.UsesProgram || finished.Count > 0
            || unfinished.Count > 0 || rates.Delayed > 0 || queueServer is not { StatusFd: < 0, OpensAt: long.MaxValue }) return false;
        foreach (Channel channel in channels)
        {
            if (channel.Helper != null && !(helpers.ByRole && channel.Kind == ChannelKind.Local && channel.Helper.IsQuiet)) return false;
            foreach (Job _ in channel.Jobs) return false;
        }
        return Waiting <= MostWaiting;
    }

    private int Waiting => channels[0].WaitingCount + channels[1].WaitingCount + holds.Parked.Count;

    private Slumber Remember(long until) => new()
    {
        Lock = LockFd,
        Signals = signals,
        Trigger = trigger,
        ClockWatch = clockWatch,
        Listening = queueServer!.ListeningFd,
        Log = Log.Descriptor,
        RootHelper = helpers.RootHelper,
        Commands = channels[0].Helper?.CommandFd ?? -1,
        Reports = channels[0].Helper?.ReportFd ?? -1,
        Notices = Notices?.Fd ?? -1,
        Capacity = channels[0].Helper?.Capacity ?? 0,
        Wide = channels[0].Helper?.Wide ?? false,
        WatchdogInterval = Notices?.Interval ?? 0,
        WatchdogSign = Notices?.LastSign ?? 0,
        NextScan = nextScan,
        NextCleanup = nextCleanup,
        ClockSaved = clockSaved,
        QuietSince = quietSince,
        Until = until,
        Messages = Waiting > 0 || holds.Any,
        Deliveries = deliveries,
        Clock = clock.Last,
        Controls = settings.Texts,
    };
}
