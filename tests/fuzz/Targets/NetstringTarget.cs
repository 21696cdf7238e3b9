// Netstrings, read however they are cut, against a second reading of the same definition.
using System;
using System.Collections.Generic;
using Qmta.Text;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>The same strings come out however they are cut; written again they are the same bytes.</summary>
internal sealed class NetstringTarget : Target
{
    private const int Limit = 2000;

    internal override string Name => "netstring";
    internal override string[] Words => ["0:,", "5:hello,", ":", ",", "00:,", "2000:", "2001:", "99999999999:", "-1:"];

    internal override void Run(byte[] input)
    {
        (List<string> expected, bool broken, int used) = Understand(input);
        foreach (bool whole in (ReadOnlySpan<bool>)[true, false])
        {
            Random chance = Chance(input);
            NetstringReader reader = new(Limit);
            List<string> found = [];
            bool failed = false;
            int at = 0;
            try
            {
                while (at < input.Length)
                {
                    int piece = whole ? input.Length - at : PieceOf(chance, input.Length - at);
                    ReadOnlySpan<byte> bytes = input.AsSpan(at, piece);
                    byte[]? one = reader.Take(ref bytes);
                    at += piece - bytes.Length;
                    if (one != null) found.Add(Text(one));
                    else Must(bytes.IsEmpty, "all bytes are taken while a netstring is incomplete");
                }
            }
            catch (FormatException)
            {
                failed = true;
            }
            MustEqual(string.Join("|", expected), string.Join("|", found), "the strings");
            MustEqual(broken, failed, "whether it is broken");
            if (!failed) MustEqual(used < input.Length, reader.InMiddle, "whether one has begun");
        }
        List<byte> again = [];
        foreach (string one in expected)
        {
            again.AddRange(Netstring.Of(Latin1.Bytes(one)));
            MustEqual(Netstring.LengthOf(one.Length), (long)Netstring.Of(Latin1.Bytes(one)).Length, "the length foretold");
        }
        Must(input.AsSpan().StartsWith([.. again]), "written again they are the same");
    }

    private static (List<string> Strings, bool Broken, int Used) Understand(byte[] input)
    {
        List<string> strings = [];
        int at = 0;
        while (true)
        {
            int length = 0, digits = at;
            for (; digits < input.Length && char.IsAsciiDigit((char)input[digits]); digits++)
            {
                if (digits > at && length == 0) return (strings, true, at);
                length = 10 * length + (input[digits] - '0');
                if (length > Limit) return (strings, true, at);
            }
            if (digits == input.Length) return (strings, false, at);
            if (digits == at || input[digits] != ':') return (strings, true, at);
            int end = digits + 1 + length;
            if (end >= input.Length) return (strings, false, at);
            if (input[end] != ',') return (strings, true, at);
            strings.Add(Text(input.AsSpan(digits + 1, length)));
            at = end + 1;
        }
    }
}
