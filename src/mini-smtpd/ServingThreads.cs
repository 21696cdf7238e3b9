// The threads that serve clients while these speak: started when needed, kept for a while, never more than a limit.
using System;
using System.Collections.Generic;
using System.Threading;
using Qmta.Posix;

namespace Qmta.Reception;

/// <summary>Hands clients that have something to say to threads, and back when they have not.</summary>
internal sealed class ServingThreads
{
    // A conversation needs little stack.
    private const int StackSize = 192 * 1024;

    // A thread without work waits so long for more: starting one costs more than most commands' work.
    private const int IdleMilliseconds = 5000;

    // With more threads than this, none waits for a client to go on: two hundred that say hello at once would each get
    // one of its own.
    private const int MostHolding = 32;

    private readonly Doorbell doorbell = new(IdleMilliseconds);
    private readonly int most;
    private readonly Action<Client> park, forget;

    // Guards what follows.
    private readonly object guard = new();
    private readonly Queue<Client> ready = [];
    private readonly Stack<ConnectionBuffers> spareBuffers = [];
    private int threads, idle;

    /// <param name="most">Most threads.</param>
    /// <param name="park">Takes a client that has gone silent.</param>
    /// <param name="forget">Takes a client whose connection is closed.</param>
    internal ServingThreads(int most, Action<Client> park, Action<Client> forget)
    {
        this.most = most;
        this.park = park;
        this.forget = forget;
    }

    /// <summary>Has a client served as soon as a thread is free.</summary>
    internal void Serve(Client client)
    {
        bool enough;
        lock (guard)
        {
            ready.Enqueue(client);
            enough = ready.Count <= idle;
            if (!enough && threads == most) return;
            if (!enough) threads++;
        }
        if (enough)
        {
            doorbell.Ring();
            return;
        }
        try
        {
            new Thread(Work, StackSize) { IsBackground = true }.Start();
        }
        catch (OutOfMemoryException)
        {
            lock (guard) threads--; // a thread that is there takes the client when it can
        }
    }

    /// <summary>Waits until the clients that are being served have gone silent or ended; not for ever.</summary>
    internal void Finish()
    {
        const int longestMilliseconds = 20_000;
        long end = Sockets.In(longestMilliseconds);
        lock (guard)
        {
            ready.Clear();
            while (threads > idle && Clocks.BoottimeMilliseconds < end) Monitor.Wait(guard, 50);
        }
    }

    private void Work()
    {
        ConnectionBuffers? buffers;
        lock (guard)
        {
            if (!spareBuffers.TryPop(out buffers)) buffers = new ConnectionBuffers();
        }
        while (Next() is Client client)
        {
            bool goesOn = false;
            try
            {
                goesOn = client.Conversation.Serve(buffers, ready.Count == 0 && threads <= MostHolding ? Hold.AMoment : Hold.No);
            }
            catch (Exception e)
            {
                // A mistake in this program that one client brings to light must not end the conversations of others,
                // as it would not if each had a process of its own.
                Standard.Error("mini-smtpd: a mistake in the program: " + e.Message);
                client.Conversation.Dismiss();
            }
            if (goesOn) park(client);
            else forget(client);
        }
        lock (guard) spareBuffers.Push(buffers);
        // The last thread that goes leaves nothing behind.
        Queue.QueueWriters.Shared.DropIdle();
    }

    private Client? Next()
    {
        lock (guard)
        {
            if (ready.TryDequeue(out Client? client)) return client;
            idle++;
        }
        while (true)
        {
            bool rang = doorbell.Wait();
            lock (guard)
            {
                if (!ready.TryDequeue(out Client? client) && rang) continue;
                idle--;
                if (client == null) threads--;
                return client;
            }
        }
    }
}
