// Waiting for descriptors (poll(2)).
using System;
using System.Runtime.InteropServices;

namespace Qmta.Posix;

/// <summary>Waiting until descriptors are ready.</summary>
public static unsafe class Poll
{
    /// <summary>
    /// Waits until one of the entries has an event. Returns the number that have; 0 after the time-out and when a
    /// signal handler ran; -errno on failure.
    /// </summary>
    /// <param name="entries">The descriptors; <see cref="PollEntry.Happened"/> is filled in.</param>
    /// <param name="milliseconds">Longest wait; negative for no limit.</param>
    public static int Wait(Span<PollEntry> entries, int milliseconds)
    {
        fixed (PollEntry* p = entries)
        {
            int n = Libc.poll(p, (nuint)entries.Length, milliseconds);
            if (n >= 0) return n;
            int error = Marshal.GetLastPInvokeError();
            if (error != Errno.EINTR) return -error;
            foreach (ref PollEntry entry in entries) entry.Happened = 0;
            return 0;
        }
    }

    /// <summary>Waits until <paramref name="fd"/> is readable (or writable): true, or false after the time-out.</summary>
    public static bool WaitFor(int fd, bool writable, int milliseconds)
    {
        long end = Clocks.BoottimeMilliseconds + milliseconds;
        PollEntry entry = new() { Fd = fd, Events = writable ? PollEntry.Out : PollEntry.In };
        while (true)
        {
            long left = milliseconds < 0 ? -1 : Math.Max(0, end - Clocks.BoottimeMilliseconds);
            if (Wait(new Span<PollEntry>(ref entry), (int)left) != 0) return true;
            if (left == 0) return false;
        }
    }
}
