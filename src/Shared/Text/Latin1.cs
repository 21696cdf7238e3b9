// Bytes as text: one char is one byte, so nothing a message or an address holds is lost or re-encoded.
using System;
using System.Text;

namespace Qmta.Text;

/// <summary>Conversion between bytes and strings in which every char is one byte (ISO 8859-1).</summary>
public static class Latin1
{
    /// <summary>The string whose chars are these bytes.</summary>
    public static string String(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    /// <summary>The bytes of a Latin-1 string.</summary>
    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    /// <summary>Writes the bytes of a Latin-1 string to <paramref name="bytes"/>; returns their number.</summary>
    public static int Bytes(ReadOnlySpan<char> text, Span<byte> bytes) => Encoding.Latin1.GetBytes(text, bytes);

    /// <summary>Lower case for ASCII letters only: the case folding of domain names and local parts.</summary>
    public static string Lower(string text)
    {
        for (int i = 0; i < text.Length; i++)
            if (char.IsAsciiLetterUpper(text[i]))
                return string.Create(text.Length, text, static (to, from) =>
                {
                    for (int j = 0; j < to.Length; j++) to[j] = char.IsAsciiLetterUpper(from[j]) ? (char)(from[j] | 0x20) : from[j];
                });
        return text;
    }

    /// <summary>Equality that ignores the case of ASCII letters and of nothing else.</summary>
    public static bool EqualsIgnoreCase(ReadOnlySpan<char> a, ReadOnlySpan<char> b)
    {
        if (a.Length != b.Length) return false;
        for (int i = 0; i < a.Length; i++)
            if (a[i] != b[i] && !(char.IsAsciiLetter(a[i]) && char.IsAsciiLetter(b[i]) && (a[i] | 0x20) == (b[i] | 0x20))) return false;
        return true;
    }
}
