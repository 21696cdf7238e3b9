// The sessions that are open and idle, for the next delivery to the same destination: a connection, its greeting, TLS
// and log-in cost several round trips, which a queue full of mail for one relay should pay once.
using System;
using System.Collections.Generic;
using System.Threading;
using Qmta.Posix;
using Qmta.Smtp;

namespace Qmta.Remote;

/// <summary>
/// Shared by all threads. It holds few sessions and each for a short time only: servers have fewer connections than
/// there are clients that would like to keep one.
/// </summary>
internal sealed class SessionCache
{
    /// <summary>Most idle sessions; with one more the one idle for longest is ended.</summary>
    internal const int MostIdle = 32;

    /// <summary>A session idle for so many milliseconds is ended.</summary>
    internal const int LongestIdle = 2000;

    private const int StackSize = 96 * 1024;

    private readonly List<(Session Session, long Since)> idle = []; // in the order in which they became idle
    private bool closed, watched;

    /// <summary>How many sessions are idle.</summary>
    internal int Count
    {
        get
        {
            lock (idle) return idle.Count;
        }
    }

    /// <summary>
    /// An idle session with this key, which is the caller's from now on; null when there is none. The one used last
    /// comes first, so that sessions too many find their end.
    /// </summary>
    /// <param name="key">What the delivery needs.</param>
    /// <param name="localAddress">Says from which local address a peer is to be connected to now.</param>
    internal Session? Take(SessionKey key, Func<IpAddress, IpAddress?> localAddress)
    {
        while (true)
        {
            Session? found = null;
            lock (idle)
            {
                for (int i = idle.Count - 1; i >= 0 && found == null; i--)
                {
                    Session session = idle[i].Session;
                    if (session.Key != key || session.LocalAddress != localAddress(session.Peer)) continue;
                    found = session;
                    idle.RemoveAt(i);
                }
            }
            if (found == null || (found.IsQuiet && found.MayGoOn)) return found;
            // The server has left or is about to.
            found.End();
        }
    }

    /// <summary>Keeps a session, or ends it when it may not go on.</summary>
    internal void Keep(Session session)
    {
        Session? surplus = session;
        bool watch = false;
        if (session.MayGoOn)
        {
            lock (idle)
            {
                if (!closed)
                {
                    surplus = null;
                    idle.Add((session, Clocks.BoottimeMilliseconds));
                    if (idle.Count > MostIdle)
                    {
                        surplus = idle[0].Session;
                        idle.RemoveAt(0);
                    }
                    if (!watched) watched = watch = true;
                }
            }
        }
        surplus?.End();
        if (watch) StartWatch();
    }

    /// <summary>Ends all idle sessions, for their descriptors.</summary>
    internal void Clear()
    {
        List<Session> all = [];
        lock (idle)
        {
            foreach ((Session session, _) in idle) all.Add(session);
            idle.Clear();
            Monitor.PulseAll(idle);
        }
        foreach (Session session in all) session.End();
    }

    /// <summary>Ends all idle sessions and keeps no more.</summary>
    internal void Close()
    {
        lock (idle) closed = true;
        Clear();
    }

    private void StartWatch()
    {
        try
        {
            new Thread(Watch, StackSize) { IsBackground = true }.Start();
        }
        catch (OutOfMemoryException)
        {
            lock (idle) watched = false;
            Clear();
        }
    }

    // The life of a thread that ends sessions when their time is over; it lives while there are any.
    private void Watch()
    {
        while (true)
        {
            Session? over = null;
            lock (idle)
            {
                if (idle.Count == 0)
                {
                    watched = false;
                    return;
                }
                long left = idle[0].Since + LongestIdle - Clocks.BoottimeMilliseconds;
                if (left > 0) _ = Monitor.Wait(idle, (int)Math.Min(left, LongestIdle));
                else
                {
                    over = idle[0].Session;
                    idle.RemoveAt(0);
                }
            }
            over?.End();
        }
    }
}
