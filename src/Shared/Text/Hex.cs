// Bytes as hexadecimal digits, as digests are written.
using System;
using System.Globalization;

namespace Qmta.Text;

/// <summary>Lower-case hexadecimal.</summary>
public static class Hex
{
    private static ReadOnlySpan<byte> Digits => "0123456789abcdef"u8;

    /// <summary>The digits of some bytes.</summary>
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        byte[] digits = new byte[2 * bytes.Length];
        Write(bytes, digits);
        return Latin1.String(digits);
    }

    /// <summary>Writes the digits, two for each byte.</summary>
    public static void Write(ReadOnlySpan<byte> bytes, Span<byte> to)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            to[2 * i] = Digits[bytes[i] >> 4];
            to[2 * i + 1] = Digits[bytes[i] & 15];
        }
    }

    /// <summary>The bytes that pairs of digits, in either case, stand for.</summary>
    /// <exception cref="FormatException">Something is no digit, or has no partner.</exception>
    public static byte[] Parse(ReadOnlySpan<byte> digits)
    {
        byte[] bytes = new byte[digits.Length / 2];
        if (digits.Length % 2 != 0) throw new FormatException("an odd number of hexadecimal digits");
        for (int i = 0; i < bytes.Length; i++)
            if (!byte.TryParse(digits.Slice(2 * i, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bytes[i]))
                throw new FormatException("something that is no hexadecimal digit");
        return bytes;
    }
}
