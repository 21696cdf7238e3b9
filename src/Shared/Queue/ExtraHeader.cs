// Extra header fields that travel beside a message, in its envelope: the variable QQEH of whoever queued it.
using System;

namespace Qmta.Queue;

/// <summary>
/// The value of QQEH: header lines that every delivery puts in front of the message. indimail-mta keeps them in the
/// envelope in a record "e", after the recipients (queue(5)); so does qmta.
/// </summary>
public static class ExtraHeader
{
    /// <summary>Most bytes they may have, the newline of the last line included.</summary>
    public const int Longest = 32768;

    /// <summary>
    /// The lines, each with a newline; "" when there are none. Null when they would not be part of a header: too long, a
    /// line that is neither a field nor the continuation of one, a bare carriage return or a NUL.
    /// </summary>
    public static string? Lines(string text)
    {
        string lines = text.Replace("\r\n", "\n", StringComparison.Ordinal);
        if (lines.Length == 0) return "";
        if (lines[^1] != '\n') lines += '\n';
        if (lines.Length > Longest || lines.AsSpan().IndexOfAny('\r', '\0') >= 0) return null;
        bool inField = false;
        for (ReadOnlySpan<char> rest = lines; !rest.IsEmpty;)
        {
            int end = rest.IndexOf('\n');
            ReadOnlySpan<char> line = rest[..end];
            if (!IsField(line) && !(inField && IsContinuation(line))) return null;
            inField = true;
            rest = rest[(end + 1)..];
        }
        return lines;
    }

    // RFC 5322 2.2: printable ASCII characters and a colon; blanks before the colon are obsolete, not wrong (4.5.8)
    private static bool IsField(ReadOnlySpan<char> line)
    {
        int colon = line.IndexOf(':');
        ReadOnlySpan<char> name = colon < 0 ? default : line[..colon].TrimEnd(" \t");
        return !name.IsEmpty && name.IndexOfAnyExceptInRange('!', '~') < 0;
    }

    // A line of nothing but blanks ends the header for some who read it.
    private static bool IsContinuation(ReadOnlySpan<char> line) =>
        !line.IsEmpty && line[0] is ' ' or '\t' && !line.Trim(" \t").IsEmpty;
}
