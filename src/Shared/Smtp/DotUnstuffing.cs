// What follows DATA as a stored message: line ends, dots, and the one sequence that ends it.
using System;

namespace Qmta.Smtp;

/// <summary>What a line feed without a carriage return before it means in what follows DATA.</summary>
public enum BareLineFeed
{
    /// <summary>Receiving stops: others may take it for a line end, and then the message's end is where they look for
    /// it.</summary>
    Refused,
    /// <summary>It ends a line like any other, but takes no part in ending the message.</summary>
    EndsLine,
    /// <summary>It is as good as CRLF: the client is a person or a program of this host that writes no other.</summary>
    EndsMessage,
}

/// <summary>
/// Turns what a client sends after DATA, piece by piece, into the message (RFC 5321 4.5.2): CRLF becomes LF, a dot
/// that begins a line and is not all of it goes. Only CRLF, dot, CRLF ends the message. A CR that no LF follows is kept.
/// </summary>
public struct DotUnstuffing(BareLineFeed bare)
{
    private bool insideLine, heldCr, heldDot;

    /// <summary>The end of the message has come.</summary>
    public bool Ended { get; private set; }

    /// <summary>A line feed alone has come that is not allowed; nothing after it was looked at.</summary>
    public bool Refused { get; private set; }

    /// <summary>
    /// Converts a piece, up to the end of the message and no further; <paramref name="to"/> must have room for
    /// <see cref="Room"/> of it. Returns the bytes written.
    /// </summary>
    /// <param name="consumed">How much of the piece belongs to the message.</param>
    public int Convert(ReadOnlySpan<byte> from, Span<byte> to, out int consumed)
    {
        int used = 0, at = 0;
        while (at < from.Length && !Ended && !Refused)
        {
            byte b = from[at];
            if (heldCr && b != '\n')
            {
                heldCr = heldDot = false; // with something after it, the dot was a stuffed one
                to[used++] = (byte)'\r';
            }
            if (b == '\n') EndLine(to, ref used);
            else if (b == '\r')
            {
                heldCr = insideLine = true;
            }
            else if (b == '.' && !insideLine)
            {
                heldDot = insideLine = true;
            }
            else
            {
                heldDot = false;
                insideLine = true;
                int run = from[at..].IndexOfAny((byte)'\r', (byte)'\n');
                if (run < 0) run = from.Length - at;
                from.Slice(at, run).CopyTo(to[used..]);
                used += run;
                at += run;
                continue;
            }
            at++;
        }
        consumed = at;
        return used;
    }

    private void EndLine(Span<byte> to, ref int used)
    {
        bool whole = heldCr || bare == BareLineFeed.EndsMessage;
        if (!heldCr && bare == BareLineFeed.Refused)
        {
            Refused = true;
            return;
        }
        if (heldDot && whole) Ended = true;
        else
        {
            if (heldDot) to[used++] = (byte)'.';
            to[used++] = (byte)'\n';
        }
        // After a line feed alone a dot is no sign of anything, and is kept.
        insideLine = !whole;
        heldCr = heldDot = false;
    }

    /// <summary>Most bytes that a piece of so many bytes can become.</summary>
    public static int Room(int length) => length + 2;
}
