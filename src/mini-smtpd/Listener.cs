// Many connections in one process. Who is silent waits here for nothing but a place in poll(2); who speaks gets a thread.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.Reception;

/// <summary>How many connections there may be.</summary>
/// <param name="Connections">At one time (MAXDAEMONS).</param>
/// <param name="PerAddress">At one time from one IPv4 address or IPv6 network of 64 bits (MAXPERIP).</param>
internal readonly record struct ConnectionLimits(int Connections, int PerAddress);

/// <summary>
/// One thread accepts, greets and waits for the silent ones; <see cref="ServingThreads"/> serve those that speak. A
/// silent connection costs its session and no thread.
/// </summary>
internal sealed class Listener
{
    // When there is no place left, one that has said nothing for so long gives its own up.
    private const int HalfOpenMilliseconds = 1000;

    private const int RestMilliseconds = 500;

    private const int WakeEntry = 0, SignalEntry = 1, FirstListening = 2;

    private readonly ListeningSocket[] sockets;
    private readonly ConnectionLimits limits;
    private readonly ServingThreads threads;
    private readonly List<Waiting> waiting = [];
    private readonly int wakeRead, wakeWrite, signals;
    private PollEntry[] entries = new PollEntry[64];

    // Guards what the serving threads hand back, and the counts.
    private readonly System.Threading.Lock handBack = new();
    private readonly List<Client> returned = [];
    private readonly Dictionary<IpAddress, int> perAddress = [];
    private int connections;
    private bool woken;

    // When accepting failed for want of descriptors or memory, it rests until then.
    private long acceptAgain;

    private readonly record struct Waiting(Client Client, long Since);

    /// <param name="signals">A descriptor of <see cref="Signals.Descriptor"/> for SIGTERM and SIGINT.</param>
    /// <exception cref="PosixException">There are no descriptors left.</exception>
    internal Listener(ListeningSocket[] sockets, ConnectionLimits limits, int signals)
    {
        this.sockets = sockets;
        this.limits = limits;
        this.signals = signals;
        threads = new ServingThreads(limits.Connections, Park, Forget);
        PosixException.Check(Files.Pipe(out wakeRead, out wakeWrite), "unable to make a pipe");
        _ = Files.SetNonBlocking(wakeRead, true);
        _ = Files.SetNonBlocking(wakeWrite, true);
    }

    /// <summary>Serves until a signal ends it; then lets no one in, and those that are being served finish.</summary>
    internal void Run()
    {
        while (true)
        {
            int count = FillEntries();
            PosixException.Check(Poll.Wait(entries.AsSpan(0, count), UntilNextTimeout()), "unable to wait for clients");
            if (entries[SignalEntry].Happened != 0 && Signals.Next(signals) is Signals.TERM or Signals.INT) break;
            if (entries[WakeEntry].Happened != 0) Drain();
            // From the back, so that what is taken out moves only what has been looked at.
            int first = FirstListening + sockets.Length;
            for (int i = count - 1; i >= first; i--)
                if (entries[i].Happened != 0) threads.Serve(TakeOut(i - first));
            EndTimedOut();
            TakeReturned();
            for (int i = 0; i < sockets.Length; i++)
                if (entries[FirstListening + i].Happened != 0) AcceptAll(sockets[i]);
        }
        foreach (ListeningSocket socket in sockets) _ = Files.Close(socket.Fd);
        foreach (Waiting silent in waiting) silent.Client.Conversation.Dismiss();
        waiting.Clear();
        threads.Finish();
    }

    private int FillEntries()
    {
        int first = FirstListening + sockets.Length, count = first + waiting.Count;
        if (entries.Length < count) entries = new PollEntry[count + count / 2];
        entries[WakeEntry] = new PollEntry { Fd = wakeRead, Events = PollEntry.In };
        entries[SignalEntry] = new PollEntry { Fd = signals, Events = PollEntry.In };
        bool room = (connections < limits.Connections || OldestHalfOpen() >= 0) && Clocks.BoottimeMilliseconds >= acceptAgain;
        for (int i = 0; i < sockets.Length; i++)
            entries[FirstListening + i] = new PollEntry { Fd = room ? sockets[i].Fd : -1, Events = PollEntry.In };
        ReadOnlySpan<Waiting> all = CollectionsMarshal.AsSpan(waiting);
        for (int i = 0; i < all.Length; i++)
            entries[first + i] = new PollEntry { Fd = all[i].Client.Conversation.Fd, Events = PollEntry.In };
        return count;
    }

    private void AcceptAll(ListeningSocket socket)
    {
        while (true)
        {
            if (connections >= limits.Connections)
            {
                int oldest = OldestHalfOpen();
                if (oldest < 0) return; // the kernel holds those that come
                End(TakeOut(oldest), static conversation => conversation.Dismiss());
            }
            int fd = ServerSockets.Accept(socket.Fd, out TcpEnd remote);
            if (fd < 0)
            {
                if (fd == -Errno.ECONNABORTED || fd == -Errno.EINTR) continue;
                if (fd == -Errno.EAGAIN) return;
                Standard.Error(socket.Program + ": unable to accept a connection: " + Errno.Text(fd));
                acceptAgain = Sockets.In(RestMilliseconds);
                return;
            }
            Begin(socket, fd, remote);
        }
    }

    private void Begin(ListeningSocket socket, int fd, TcpEnd remote)
    {
        IpAddress network = NetworkOf(remote.Address);
        Peer peer = Peer.OfConnection(fd, remote);
        if (socket.Access != null && !peer.Admit(socket.Access, remote.Address, socket.Program))
        {
            _ = Files.Close(fd);
            return;
        }
        if (!Count(network))
        {
            _ = Sockets.SendNow(fd, Text.Latin1.Bytes(socket.CrowdedText));
            _ = Files.Close(fd);
            return;
        }
        Conversation conversation = new(new ClientConnection(fd), peer, socket.Begin, socket.Tls);
        Client client = new(conversation, network);
        if (conversation.Greet()) waiting.Add(new Waiting(client, Clocks.BoottimeMilliseconds));
        else End(client, static gone => gone.Dismiss());
    }

    // Called by serving threads.
    private void Park(Client client)
    {
        lock (handBack)
        {
            returned.Add(client);
            Wake();
        }
    }

    // Called by serving threads.
    private void Forget(Client client)
    {
        lock (handBack)
        {
            // Nobody needs to know at once, unless there was no place left.
            if (connections >= limits.Connections) Wake();
            Uncount(client);
        }
    }

    private void Wake()
    {
        if (!woken) _ = Files.Write(wakeWrite, "!"u8);
        woken = true;
    }

    private void Drain()
    {
        Span<byte> bytes = stackalloc byte[16];
        while (Files.Read(wakeRead, bytes) > 0) { }
    }

    private void TakeReturned()
    {
        lock (handBack)
        {
            woken = false;
            long now = Clocks.BoottimeMilliseconds;
            foreach (Client client in returned) waiting.Add(new Waiting(client, now));
            returned.Clear();
        }
    }

    private Client TakeOut(int index)
    {
        Client client = waiting[index].Client;
        waiting[index] = waiting[^1];
        waiting.RemoveAt(waiting.Count - 1);
        return client;
    }

    private void End(Client client, Action<Conversation> how)
    {
        how(client.Conversation);
        lock (handBack) Uncount(client);
    }

    // False when the network has as many connections as it may have.
    private bool Count(IpAddress network)
    {
        lock (handBack)
        {
            int already = perAddress.GetValueOrDefault(network);
            if (already >= limits.PerAddress) return false;
            perAddress[network] = already + 1;
            connections++;
            return true;
        }
    }

    // With the lock.
    private void Uncount(Client client)
    {
        connections--;
        int left = perAddress[client.Network] - 1;
        if (left == 0) perAddress.Remove(client.Network);
        else perAddress[client.Network] = left;
    }

    // An index into waiting, or -1.
    private int OldestHalfOpen()
    {
        int oldest = -1;
        long since = Clocks.BoottimeMilliseconds - HalfOpenMilliseconds;
        for (int i = 0; i < waiting.Count; i++)
            if (!waiting[i].Client.Conversation.HasSpoken && waiting[i].Since <= since) (oldest, since) = (i, waiting[i].Since);
        return oldest;
    }

    private void EndTimedOut()
    {
        long now = Clocks.BoottimeMilliseconds;
        for (int i = waiting.Count - 1; i >= 0; i--)
            if (now - waiting[i].Since >= waiting[i].Client.Conversation.Patience)
                End(TakeOut(i), static conversation => conversation.TimeOut());
    }

    private int UntilNextTimeout()
    {
        long now = Clocks.BoottimeMilliseconds, next = long.MaxValue;
        bool full = connections >= limits.Connections;
        foreach (Waiting silent in waiting)
        {
            next = Math.Min(next, silent.Since + silent.Client.Conversation.Patience);
            if (full && !silent.Client.Conversation.HasSpoken) next = Math.Min(next, silent.Since + HalfOpenMilliseconds);
        }
        if (now < acceptAgain) next = Math.Min(next, acceptAgain);
        return next == long.MaxValue ? -1 : (int)Math.Clamp(next - now, 0, int.MaxValue);
    }

    // Whoever has one IPv6 address has 2^64 of them.
    private static IpAddress NetworkOf(IpAddress address)
    {
        if (!address.IsV6) return address;
        Span<byte> bytes = stackalloc byte[16];
        address.Write(bytes);
        bytes[8..].Clear();
        return IpAddress.From(bytes);
    }
}

/// <summary>A connection and the network it is counted for.</summary>
internal sealed record Client(Conversation Conversation, IpAddress Network);

/// <summary>Where to accept connections, and for what.</summary>
/// <param name="Fd">The listening descriptor, non-blocking.</param>
/// <param name="Program">The program's name in messages.</param>
/// <param name="Begin">Makes the sessions.</param>
/// <param name="Tls">TLS comes first; null for not.</param>
/// <param name="Access">Who may connect; null for everybody.</param>
/// <param name="CrowdedText">What a client is told that has too many connections already.</param>
internal sealed record ListeningSocket(int Fd, string Program, SessionFactory Begin, Handshakes? Tls, AccessRules? Access,
    string CrowdedText);
