// Identifiers made of the time and the process.
using System;

namespace Qmta.Inject;

/// <summary>Unique words for Message-ID fields and per-message senders.</summary>
internal static class Stamps
{
    /// <summary>
    /// The part of a Message-ID before the @: date and time to the microsecond, process id, "qmail". Microseconds keep
    /// two containers apart that share a host name and process ids.
    /// </summary>
    /// <param name="now">Microseconds since 1970.</param>
    /// <param name="pid">Process id.</param>
    internal static string MessageId(long now, int pid)
    {
        DateTime t = DateTime.UnixEpoch.AddTicks(Math.Clamp(now, 0, 253402300799_000_000) * 10);
        long digits = (((t.Year * 100L + t.Month) * 100 + t.Day) * 100 + t.Hour) * 100 + t.Minute;
        digits = digits * 100 + t.Second;
        return digits + Padded(now % 1_000_000) + "." + pid + ".qmail";
    }

    /// <summary>What a per-message sender has after its dash: seconds since 1970 and the process id.</summary>
    internal static string Sender(long now, int pid) => now / 1_000_000 + "." + pid;

    private static string Padded(long microseconds)
    {
        string digits = microseconds.ToString();
        return "00000"[..(6 - digits.Length)] + digits;
    }
}
