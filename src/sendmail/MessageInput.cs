// The message on standard input, up to the end of the file or, where the caller wants it, up to a line of one dot.
using System;
using Qmta.Posix;

namespace Qmta.Inject;

/// <summary>Reads a message in pieces through one buffer.</summary>
internal sealed class MessageInput(int fd, bool dotEnds, int size = 32768)
{
    private readonly byte[] buffer = new byte[size];
    // A dot that may turn out to be the last line, at the end of what was read; moved to the front before the next read.
    private int heldAt, held;
    private bool lineStart = true; // the next byte begins a line
    private bool ended;

    /// <summary>The next piece, valid until the next call; empty at the end of the message.</summary>
    /// <exception cref="PosixException">The read failed.</exception>
    internal ReadOnlySpan<byte> Next()
    {
        while (!ended)
        {
            buffer.AsSpan(heldAt, held).CopyTo(buffer);
            int n = PosixException.Check(Files.Read(fd, buffer.AsSpan(held)), "unable to read standard input");
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
