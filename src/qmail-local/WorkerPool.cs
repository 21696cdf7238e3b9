// The processes that perform deliveries: started when needed, kept for a while, one delivery at a time in each.
using System;
using System.Collections.Generic;
using Qmta.Posix;

namespace Qmta.Local;

/// <summary>A process of one uid that performs deliveries.</summary>
/// <param name="Pid">Its process id; it leads a process group.</param>
/// <param name="Socket">Where it gets deliveries and answers with their exit codes.</param>
internal sealed record WorkerProcess(int Pid, int Socket, uint Uid, uint Gid)
{
    /// <summary>When it became idle, in milliseconds.</summary>
    internal long IdleSince { get; set; }

    /// <summary>
    /// The exit code of its delivery: -1 when there is none yet, because it works or because it is gone.
    /// </summary>
    internal int Answer()
    {
        Span<byte> code = stackalloc byte[1];
        // Not recvmsg: a process of somebody's must not be able to hand descriptors to the root helper.
        return Files.Read(Socket, code) == 1 ? code[0] : -1;
    }

    /// <summary>What became of so many plain deliveries: null when there is no answer, or none that can be understood.</summary>
    /// <param name="buffer">A buffer for the answer.</param>
    /// <param name="leaving">It takes no more deliveries.</param>
    internal PlainOutcome[]? Outcomes(int count, Span<byte> buffer, out bool leaving)
    {
        int n = Files.Read(Socket, buffer);
        leaving = n <= 0 || buffer[0] != Worker.Ready;
        return n > 0 ? PlainDeliveries.Decode(buffer[1..n], count) : null;
    }
}

/// <summary>Starts them, and keeps those that are idle.</summary>
internal sealed class WorkerPool
{
    /// <summary>How long one is kept without work, in milliseconds.</summary>
    internal static readonly long Patience = Math.Min(10_000, Sleep.Idle);

    /// <summary>Most that are kept without work.</summary>
    internal const int MostIdle = 64;

    private readonly string program;
    private readonly string defaultDelivery;
    private readonly bool root;
    // The one that has been idle for longest is first.
    private readonly List<WorkerProcess> idle = [];

    /// <param name="program">The file of qmail-local.</param>
    /// <param name="defaultDelivery">The instructions for users who have none.</param>
    /// <param name="root">Whether they take on another uid.</param>
    internal WorkerPool(string program, string defaultDelivery, bool root)
    {
        this.program = program;
        this.defaultDelivery = defaultDelivery;
        this.root = root;
    }

    /// <summary>When the next one has been idle for long enough, in milliseconds.</summary>
    internal long Deadline => idle.Count == 0 ? long.MaxValue : idle[0].IdleSince + Patience;

    /// <summary>How many there are without work.</summary>
    internal int Count => idle.Count;

    /// <summary>Whether there is an idle one of that identity.</summary>
    internal bool Has(uint uid, uint gid) => idle.Exists(worker => worker.Uid == uid && worker.Gid == gid);

    /// <summary>Takes an idle one of that identity; null when there is none.</summary>
    internal WorkerProcess? Take(uint uid, uint gid)
    {
        // The last that became idle: those that are not needed stay idle.
        for (int i = idle.Count - 1; i >= 0; i--)
        {
            WorkerProcess worker = idle[i];
            if (worker.Uid != uid || worker.Gid != gid) continue;
            idle.RemoveAt(i);
            return worker;
        }
        return null;
    }

    /// <summary>Starts one; null with the report of its delivery when that is not possible.</summary>
    /// <param name="report">Where it writes what goes wrong before it has a delivery; -1 when nobody reads that.</param>
    internal WorkerProcess? Start(uint uid, uint gid, int report, out string trouble)
    {
        trouble = "";
        int r = DescriptorSocket.Pair(out int ours, out int theirs);
        if (r < 0)
        {
            trouble = "ZUnable to create pipe: " + Errno.Text(r) + ". (#4.3.0)\n";
            return null;
        }
        // Nothing that it does can hold up this process.
        _ = Files.SetNonBlocking(ours, true);
        string[] arguments = root
            ? ["qmail-local", "--as", uid + ":" + gid, Worker.Option, defaultDelivery]
            : ["qmail-local", Worker.Option, defaultDelivery];
        int nothing = Files.Open("/dev/null", OpenMode.ReadWrite);
        int said = report < 0 ? nothing : report;
        int pid = nothing < 0 ? nothing : Processes.Start(program, arguments,
            [new(nothing, 0), new(said, 1), new(said, 2), new(theirs, Worker.InheritedSocket)], ownGroup: true);
        _ = Files.Close(nothing);
        _ = Files.Close(theirs);
        if (pid >= 0) return new WorkerProcess(pid, ours, uid, gid);
        _ = Files.Close(ours);
        trouble = Unstarted(program, pid);
        return null;
    }

    /// <summary>The report of a delivery whose process could not be started.</summary>
    internal static string Unstarted(string program, int error) => error is -Errno.EAGAIN or -Errno.ENOMEM
        ? "ZUnable to fork: " + Errno.Text(error) + ". (#4.3.0)\n"
        : "ZUnable to run qmail-local: " + program + ": " + Errno.Text(error) + ". (#4.3.0)\n";

    /// <summary>Keeps one that has ended its delivery.</summary>
    internal void Keep(WorkerProcess worker, long now)
    {
        worker.IdleSince = now;
        idle.Add(worker);
        if (idle.Count > MostIdle) End(OneToSpare());
    }

    /// <summary>Ends those that have been idle for long enough.</summary>
    internal void MeetDeadline(long now)
    {
        while (Deadline <= now) End(0);
    }

    /// <summary>A process has ended: if it was an idle one, it is forgotten.</summary>
    internal void Forget(int pid)
    {
        for (int i = 0; i < idle.Count; i++)
        {
            if (idle[i].Pid != pid) continue;
            _ = Files.Close(idle[i].Socket);
            idle.RemoveAt(i);
            return;
        }
    }

    // One whose identity has another; else the one that has been idle for longest.
    private int OneToSpare()
    {
        for (int i = 0; i < idle.Count; i++)
            for (int j = i + 1; j < idle.Count; j++)
                if (idle[i].Uid == idle[j].Uid && idle[i].Gid == idle[j].Gid) return i;
        return 0;
    }

    // It sees the end of its requests and exits.
    private void End(int index)
    {
        _ = Files.Close(idle[index].Socket);
        idle.RemoveAt(index);
    }
}
