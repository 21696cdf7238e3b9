// Rules that set variables, patterns, commands split into words, and extra headers (mail-environment(7)).
using System;
using System.Collections.Generic;
using System.IO;
using Qmta.Control;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>
/// Rules are understood or refused with a sentence, and name variables that can be set. A wildcard matches what a second
/// reading of it matches. No word of a command is invented. What is accepted as an extra header cannot end the header, and
/// is accepted again as it is.
/// </summary>
internal sealed class RulesTarget : Target
{
    private readonly ControlFiles control = new(Scratch.Folder("rules"));

    internal override string Name => "rules";
    internal override string[] Words => ["*@example.org:", "NAME=value", ",", "\\,", "<>:", "[a-z]", "[^a]", "?", "*", "\\", "X-Extra: ", "\n\t", "\r\n",
        "'a b'", "\"", "$HOME ", "qmail-queue", "\n#"];

    internal override void Run(byte[] input)
    {
        string text = Text(input);
        Rules(input);
        Header(text);
        int longest = 0;
        foreach (string word in CommandWords.Split(text, static _ => null)) longest += word.Length;
        Must(longest <= text.Length, "no word is invented");
        int middle = Math.Min(text.Length / 2, 30);
        string pattern = text[..middle], name = text.Substring(middle, Math.Min(text.Length - middle, 30));
        MustEqual(Plainly(pattern, name), Wildcard.Matches(pattern, name), "a wildcard means what it says: " + pattern + " for " + name);
        Must(!Wildcard.Matches(pattern, name) || Wildcard.Matches("*" + pattern, "x" + name), "a star takes what is before");
    }

    private void Rules(byte[] input)
    {
        File.WriteAllBytes(control.PathOf("from.envrules"), input);
        try
        {
            EnvironmentRules rules = EnvironmentRules.Read(control, "from.envrules", "QMTA_FUZZ_RULES");
            foreach (string address in (string[])["", "joe@example.org", "a"])
                foreach ((string variable, string? value) in rules.For(address))
                    Must(variable.Length > 0 && !variable.Contains('=') && value != "" && !(variable + value).Contains('\0'), "a rule sets a variable");
        }
        catch (FormatException refused)
        {
            Must(refused.Message.Contains("no rule", StringComparison.Ordinal) && refused.Message.Length < 10 * input.Length + 1000, "a refusal is a sentence");
        }
    }

    private static void Header(string text)
    {
        if (ExtraHeader.Lines(text) is not string lines || lines.Length == 0) return;
        Must(lines[^1] == '\n' && lines.Length <= ExtraHeader.Longest && lines[0] is not ('\n' or ' ' or '\t'), "header lines are lines");
        Must(!lines.Contains("\n\n", StringComparison.Ordinal) && !lines.Contains('\r') && !lines.Contains('\0'), "nothing ends the header");
        MustEqual(lines, ExtraHeader.Lines(lines), "an extra header is one again");
    }

    // The definition, word by word, with memory of what was tried.
    private static bool Plainly(string pattern, string text)
    {
        Dictionary<(int, int), bool> known = [];
        return From(0, 0);

        bool From(int p, int t)
        {
            if (known.TryGetValue((p, t), out bool answer)) return answer;
            return known[(p, t)] = Find(p, t);
        }

        bool Find(int p, int t)
        {
            if (p == pattern.Length) return t == text.Length;
            if (pattern[p] == '*') return From(p + 1, t) || t < text.Length && From(p, t + 1);
            if (t == text.Length) return false;
            if (pattern[p] == '?') return From(p + 1, t + 1);
            if (pattern[p] == '\\' && p + 1 < pattern.Length) return Fold(pattern[p + 1]) == Fold(text[t]) && From(p + 2, t + 1);
            int first = p + 1 < pattern.Length && pattern[p + 1] == '^' ? p + 2 : p + 1;
            int end = pattern[p] == '[' && first + 1 <= pattern.Length ? pattern.IndexOf(']', Math.Min(first + 1, pattern.Length)) : -1;
            if (end < 0) return Fold(pattern[p]) == Fold(text[t]) && From(p + 1, t + 1);
            bool found = false;
            for (int i = first; i < end; i++)
            {
                if (i + 2 < end && pattern[i + 1] == '-')
                {
                    foreach (char c in (char[])[text[t], Fold(text[t]), char.IsAsciiLetterLower(text[t]) ? (char)(text[t] - 32) : text[t]])
                        found |= c >= pattern[i] && c <= pattern[i + 2];
                    i += 2;
                }
                else found |= Fold(pattern[i]) == Fold(text[t]);
            }
            return found != (first == p + 2) && From(end + 1, t + 1);
        }
    }

    private static char Fold(char c) => char.IsAsciiLetterUpper(c) ? (char)(c + 32) : c;
}
