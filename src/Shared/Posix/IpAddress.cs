// An IPv4 or IPv6 address: what DNS answers hold, routes name and sockets connect to.
using System;
using System.Buffers.Binary;
using System.Text;

namespace Qmta.Posix;

/// <summary>An address of the Internet protocol, version 4 or 6, without port and zone.</summary>
public readonly record struct IpAddress
{
    private readonly ulong high, low;

    private IpAddress(ulong high, ulong low, bool isV6)
    {
        this.high = high;
        this.low = low;
        IsV6 = isV6;
    }

    public bool IsV6 { get; }

    /// <summary>Whether it is 0.0.0.0 or ::, which stands for "any".</summary>
    public bool IsAny => (high | low) == 0;

    /// <summary>Whether it is this host talking to itself: 127.0.0.0/8 or ::1.</summary>
    public bool IsLoopback => high == 0 && (IsV6 ? low == 1 : low >> 24 == 127);

    /// <summary>The number of its bits, 32 or 128.</summary>
    public int Bits => IsV6 ? 128 : 32;

    /// <summary>The address of IPv4 that this one of IPv6 stands for (::ffff:192.0.2.1); else this one itself.</summary>
    public IpAddress Unmapped => IsV6 && high == 0 && low >> 32 == 0xFFFF ? new(0, (uint)low, false) : this;

    /// <summary>The network it is in: its first bits, and zeros.</summary>
    /// <param name="bits">From 0 to <see cref="Bits"/>.</param>
    public IpAddress Network(int bits)
    {
        int ofHigh = IsV6 ? Math.Min(bits, 64) : 0, ofLow = IsV6 ? Math.Max(bits - 64, 0) : bits + 32;
        // A shift by 64 would be one by 0.
        return new(ofHigh == 0 ? 0 : high & ulong.MaxValue << (64 - ofHigh),
            ofLow == 0 ? 0 : low & ulong.MaxValue << (64 - ofLow), IsV6);
    }

    public static IpAddress LoopbackV4 => new(0, 0x7F000001, false);

    public static IpAddress LoopbackV6 => new(0, 1, true);

    /// <summary>An address from its 4 or 16 bytes, first byte first.</summary>
    /// <exception cref="ArgumentException">There are neither 4 nor 16 bytes.</exception>
    public static IpAddress From(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        4 => new(0, BinaryPrimitives.ReadUInt32BigEndian(bytes), false),
        16 => new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]), true),
        _ => throw new ArgumentException("an address has 4 or 16 bytes"),
    };

    /// <summary>Writes the 4 or 16 bytes, first byte first; returns their number.</summary>
    public int Write(Span<byte> to)
    {
        if (!IsV6)
        {
            BinaryPrimitives.WriteUInt32BigEndian(to, (uint)low);
            return 4;
        }
        BinaryPrimitives.WriteUInt64BigEndian(to, high);
        BinaryPrimitives.WriteUInt64BigEndian(to[8..], low);
        return 16;
    }

    /// <summary>
    /// Reads "192.0.2.1" (four decimal numbers, nothing shorter) or an IPv6 address in the forms of RFC 4291 2.2.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IpAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address = default;
        if (text.Contains(':'))
        {
            if (!ParseV6(text, bytes)) return false;
            address = From(bytes);
            return true;
        }
        if (!ParseV4(text, bytes)) return false;
        address = From(bytes[..4]);
        return true;
    }

    /// <summary>
    /// Reads an address literal of RFC 5321 4.1.3: [192.0.2.1], [IPv6:2001:db8::1], and [2001:db8::1] as well.
    /// </summary>
    public static bool TryParseLiteral(string text, out IpAddress address)
    {
        address = default;
        if (text.Length < 3 || text[0] != '[' || text[^1] != ']') return false;
        ReadOnlySpan<char> inner = text.AsSpan(1, text.Length - 2);
        if (inner.Length > 5 && Qmta.Text.Latin1.EqualsIgnoreCase(inner[..5], "IPv6:"))
            return TryParse(inner[5..], out address) && address.IsV6;
        return TryParse(inner, out address);
    }

    /// <summary>The address in its usual form; IPv6 as RFC 5952 has it.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        int length = Write(bytes);
        if (length == 4) return $"{(int)bytes[0]}.{(int)bytes[1]}.{(int)bytes[2]}.{(int)bytes[3]}";
        // The longest run of at least two zero groups, the first of equals, is written as "::".
        int best = -1, bestLength = 1;
        for (int i = 0; i < 8; i++)
        {
            int n = 0;
            while (i + n < 8 && bytes[2 * (i + n)] == 0 && bytes[2 * (i + n) + 1] == 0) n++;
            if (n > bestLength) (best, bestLength) = (i, n);
            if (n > 0) i += n - 1;
        }
        StringBuilder text = new(39);
        for (int i = 0; i < 8; i++)
        {
            if (i == best)
            {
                text.Append("::");
                i += bestLength - 1;
                continue;
            }
            if (text.Length > 0 && text[^1] != ':') text.Append(':');
            int group = bytes[2 * i] << 8 | bytes[2 * i + 1];
            bool started = false;
            for (int shift = 12; shift >= 0; shift -= 4)
            {
                int digit = group >> shift & 15;
                started |= digit != 0 || shift == 0;
                if (started) text.Append("0123456789abcdef"[digit]);
            }
        }
        return text.ToString();
    }

    private static bool ParseV4(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        int part = 0, value = -1;
        foreach (char c in text)
        {
            if (c == '.')
            {
                if (value < 0 || part == 3) return false;
                bytes[part++] = (byte)value;
                value = -1;
            }
            else if (!char.IsAsciiDigit(c) || value == 0) return false; // a leading zero might mean octal elsewhere
            else if ((value = Math.Max(value, 0) * 10 + (c - '0')) > 255) return false;
        }
        if (value < 0 || part != 3) return false;
        bytes[3] = (byte)value;
        return true;
    }

    private static bool ParseV6(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        bytes.Clear();
        int filled = 0, gap = -1;
        if (text[0] == ':')
        {
            if (text.Length < 2 || text[1] != ':') return false;
            text = text[1..];
        }
        while (true)
        {
            if (text.Length > 0 && text[0] == ':')
            {
                if (gap >= 0) return false;
                gap = filled;
                text = text[1..];
                if (text.IsEmpty) break;
            }
            int end = text.IndexOf(':');
            ReadOnlySpan<char> group = end < 0 ? text : text[..end];
            if (group.Contains('.'))
            {
                if (end >= 0 || filled > 12 || !ParseV4(group, bytes[filled..])) return false;
                filled += 4;
                break;
            }
            if (group.IsEmpty || group.Length > 4 || filled > 14) return false;
            int value = 0;
            foreach (char c in group)
            {
                if (!char.IsAsciiHexDigit(c)) return false;
                value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
            }
            bytes[filled++] = (byte)(value >> 8);
            bytes[filled++] = (byte)value;
            if (end < 0) break;
            text = text[(end + 1)..];
            if (text.IsEmpty) return false;
        }
        if (gap < 0) return filled == 16;
        if (filled > 14) return false;
        int tail = filled - gap;
        bytes[gap..filled].CopyTo(bytes[(16 - tail)..]);
        bytes[gap..(16 - tail)].Clear();
        return true;
    }
}
