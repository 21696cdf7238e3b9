// What a repair may change, and what it tells meanwhile: queue-fix's -N, -i, -v and its progress on large queues.
using System;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Admin;

/// <summary>Asked before every change to a queue.</summary>
internal sealed class Repairs
{
    // Milliseconds between two lines of progress.
    private const int Interval = 1000;

    private readonly bool progress = Terminal.Is(2);
    private long nextLine = Clocks.BoottimeMilliseconds + Interval;
    private long seen;

    /// <summary>Change nothing; only say what would be.</summary>
    internal bool TestOnly { get; init; }
    /// <summary>Ask a person before each change.</summary>
    internal bool Interactive { get; init; }
    /// <summary>Say each change.</summary>
    internal bool Verbose { get; init; }
    /// <summary>How many changes were made, or would have been.</summary>
    internal long Changes { get; private set; }

    /// <summary>Whether to do it; said as "create /the/directory".</summary>
    internal bool May(string change)
    {
        Changes++;
        if (TestOnly)
        {
            _ = Standard.Output("would " + change + "\n");
            return false;
        }
        if (Interactive)
        {
            _ = Standard.Output(change + "? [y/N] ");
            if (!AnswerIsYes()) return false;
        }
        if (Verbose) _ = Standard.Output(change + "\n");
        return true;
    }

    private static bool AnswerIsYes()
    {
        Span<byte> next = stackalloc byte[1];
        bool? yes = null;
        while (Files.Read(0, next) == 1 && next[0] != '\n') yes ??= next[0] is (byte)'y' or (byte)'Y';
        return yes == true;
    }

    /// <summary>Counts a file that was looked at; where a person watches, or with -v, says from time to time how many.</summary>
    internal void Looked()
    {
        seen++;
        if (!(progress || Verbose) || (seen & 0xFF) != 0) return;
        long now = Clocks.BoottimeMilliseconds;
        if (now < nextLine) return;
        nextLine = now + Interval;
        Standard.Error($"queue-fix: {seen} files, {Changes} changes so far");
    }

    /// <summary>What is to be said at the end.</summary>
    internal void Conclude(string directory)
    {
        if (Verbose || TestOnly) _ = Standard.Output($"{directory}: {seen} files, {Changes} {(TestOnly ? "to change" : "changes")}\n");
    }
}
