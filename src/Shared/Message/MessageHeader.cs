// The header of a message: found line by line as the message arrives, kept as the bytes it came in.
using System;
using System.Collections.Generic;

namespace Qmta.Message;

/// <summary>
/// Collects a header from pieces of a message and knows where its fields are. The header ends before an empty line, or
/// before the first line that is neither a field nor the continuation of one: such a line begins the body
/// (qmail-header(5), RFC 5322 2.1).
/// </summary>
public sealed class MessageHeader
{
    /// <summary>Longest header accepted, in bytes.</summary>
    public const int Longest = 10 << 20;

    // RFC 5322 2.1.1: a line has at most 998 characters, so a name cannot have more. The bound decides about a line
    // before the whole of it has arrived.
    private const int LongestName = 998;

    private readonly List<HeaderField> fields = [];
    private byte[] bytes = GC.AllocateUninitializedArray<byte>(8192);
    private int length;   // bytes collected
    private int line;     // start of the line being looked at
    private int scanned;  // no line end between line and here
    private int open = -1; // start of the field whose lines are being collected
    private int contents;
    private FieldKind kind;
    private long seen;

    /// <summary>The fields in their order.</summary>
    public IReadOnlyList<HeaderField> Fields => fields;

    /// <summary>Whether the end of the header has been found.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Whether the header grew beyond <see cref="Longest"/>.</summary>
    public bool IsTooLong { get; private set; }

    /// <summary>The empty line after the header, line end included; empty when the message has none.</summary>
    public ReadOnlySpan<byte> Separator => bytes.AsSpan(separator, body - separator);

    /// <summary>The bytes that came in with the header and belong to the body.</summary>
    public ReadOnlySpan<byte> BodyStart => bytes.AsSpan(body, length - body);

    /// <summary>A field's lines as they came in.</summary>
    public ReadOnlySpan<byte> Lines(HeaderField field) => bytes.AsSpan(field.Start, field.End - field.Start);

    private int separator, body;

    /// <summary>Whether there is a field of that kind.</summary>
    public bool Has(FieldKind which) => (seen >> (int)which & 1) != 0;

    /// <summary>Whether the message is a forwarded one (qmail-header(5), RESENT MESSAGES).</summary>
    public bool IsResent => seen >> (int)FieldKind.ResentTo != 0;

    /// <summary>Takes a piece of the message. Call it until <see cref="IsComplete"/> or <see cref="IsTooLong"/>.</summary>
    public void Add(ReadOnlySpan<byte> piece)
    {
        if (length + piece.Length > bytes.Length)
            Array.Resize(ref bytes, (int)Math.Max(length + (long)piece.Length, bytes.Length * 2L));
        piece.CopyTo(bytes.AsSpan(length));
        length += piece.Length;
        while (!IsComplete && Step(atEnd: false)) { }
        if (!IsComplete && length > Longest || line > Longest) IsTooLong = true;
    }

    /// <summary>The message has ended: what was collected is all there is.</summary>
    public void End()
    {
        while (!IsComplete && Step(atEnd: true)) { }
        if (IsComplete) return;
        separator = body = length;
        CloseField(length);
        IsComplete = true;
    }

    // Looks at the line at position "line"; false when more bytes are needed to decide or to find its end.
    private bool Step(bool atEnd)
    {
        if (line == length) return false;
        if (scanned == line && !Begin(atEnd)) return false;
        if (IsComplete) return false;
        int end = bytes.AsSpan(scanned, length - scanned).IndexOf((byte)'\n');
        if (end < 0)
        {
            scanned = length;
            return false;
        }
        line = scanned = scanned + end + 1;
        return true;
    }

    // Decides what the line is by its first bytes; false when there are too few of them.
    private bool Begin(bool atEnd)
    {
        byte first = bytes[line];
        if (first == '\n') return Finish(line + 1);
        if (first == '\r')
        {
            if (line + 1 == length && !atEnd) return false;
            return Finish(line + 1 < length && bytes[line + 1] == '\n' ? line + 2 : line);
        }
        if (first is (byte)' ' or (byte)'\t') return open >= 0 || Finish(line);
        if (line == 0)
        {
            int mbox = IsMboxLine(atEnd);
            if (mbox < 0) return false;
            if (mbox > 0)
            {
                Open(FieldKind.MboxLine, 0);
                return true;
            }
        }
        int at = line;
        while (at < length && at - line <= LongestName && bytes[at] is > 32 and < 127 and not (byte)':') at++;
        int nameEnd = at;
        // RFC 5322 4.5 (obsolete syntax): white space before the colon
        while (at < length && at - line <= LongestName && bytes[at] is (byte)' ' or (byte)'\t') at++;
        if (at == length && at - line <= LongestName && !atEnd) return false;
        if (at == length || bytes[at] != ':' || nameEnd == line) return Finish(line);
        Open(FieldKinds.Find(bytes.AsSpan(line, nameEnd - line)), at + 1);
        return true;
    }

    // 1: the message begins with an mbox separator, perhaps a quoted one; 0: it does not; -1: too early to tell.
    private int IsMboxLine(bool atEnd)
    {
        ReadOnlySpan<byte> mark = bytes[0] == '>' ? ">From "u8 : "From "u8;
        int have = Math.Min(length, mark.Length);
        if (!bytes.AsSpan(0, have).SequenceEqual(mark[..have])) return 0;
        if (have < mark.Length) return atEnd ? 0 : -1;
        // RFC 5322 4.5 (obsolete syntax): "From : joe" is a field
        int at = have;
        while (at < length && at <= LongestName && bytes[at] is (byte)' ' or (byte)'\t') at++;
        if (at == length && at <= LongestName && !atEnd) return -1;
        return at < length && bytes[at] == ':' && bytes[0] == 'F' ? 0 : 1;
    }

    private void Open(FieldKind which, int contentsAt)
    {
        CloseField(line);
        open = line;
        kind = which;
        contents = contentsAt;
    }

    private bool Finish(int bodyAt)
    {
        CloseField(line);
        separator = line;
        body = bodyAt;
        IsComplete = true;
        return true;
    }

    private void CloseField(int end)
    {
        if (open < 0) return;
        fields.Add(new HeaderField(kind, open, contents, end));
        seen |= 1L << (int)kind;
        open = -1;
    }
}
