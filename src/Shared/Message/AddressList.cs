// Address lists of header fields: where each address is, what it means in an envelope (RFC 5322 3.4, qmail-header(5)).
using System;
using System.Collections.Generic;
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

/// <summary>Address lists, and the text of the addresses in them.</summary>
public static class AddressList
{
    /// <summary>Finds all addresses of a list, as <see cref="AddressParser"/> does one by one.</summary>
    /// <param name="text">The list, which may be folded.</param>
    /// <param name="addresses">Gets the addresses added, in their order.</param>
    /// <returns>Null, or what is wrong with the list, as a part of a sentence.</returns>
    public static string? Parse(ReadOnlySpan<byte> text, List<AddressRange> addresses)
    {
        AddressParser parser = new(text);
        while (parser.Next(out AddressRange address)) addresses.Add(address);
        return parser.Wrong;
    }

    /// <summary>What is wrong with a list, as a part of a sentence, or null.</summary>
    public static string? Fault(ReadOnlySpan<byte> text)
    {
        AddressParser parser = new(text);
        while (parser.Next(out _)) { }
        return parser.Wrong;
    }

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
