// Addresses that begin with the same bits: 192.0.2.0/24, 2001:db8::/32, or a single one.
using System;
using System.Globalization;

namespace Qmta.Posix;

/// <summary>An address, or all that begin with the same bits (RFC 4632 3.1, RFC 4291 2.3).</summary>
public readonly record struct IpNetwork(IpAddress Address, int Bits)
{
    /// <summary>Reads "address" or "address/bits"; the address may be a literal in brackets.</summary>
    public static bool TryParse(string text, out IpNetwork network)
    {
        network = default;
        int slash = text.IndexOf('/'), bits = -1;
        string address = slash < 0 ? text : text[..slash];
        if (!IpAddress.TryParse(address, out IpAddress parsed) && !IpAddress.TryParseLiteral(address, out parsed)) return false;
        int most = parsed.IsV6 ? 128 : 32;
        if (slash >= 0 && (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out bits)
            || bits > most)) return false;
        network = new IpNetwork(parsed, slash < 0 ? most : bits);
        return true;
    }

    /// <summary>Whether an address begins with these bits.</summary>
    public bool Contains(IpAddress other)
    {
        if (other.IsV6 != Address.IsV6) return false;
        Span<byte> mine = stackalloc byte[16], its = stackalloc byte[16];
        Address.Write(mine);
        other.Write(its);
        int whole = Bits / 8, rest = Bits % 8;
        return mine[..whole].SequenceEqual(its[..whole])
            && (rest == 0 || (mine[whole] ^ its[whole]) >> (8 - rest) == 0);
    }
}
