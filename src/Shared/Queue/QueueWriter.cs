// One qmail-queue that takes messages over a socket: a process of one's own, or the one beside a running qmta-send.
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Queue;

/// <summary>A qmail-queue that takes one message after the other over a socket.</summary>
public sealed class QueueWriter : QueueProgram, IDisposable
{
    // Milliseconds until a message goes the other way because nobody takes it.
    private const int ConnectPatience = 2000;

    /// <summary>Variables that a qmail-queue obeys for its own caller: with one of them set, it has to be one's own.</summary>
    public static readonly string[] OwnVariables = ["HIDE_HOST", "QQEH", "NULLQUEUE", "DEATH"];

    private readonly QueueWriters? owner;
    private readonly int child;
    private readonly int socket;
    private readonly byte[] packet;
    private int used;
    private bool inEnvelope, failed;

    // With one message alone, the other end is not waited for before the first packet goes out: the two wake and work at
    // the same time. Until then nobody has any of it, and it can still go another way.
    private bool isReady, isClosed;
    private readonly IReadOnlyList<string>? environment;
    private QueueProgram? instead;
    private QueueResult? refused;

    private QueueWriter(QueueWriters? owner, int socket, int child, IReadOnlyList<string>? environment = null)
    {
        this.environment = environment;
        this.owner = owner;
        this.socket = socket;
        this.child = child;
        // Only what a server keeps is worth a place of its own among the pinned objects.
        packet = GC.AllocateUninitializedArray<byte>(QueuePacket.Longest, pinned: owner != null);
    }

    public override int Pid => instead?.Pid ?? (child > 0 ? child : Processes.Id);

    /// <summary>Whether it can take another message.</summary>
    internal bool IsUsable { get; private set; } = true;

    /// <summary>Whether the other end is there still: nothing comes from there but its end.</summary>
    internal bool IsAlive => IsUsable && !Poll.WaitFor(socket, false, 0);

    /// <summary>When it became free.</summary>
    internal long Since { get; private set; }

    /// <summary>How many messages it has had.</summary>
    internal int Messages { get; private set; }

    /// <summary>
    /// Connects to the one that a running qmta-send keeps (lock/submit); null when there is none, and when the environment
    /// asks for what only one's own does. When it has enough to do: null for a server, while one message takes the other
    /// way, to a process of its own.
    /// </summary>
    /// <param name="owner">The server that keeps it; null for one message.</param>
    /// <param name="environment">That of the process for one message.</param>
    internal static QueueWriter? Connect(QueueWriters? owner, IReadOnlyList<string>? environment = null)
    {
        foreach (string name in OwnVariables)
            if (Variables.Get(name) != null) return null;
        int socket = LocalSocket.Connect(QueueLayout.FromEnvironment().Submit);
        if (socket < 0) return null;
        QueueWriter writer = new(owner, socket, 0, environment);
        if (owner == null || writer.AwaitReady(ConnectPatience)) return writer;
        writer.Dispose();
        return null;
    }

    /// <summary>Starts one; null when that fails, or when the program does not say that it is ready.</summary>
    internal static QueueWriter? Start(QueueWriters owner, int milliseconds)
    {
        if (DescriptorSocket.Pair(out int ours, out int its) < 0) return null;
        int pid = Processes.Start(Programs.Find(Usual), [Usual], [new(its, 0), new(its, 1)]);
        _ = Files.Close(its);
        if (pid < 0)
        {
            _ = Files.Close(ours);
            return null;
        }
        QueueWriter writer = new(owner, ours, pid);
        if (writer.AwaitReady(milliseconds)) return writer;
        writer.Dispose();
        return null;
    }

    private bool AwaitReady(int milliseconds) => isReady = Poll.WaitFor(socket, false, milliseconds)
        && DescriptorSocket.Receive(socket, out byte first, [], out _) > 0 && first == QueuePacket.Ready;

    // Whether packets can go out. If nobody takes them, a process for the message gets what there is of it.
    private bool IsTaken()
    {
        if (isReady) return true;
        if (failed || instead != null || AwaitReady(ConnectPatience)) return isReady;
        Dispose();
        instead = QueueProcess.Start(out QueueResult result, null, environment);
        instead?.Put(packet.AsSpan(1, used - 1));
        if (instead == null) (refused, failed) = (result, true);
        return false;
    }

    /// <summary>Begins a message.</summary>
    internal QueueWriter Begin()
    {
        Messages++;
        used = 1;
        packet[0] = QueuePacket.Message;
        inEnvelope = failed = false;
        return this;
    }

    public override void Fail()
    {
        failed = true;
        instead?.Fail();
    }

    public override void Put(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty && !failed)
        {
            if (used == packet.Length && IsTaken()) _ = SendPacket();
            if (instead != null)
            {
                instead.Put(bytes);
                return;
            }
            int n = Math.Min(bytes.Length, packet.Length - used);
            bytes[..n].CopyTo(packet.AsSpan(used));
            used += n;
            bytes = bytes[n..];
        }
    }

    public override void Put(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty && !failed)
        {
            if (used == packet.Length && IsTaken()) _ = SendPacket();
            if (instead != null)
            {
                instead.Put(text);
                return;
            }
            int n = Math.Min(text.Length, packet.Length - used);
            used += Latin1.Bytes(text[..n], packet.AsSpan(used));
            text = text[n..];
        }
    }

    public override void From(string sender)
    {
        if (IsTaken() && used > 1) _ = SendPacket();
        if (instead != null)
        {
            instead.From(sender);
            return;
        }
        inEnvelope = true;
        packet[0] = QueuePacket.Envelope;
        Record('F', sender);
    }

    public override void To(string recipient)
    {
        if (instead != null) instead.To(recipient);
        else Record('T', recipient);
    }

    private void Record(char kind, string address)
    {
        if (address.Contains('\0'))
        {
            failed = true; // would be read as two records
            return;
        }
        Put([(byte)kind]);
        Put(address);
        Put("\0"u8);
    }

    private bool SendPacket()
    {
        bool sent = DescriptorSocket.Send(socket, packet.AsSpan(0, used), []) >= 0;
        if (!sent) failed = true;
        used = 1;
        return sent;
    }

    public override QueueResult Close()
    {
        if (instead != null) return instead.Close();
        if (!isReady)
        {
            Dispose();
            return refused ?? QueueResult.OfExit(54, false); // given up before it began
        }
        bool complete = inEnvelope && !failed;
        if (complete) Put("\0"u8);
        if (complete) packet[0] = QueuePacket.LastEnvelope;
        else
        {
            packet[0] = QueuePacket.GivenUp;
            used = 1;
        }
        // What did not go out is not answered; the other end notices when this one is closed.
        byte code = 0;
        bool answered = IsUsable = SendPacket() && DescriptorSocket.Receive(socket, out code, [], out _) > 0;
        Since = Clocks.BoottimeMilliseconds;
        if (owner == null) Dispose();
        else owner.TakeBack(this);
        return answered ? QueueResult.OfExit(code, complete) : new QueueResult(-1, "Zqq crashed (#4.3.0)");
    }

    /// <summary>Lets it go; when it is one's own process, waits for its end, which is near.</summary>
    public void Dispose()
    {
        IsUsable = false;
        if (isClosed) return;
        isClosed = true;
        _ = Files.Close(socket);
        if (child > 0) _ = Processes.Wait(child, out _);
    }
}
