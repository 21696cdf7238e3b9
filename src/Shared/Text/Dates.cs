// Dates as mail writes them (RFC 5322 3.3), computed without time zone data: always UTC.
using System;

namespace Qmta.Text;

/// <summary>Dates in message headers and mbox separators.</summary>
public static class Dates
{
    private static readonly string[] Months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    private static readonly string[] Days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

    /// <summary>"Fri, 20 Nov 2026 05:43:18 -0000" for a number of seconds since 1970; -0000 says UTC, local zone unknown (RFC 5322 3.3).</summary>
    public static string Rfc5322(long seconds)
    {
        DateTime t = At(seconds);
        return Days[(int)t.DayOfWeek] + ", " + t.Day + " " + Months[t.Month - 1] + " " + t.Year + " " + Clock(t) + " -0000";
    }

    /// <summary>The same in a time zone: "Fri, 20 Nov 2026 06:43:18 +0100".</summary>
    /// <param name="seconds">Seconds since 1970.</param>
    /// <param name="offset">How far the zone is ahead of UTC, in seconds.</param>
    public static string Rfc5322(long seconds, int offset)
    {
        int minutes = Math.Abs(offset) / 60;
        string utc = Rfc5322(seconds + offset);
        return utc[..^5] + (offset < 0 ? "-" : "+") + Two(minutes / 60) + Two(minutes % 60);
    }

    /// <summary>"Fri Nov 20 05:43:18 2026", the form of asctime(3) in the From line of an mbox.</summary>
    public static string Asctime(long seconds)
    {
        DateTime t = At(seconds);
        return Days[(int)t.DayOfWeek] + " " + Months[t.Month - 1] + (t.Day < 10 ? "  " : " ") + t.Day + " " + Clock(t) + " " + t.Year;
    }

    // Sums rather than interpolated strings: those of more than four parts bring in pooled buffers, which cost more at
    // start than they save.
    private static string Clock(DateTime t) => Two(t.Hour) + ":" + Two(t.Minute) + ":" + Two(t.Second);

    private static string Two(int n) => n < 10 ? "0" + (char)('0' + n) : n.ToString();

    private static DateTime At(long seconds) => DateTime.UnixEpoch.AddSeconds(Math.Clamp(seconds, 0, 253402300799));
}
