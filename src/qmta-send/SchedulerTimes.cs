// The scheduler's times: what the queue on disk says is due when, and following a clock that is set.
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Send;

internal sealed partial class Scheduler
{
    /// <summary>Schedules every preprocessed message: a local or remote file's time of modification is its next attempt.</summary>
    private void LoadQueue()
    {
        // A sleeper's clock goes on from its last reading: what happened to it since then is still to be noticed.
        ClockStep step = slumber == null ? clock.SinceSaved() : default;
        if (step.Seconds < 0) SaveClock(); // see ShiftTimes
        holds.Load();
        int messages = 0;
        for (int n = 0; n < queue.Split; n++)
            foreach (string name in ListOrWarn($"{queue.Directory}/info/{n}"))
            {
                if (!QueueLayout.TryParseId(name, out ulong id) || Files.Status(queue.Todo(id), out _) == 0) continue;
                messages++;
                long birth = Shift(queue.Info(id), step);
                bool any = false;
                foreach (Channel channel in channels)
                {
                    string path = queue.Recipients(channel.Kind, id);
                    int status = Files.Status(path, out FileStatus file);
                    if (status == -Errno.ENOENT) continue;
                    any = true;
                    // A time later than the schedule ever sets comes from a clock that was wrong.
                    long latest = RetrySchedule.Next(birth, clock.Now, channel.Kind);
                    long due = status < 0 ? clock.Now : Math.Min(file.Modified + step.Seconds, latest);
                    if (holds.Contains(id)) holds.Park(channel.Kind, id, due);
                    else channel.Add(id, due);
                }
                if (!any) finished.Enqueue(id, clock.Now);
            }
        if ((messages > 0 && slumber == null) || step.Seconds != 0) SaveClock();
        if (step.Seconds > 0) PauseCleanup();
        if (!step.IsNone) Log.Line($"info: the clock was set by {step.Seconds} seconds while no qmta-send ran; ages of messages are kept");
    }

    private static List<string> ListOrWarn(string directory)
    {
        try
        {
            return [.. Files.List(directory)];
        }
        catch (PosixException failure)
        {
            Log.Line("warning: " + failure.Message);
            return [];
        }
    }

    private void FollowClock()
    {
        ClockStep step = clock.Update();
        if (step.IsNone) return;
        Log.Line($"info: the clock was set by {step.Seconds} seconds; ages of messages are kept");
        ShiftTimes(step);
    }

    /// <summary>
    /// Shifts every time by a step of the clock. A crash in the middle must not let a message look older than it is: the
    /// note of the clock, from which the next start computes the same step again, is written before times move back and
    /// after they moved forward.
    /// </summary>
    private void ShiftTimes(ClockStep step)
    {
        if (step.Seconds < 0) SaveClock();
        HashSet<ulong> shifted = [];
        foreach (Channel channel in channels)
        {
            foreach ((ulong id, _) in channel.Waiting)
                if (shifted.Add(id)) Shift(queue.Info(id), step);
            // The clock of a board is set when its network comes up: in the middle of its first deliveries.
            foreach (Job job in (HashSet<Job>)[.. channel.Jobs])
            {
                job.Birth = step.Apply(job.Birth, clock.Now);
                if (job.Only == null && shifted.Add(job.Id)) Shift(queue.Info(job.Id), step);
            }
            channel.Reschedule(due => due + step.Seconds);
        }
        foreach ((_, ulong id, _) in holds.Parked)
            if (shifted.Add(id)) Shift(queue.Info(id), step);
        holds.Shift(step.Seconds);
        (ulong, long)[] ended = new (ulong, long)[finished.Count];
        int i = 0;
        foreach ((ulong id, long due) in finished.UnorderedItems) ended[i++] = (id, due + step.Seconds);
        finished.Clear();
        finished.EnqueueRange(ended);
        if (step.Seconds <= 0) return;
        SaveClock();
        PauseCleanup();
    }

    private void PauseCleanup() => nextCleanup = clock.SinceBoot + cleaner.GiveUpSearch() * 1000L;

    /// <summary>Shifts the birth of a message; returns it.</summary>
    private long Shift(string info, ClockStep step)
    {
        if (Files.Status(info, out FileStatus status) < 0) return clock.Now;
        long birth = step.Apply(status.Modified, clock.Now);
        // From a clock that was never set, and nothing is noted that would tell how old the message is.
        if (birth < QueueClock.FirstPlausible && clock.Now >= QueueClock.FirstPlausible) birth = clock.Now;
        if (birth != status.Modified) _ = Files.SetModified(info, birth);
        return birth;
    }

    /// <summary>A message was written down: its age can be told after a restart only with a note of the clock.</summary>
    private void NoteClock()
    {
        if (clock.SinceBoot - clockSaved >= ClockInterval) SaveClock();
    }

    private void SaveClock()
    {
        clock.Save();
        clockSaved = clock.SinceBoot;
    }
}
