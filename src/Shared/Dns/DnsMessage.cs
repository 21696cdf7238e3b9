// DNS packets (RFC 1035 4): asking one question and reading the answer to it, and to nothing else.
using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Dns;

/// <summary>Types of records (RFC 1035 3.2.2, RFC 3596, RFC 6698, RFC 6891).</summary>
public enum DnsType
{
    A = 1, CName = 5, Soa = 6, Ptr = 12, Mx = 15, Txt = 16, Aaaa = 28, Opt = 41, Tlsa = 52,
}

/// <summary>Response codes (RFC 1035 4.1.1).</summary>
public enum DnsCode
{
    Success = 0, FormatError = 1, ServerFailure = 2, NoName = 3, NotImplemented = 4, Refused = 5,
}

/// <summary>A record of the answer section, of a type that is understood.</summary>
/// <param name="Owner">Whose record it is, in lower case.</param>
/// <param name="Seconds">How long it may be kept.</param>
/// <param name="Address">The address of A and AAAA.</param>
/// <param name="Host">The name in CNAME, MX and PTR.</param>
/// <param name="Preference">The preference in MX.</param>
/// <param name="Data">The bytes of TXT, its strings joined, and of TLSA.</param>
public sealed record DnsRecord(string Owner, DnsType Type, long Seconds, IpAddress Address, string Host,
    int Preference, byte[] Data);

/// <summary>A response.</summary>
public sealed class DnsMessage
{
    private const int HeaderLength = 12;
    private const int InternetClass = 1;
    private const int MostRecords = 500;

    /// <summary>Room for any question.</summary>
    public const int LongestQuery = HeaderLength + DnsName.LongestEncoded + 4 + 11;

    /// <summary>
    /// The size of datagrams that are welcome (RFC 6891 6.2.5): what passes every network without being fragmented.
    /// </summary>
    public const int DatagramSize = 1232;

    /// <summary>The answer was cut and has to be asked for by TCP.</summary>
    public bool Truncated { get; private init; }

    /// <summary>The server is one of those that know the name first hand.</summary>
    public bool Authoritative { get; private init; }

    /// <summary>The server finds out what it does not know.</summary>
    public bool RecursionAvailable { get; private init; }

    /// <summary>The server has verified the signatures of everything in the response (RFC 4035 3.2.3).</summary>
    public bool Authenticated { get; private init; }

    public DnsCode Code { get; private init; }

    /// <summary>Records of the answer section.</summary>
    public List<DnsRecord> Answers { get; } = [];

    /// <summary>How long a "no" may be kept, in seconds (RFC 2308 5); null when the response does not say.</summary>
    public long? NegativeSeconds { get; private set; }

    /// <summary>Writes a question; returns its length, or 0 when there can be no such name.</summary>
    /// <param name="extended">Says that large datagrams are welcome (EDNS0).</param>
    /// <param name="authenticated">Asks whether the answer is authenticated (RFC 6840 5.7).</param>
    public static int Query(Span<byte> to, int id, string name, DnsType type, bool extended, bool authenticated = false)
    {
        to = to[..LongestQuery];
        to.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(to, (ushort)id);
        to[2] = 1; // recursion desired
        if (authenticated) to[3] = 0x20;
        to[5] = 1; // one question
        int used = DnsName.Encode(name, to[HeaderLength..]);
        if (used == 0) return 0;
        used += HeaderLength;
        to[used + 1] = (byte)type;
        to[used + 3] = InternetClass;
        used += 4;
        if (!extended) return used;
        to[11] = 1; // one additional record: root name, type OPT, size in place of the class, all else zero
        to[used + 2] = (byte)DnsType.Opt;
        BinaryPrimitives.WriteUInt16BigEndian(to[(used + 3)..], DatagramSize);
        return used + 11;
    }

    /// <summary>
    /// Reads a packet as the response to a question; null when it is malformed or answers anything else. Of a
    /// truncated response, or one that reports an error, only the header is read.
    /// </summary>
    public static DnsMessage? Parse(ReadOnlySpan<byte> packet, int id, string name, DnsType type)
    {
        if (packet.Length < HeaderLength || BinaryPrimitives.ReadUInt16BigEndian(packet) != id) return null;
        if ((packet[2] & 0xF8) != 0x80) return null; // a response to a standard query
        DnsMessage message = new()
        {
            Authoritative = (packet[2] & 4) != 0,
            Truncated = (packet[2] & 2) != 0,
            RecursionAvailable = (packet[3] & 0x80) != 0,
            Authenticated = (packet[3] & 0x20) != 0,
            Code = (DnsCode)(packet[3] & 15),
        };
        int questions = Number(packet, 4), answers = Number(packet, 6), authorities = Number(packet, 8);
        // A server that could not read the question cannot repeat it.
        if (questions == 0 && message.Code is DnsCode.FormatError or DnsCode.NotImplemented) return message;
        int at = HeaderLength;
        if (questions != 1 || !DnsName.TryDecode(packet, ref at, out string asked) || at + 4 > packet.Length)
            return null;
        if (!Latin1.EqualsIgnoreCase(asked, name.EndsWith('.') ? name.AsSpan(0, name.Length - 1) : name)) return null;
        if (Number(packet, at) != (int)type || Number(packet, at + 2) != InternetClass) return null;
        at += 4;
        if (message.Truncated || message.Code is not (DnsCode.Success or DnsCode.NoName)) return message;
        for (int i = 0; i < answers; i++)
            if (i == MostRecords || !message.ReadRecord(packet, ref at, isAnswer: true)) return null;
        for (int i = 0; i < authorities && i < MostRecords; i++)
            if (!message.ReadRecord(packet, ref at, isAnswer: false)) return null;
        return message;
    }

    private bool ReadRecord(ReadOnlySpan<byte> packet, ref int at, bool isAnswer)
    {
        if (!DnsName.TryDecode(packet, ref at, out string owner) || at + 10 > packet.Length) return false;
        int type = Number(packet, at), @class = Number(packet, at + 2), length = Number(packet, at + 8);
        long seconds = BinaryPrimitives.ReadUInt32BigEndian(packet[(at + 4)..]);
        if (seconds > int.MaxValue) seconds = 0; // RFC 2181 8
        at += 10;
        if (at + length > packet.Length) return false;
        ReadOnlySpan<byte> data = packet.Slice(at, length);
        int inside = at;
        at += length;
        if (@class != InternetClass) return true;
        if (!isAnswer)
        {
            if (type != (int)DnsType.Soa || length < 4) return true;
            // RFC 2308 5: the lesser of the record's own time and its last field
            NegativeSeconds = Math.Min(seconds, BinaryPrimitives.ReadUInt32BigEndian(data[^4..]));
            return true;
        }
        string host = "";
        int preference = 0;
        IpAddress address = default;
        byte[] bytes = [];
        switch ((DnsType)type)
        {
            case DnsType.A:
                if (length != 4) return false;
                address = IpAddress.From(data);
                break;
            case DnsType.Aaaa:
                if (length != 16) return false;
                address = IpAddress.From(data);
                break;
            case DnsType.CName or DnsType.Ptr:
                if (!DnsName.TryDecode(packet, ref inside, out host) || inside != at) return false;
                break;
            case DnsType.Mx:
                if (length < 3) return false;
                preference = Number(packet, inside);
                inside += 2;
                if (!DnsName.TryDecode(packet, ref inside, out host) || inside != at) return false;
                break;
            case DnsType.Txt:
                if (Strings(data) is not byte[] text) return false;
                bytes = text;
                break;
            case DnsType.Tlsa:
                if (length < 4) return false;
                bytes = data.ToArray();
                break;
            default:
                return true;
        }
        Answers.Add(new DnsRecord(owner, (DnsType)type, seconds, address, host, preference, bytes));
        return true;
    }

    // RFC 1035 3.3.14: strings, each with its length before it; null when one reaches beyond the record.
    private static byte[]? Strings(ReadOnlySpan<byte> data)
    {
        byte[] joined = new byte[data.Length];
        int used = 0;
        while (!data.IsEmpty)
        {
            int length = data[0];
            if (length >= data.Length) return null;
            data.Slice(1, length).CopyTo(joined.AsSpan(used));
            used += length;
            data = data[(length + 1)..];
        }
        return joined[..used];
    }

    private static int Number(ReadOnlySpan<byte> packet, int at) => BinaryPrimitives.ReadUInt16BigEndian(packet[at..]);
}
