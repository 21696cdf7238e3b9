// New inputs from old ones: bytes, words, numbers, lines and records are changed, repeated, removed, moved and mixed.
using System;
using System.Collections.Generic;
using Qmta.Text;

namespace Qmta.Tests.Fuzz;

/// <summary>Changes inputs; what it makes depends on the random numbers alone.</summary>
internal sealed class Mutator(IReadOnlyList<byte[]> corpus, string[] words, int longest)
{
    private static readonly byte[] Signs = "\0\n\r\t \"\\()<>@,;:.[]{}=+-*&|%?!#/'0198\x7f\x80\xff"u8.ToArray();
    private static readonly string[] Numbers =
        ["0", "1", "00", "01", "-1", "9", "10", "99", "255", "256", "32767", "65535", "65536", "2147483647", "2147483648", "4294967295",
            "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551616", "99999999999999999999999999"];
    private static readonly byte[] Delimiters = "\n\0, :;"u8.ToArray();

    internal byte[] Next(Random chance)
    {
        List<byte> bytes = [.. corpus[chance.Next(corpus.Count)]];
        for (int n = 1 + chance.Next(chance.Next(1, 8)); n > 0; n--) Change(bytes, chance);
        if (bytes.Count > longest) bytes.RemoveRange(longest, bytes.Count - longest);
        return [.. bytes];
    }

    private void Change(List<byte> bytes, Random chance)
    {
        int at = chance.Next(bytes.Count + 1);
        int length = bytes.Count == at ? 0 : 1 + chance.Next(Math.Min(bytes.Count - at, chance.Next(4) == 0 ? 400 : 12));
        switch (chance.Next(14))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << chance.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = Signs[chance.Next(Signs.Length)];
                break;
            case 2:
                bytes.Insert(at, Signs[chance.Next(Signs.Length)]);
                break;
            case 3:
                bytes.RemoveRange(at, length);
                break;
            case 4:
                Repeat(bytes, at, length, chance.Next(5) == 0 ? chance.Next(300) : 1);
                break;
            case 5:
                byte[] moved = [.. bytes.GetRange(at, length)];
                bytes.RemoveRange(at, length);
                bytes.InsertRange(chance.Next(bytes.Count + 1), moved);
                break;
            case 6:
                byte[] other = corpus[chance.Next(corpus.Count)];
                int from = chance.Next(other.Length + 1);
                bytes.RemoveRange(at, bytes.Count - at);
                bytes.AddRange(other.AsSpan(from));
                break;
            case 7 or 8 when words.Length > 0:
                bytes.InsertRange(at, Latin1.Bytes(words[chance.Next(words.Length)]));
                break;
            case 9:
                Number(bytes, at, chance);
                break;
            case 10:
                Record(bytes, at, chance);
                break;
            case 11:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 12:
                Binary(bytes, at, chance);
                break;
            default:
                for (int i = chance.Next(9); i > 0; i--) bytes.Insert(at, (byte)chance.Next(256));
                break;
        }
    }

    private void Repeat(List<byte> bytes, int at, int length, int times)
    {
        byte[] piece = [.. bytes.GetRange(at, length)];
        for (; times > 0 && bytes.Count < longest; times--) bytes.InsertRange(at, piece);
    }

    // The decimal number at or after a position gives way to another.
    private static void Number(List<byte> bytes, int at, Random chance)
    {
        while (at < bytes.Count && !char.IsAsciiDigit((char)bytes[at])) at++;
        int end = at;
        while (end < bytes.Count && char.IsAsciiDigit((char)bytes[end])) end++;
        if (end == at) return;
        string old = Latin1.String([.. bytes.GetRange(at, end - at)]);
        string number = chance.Next(3) switch
        {
            0 when long.TryParse(old, out long value) => (value + chance.Next(-2, 3)).ToString(),
            1 => old + chance.Next(10),
            _ => Numbers[chance.Next(Numbers.Length)],
        };
        bytes.RemoveRange(at, end - at);
        bytes.InsertRange(at, Latin1.Bytes(number));
    }

    // The record around a position, up to the next delimiter on both sides, is removed, doubled or moved.
    private static void Record(List<byte> bytes, int at, Random chance)
    {
        byte delimiter = Delimiters[chance.Next(Delimiters.Length)];
        int start = at == 0 ? 0 : bytes.LastIndexOf(delimiter, at - 1) + 1;
        int end = at == bytes.Count ? -1 : bytes.IndexOf(delimiter, at);
        end = end < 0 ? bytes.Count : end + 1;
        if (end <= start) return;
        byte[] record = [.. bytes.GetRange(start, end - start)];
        if (chance.Next(3) != 0) bytes.RemoveRange(start, end - start);
        if (chance.Next(3) != 0) bytes.InsertRange(chance.Next(bytes.Count + 1), record);
        else bytes.InsertRange(Math.Min(start, bytes.Count), record);
    }

    private static void Binary(List<byte> bytes, int at, Random chance)
    {
        int width = 1 << chance.Next(3);
        if (at + width > bytes.Count) return;
        long value = chance.Next(6) switch
        {
            0 => 0,
            1 => -1,
            2 => 1L << chance.Next(32),
            3 => (1L << chance.Next(32)) - 1,
            4 => bytes.Count + chance.Next(-4, 5),
            _ => chance.Next(1024),
        };
        bool little = chance.Next(2) == 0;
        for (int i = 0; i < width; i++) bytes[at + (little ? i : width - 1 - i)] = (byte)(value >> 8 * i);
    }
}
