// /etc/aliases and the lists it includes (aliases(5)).
using System;
using System.Collections.Generic;
using System.Linq;
using Qmta.Filter;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>What is read are names with instructions; no instruction has a NUL or a line end, and none is a path of its own.</summary>
internal sealed class AliasTarget : Target
{
    internal override string Name => "aliases";
    internal override string[] Words => ["root: ann\n", ":include:/etc/mail/x", "|cat", "\"|cat, a b\"", "\\ann", "/dev/null", "owner-x: ", " ,", "\n\t", "(c)", "@x.example: y\n",
        "<a@b>", "\"", "#", ":", "\0", "\r\n"];
    internal override long Allowance(int length) => (2 << 20) + 2000L * length;

    internal override void Run(byte[] input)
    {
        string text = Text(input);
        try
        {
            int entries = 0;
            foreach (Alias alias in AliasSource.Parse(text, "aliases"))
            {
                entries++;
                Must(alias.Name.Contains('@') && !alias.Name.Any(char.IsAsciiLetterUpper), "a name is an address in small letters");
                Must(alias.Instructions.Count > 0, "an alias leads somewhere");
                foreach (string one in alias.Instructions) Check(one, programs: true);
            }
            Must(entries <= 1 + text.Count(c => c == '\n'), "no alias is invented");
        }
        catch (FormatException) { }
        List<string> included = [];
        _ = AliasSource.Recipients(text.Replace('\n', ','), programs: false, included);
        foreach (string one in included) Check(one, programs: false);
    }

    private static void Check(string one, bool programs)
    {
        Must(one.Length > 0 && one[0] is '|' or '/' or '#' or '&' or '=' && (programs || one[0] != '|'), "an instruction is one of five: " + one);
        Must(!one.Contains('\0') && !one.Contains('\n'), "an instruction is one line");
        if (one[0] is '&' or '=') Must(one.Length is > 1 and <= AliasSource.LongestAddress + 1, "an address is one");
    }
}
