// A stored message as SMTP's DATA sends it: line ends and dots, so that only its true end looks like the end.
using System;

namespace Qmta.Smtp;

/// <summary>
/// Turns a message, piece by piece, into what follows DATA (RFC 5321 4.5.2). LF and CRLF become CRLF, a dot that
/// begins a line is doubled, and a last line without an end gets one. A CR that no LF follows becomes a space: RFC
/// 5321 2.3.8 forbids to send it, some receivers take it for a line end, and then a dot after it could end the message
/// early and pass the rest off as commands. Every other byte, NUL included, is sent as it is.
/// </summary>
public struct DotStuffing
{
    private bool insideLine;
    private bool heldCr;

    /// <summary>
    /// Converts a piece; <paramref name="to"/> must have room for <see cref="Room"/> of it. Returns the bytes written.
    /// </summary>
    public int Convert(ReadOnlySpan<byte> from, Span<byte> to)
    {
        int used = 0;
        while (!from.IsEmpty)
        {
            if (heldCr)
            {
                heldCr = false;
                if (from[0] != '\n')
                {
                    to[used++] = (byte)' ';
                    insideLine = true;
                }
            }
            if (!insideLine && from[0] == '.') to[used++] = (byte)'.';
            int run = from.IndexOfAny((byte)'\r', (byte)'\n');
            if (run < 0) run = from.Length;
            if (run > 0)
            {
                from[..run].CopyTo(to[used..]);
                used += run;
                insideLine = true;
            }
            if (run == from.Length) break;
            if (from[run] == '\r') heldCr = true;
            else
            {
                to[used++] = (byte)'\r';
                to[used++] = (byte)'\n';
                insideLine = false;
            }
            from = from[(run + 1)..];
        }
        return used;
    }

    /// <summary>
    /// Writes the end of the last line, if it lacks one, and the end of the message; at most
    /// <see cref="EndRoom"/> bytes.
    /// </summary>
    public int End(Span<byte> to)
    {
        int used = 0;
        if (heldCr)
        {
            to[used++] = (byte)' ';
            insideLine = true;
            heldCr = false;
        }
        if (insideLine)
        {
            to[used++] = (byte)'\r';
            to[used++] = (byte)'\n';
            insideLine = false;
        }
        ".\r\n"u8.CopyTo(to[used..]);
        return used + 3;
    }

    /// <summary>Most bytes that a piece of so many bytes can become.</summary>
    public static int Room(int length) => 2 * length + 1;

    /// <summary>Most bytes of <see cref="End"/>.</summary>
    public const int EndRoom = 6;
}
