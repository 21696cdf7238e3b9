// What comes before a message is understood: its line ends, and the From_ lines of UUCP.
using System;
using System.Collections.Generic;
using Qmta.Inject;
using Qmta.Posix;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>Line ends become the system's and nothing else changes; what follows From_ lines is left as it was.</summary>
internal sealed class LinesTarget : Target
{
    internal override string Name => "lines";
    internal override string[] Words => ["\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "From a b\n", ">From c!d e remote from f\n", " remote from ", "!", "From ", "x: y\n"];
    internal override long Allowance(int length) => (4 << 20) + 4000L * length;

    internal override void Run(byte[] input)
    {
        string text = Text(input);
        Ends(input, text);
        Origin(input, text);
    }

    private static void Ends(byte[] input, string text)
    {
        Random chance = Chance(input);
        LineEnds ends = new();
        List<byte> converted = [];
        for (int at = 0; at < input.Length;)
        {
            int piece = PieceOf(chance, input.Length - at);
            // Its input never ends between a CR and its LF (MessageInput).
            if (input[at + piece - 1] == '\r' && at + piece < input.Length && input[at + piece] == '\n') piece++;
            byte[] bytes = input[at..(at + piece)];
            converted.AddRange(bytes.AsSpan(0, ends.Convert(bytes)));
            at += piece;
        }
        Must(OnlyReturnsGone(text, Text(converted.ToArray())), "nothing goes but a CR before a LF");
    }

    private static bool OnlyReturnsGone(string before, string after)
    {
        int at = 0;
        for (int i = 0; i < before.Length; i++)
        {
            if (at < after.Length && after[at] == before[i]) at++;
            else if (before[i] != '\r' || i + 1 == before.Length || before[i + 1] != '\n') return false;
        }
        return at == after.Length;
    }

    private static void Origin(byte[] input, string text)
    {
        int fd = Files.Open(Scratch.Write("uucp", input), OpenMode.Read);
        try
        {
            string? path = UucpMail.ReadOrigin(fd, out byte[] rest);
            byte[] tail = new byte[input.Length];
            int n = Files.Read(fd, tail);
            string left = Text(rest) + Text(tail.AsSpan(0, n));
            Must(text.EndsWith(left, StringComparison.Ordinal), "what follows the From_ lines is left");
            Must(path == null == (left.Length == text.Length) || text.Length == 0, "there is a path when there are such lines");
            if (path != null) Must(!UucpMail.Address(path).Contains('\n'), "an address is one line");
        }
        catch (InjectException e) when (e.Failure == Failure.Data) { }
        finally
        {
            _ = Files.Close(fd);
        }
    }
}
