// Line ends of messages from programs that write them as the network does, PHP's mail() above all.
using System;

namespace Qmta.Inject;

/// <summary>
/// Makes CR LF a line feed alone, which is how messages are stored here. In the header, the lines up to the first empty
/// one, that is done always: programs mix the two there, and a field is not meant to end in a carriage return. In the
/// body it is done only when the message's first line ends in CR LF: then the whole message is written that way. A body
/// of another message is not touched; it may hold a file that is to stay as it is.
/// </summary>
internal sealed class LineEnds
{
    private enum Part { FirstLine, Header, Body, AllIsConverted }

    private Part part = Part.FirstLine;
    private bool lineStart = true; // the next byte begins a line

    /// <summary>
    /// Converts a piece of the message in place; returns its new length. A CR and the LF after it must be in one piece.
    /// </summary>
    internal int Convert(Span<byte> piece)
    {
        int used = 0, at = 0;
        while (at < piece.Length && part != Part.Body)
        {
            int end = piece[at..].IndexOf((byte)'\n');
            int length = end < 0 ? piece.Length - at : end;
            bool cr = end > 0 && piece[at + end - 1] == '\r';
            if (cr) length--;
            bool empty = lineStart && length == 0 && end >= 0;
            piece.Slice(at, length).CopyTo(piece[used..]);
            used += length;
            at += length + (cr ? 1 : 0);
            lineStart = end >= 0;
            if (end < 0) break;
            piece[used++] = (byte)'\n';
            at++;
            if (part == Part.FirstLine) part = cr ? Part.AllIsConverted : Part.Header;
            if (part == Part.Header && empty) part = Part.Body;
        }
        if (used != at) piece[at..].CopyTo(piece[used..]);
        return used + piece.Length - at;
    }
}
