// How fast mail may go to one domain: a file for each in the queue's directory ratelimit (drate(8)).
using System;
using System.Globalization;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Queue;

/// <summary>What a domain's rate says about its next message.</summary>
/// <param name="Ordinal">Which message since the start of counting it would be.</param>
/// <param name="Current">The rate until now, messages per second.</param>
/// <param name="Seconds">Negative or 0: for how long it might have gone already, negated. Positive: how long it must wait.</param>
public readonly record struct RateVerdict(long Ordinal, double Current, long Seconds)
{
    public bool IsExceeded => Seconds > 0;
}

/// <summary>
/// A rate, so many messages in so many seconds, and what was counted since it was set. The file has two lines: the rate as
/// "50/3600", then the count, the time counting began and the time of the last message (seconds since 1970; 0 for never).
/// </summary>
public sealed class RateLimit
{
    private const int LongestFile = 1024;

    private RateLimit(string path, string expression, long messages, long seconds)
    {
        Path = path;
        Expression = expression;
        Rate = (double)messages / seconds;
    }

    /// <summary>The file.</summary>
    public string Path { get; }
    /// <summary>The rate as it was given.</summary>
    public string Expression { get; }
    /// <summary>Messages per second.</summary>
    public double Rate { get; }
    /// <summary>Messages counted.</summary>
    public long Count { get; private set; }
    /// <summary>When counting began; 0 when nothing was counted yet.</summary>
    public long Start { get; private set; }
    /// <summary>When the last message was counted.</summary>
    public long Last { get; private set; }

    /// <summary>The file of a domain, or null when the name cannot be one: nobody leaves the directory through it.</summary>
    public static string? PathOf(QueueLayout queue, string domain) =>
        domain.Length == 0 || domain[0] == '.' || domain.Contains('/') ? null : queue.Directory + "/ratelimit/" + Latin1.Lower(domain);

    /// <summary>The limit of a domain; null when it has none.</summary>
    /// <exception cref="PosixException">The file exists and cannot be read.</exception>
    /// <exception cref="FormatException">The file makes no sense.</exception>
    public static RateLimit? Of(QueueLayout queue, string domain)
    {
        string? path = PathOf(queue, domain);
        byte[]? bytes = path == null ? null : Files.ReadWhole(path, LongestFile, out int error) is byte[] read ? read
            : error is -Errno.ENOENT or -Errno.ENOTDIR or -Errno.ENAMETOOLONG ? null : throw new PosixException(error, "unable to read " + path);
        if (bytes == null) return null;
        string[] lines = Latin1.String(bytes).Split('\n');
        RateLimit limit = Parse(path!, lines[0].Trim());
        string[] counted = lines.Length > 1 ? lines[1].Trim().Split(' ') : [];
        if (counted.Length != 3) return limit;
        limit.Count = Number(counted[0]);
        limit.Start = Number(counted[1]);
        limit.Last = Number(counted[2]);
        return limit;
    }

    /// <summary>A new limit for the file at a path; nothing is counted yet, nothing written.</summary>
    /// <exception cref="FormatException">The expression is not a count, a slash and a number of seconds, both positive.</exception>
    public static RateLimit Parse(string path, string expression)
    {
        string[] parts = expression.Split('/');
        return parts.Length == 2 && Number(parts[0]) is > 0 and long messages && Number(parts[1]) is > 0 and long seconds
            ? new RateLimit(path, expression, messages, seconds)
            : throw new FormatException($"{path}: {expression} is not a rate such as 50/3600");
    }

    /// <summary>Whether the next message may go now.</summary>
    /// <param name="now">Seconds since 1970.</param>
    public RateVerdict Judge(long now)
    {
        if (Start == 0 || Start > now) return new RateVerdict(Count + 1, 0, 0);
        long elapsed = now - Start;
        double due = Count / Rate; // when, after the start, the next one keeps the rate
        double current = elapsed == 0 ? 0 : (double)Count / elapsed;
        return new RateVerdict(Count + 1, current, (long)Math.Ceiling(due - elapsed));
    }

    /// <summary>Begins to count now.</summary>
    public void Begin(long now) => (Count, Start, Last) = (0, now, now);

    /// <summary>Counts a message that goes now.</summary>
    /// <exception cref="PosixException">The count cannot be written.</exception>
    public void CountOne(long now)
    {
        if (Start == 0 || Start > now) Begin(now);
        Count++;
        Last = now;
        Write();
    }

    /// <summary>Writes the file anew.</summary>
    /// <exception cref="PosixException">It cannot be written.</exception>
    public void Write()
    {
        string temporary = Path + ".new";
        int fd = PosixException.Check(Files.Open(temporary, OpenMode.Write | OpenMode.Create | OpenMode.Truncate, 0x1A4 /* 0644 */),
            "unable to create " + temporary);
        int written = Files.WriteAll(fd, Latin1.Bytes($"{Expression}\n{Count} {Start} {Last}\n"));
        _ = Files.Close(fd);
        PosixException.Check(written, "unable to write " + temporary);
        PosixException.Check(Files.Rename(temporary, Path), "unable to write " + Path);
    }

    private static long Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : 0;
}
