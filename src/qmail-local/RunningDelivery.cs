// A delivery that qmail-lspawn has started and not yet reported: its process, its pipe and its time limits.
using System;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Local;

/// <summary>One qmail-local at work.</summary>
internal sealed class RunningDelivery
{
    /// <summary>How long to wait, in milliseconds, for what others write to the pipe after the process has ended.</summary>
    internal const long Grace = 3000;

    /// <summary>How long, in milliseconds, a process that is told to stop may take before it is killed.</summary>
    internal const long Patience = 5000;

    private readonly long started;
    private byte[] output = [];
    private int length;
    private long deadline;
    private bool stopping;

    /// <param name="number">The scheduler's number for it.</param>
    /// <param name="pid">The process, which leads a process group.</param>
    /// <param name="pipe">The end of the pipe from which its output is read.</param>
    /// <param name="now">The time in milliseconds.</param>
    /// <param name="limit">How long it may take in milliseconds; 0 for no limit.</param>
    internal RunningDelivery(int number, int pid, int pipe, long now, long limit)
    {
        Number = number;
        Pid = pid;
        Pipe = pipe;
        started = now;
        deadline = limit == 0 ? long.MaxValue : now + limit;
    }

    internal int Number { get; }
    internal int Pid { get; }

    /// <summary>The pipe, or -1 after its end has been read.</summary>
    internal int Pipe { get; private set; }

    /// <summary>How the process ended, or null while it runs.</summary>
    internal ExitStatus? Ended { get; private set; }

    /// <summary>When something has to be done unless something happens before, in milliseconds.</summary>
    internal long Deadline => deadline;

    /// <summary>Nothing more is to come.</summary>
    internal bool IsOver => Ended != null && Pipe < 0;

    /// <summary>Reads from the pipe; what is longer than a report is dropped.</summary>
    /// <param name="buffer">A buffer to read through.</param>
    internal void ReadOutput(Span<byte> buffer)
    {
        int n = Files.Read(Pipe, buffer);
        if (n == -Errno.EAGAIN) return;
        if (n <= 0)
        {
            ClosePipe();
            return;
        }
        int keep = Math.Min(n, DeliveryProtocol.LongestReport - length);
        if (length + keep > output.Length) Array.Resize(ref output, Math.Min(Math.Max(256, 2 * (length + keep)), DeliveryProtocol.LongestReport));
        buffer[..keep].CopyTo(output.AsSpan(length));
        length += keep;
    }

    /// <summary>The process has ended; a child of its own may still hold the pipe.</summary>
    internal void End(ExitStatus status, long now)
    {
        Ended = status;
        deadline = now + Grace;
    }

    /// <summary>Does what the deadline was for: stop the process, kill it, or wait no longer for its pipe.</summary>
    internal void MeetDeadline(long now)
    {
        if (Ended != null)
        {
            ClosePipe();
            return;
        }
        _ = Processes.KillGroup(Pid, stopping ? Signals.KILL : Signals.TERM);
        deadline = stopping ? long.MaxValue : now + Patience;
        stopping = true;
    }

    /// <summary>The report of a delivery that is over.</summary>
    internal string Report(long now)
    {
        if (stopping && Ended is { Crashed: true })
            return $"ZThe delivery had not ended after {(now - started) / 1000} seconds and was stopped. (#4.3.0)\n";
        return Verdict.Of(Ended!.Value, Latin1.String(output.AsSpan(0, length)));
    }

    private void ClosePipe()
    {
        _ = Files.Close(Pipe);
        Pipe = -1;
    }
}
