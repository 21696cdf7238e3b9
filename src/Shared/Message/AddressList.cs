// Address lists of header fields: where each address is, what it means in an envelope (RFC 5322 3.4, qmail-header(5)).
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Qmta.Text;

namespace Qmta.Message;

/// <summary>Where an address is in an address list.</summary>
/// <param name="Comma">Where a missing comma before it belongs, or -1: "djb fred" are two addresses.</param>
/// <param name="Route">Where its source route begins; the same as <paramref name="Start"/> without one.</param>
/// <param name="Start">Where its local part begins.</param>
/// <param name="At">Where the @ before its domain is, or -1 when it has no domain.</param>
/// <param name="End">Where its last word ends. An address of no words is the null address, &lt;&gt;.</param>
public readonly record struct AddressRange(int Comma, int Route, int Start, int At, int End)
{
    /// <summary>Whether it is the null address, &lt;&gt;.</summary>
    public bool IsNull => Start == End;
}

/// <summary>Parses address lists.</summary>
public static class AddressList
{
    /// <summary>Most words between two commas, a bound on memory.</summary>
    public const int MostWords = 1_000_000;

    private readonly record struct Token(TokenKind Kind, int Before, int Start, int End);

    /// <summary>
    /// Finds the addresses of a list: mailboxes, display names with addresses in angle brackets, groups, source routes,
    /// and words that only white space separates, each of which is an address. The time is proportional to the length.
    /// </summary>
    /// <param name="text">The list, which may be folded.</param>
    /// <param name="addresses">Gets the addresses added, in their order.</param>
    /// <returns>Null, or what is wrong with the list, as a part of a sentence.</returns>
    public static string? Parse(ReadOnlySpan<byte> text, List<AddressRange> addresses)
    {
        AddressScanner scanner = new(text);
        List<Token> element = [];
        int comma = -1;          // a comma is missing before the next address
        bool afterAngle = false; // <...> was the last thing in this element
        while (true)
        {
            _ = scanner.Next();
            switch (scanner.Kind)
            {
                case TokenKind.Broken:
                    return "it has a comment, quotation or bracket that does not end";
                case TokenKind.Close:
                    return "it has a > without a <";
                case TokenKind.End or TokenKind.Comma or TokenKind.Semicolon:
                    string? wrong = Split(text, element, comma, addresses);
                    if (wrong != null || scanner.Kind == TokenKind.End) return wrong;
                    element.Clear();
                    comma = -1;
                    afterAngle = false;
                    break;
                case TokenKind.Colon:
                    element.Clear(); // the group's name
                    break;
                case TokenKind.Open:
                    if (afterAngle && element.Count == 0) comma = scanner.Before;
                    element.Clear(); // the display name
                    wrong = Angle(text, ref scanner, comma, addresses);
                    if (wrong != null) return wrong;
                    comma = -1;
                    afterAngle = true;
                    break;
                default:
                    if (afterAngle && element.Count == 0) comma = scanner.Before;
                    afterAngle = false;
                    if (element.Count == MostWords) return "it has too many words without a comma";
                    element.Add(new Token(scanner.Kind, scanner.Before, scanner.Start, scanner.End));
                    break;
            }
        }
    }

    // The address in angle brackets, after the opening one: [route] local@domain
    private static string? Angle(ReadOnlySpan<byte> text, ref AddressScanner scanner, int comma, List<AddressRange> addresses)
    {
        const string Malformed = "it has a malformed address in angle brackets";
        int route = -1, start = -1, at = -1, end = scanner.End;
        Token last = default;
        if (scanner.Next() && scanner.Kind == TokenKind.At)
        {
            route = scanner.Start;
            while (scanner.Kind != TokenKind.Colon)
                if (!scanner.Next() || scanner.Kind is TokenKind.Open or TokenKind.Close or TokenKind.Semicolon) return Malformed;
            end = scanner.End;
            _ = scanner.Next();
        }
        for (; scanner.Kind != TokenKind.Close; _ = scanner.Next())
        {
            if (scanner.Kind is not (TokenKind.Word or TokenKind.Quoted or TokenKind.Literal or TokenKind.At)) return Malformed;
            Token token = new(scanner.Kind, scanner.Before, scanner.Start, scanner.End);
            if (start < 0) start = token.Start;
            else if (!AreJoined(text, last, token)) return Malformed;
            if (token.Kind == TokenKind.At) at = token.Start;
            end = token.End;
            last = token;
        }
        if (start < 0) start = end;
        if (route < 0) route = start;
        if (start < end && text[start] == '@') return "it has an address without a local part";
        addresses.Add(new AddressRange(comma, route, start, at, end));
        return null;
    }

    // Addresses without angle brackets: words, of which those that nothing joins are addresses of their own.
    private static string? Split(ReadOnlySpan<byte> text, List<Token> element, int comma, List<AddressRange> addresses)
    {
        ReadOnlySpan<Token> tokens = CollectionsMarshal.AsSpan(element);
        for (int i = 0; i < tokens.Length;)
        {
            int start = tokens[i].Start, at = -1;
            Token last;
            do
            {
                last = tokens[i++];
                if (last.Kind == TokenKind.At) at = last.Start;
            }
            while (i < tokens.Length && AreJoined(text, last, tokens[i]));
            if (text[start] == '@') return "it has an address without a local part";
            addresses.Add(new AddressRange(comma, start, start, at, last.End));
            if (i < tokens.Length) comma = tokens[i].Before;
        }
        return null;
    }

    // RFC 5322 4.4 (obsolete syntax): white space and comments may surround @ and the dots.
    private static bool AreJoined(ReadOnlySpan<byte> text, Token a, Token b) =>
        a.End == b.Start || a.Kind == TokenKind.At || b.Kind == TokenKind.At
        || a.Kind == TokenKind.Word && text[a.End - 1] == '.' || b.Kind == TokenKind.Word && text[b.Start] == '.';

    /// <summary>An address's local part without quotation, comments and folding, as envelopes have it.</summary>
    public static string LocalPart(ReadOnlySpan<byte> text, AddressRange address) =>
        Plain(text[address.Start..(address.At < 0 ? address.End : address.At)]);

    /// <summary>An address's domain without comments and folding; "" when it has none.</summary>
    public static string Domain(ReadOnlySpan<byte> text, AddressRange address) =>
        address.At < 0 ? "" : Plain(text[(address.At + 1)..address.End]);

    private static string Plain(ReadOnlySpan<byte> text)
    {
        if (IsPlain(text)) return Latin1.String(text);
        byte[] plain = new byte[text.Length];
        int length = 0;
        AddressScanner scanner = new(text);
        while (scanner.Next())
        {
            bool quoted = scanner.Kind == TokenKind.Quoted;
            int end = quoted ? scanner.End - 1 : scanner.End;
            for (int i = quoted ? scanner.Start + 1 : scanner.Start; i < end; i++)
            {
                if (text[i] == '\\' && scanner.Kind != TokenKind.Literal) i++;
                // RFC 5322 2.2.3: unfolding removes the line end, not the white space after it
                else if (text[i] == '\n' || text[i] == '\r' && i + 1 < end && text[i + 1] == '\n') continue;
                plain[length++] = text[i];
            }
        }
        return Latin1.String(plain.AsSpan(0, length));
    }

    private static bool IsPlain(ReadOnlySpan<byte> text)
    {
        foreach (byte b in text)
            if (b is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or (byte)'\\' or (byte)'"' or (byte)'(') return false;
        return true;
    }

    /// <summary>A local part as header fields have it: quoted when it is not made of atoms and dots (RFC 5322 3.4.1).</summary>
    public static string Quote(string local)
    {
        bool plain = local.Length > 0 && local[0] != '.' && local[^1] != '.' && !local.Contains("..");
        foreach (char c in local) plain &= c == '.' || IsAtomText(c);
        return plain ? local : Quoted(local);
    }

    /// <summary>A display name as header fields have it: quoted when it is not made of atoms and single spaces.</summary>
    public static string QuoteName(string name)
    {
        bool plain = name.Length > 0 && name[0] != ' ' && name[^1] != ' ' && !name.Contains("  ");
        foreach (char c in name) plain &= c == ' ' || IsAtomText(c);
        return plain ? name : Quoted(name);
    }

    /// <summary>Text as a comment, with its parentheses and backslashes escaped (RFC 5322 3.2.2).</summary>
    public static string Comment(string text) => "(" + Escaped(text, "()\\") + ")";

    private static string Quoted(string text) => "\"" + Escaped(text, "\"\\") + "\"";

    private static string Escaped(string text, string special)
    {
        if (text.AsSpan().IndexOfAny(special) < 0) return text;
        System.Text.StringBuilder escaped = new(text.Length + 8);
        foreach (char c in text)
        {
            if (special.Contains(c)) escaped.Append('\\');
            escaped.Append(c);
        }
        return escaped.ToString();
    }

    // RFC 5322 3.2.3 atext, and RFC 6532's bytes above 127
    private static bool IsAtomText(char c) => char.IsAsciiLetterOrDigit(c) || c > 127 || "!#$%&'*+-/=?^_`{|}~".Contains(c);
}
