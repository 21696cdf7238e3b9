// The clocks of the machine, and waiting for one of them to be set.
using System.Runtime.InteropServices;

namespace Qmta.Posix;

/// <summary>System clocks, in whole seconds or milliseconds.</summary>
public static unsafe class Clocks
{
    private const int RealtimeClock = 0, BoottimeClock = 7;

    /// <summary>Seconds since 1970 by the wall clock, which may be wrong and may be set at any time.</summary>
    public static long Realtime => Get(RealtimeClock).Seconds;

    /// <summary>The wall clock in microseconds since 1970.</summary>
    public static long RealtimeMicroseconds
    {
        get
        {
            TimeSpec64 now = Get(RealtimeClock);
            return now.Seconds * 1_000_000 + now.Nanoseconds / 1000;
        }
    }

    /// <summary>Milliseconds since the machine started, time asleep included; never set (CLOCK_BOOTTIME).</summary>
    public static long BoottimeMilliseconds
    {
        get
        {
            TimeSpec64 now = Get(BoottimeClock);
            return now.Seconds * 1000 + now.Nanoseconds / 1_000_000;
        }
    }

    /// <summary>
    /// A descriptor that becomes readable when the wall clock is set (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET);
    /// -errno where the kernel has none.
    /// </summary>
    public static int WatchForSteps()
    {
        int fd = Libc.timerfd_create(RealtimeClock, 0x80800 /* TFD_CLOEXEC | TFD_NONBLOCK */);
        return fd < 0 ? -Marshal.GetLastPInvokeError() : RearmWatch(fd);
    }

    /// <summary>Arms a descriptor of <see cref="WatchForSteps"/> again after it became readable; returns it or -errno.</summary>
    public static int RearmWatch(int fd)
    {
        TimeSpec64* value = stackalloc TimeSpec64[2];
        value[0] = default;
        value[1].Seconds = 1L << 40; // far enough that it never expires by itself
        value[1].Nanoseconds = 0;
        if (Libc.TimerfdSettime(fd, 1 | 2 /* TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET */, value) == 0) return fd;
        int error = Marshal.GetLastPInvokeError();
        // ECANCELED: armed, and a step happened between the two
        return error == Errno.ECANCELED ? fd : -error;
    }

    private static TimeSpec64 Get(int clock)
    {
        TimeSpec64 time;
        if (Libc.ClockGettime(clock, &time) != 0) time = default;
        return time;
    }
}
