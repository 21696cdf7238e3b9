// The lines of .qmail files (dot-qmail(5)).
using System;
using System.Collections.Generic;
using System.Linq;
using Qmta.Local;
using Qmta.Text;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>
/// Each line is one instruction, its text is part of it, and written down again it is the same; the names under which an
/// address's file may be never leave the home directory.
/// </summary>
internal sealed class DotQmailTarget : Target
{
    internal override string Name => "dot-qmail";
    internal override string[] Words => ["./Maildir/\n", "./Mailbox\n", "|cat\n", "&joe@example.net\n", "#x\n", "+list\n", "?label test\n", ":label\n",
        "%env\n", " \n", "\t", "\0", "joe\n", "/\n", "..", "-", "default", "/", ".qmail"];

    internal override void Run(byte[] input)
    {
        ReadOnlySpan<byte> rest = input;
        int lines = 0;
        while (!rest.IsEmpty)
        {
            int length = rest.Length, end = rest.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? rest : rest[..end];
            Instruction one = Instruction.Next(ref rest);
            lines++;
            Must(rest.Length == length - line.Length - (end < 0 ? 0 : 1), "one line is taken");
            Check(line, one);
        }
        MustEqual(input.Count(b => b == '\n') + (input.Length > 0 && input[^1] != '\n' ? 1 : 0), lines, "as many instructions as lines");

        string ext = Text(input.AsSpan(0, Math.Min(input.Length, 200)));
        int names = 0;
        foreach (DotQmailName name in DotQmail.Names("-", ext))
        {
            names++;
            Must(name.File.StartsWith(".qmail-", StringComparison.Ordinal) && !name.File[7..].Contains('.'), "no name has a dot in its extension: " + name.File);
            Must(name.Default == null || ext.EndsWith(name.Default, StringComparison.Ordinal), "what default stands for is the address's end");
        }
        MustEqual(2 + ext.Count(c => c == '-'), names, "a name, one for each dash and the last");
    }

    private static void Check(ReadOnlySpan<byte> line, Instruction one)
    {
        string trimmed = Text(line).TrimEnd(' ', '\t'), text = Text(one.Text), label = Text(one.Label);
        Must(one.Kind is InstructionKind.Comment or InstructionKind.Blank or InstructionKind.Unknown || !trimmed.Contains('\0'), "nothing that is followed has a NUL");
        switch (one.Kind)
        {
            case InstructionKind.Blank: Must(trimmed.Length == 0, "a blank line is blank"); break;
            case InstructionKind.Program: MustEqual(trimmed, "|" + text, "a command"); break;
            case InstructionKind.Mbox or InstructionKind.Maildir:
                MustEqual(trimmed, text, "a path");
                Must(text.EndsWith('/') == (one.Kind == InstructionKind.Maildir) && text[0] is '.' or '/', "a path is a path");
                break;
            case InstructionKind.Forward:
                Must(text.Length > 0 && (trimmed == text || trimmed == "&" + text), "an address is all of the line");
                break;
            case InstructionKind.Branch or InstructionKind.Label:
                Must(!label.Contains(' ') && !label.Contains('\t') && trimmed[1..].StartsWith(label, StringComparison.Ordinal)
                    && trimmed.EndsWith(text, StringComparison.Ordinal), "a label and a command");
                break;
        }
    }
}
