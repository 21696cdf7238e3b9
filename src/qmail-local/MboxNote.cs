// What a delivery notes about an mbox while it appends to it, so that the next one can take back half a message.
//
// A file cannot be appended to in one step. A process that is killed, or a machine that loses power, leaves the beginning
// of a message at the end of the mbox, and what is appended next would run into it. The note says where the message
// began; it is an extended attribute of the file, which comes and goes with it and which no mail reader sees. Where a
// filesystem has none, the next message is at least kept apart.
using System;
using System.Globalization;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Local;

/// <summary>The note of one delivery; the mbox is locked.</summary>
/// <param name="fd">The mbox, open for appending.</param>
/// <param name="size">Its length.</param>
internal sealed class MboxNote(int fd, long size)
{
    private const string Attribute = "user.qmta.append";

    // Long enough for what Begin writes.
    private const int Longest = 100;

    private string? noted;
    private long length = size;
    private bool halfIsLeft;

    /// <summary>
    /// Takes back what an earlier delivery left that never came to its end. Only what is certainly that: it begins where
    /// the note says, with the line the note says, is shorter than noted, and nobody has put a message behind it.
    /// </summary>
    internal void TakeBackHalf()
    {
        Span<byte> value = stackalloc byte[Longest];
        int filled = Files.Attribute(fd, Attribute, value);
        if (filled <= 0) return;
        if (Parse(Latin1.String(value[..filled])) is (long from, long end, string line) && length > from && (end == 0 || length < end))
        {
            if (IsHalf(from, line) && Files.Truncate(fd, from) >= 0) length = from;
            else halfIsLeft = true;
        }
        Remove();
    }

    /// <summary>
    /// Notes that a message is about to be appended. Returns what has to be put in front of it: nothing, or line ends after
    /// something that does not end with one.
    /// </summary>
    internal string Begin(string fromLine)
    {
        string before = "";
        Span<byte> last = stackalloc byte[1];
        int file = length > 0 ? OpenForReading() : -1;
        if (file >= 0 && Files.ReadAt(file, last, length - 1) == 1) before = last[0] != (byte)'\n' ? "\n\n" : halfIsLeft ? "\n" : "";
        _ = Files.Close(file);
        noted = Text(length + before.Length, 0, Checksum(Latin1.Bytes(fromLine)));
        if (Files.SetAttribute(fd, Attribute, Latin1.Bytes(noted)) < 0) noted = null;
        return before;
    }

    /// <summary>
    /// Notes how long the file is now that the message is whole. From here on it may count as delivered, and must not be
    /// taken back should the note outlive the delivery.
    /// </summary>
    internal void Whole()
    {
        if (noted == null || Files.Status(fd, out FileStatus status) < 0 || Parse(noted) is not (long from, _, string line)) return;
        noted = Text(from, (long)status.Size, line);
        if (Files.SetAttribute(fd, Attribute, Latin1.Bytes(noted)) < 0) Remove();
    }

    /// <summary>Makes the file as long again as it was.</summary>
    internal void TakeBack()
    {
        if (Files.Truncate(fd, length) >= 0) Remove();
    }

    /// <summary>Removes the note.</summary>
    internal void Remove() => _ = Files.RemoveAttribute(fd, Attribute);

    private bool IsHalf(long from, string line)
    {
        int file = OpenForReading();
        if (file < 0) return false;
        byte[] buffer = new byte[16384];
        bool first = true, half = true;
        // The last bytes of a piece are looked at again with the next: what is searched for may lie across the border.
        ReadOnlySpan<byte> next = "From "u8;
        for (long at = from; half && at < length;)
        {
            int n = Files.ReadAt(file, buffer, at);
            if (n <= 0) break;
            ReadOnlySpan<byte> piece = buffer.AsSpan(0, n);
            if (first)
            {
                int end = piece.IndexOf((byte)'\n');
                // Not even its first line is whole: what is there may be anything of that length.
                half = end < 0 ? at + n == length && piece.StartsWith(next[..Math.Min(n, next.Length)]) : Checksum(piece[..(end + 1)]) == line;
                if (end >= 0) piece = piece[end..];
                else break;
                first = false;
            }
            // Another program may have put its message right behind the half, without a line end between.
            half = half && piece.IndexOf(next) < 0;
            if (at + n >= length) break;
            at += n - (next.Length - 1);
        }
        _ = Files.Close(file);
        return half;
    }

    private int OpenForReading() => Files.Open("/proc/self/fd/" + fd.ToString(CultureInfo.InvariantCulture), OpenMode.Read);

    private static string Text(long from, long end, string line) =>
        from.ToString(CultureInfo.InvariantCulture) + " " + end.ToString(CultureInfo.InvariantCulture) + " " + line;

    private static (long From, long End, string Line)? Parse(string text)
    {
        string[] words = text.Split(' ');
        return words.Length == 3 && long.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out long from)
            && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out long end) ? (from, end, words[2]) : null;
    }

    // FNV-1a: it is to tell a line from others, not from forgeries.
    private static string Checksum(ReadOnlySpan<byte> line)
    {
        ulong sum = 14695981039346656037;
        foreach (byte b in line) sum = (sum ^ b) * 1099511628211;
        return sum.ToString("x16", CultureInfo.InvariantCulture);
    }
}
