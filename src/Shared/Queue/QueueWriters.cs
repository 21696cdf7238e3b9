// Connections to qmail-queue that take one message after the other, for servers that take in many: starting a process
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
    private const int StartMilliseconds = 2000;

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

    private static readonly string[] heeded = ["QUEUEDIR", "CONFSPLIT", "BIGTODO", .. QueueWriter.OwnVariables];

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
        if (writer is { IsAlive: false })
        {
            writer.Dispose();
            writer = null;
        }
        writer ??= QueueWriter.Connect(this) ?? QueueWriter.Start(this, StartMilliseconds);
        if (writer != null) return writer.Begin();
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
