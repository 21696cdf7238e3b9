// preline: puts the lines in front of the message that programs want which know nothing of qmail (preline(1)).
using System;
using Qmta.Posix;

namespace Qmta.Filter;

internal static class Preline
{
    internal const string Usage = "preline [-defr] program [argument ...]";

    internal static int Run(string[] arguments)
    {
        bool from = true, returnPath = true, deliveredTo = true, extra = true;
        int index = 0;
        for (; index < arguments.Length && arguments[index] is ['-', _, ..] option; index++)
        {
            if (option == "--")
            {
                index++;
                break;
            }
            foreach (char letter in option.AsSpan(1))
                switch (letter)
                {
                    case 'd': deliveredTo = false; break;
                    case 'e': extra = false; break;
                    case 'f': from = false; break;
                    case 'r': returnPath = false; break;
                    default: throw Program.UsageError(Usage);
                }
        }
        ReadOnlySpan<string> command = arguments.AsSpan(index);
        if (command.IsEmpty) throw Program.UsageError(Usage);
        string lines = (from ? Incoming.Variable("UFLINE") : "") + (returnPath ? Incoming.Variable("RPLINE") : "")
            + (deliveredTo ? Incoming.Variable("DTLINE") : "") + (extra ? ExtraLines() : "");
        Incoming.Rewind();
        return Child.RunWith(lines, command);
    }

    private static string ExtraLines()
    {
        string lines = Variables.Get("QQEH") ?? "";
        return lines.Length == 0 || lines[^1] == '\n' ? lines : lines + "\n";
    }
}
