// The time in front of a log line, in the forms in which qmail's lines are kept.
using System;
using System.Globalization;

namespace Qmta.Admin;

internal static class LogTime
{
    private static readonly string[] Months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

    /// <summary>
    /// Seconds since 1970 from what stands before a line's own words: TAI64N of multilog, seconds of splogger and of
    /// journalctl -o short-unix, ISO 8601, or syslog's month, day and time, which are taken for the last twelve months.
    /// Null when there is none.
    /// </summary>
    /// <param name="prefix">Everything before the words.</param>
    /// <param name="now">The present, in seconds since 1970.</param>
    internal static double? Of(ReadOnlySpan<char> prefix, long now)
    {
        prefix = prefix.TrimStart();
        if (prefix.Length >= 25 && prefix[0] == '@') return Tai(prefix[1..25]);
        int space = prefix.IndexOf(' ');
        ReadOnlySpan<char> word = space < 0 ? prefix : prefix[..space];
        if (word.Length >= 9 && double.TryParse(word, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds)) return seconds;
        if (word.Length >= 19 && word[4] == '-' && DateTimeOffset.TryParse(word, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out DateTimeOffset iso))
            return iso.ToUnixTimeMilliseconds() / 1000.0;
        return Syslog(prefix, now);
    }

    // 2^62 + seconds of TAI, which is 10 seconds ahead of 1970's count and has every leap second; qmail's programs use 10.
    private static double? Tai(ReadOnlySpan<char> label)
    {
        if (!ulong.TryParse(label[..16], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong seconds)
            || !uint.TryParse(label[16..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint nanoseconds)) return null;
        return (long)(seconds - (1UL << 62)) - 10 + nanoseconds / 1e9;
    }

    private static double? Syslog(ReadOnlySpan<char> prefix, long now)
    {
        if (prefix.Length < 15) return null;
        int month = Array.IndexOf(Months, prefix[..3].ToString()) + 1;
        if (month == 0 || !int.TryParse(prefix[4..6], NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out int day)
            || !TimeSpan.TryParseExact(prefix[7..15], @"hh\:mm\:ss", CultureInfo.InvariantCulture, out TimeSpan time)) return null;
        DateTime today = DateTimeOffset.FromUnixTimeSeconds(now).LocalDateTime;
        for (int year = today.Year; year >= today.Year - 1; year--)
        {
            if (day < 1 || day > DateTime.DaysInMonth(year, month)) continue;
            DateTime at = new DateTime(year, month, day, 0, 0, 0, DateTimeKind.Local) + time;
            if (at <= today.AddDays(1)) return new DateTimeOffset(at).ToUnixTimeSeconds();
        }
        return null;
    }
}
