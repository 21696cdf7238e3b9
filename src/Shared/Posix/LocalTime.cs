// The local time zone, as the C library knows it: TZ, else /etc/localtime.
using System;

namespace Qmta.Posix;

/// <summary>What people's clocks show.</summary>
public static unsafe class LocalTime
{
    /// <summary>How far local time is ahead of UTC at a time, in seconds; 0 when the C library cannot tell.</summary>
    /// <param name="time">Seconds since 1970.</param>
    public static int Offset(long time)
    {
        // struct tm: nine ints, then the offset as a long, aligned; 64 bytes hold it on every architecture.
        byte* fields = stackalloc byte[64];
        new Span<byte>(fields, 64).Clear();
        if (sizeof(nint) == 8) return Libc.localtime_r(&time, fields) == null ? 0 : (int)*(long*)(fields + 40);
        // 32-bit arm: the function for 64-bit times has a name of its own, in a C library that has it.
        nint function;
        fixed (byte* name = "__localtime64_r\0"u8) function = Libc.dlsym(0 /* RTLD_DEFAULT */, name);
        int seconds = (int)Math.Clamp(time, int.MinValue, int.MaxValue);
        byte* found = function != 0
            ? ((delegate* unmanaged<long*, byte*, byte*>)function)(&time, fields)
            : Libc.localtime_r(&seconds, fields);
        return found == null ? 0 : *(int*)(fields + 36);
    }
}
