// The 24-hour limit: qmta-send removes unfinished files after 36 hours, so that whoever writes them must be gone by then.
using System;
using System.Globalization;
using Qmta.Posix;

namespace Qmta.Enqueue;

/// <summary>The time by which a submission is finished or given up.</summary>
internal sealed class Deadline
{
    private const int LongestSeconds = 86400;

    // Time to clean up after the limit; then the kernel ends the process wherever it hangs.
    private const int GraceSeconds = 600;

    private readonly long end;

    /// <summary>So many seconds from now.</summary>
    internal Deadline(int seconds = LongestSeconds) => end = Clocks.BoottimeMilliseconds + seconds * 1000L;

    /// <summary>24 hours from now, or DEATH seconds when that is less. Some time later the process is killed.</summary>
    internal static Deadline OfProcess()
    {
        int seconds = int.TryParse(Variables.Get("DEATH"), NumberStyles.None, CultureInfo.InvariantCulture, out int wanted)
            && wanted is > 0 and < LongestSeconds ? wanted : LongestSeconds;
        Signals.KillAfter(seconds + GraceSeconds);
        return new Deadline(seconds);
    }

    /// <summary>Nothing is under way any more.</summary>
    internal static void Cancel() => Signals.KillAfter(0);

    /// <summary>Waits until the submitting program has sent something.</summary>
    /// <exception cref="QueueingException">Time is up.</exception>
    internal void WaitFor(int fd)
    {
        long left = end - Clocks.BoottimeMilliseconds;
        if (left <= 0 || !Poll.WaitFor(fd, false, (int)left)) throw new QueueingException(ExitCode.Timeout);
    }

    /// <summary>Reads from the submitting program; 0 is the end of the file.</summary>
    /// <exception cref="QueueingException">Time is up, or the read failed.</exception>
    internal int Read(int fd, Span<byte> buffer)
    {
        WaitFor(fd);
        int n = Files.Read(fd, buffer);
        return n >= 0 ? n : throw new QueueingException(ExitCode.Read);
    }
}
