// Wildcards of control files: *, ? and sets in brackets, as wildmat has them.
using System;

namespace Qmta.Text;

/// <summary>
/// Matches whole texts. * stands for any characters, ? for any one, [abx-z] for one of a set, [^abx-z] for one that is not
/// in it; \ takes the meaning from the next character. Letters' case does not matter.
/// </summary>
public static class Wildcard
{
    /// <summary>Whether the pattern is the whole text's. Takes time in proportion to both lengths at most.</summary>
    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> text)
    {
        int p = 0, t = 0, star = -1, from = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                star = ++p;
                from = t;
            }
            else if (p < pattern.Length && One(pattern[p..], text[t], out int length))
            {
                p += length;
                t++;
            }
            else if (star >= 0)
            {
                // The last star takes one more; no earlier one could do better.
                p = star;
                t = ++from;
            }
            else return false;
        }
        while (p < pattern.Length && pattern[p] == '*') p++;
        return p == pattern.Length;
    }

    // Whether the pattern's first element, of that length, stands for the character.
    private static bool One(ReadOnlySpan<char> pattern, char c, out int length)
    {
        length = 1;
        switch (pattern[0])
        {
            case '?':
                return true;
            case '\\' when pattern.Length > 1:
                length = 2;
                return Same(pattern[1], c);
            case '[' when End(pattern) is int end and > 0:
                length = end + 1;
                return InSet(pattern[1..end], c);
            default:
                return Same(pattern[0], c);
        }
    }

    // Where the set ends: a bracket that comes first, after ^ perhaps, is one of its characters. 0 when it has no end.
    private static int End(ReadOnlySpan<char> pattern)
    {
        int first = pattern.Length > 1 && pattern[1] == '^' ? 2 : 1;
        if (first >= pattern.Length) return 0;
        int end = pattern[(first + 1)..].IndexOf(']');
        return end < 0 ? 0 : first + 1 + end;
    }

    private static bool InSet(ReadOnlySpan<char> set, char c)
    {
        bool inverted = set[0] == '^' && set.Length > 1;
        if (inverted) set = set[1..];
        bool found = false;
        for (int i = 0; i < set.Length; i++)
        {
            if (i + 2 < set.Length && set[i + 1] == '-')
            {
                found |= Between(set[i], c, set[i + 2]);
                i += 2;
            }
            else found |= Same(set[i], c);
        }
        return found != inverted;
    }

    private static bool Between(char low, char c, char high) =>
        c >= low && c <= high || Lower(c) >= low && Lower(c) <= high || Upper(c) >= low && Upper(c) <= high;

    private static bool Same(char a, char b) => Lower(a) == Lower(b);

    private static char Lower(char c) => c is >= 'A' and <= 'Z' ? (char)(c | 0x20) : c;

    private static char Upper(char c) => c is >= 'a' and <= 'z' ? (char)(c & ~0x20) : c;
}
