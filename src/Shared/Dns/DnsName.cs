// Domain names as DNS packets hold them (RFC 1035 3.1 and 4.1.4).
using System;
using System.Text;
using Qmta.Text;

namespace Qmta.Dns;

/// <summary>Converts between "mail.example.org", one char a byte and in lower case, and the form of a packet.</summary>
public static class DnsName
{
    /// <summary>Longest name in a packet, in bytes.</summary>
    public const int LongestEncoded = 255;

    private const int LongestLabel = 63;

    // A name of 255 bytes has at most 127 labels; no honest packet needs more pointers than labels.
    private const int MostPointers = 127;

    /// <summary>
    /// Writes a name; returns its length, or 0 when no such name can exist: an empty label, or one or the whole too
    /// long. A dot at its end does not matter; "" and "." are the root.
    /// </summary>
    public static int Encode(string name, Span<byte> to)
    {
        ReadOnlySpan<char> rest = name.EndsWith('.') ? name.AsSpan(0, name.Length - 1) : name;
        int used = 0;
        while (!rest.IsEmpty)
        {
            int dot = rest.IndexOf('.');
            ReadOnlySpan<char> label = dot < 0 ? rest : rest[..dot];
            if (label.Length is 0 or > LongestLabel || used + label.Length + 2 > LongestEncoded) return 0;
            to[used++] = (byte)label.Length;
            used += Latin1.Bytes(label, to[used..]);
            if (dot < 0) break;
            rest = rest[(dot + 1)..];
            if (rest.IsEmpty) return 0;
        }
        to[used++] = 0;
        return used;
    }

    /// <summary>Reads a name, following pointers.</summary>
    /// <param name="packet">The whole packet.</param>
    /// <param name="at">Where the name begins; afterwards where what follows it begins.</param>
    /// <param name="name">The name in lower case without a dot at its end; a dot inside a label becomes a NUL,
    /// which no name that is asked for has.</param>
    /// <returns>False when the name is malformed, too long, or points in circles.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> packet, ref int at, out string name)
    {
        name = "";
        StringBuilder text = new();
        int position = at, length = 1, pointers = 0;
        bool jumped = false;
        while (true)
        {
            if (position >= packet.Length) return false;
            int count = packet[position++];
            if (count == 0) break;
            if (count >= 0xC0)
            {
                if (position >= packet.Length || ++pointers > MostPointers) return false;
                int target = (count & 0x3F) << 8 | packet[position++];
                if (!jumped) at = position;
                jumped = true;
                position = target;
                continue;
            }
            length += count + 1;
            if (count > LongestLabel || position + count > packet.Length || length > LongestEncoded) return false;
            if (text.Length > 0) text.Append('.');
            foreach (byte b in packet.Slice(position, count))
                text.Append(b == '.' ? '\0' : b is >= (byte)'A' and <= (byte)'Z' ? (char)(b | 0x20) : (char)b);
            position += count;
        }
        if (!jumped) at = position;
        name = text.ToString();
        return true;
    }
}
