// Netstrings, "5:hello,": strings of bytes that say their length first (D. J. Bernstein, netstrings.txt).
using System;
using System.Collections.Generic;

namespace Qmta.Text;

/// <summary>Writes netstrings.</summary>
public static class Netstring
{
    /// <summary>What comes after the bytes.</summary>
    public const byte End = (byte)',';

    /// <summary>What comes before that many bytes: the length in decimal and a colon.</summary>
    public static byte[] Start(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Span<byte> digits = stackalloc byte[20];
        int first = digits.Length;
        do
        {
            digits[--first] = (byte)('0' + length % 10);
            length /= 10;
        }
        while (length > 0);
        return [.. digits[first..], (byte)':'];
    }

    /// <summary>The netstring of these bytes.</summary>
    public static byte[] Of(ReadOnlySpan<byte> bytes) => [.. Start(bytes.Length), .. bytes, End];

    /// <summary>How long the netstring of so many bytes is.</summary>
    public static long LengthOf(long length)
    {
        long total = length + 3;
        for (long rest = length; rest >= 10; rest /= 10) total++;
        return total;
    }
}

/// <summary>Reads netstrings from a stream, however it is cut; what follows one is left for the next reader.</summary>
public sealed class NetstringReader
{
    private readonly int longest;
    private readonly List<byte> bytes = [];
    private int length, digits;
    private bool inside;

    /// <param name="longest">Most bytes accepted in one netstring.</param>
    public NetstringReader(int longest) => this.longest = longest;

    /// <summary>Whether a netstring has begun and not ended.</summary>
    public bool InMiddle => inside || digits > 0;

    /// <summary>Takes bytes up to the end of one netstring and returns its contents; null while it is incomplete.</summary>
    /// <param name="from">The bytes; what was taken is cut off its front.</param>
    /// <exception cref="FormatException">It is no netstring, or too long a one.</exception>
    public byte[]? Take(ref ReadOnlySpan<byte> from)
    {
        while (!from.IsEmpty)
        {
            if (inside && bytes.Count < length)
            {
                int n = Math.Min(length - bytes.Count, from.Length);
                bytes.AddRange(from[..n]);
                from = from[n..];
                continue;
            }
            byte b = from[0];
            from = from[1..];
            if (inside)
            {
                if (b != Netstring.End) throw new FormatException("a netstring that does not end with a comma");
                byte[] found = [.. bytes];
                bytes.Clear();
                length = digits = 0;
                inside = false;
                return found;
            }
            if (b == ':' && digits > 0) inside = true;
            else if (b is < (byte)'0' or > (byte)'9') throw new FormatException("something that is no netstring");
            // A leading zero has no meaning, and only "0" may begin with it.
            else if (digits > 0 && length == 0) throw new FormatException("a netstring whose length begins with zero");
            else
            {
                digits++;
                length = 10 * length + (b - '0');
                if (length > longest) throw new FormatException($"a netstring of more than {longest} bytes");
            }
        }
        // The last byte of the contents may have come, and the comma not.
        return null;
    }
}
