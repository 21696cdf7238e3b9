// A command in a variable, split into words without a shell: QMAILQUEUE and its like.
using System;
using System.Collections.Generic;

namespace Qmta.Text;

/// <summary>Splits commands as indimail-mta does.</summary>
public static class CommandWords
{
    /// <summary>
    /// The words between blanks. A word in single or double quotes holds what is between them, blanks too; a word $NAME is
    /// the value of that variable, whole, and none when it is not set.
    /// </summary>
    /// <param name="command">The command.</param>
    /// <param name="variable">The value of a variable, or null.</param>
    public static List<string> Split(string command, Func<string, string?> variable)
    {
        List<string> words = [];
        for (int at = 0; at < command.Length;)
        {
            char c = command[at];
            if (c is ' ' or '\t' or '\n')
            {
                at++;
                continue;
            }
            int end = c is '"' or '\'' ? command.IndexOf(c, at + 1) : -1;
            if (end > 0)
            {
                words.Add(command[(at + 1)..end]);
                at = end + 1;
                continue;
            }
            int length = command.AsSpan(at).IndexOfAny(" \t\n");
            string word = length < 0 ? command[at..] : command[at..(at + length)];
            at += word.Length;
            if (word[0] != '$' || word.Length == 1) words.Add(word);
            else if (variable(word[1..]) is string value) words.Add(value);
        }
        return words;
    }
}
