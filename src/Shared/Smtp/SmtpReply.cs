// A reply of an SMTP server (RFC 5321 4.2), and the parser that no server can make read without end.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Qmta.Text;

namespace Qmta.Smtp;

/// <summary>A complete reply.</summary>
/// <param name="Code">The three digits, 200 to 599.</param>
/// <param name="Text">Its lines with their codes, each ended by a newline; cut when it is very long.</param>
public sealed record SmtpReply(int Code, string Text)
{
    /// <summary>2xx: done.</summary>
    public bool IsPositive => Code is >= 200 and < 300;

    /// <summary>3xx: go on.</summary>
    public bool IsIntermediate => Code is >= 300 and < 400;

    /// <summary>4xx: try again later.</summary>
    public bool IsTransient => Code is >= 400 and < 500;

    /// <summary>5xx: never.</summary>
    public bool IsPermanent => Code >= 500;
}

/// <summary>Puts replies together from the bytes that arrive, however the network cuts them.</summary>
public sealed class SmtpReplyParser
{
    /// <summary>
    /// Longest line accepted, in bytes. RFC 5321 4.5.3.1.5 allows 512; servers that explain themselves exceed it.
    /// </summary>
    public const int LongestLine = 4096;

    /// <summary>Most lines accepted in one reply.</summary>
    public const int MostLines = 500;

    /// <summary>So much of a reply's text is kept, in bytes.</summary>
    public const int LongestText = 6000;

    private readonly List<byte> text = [];
    private int code, lineCode, lines, column, length;
    private bool more;

    /// <summary>Takes bytes up to the end of a reply; null while it is incomplete.</summary>
    /// <param name="bytes">The bytes; what was taken is cut off its front.</param>
    /// <exception cref="FormatException">It is no reply, or one without end; the message says which.</exception>
    public SmtpReply? Take(ref ReadOnlySpan<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            byte b = bytes[i];
            if (b == '\n')
            {
                if (!EndLine()) continue;
                bytes = bytes[(i + 1)..];
                SmtpReply reply = new(code, Latin1.String(CollectionsMarshal.AsSpan(text)));
                text.Clear();
                lines = 0;
                return reply;
            }
            if (++length > LongestLine) throw new FormatException($"a reply line of more than {LongestLine} bytes");
            if (b == '\r') continue;
            Keep(b == 0 ? (byte)'?' : b);
            if (column < 3)
            {
                if (b is < (byte)'0' or > (byte)'9') throw NoReply();
                lineCode = lineCode * 10 + (b - '0');
            }
            else if (column == 3) more = b == '-';
            column++;
        }
        bytes = [];
        return null;
    }

    private bool EndLine()
    {
        if (column < 3 || lineCode is < 200 or > 599) throw NoReply();
        if (lines == 0) code = lineCode;
        // RFC 5321 4.2.1: every line has the same code. One that says yes and no at once is not trusted.
        else if (code != lineCode) throw new FormatException($"a reply with both {code} and {lineCode}");
        if (++lines > MostLines) throw new FormatException($"a reply of more than {MostLines} lines");
        Keep((byte)'\n');
        bool complete = !more;
        column = length = lineCode = 0;
        more = false;
        return complete;
    }

    private void Keep(byte b)
    {
        if (text.Count < LongestText - 1) text.Add(b);
        else if (text.Count == LongestText - 1) text.Add((byte)'\n');
    }

    private FormatException NoReply() => new("something that is no SMTP reply: "
        + Latin1.String(CollectionsMarshal.AsSpan(text)[..Math.Min(text.Count, 60)]).TrimEnd('\n').Replace('\n', '/'));
}
