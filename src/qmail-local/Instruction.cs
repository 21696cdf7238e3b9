// The lines of a .qmail file: one delivery instruction each (dot-qmail(5)).
using System;

namespace Qmta.Local;

/// <summary>What a line of a .qmail file asks for.</summary>
internal enum InstructionKind
{
    /// <summary>Nothing: a comment.</summary>
    Comment,
    /// <summary>Nothing: an empty line, which the first must not be.</summary>
    Blank,
    /// <summary>Append to an mbox file.</summary>
    Mbox,
    /// <summary>Add to a Maildir.</summary>
    Maildir,
    /// <summary>Run a shell command.</summary>
    Program,
    /// <summary>Go on at a label: when the command says so, or always when there is none.</summary>
    Branch,
    /// <summary>Nothing: where a branch goes.</summary>
    Label,
    /// <summary>Take environment variables for programs from a directory.</summary>
    Environment,
    /// <summary>Send to another address.</summary>
    Forward,
    /// <summary>"+list": what follows may only forward.</summary>
    ForwardsOnly,
    /// <summary>Something that has no meaning here and that must not be guessed at.</summary>
    Unknown,
}

/// <summary>One instruction; its texts lie in the file's bytes.</summary>
internal readonly ref struct Instruction
{
    private Instruction(InstructionKind kind, ReadOnlySpan<byte> text, ReadOnlySpan<byte> label = default)
    {
        Kind = kind;
        Text = text;
        Label = label;
    }

    internal InstructionKind Kind { get; }

    /// <summary>The path, command or address. The command of a branch may be empty.</summary>
    internal ReadOnlySpan<byte> Text { get; }

    /// <summary>The label of a branch or a label line; may be empty.</summary>
    internal ReadOnlySpan<byte> Label { get; }

    /// <summary>Whether following it runs a program of the user's.</summary>
    internal bool RunsProgram =>
        Kind == InstructionKind.Program || (Kind == InstructionKind.Branch && !Text.IsEmpty);

    /// <summary>Understands one line, its newline not included.</summary>
    internal static Instruction Parse(ReadOnlySpan<byte> line)
    {
        line = line[..(line.LastIndexOfAnyExcept((byte)' ', (byte)'\t') + 1)];
        if (line.IsEmpty) return new(InstructionKind.Blank, line);
        if (line[0] == '#') return new(InstructionKind.Comment, line);
        // No path, command or address can hold a NUL, and what stands before one is not what was meant.
        if (line.Contains((byte)0)) return new(InstructionKind.Unknown, line);
        switch ((char)line[0])
        {
            case '.' or '/': return new(line[^1] == '/' ? InstructionKind.Maildir : InstructionKind.Mbox, line);
            case '|': return new(InstructionKind.Program, line[1..]);
            case '?': return Labelled(InstructionKind.Branch, line[1..]);
            case ':': return Labelled(InstructionKind.Label, line[1..]);
            case '%' when line.Length > 1: return new(InstructionKind.Environment, WithoutBlanks(line[1..]));
            case '&' when line.Length > 1: return new(InstructionKind.Forward, line[1..]);
            case '+' when line.SequenceEqual("+list"u8): return new(InstructionKind.ForwardsOnly, line);
            // To mail to these as to addresses would be worse than to wait.
            case '&' or '+' or '%': return new(InstructionKind.Unknown, line);
            default: return new(InstructionKind.Forward, line);
        }
    }

    /// <summary>Takes the next line off the front of a file's text; a missing last newline does not matter.</summary>
    internal static Instruction Next(ref ReadOnlySpan<byte> text)
    {
        int end = text.IndexOf((byte)'\n');
        ReadOnlySpan<byte> line = end < 0 ? text : text[..end];
        text = end < 0 ? [] : text[(end + 1)..];
        return Parse(line);
    }

    private static Instruction Labelled(InstructionKind kind, ReadOnlySpan<byte> line)
    {
        int end = line.IndexOfAny((byte)' ', (byte)'\t');
        return end < 0 ? new(kind, [], line) : new(kind, WithoutBlanks(line[end..]), line[..end]);
    }

    private static ReadOnlySpan<byte> WithoutBlanks(ReadOnlySpan<byte> text)
    {
        int start = text.IndexOfAnyExcept((byte)' ', (byte)'\t');
        return start < 0 ? [] : text[start..];
    }
}
