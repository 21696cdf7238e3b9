// Processes of qmail-queue that queue one message after the other, for servers that take in many: starting a process
// costs more than queuing a message does.
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Queue;

/// <summary>
/// Hands out queue programs. As long as it is qmail-queue itself that queues, they are kept and used again; another
/// program in its place, or another environment, gets a process for each message, as ever.
/// </summary>
public sealed class QueueWriters
{
    // One that was not used for so long is let go; it would leave by itself much later.
    private const int IdleMilliseconds = 4000;

    // So long a program has time to say that it is a qmail-queue that understands packets.
    private const int StartMilliseconds = 5000;

    // What a process may have lost by then, a few bytes at a time, goes with it.
    private const int MostMessages = 10_000;

    /// <summary>Those of this process.</summary>
    public static QueueWriters Shared { get; } = new();

    private readonly System.Threading.Lock guard = new();
    private readonly List<QueueWriter> idle = []; // the last one is used first
    private bool notUnderstood;

    /// <summary>
    /// The variables that qmail-queue itself heeds. A message for which they are not as in this process needs a process
    /// of its own.
    /// </summary>
    public static ReadOnlySpan<string> Heeded => heeded;

    private static readonly string[] heeded = ["QUEUEDIR", "CONFSPLIT", "BIGTODO", "HIDE_HOST", "QQEH", "NULLQUEUE", "DEATH"];

    /// <summary>A queue program for one message; see <see cref="QueueProgram.Start"/>.</summary>
    /// <param name="result">Why it could not be started, when the return value is null.</param>
    /// <param name="program">A program that comes before QMAILQUEUE.</param>
    /// <param name="environment">Its environment, "NAME=value"; null passes this process's on.</param>
    public QueueProgram? Start(out QueueResult result, string? program = null, IReadOnlyList<string>? environment = null)
    {
        if (string.IsNullOrEmpty(program)) program = Variables.Get("QMAILQUEUE");
        result = default;
        bool own = string.IsNullOrEmpty(program) || program == QueueProgram.Usual;
        if (!own || environment != null || notUnderstood)
            return QueueProgram.Start(out result, program, environment);
        QueueWriter? writer = null;
        lock (guard)
        {
            if (idle.Count > 0)
            {
                writer = idle[^1];
                idle.RemoveAt(idle.Count - 1);
            }
        }
        if (writer is { IsUsable: false })
        {
            writer.Dispose();
            writer = null;
        }
        writer ??= QueueWriter.Start(this, StartMilliseconds);
        if (writer != null)
        {
            writer.Begin();
            return writer;
        }
        // Somebody's own qmail-queue takes one message and knows nothing of packets; or it cannot be started at all.
        QueueProgram? once = QueueProgram.Start(out result, program, environment);
        notUnderstood |= once != null;
        return once;
    }

    internal void TakeBack(QueueWriter writer)
    {
        if (!writer.IsUsable || writer.Messages >= MostMessages) writer.Dispose();
        else
            lock (guard) idle.Add(writer);
    }

    /// <summary>Lets processes go that nobody has needed for some seconds.</summary>
    public void DropIdle()
    {
        List<QueueWriter> old = [];
        lock (guard)
        {
            long limit = Clocks.BoottimeMilliseconds - IdleMilliseconds;
            for (int i = idle.Count - 1; i >= 0; i--)
            {
                if (idle[i].Since > limit) continue;
                old.Add(idle[i]);
                idle.RemoveAt(i);
            }
        }
        foreach (QueueWriter writer in old) writer.Dispose();
    }
}

/// <summary>One such process, with one message at a time.</summary>
internal sealed class QueueWriter : QueueProgram, IDisposable
{
    private readonly QueueWriters owner;
    private readonly int socket;
    private readonly byte[] packet = GC.AllocateUninitializedArray<byte>(QueuePacket.Longest, pinned: true);
    private int used;
    private bool inEnvelope, failed;

    private QueueWriter(QueueWriters owner, int pid, int socket)
    {
        this.owner = owner;
        Pid = pid;
        this.socket = socket;
    }

    public override int Pid { get; }

    /// <summary>Whether it can take another message.</summary>
    internal bool IsUsable { get; private set; } = true;

    /// <summary>When it became free.</summary>
    internal long Since { get; private set; }

    /// <summary>How many messages it has had.</summary>
    internal int Messages { get; private set; }

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
        QueueWriter writer = new(owner, pid, ours);
        if (Poll.WaitFor(ours, false, milliseconds) && DescriptorSocket.Receive(ours, out byte first, [], out _) > 0
            && first == QueuePacket.Ready) return writer;
        writer.Dispose();
        return null;
    }

    internal void Begin()
    {
        Messages++;
        used = 1;
        packet[0] = QueuePacket.Message;
        inEnvelope = failed = false;
    }

    public override void Fail() => failed = true;

    public override void Put(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty && !failed)
        {
            if (used == packet.Length) SendPacket();
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
            if (used == packet.Length) SendPacket();
            int n = Math.Min(text.Length, packet.Length - used);
            used += Latin1.Bytes(text[..n], packet.AsSpan(used));
            text = text[n..];
        }
    }

    public override void From(string sender)
    {
        if (used > 1) SendPacket();
        inEnvelope = true;
        packet[0] = QueuePacket.Envelope;
        Record('F', sender);
    }

    public override void To(string recipient) => Record('T', recipient);

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

    private void SendPacket()
    {
        if (DescriptorSocket.Send(socket, packet.AsSpan(0, used), []) < 0) failed = true;
        used = 1;
    }

    public override QueueResult Close()
    {
        bool complete = inEnvelope && !failed;
        if (complete) Put("\0"u8);
        if (complete) packet[0] = QueuePacket.LastEnvelope;
        else
        {
            packet[0] = QueuePacket.GivenUp;
            used = 1;
        }
        SendPacket();
        bool answered = IsUsable = DescriptorSocket.Receive(socket, out byte code, [], out _) > 0;
        Since = Clocks.BoottimeMilliseconds;
        owner.TakeBack(this);
        return answered ? QueueResult.OfExit(code, complete) : new QueueResult(-1, "Zqq crashed (#4.3.0)");
    }

    /// <summary>Lets the process go and waits for its end, which is near.</summary>
    public void Dispose()
    {
        IsUsable = false;
        _ = Files.Close(socket);
        _ = Processes.Wait(Pid, out _);
    }
}
