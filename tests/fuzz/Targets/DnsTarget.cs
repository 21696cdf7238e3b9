// Answers of name servers, and of whoever answers in their place (RFC 1035).
using System;
using System.Linq;
using Qmta.Dns;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>
/// A packet is an answer to the question or is thrown away; what is taken from it is bounded, and a name that is read can be
/// written again.
/// </summary>
internal sealed class DnsTarget : Target
{
    private const int Id = 0x1234;

    internal override string Name => "dns";
    internal override string[] Words => ["\u0007example\u0003org\0", "\u00c0\u000c", "\u00c0\0", "\0\u000f\0\u0001", "\0\u0001\0\u0001", "\u0004\u00c0\0\u0002\u0001", "\u003f" + new string('a', 63), "\0"];
    internal override int Longest => 2000;

    internal override void Run(byte[] input)
    {
        foreach (DnsType type in new[] { DnsType.A, DnsType.Aaaa, DnsType.Mx, DnsType.Txt, DnsType.Tlsa, DnsType.Ptr, DnsType.CName })
        {
            DnsMessage? answer = DnsMessage.Parse(input, Id, "example.org", type);
            if (answer == null) continue;
            Must(DnsMessage.Parse(input, Id + 1, "example.org", type) == null, "it answers one question number");
            Must(answer.Answers.Count <= 500, "records are bounded");
            if (answer.Code == DnsCode.Success && answer.Answers.Count > 0)
                Must(DnsMessage.Parse(input, Id, "other.example", type) == null, "it answers about one name");
            foreach (DnsRecord record in answer.Answers)
            {
                Must(record.Owner.Length < 256 && record.Host.Length < 256 && record.Data.Length <= input.Length, "a record is bounded");
                Must(record.Seconds is >= 0 and <= int.MaxValue && record.Preference is >= 0 and <= 65535, "numbers are in bounds");
                Must(!record.Host.Any(char.IsAsciiLetterUpper), "names are in small letters");
                Encode(record.Host);
                Encode(record.Owner);
            }
        }
        int at = 0;
        while (at < input.Length && DnsName.TryDecode(input, ref at, out string name))
        {
            Must(at <= input.Length, "no more is read than there is");
            Encode(name);
        }
    }

    private static void Encode(string name)
    {
        if (name.Contains('\0')) return;
        byte[] packet = new byte[DnsName.LongestEncoded];
        int length = DnsName.Encode(name, packet), at = 0;
        Must(length > 0 && DnsName.TryDecode(packet.AsSpan(0, length), ref at, out string again) && again == name && at == length,
            "a name is written and read again: " + name);
    }
}
