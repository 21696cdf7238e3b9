// A delivery that qmail-lspawn has started and not yet reported: its process, its pipe and its time limits.
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Local;

/// <summary>A delivery that waits until a program has said who gets it.</summary>
/// <param name="Command">The delivery.</param>
/// <param name="Message">The open message; whoever ends the look-up closes it.</param>
internal sealed record PendingAccount(DeliveryCommand Command, int Message);

/// <summary>A delivery that can begin.</summary>
/// <param name="Command">What the scheduler said.</param>
/// <param name="Recipient">Who gets it.</param>
/// <param name="Delivery">What qmail-local is told.</param>
/// <param name="Request">The same in bytes (<see cref="Worker.Encode"/>).</param>
/// <param name="Message">The open message; whoever hands it over closes it.</param>
/// <param name="Size">Its length in bytes.</param>
/// <param name="Since">When it could begin, in milliseconds.</param>
internal sealed record PreparedDelivery(DeliveryCommand Command, Recipient Recipient, Delivery Delivery, byte[] Request,
    int Message, long Size, long Since);

/// <summary>One qmail-local, or a program in its place, at work.</summary>
internal sealed class RunningDelivery
{
    /// <summary>
    /// How long to wait, in milliseconds, for what others write to the pipe after the process has ended.
    /// </summary>
    internal const long Grace = 3000;

    /// <summary>How long, in milliseconds, a process that is told to stop may take before it is killed.</summary>
    internal const long Patience = 5000;

    // Stopping: its process group has been asked to end; Killed: it had to.
    private enum Stage { Working, Stopping, Killed }

    private readonly long started;
    private byte[] output = [];
    private int length;
    private Stage stage;
    private bool outOfTime;

    /// <param name="number">The scheduler's number for it.</param>
    /// <param name="pid">The process, which leads a process group.</param>
    /// <param name="pipe">The end of the pipe from which its output is read; -1 when there is none.</param>
    /// <param name="now">The time in milliseconds.</param>
    /// <param name="limit">How long it may take in milliseconds; 0 for no limit.</param>
    internal RunningDelivery(int number, int pid, int pipe, long now, long limit)
    {
        Number = number;
        Pid = pid;
        Pipe = pipe;
        started = now;
        Deadline = limit == 0 ? long.MaxValue : now + limit;
    }

    internal int Number { get; }
    internal int Pid { get; }

    /// <summary>The process when it may perform further deliveries; else null.</summary>
    internal WorkerProcess? Worker { get; init; }

    /// <summary>Set when the process does not deliver but says who gets the message.</summary>
    internal PendingAccount? Pending { get; init; }

    /// <summary>Set when several deliveries have been handed over, or one that may be plain: all of them.</summary>
    internal IReadOnlyList<PreparedDelivery>? Together { get; init; }

    /// <summary>How each of these ended; null as long as that is not known.</summary>
    internal PlainOutcome[]? Outcomes { get; set; }

    /// <summary>Whether it is the scheduler's delivery of that number, or one of those.</summary>
    internal bool IsOf(int number)
    {
        if (Together == null) return Number == number;
        foreach (PreparedDelivery delivery in Together)
            if (delivery.Command.Number == number) return true;
        return false;
    }

    /// <summary>What it has printed so far.</summary>
    internal string Output => Latin1.String(output.AsSpan(0, length));

    /// <summary>
    /// Whether nothing has been done against its process: a worker that was told to stop serves no more.
    /// </summary>
    internal bool IsUndisturbed => stage == Stage.Working;

    /// <summary>The pipe, or -1 after its end has been read.</summary>
    internal int Pipe { get; private set; }

    /// <summary>How the process ended, or null while it runs.</summary>
    internal ExitStatus? Ended { get; private set; }

    /// <summary>When something has to be done unless something happens before, in milliseconds.</summary>
    internal long Deadline { get; private set; }

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
        if (length + keep > output.Length)
            Array.Resize(ref output, Math.Clamp(2 * (length + keep), 256, DeliveryProtocol.LongestReport));
        buffer[..keep].CopyTo(output.AsSpan(length));
        length += keep;
    }

    /// <summary>The process has ended; a child of its own may still hold the pipe.</summary>
    internal void End(ExitStatus status, long now)
    {
        Ended = status;
        if (stage == Stage.Killed) Deadline = now;
        else if (stage == Stage.Working && status.Crashed) Stop(now); // its program must not go on as if it counted
        else if (stage == Stage.Working) Deadline = now + Grace;
    }

    /// <summary>
    /// Does what the deadline was for: stop the processes, kill them, or wait no longer for the pipe.
    /// </summary>
    internal void MeetDeadline(long now)
    {
        switch (stage)
        {
            case Stage.Working when Ended == null:
                outOfTime = true;
                Stop(now);
                break;
            case Stage.Stopping:
                _ = Processes.KillGroup(Pid, Signals.KILL);
                stage = Stage.Killed;
                Deadline = Ended == null ? long.MaxValue : now;
                break;
            default:
                ClosePipe();
                break;
        }
    }

    /// <summary>The report of a delivery that is over.</summary>
    internal string Report(long now)
    {
        // What has closed the pipe and did not listen.
        if (stage == Stage.Stopping) _ = Processes.KillGroup(Pid, Signals.KILL);
        return outOfTime && Ended is { Crashed: true }
            ? $"ZThe delivery had not ended after {(now - started) / 1000} seconds and was stopped. (#4.3.0)\n"
            : Verdict.Of(Ended!.Value, Output);
    }

    private void Stop(long now)
    {
        _ = Processes.KillGroup(Pid, Signals.TERM);
        stage = Stage.Stopping;
        Deadline = now + Patience;
    }

    private void ClosePipe()
    {
        _ = Files.Close(Pipe);
        Pipe = -1;
    }
}
