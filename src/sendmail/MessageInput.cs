// The message on standard input, up to the end of the file or, where the caller wants it, up to a line of one dot.
using System;
using Qmta.Posix;

namespace Qmta.Inject;

/// <summary>Reads a message in pieces through one buffer.</summary>
/// <param name="fd">Where it comes from.</param>
/// <param name="dotEnds">Whether a line of a single dot ends it.</param>
/// <param name="size">Size of the buffer in bytes.</param>
/// <param name="lineEnds">Makes its line ends the system's; null to leave them alone.</param>
/// <param name="head">What goes before it: whole lines, or nothing.</param>
internal sealed class MessageInput(int fd, bool dotEnds, int size = 32768, LineEnds? lineEnds = null, byte[]? head = null)
{
    private readonly byte[] buffer = GC.AllocateUninitializedArray<byte>(size);
    private bool heldCr; // a carriage return was read, and not yet what follows it
    // A dot that may turn out to be the last line, at the end of what was read; moved to the front before the next read.
    private int heldAt, held;
    private bool lineStart = true; // the next byte begins a line
    private bool ended;

    /// <summary>The message that a submission says is on a descriptor.</summary>
    internal static MessageInput Of(Submission submission, int fd = 0) => new(fd, submission.DotEnds,
        lineEnds: submission.LineEndsMayBeCrLf ? new LineEnds() : null, head: submission.Head);

    /// <summary>The next piece, valid until the next call; empty at the end of the message.</summary>
    /// <exception cref="PosixException">The read failed.</exception>
    internal ReadOnlySpan<byte> Next()
    {
        if (head != null)
        {
            byte[] first = head;
            head = null;
            return first;
        }
        while (!ended)
        {
            buffer.AsSpan(heldAt, held).CopyTo(buffer);
            int n = Fill(held);
            if (!dotEnds)
            {
                ended = n == 0;
                return buffer.AsSpan(0, n);
            }
            ReadOnlySpan<byte> piece = UpToDot(held + n, n == 0);
            if (!piece.IsEmpty) return piece;
        }
        return [];
    }

    // Reads a piece into the buffer, from a position on; returns its length, 0 at the end of the file.
    private int Fill(int at)
    {
        while (true)
        {
            int start = at;
            if (heldCr) buffer[start++] = (byte)'\r';
            int n = PosixException.Check(Files.Read(fd, buffer.AsSpan(start)), "unable to read standard input");
            int length = start - at + n;
            if (lineEnds == null) return n;
            // Whether a carriage return belongs to a line end, only the next byte tells.
            heldCr = n > 0 && buffer[at + length - 1] == '\r';
            if (heldCr) length--;
            if (n == 0) return length;
            length = lineEnds.Convert(buffer.AsSpan(at, length));
            if (length > 0) return length;
        }
    }

    // What of the buffer's first bytes is message for certain; keeps back a dot that may be a line of its own.
    private ReadOnlySpan<byte> UpToDot(int length, bool atEnd)
    {
        for (int dot = lineStart ? FirstIfDot(length) : NextDot(0, length); dot >= 0; dot = NextDot(dot, length))
        {
            ReadOnlySpan<byte> after = buffer.AsSpan(dot + 1, length - dot - 1);
            bool whole = after.StartsWith("\n"u8) || after.StartsWith("\r\n"u8);
            bool open = after.IsEmpty || after.SequenceEqual("\r"u8);
            if (whole || open && atEnd)
            {
                ended = true;
                return buffer.AsSpan(0, dot);
            }
            if (open)
            {
                heldAt = dot;
                held = length - dot;
                lineStart = true;
                return buffer.AsSpan(0, dot);
            }
        }
        ended = atEnd;
        heldAt = held = 0;
        if (length > 0) lineStart = buffer[length - 1] == '\n';
        return buffer.AsSpan(0, length);
    }

    private int FirstIfDot(int length) => length > 0 && buffer[0] == '.' ? 0 : NextDot(0, length);

    private int NextDot(int from, int length)
    {
        int found = buffer.AsSpan(from, length - from).IndexOf("\n."u8);
        return found < 0 ? -1 : from + found + 1;
    }
}
