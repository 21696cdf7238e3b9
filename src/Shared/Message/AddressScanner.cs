// The words and signs an address list is made of (RFC 5322 3.2, with what real mail adds to it).
using System;

namespace Qmta.Message;

/// <summary>What a token of an address list is.</summary>
internal enum TokenKind : byte
{
    End, Word, Quoted, Literal, At, Comma, Semicolon, Colon, Open, Close,
    /// <summary>A comment, quoted string or domain literal that never ends, or a backslash at the end of a line.</summary>
    Broken,
}

/// <summary>
/// Splits an address list into tokens, one pass, nothing copied. Comments and white space are skipped. Any byte that
/// has no function is part of a word: bytes above 127, control characters, and dots.
/// </summary>
internal ref struct AddressScanner(ReadOnlySpan<byte> text, int start = 0)
{
    private readonly ReadOnlySpan<byte> text = text;

    public TokenKind Kind { get; private set; }
    /// <summary>Where the token begins.</summary>
    public int Start { get; private set; } = start;
    /// <summary>Where it ends.</summary>
    public int End { get; private set; } = start;
    /// <summary>Where the token or comment before it ends.</summary>
    public int Before { get; private set; }

    /// <summary>Goes to the next token; false at the end of the text.</summary>
    public bool Next()
    {
        Before = End;
        int at = End;
        while (at < text.Length)
        {
            switch (text[at])
            {
                case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n':
                    at++;
                    continue;
                case (byte)'(':
                    at = SkipComment(at);
                    if (at < 0) return Found(TokenKind.Broken, text.Length, text.Length);
                    Before = at;
                    continue;
                case (byte)'"':
                    return Enclosed(TokenKind.Quoted, at, (byte)'"');
                case (byte)'[':
                    return Enclosed(TokenKind.Literal, at, (byte)']');
                case (byte)'@': return Found(TokenKind.At, at, at + 1);
                case (byte)',': return Found(TokenKind.Comma, at, at + 1);
                case (byte)';': return Found(TokenKind.Semicolon, at, at + 1);
                case (byte)':': return Found(TokenKind.Colon, at, at + 1);
                case (byte)'<': return Found(TokenKind.Open, at, at + 1);
                case (byte)'>': return Found(TokenKind.Close, at, at + 1);
                default: return Word(at);
            }
        }
        return Found(TokenKind.End, text.Length, text.Length);
    }

    private bool Word(int start)
    {
        int at = start;
        while (at < text.Length && text[at] is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or (byte)'('
            or (byte)'"' or (byte)'@' or (byte)',' or (byte)';' or (byte)':' or (byte)'<' or (byte)'>'))
        {
            // What is put behind a word must not come to stand at the beginning of a line.
            if (text[at] == '\\' && (++at == text.Length || text[at] is (byte)'\r' or (byte)'\n')) return Found(TokenKind.Broken, start, at);
            at++;
        }
        return Found(TokenKind.Word, start, at);
    }

    private bool Enclosed(TokenKind kind, int start, byte close)
    {
        for (int at = start + 1; at < text.Length; at++)
        {
            if (text[at] == close) return Found(kind, start, at + 1);
            if (text[at] == '\\') at++;
        }
        return Found(TokenKind.Broken, start, text.Length);
    }

    // Comments nest (RFC 5322 3.2.2); the position after one, or -1 when it does not end.
    private readonly int SkipComment(int at)
    {
        int depth = 0;
        for (; at < text.Length; at++)
        {
            if (text[at] == '\\') at++;
            else if (text[at] == '(') depth++;
            else if (text[at] == ')' && --depth == 0) return at + 1;
        }
        return -1;
    }

    private bool Found(TokenKind kind, int start, int end)
    {
        Kind = kind;
        Start = start;
        End = end;
        return kind is not (TokenKind.End or TokenKind.Broken);
    }
}
