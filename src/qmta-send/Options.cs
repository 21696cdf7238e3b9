// The command line of qmta-send(8): clustered letters as qmail's users write them, then words.
using System;
using System.Collections.Generic;
using Qmta.Queue;

namespace Qmta.Send;

/// <summary>What the command line asks for.</summary>
internal sealed record Options
{
    /// <summary>-d: stay and deliver until told to stop.</summary>
    internal bool Daemon { get; private set; }
    /// <summary>-s: number of sub-directories; null for CONFSPLIT or the default.</summary>
    internal int? Split { get; private set; }
    /// <summary>-l: deliver locally through the qmail-lspawn in PATH.</summary>
    internal bool ForeignLocal { get; private set; }
    /// <summary>-r: deliver remotely through the qmail-rspawn in PATH.</summary>
    internal bool ForeignRemote { get; private set; }
    /// <summary>-c: clean up through the qmail-clean in PATH.</summary>
    internal bool ForeignClean { get; private set; }
    /// <summary>-f: repair the queue first.</summary>
    internal bool Fix { get; private set; }
    /// <summary>-b: todo and intd are split.</summary>
    internal bool BigTodo { get; private set; }
    /// <summary>--requests: do what the operator asked for, and deliver nothing.</summary>
    internal bool Requests { get; private set; }
    internal bool Help { get; private set; }
    internal bool Version { get; private set; }
    /// <summary>First word: the delivery instructions for users without any; null for the control file's.</summary>
    internal string? DefaultDelivery { get; private set; }
    /// <summary>Further words: the command that gets the log on its standard input; empty for standard error.</summary>
    internal string[] Logger { get; private set; } = [];

    internal const string Usage = "usage: qmta-send [-dlrcfb] [-s split] [defaultdelivery [logger arg ...]]\n       qmta-send --requests";

    /// <exception cref="FormatException">The line is not of that form; the message says why.</exception>
    internal static Options Parse(ReadOnlySpan<string> arguments)
    {
        Options options = new();
        int at = 0;
        while (at < arguments.Length && arguments[at].Length > 1 && arguments[at][0] == '-')
        {
            string word = arguments[at++];
            if (word == "--") break;
            if (word == "--help") options.Help = true;
            else if (word == "--version") options.Version = true;
            else if (word == "--requests") options.Requests = true;
            else at = options.TakeLetters(word, arguments, at);
        }
        if (at < arguments.Length) options.DefaultDelivery = arguments[at++];
        options.Logger = arguments[at..].ToArray();
        return options;
    }

    private int TakeLetters(string word, ReadOnlySpan<string> arguments, int at)
    {
        for (int i = 1; i < word.Length; i++)
            switch (word[i])
            {
                case 'd': Daemon = true; break;
                case 'l': ForeignLocal = true; break;
                case 'r': ForeignRemote = true; break;
                case 'c': ForeignClean = true; break;
                case 'f': Fix = true; break;
                case 'b': BigTodo = true; break;
                case 's':
                    string? value = i + 1 < word.Length ? word[(i + 1)..] : at < arguments.Length ? arguments[at++] : null;
                    Split = QueueLayout.ParseSplit(value) ?? throw new FormatException("-s needs a number from 1 to 10000");
                    return at;
                default: throw new FormatException($"unknown option -{word[i]}");
            }
        return at;
    }
}
