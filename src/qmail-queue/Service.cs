// qmail-queue for many messages: takes them from programs that connect, as long as there are any.
//
// qmta-send starts it when somebody connects to lock/submit, with the listening socket as descriptor 0, and as
// descriptor 1 a pipe by which each learns of the other's end. A thread for each connection: it waits for its own
// writes, and the filesystem makes durable together what comes together.
using System;
using System.Threading;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Enqueue;

internal sealed class Service(QueueLayout queue)
{
    private const int Listening = 0, Scheduler = 1;

    // Connections at a time, in all and of one user: one who holds connections open must not keep others out. Who comes
    // beyond that starts a qmail-queue.
    private const int MostAtOnce = 32, MostOfOneUser = 16;

    // Threads that wait for the next message.
    private const int MostWaiting = 2;

    // Milliseconds without a connection after which it ends, and for which nothing is accepted after that failed.
    private const int Pause = 100;
    private static readonly int Idle = Math.Min(10_000, Sleep.Idle);

    private const int StackSize = 262144;

    private enum Event
    {
        Connection,
        Nothing,
        SchedulerGone,
    }

    private readonly object gate = new();
    private readonly uint[] users = new uint[MostAtOnce];
    private int busy, threads = 1;
    private bool ended;

    /// <summary>Runs until nobody has come for a while, or qmta-send is gone; returns the exit code.</summary>
    internal int Run()
    {
        // They are for qmta-send, whose end is noticed; messages under way are finished first.
        Signals.Ignore(Signals.TERM, Signals.INT, Signals.HUP);
        foreach (string name in QueueWriter.OwnVariables) Variables.Set(name, null);
        Work(leader: true);
        // An end without this byte is a crash.
        _ = Files.Write(Scheduler, [0]);
        return ExitCode.Queued;
    }

    /// <summary>What each thread does; the leader's return ends the process.</summary>
    private void Work(bool leader)
    {
        MessageSeries series = new(queue);
        while (true)
        {
            Event happened = Wait();
            PeerProcess peer = default;
            int connection = happened == Event.Connection ? LocalSocket.Accept(Listening, out peer) : -Errno.EAGAIN;
            lock (gate)
            {
                if (ended)
                {
                    _ = Files.Close(connection);
                    return;
                }
                if (happened != Event.Connection)
                {
                    if (!leader)
                    {
                        threads--;
                        return;
                    }
                    if (happened == Event.Nothing && busy > 0) continue;
                    ended = true;
                    while (busy > 0) Monitor.Wait(gate);
                    return;
                }
                if (connection >= 0 && !Admit(peer.Uid))
                {
                    _ = Files.Close(connection);
                    continue;
                }
            }
            if (connection >= 0)
            {
                series.Run(connection, new Submitter(peer.Pid, peer.Uid), () => new Deadline());
                _ = Files.Close(connection);
                if (Release(peer.Uid, leader)) return;
            }
            else if (connection != -Errno.EAGAIN) Thread.Sleep(Pause);
        }
    }

    private static Event Wait()
    {
        Span<PollEntry> entries = [new() { Fd = Listening, Events = PollEntry.In }, new() { Fd = Scheduler }];
        if (Poll.Wait(entries, Idle) <= 0) return Event.Nothing;
        return entries[1].Happened != 0 ? Event.SchedulerGone : Event.Connection;
    }

    /// <summary>Counts a connection, and sees to it that somebody waits for the next; false when there are too many.</summary>
    private bool Admit(uint uid)
    {
        int same = 0;
        for (int i = 0; i < busy; i++)
            if (users[i] == uid) same++;
        if (busy == MostAtOnce || same == MostOfOneUser) return false;
        users[busy++] = uid;
        if (busy < threads) return true;
        threads++;
        new Thread(() => Work(leader: false), StackSize) { IsBackground = true }.Start();
        return true;
    }

    /// <summary>Ends the counting of a connection; true when enough others wait for the next.</summary>
    private bool Release(uint uid, bool leader)
    {
        lock (gate)
        {
            users[Array.IndexOf(users, uid, 0, busy)] = users[--busy];
            if (busy == 0) Monitor.PulseAll(gate);
            if (leader || threads - busy <= MostWaiting) return false;
            threads--;
            return true;
        }
    }
}
