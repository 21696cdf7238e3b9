// How a message looks inside an mbox: ">" in front of each line that could be taken for a separator (mbox(5)).
using System;
using Qmta.Posix;

namespace Qmta.Mailbox;

/// <summary>
/// Writes a message so that no line of it begins with "From ": such lines, and those where it follows any number of
/// ">", get one more ">". Lines may be of any length; nothing but a few bytes is held back.
/// </summary>
public sealed class MboxQuoting(ByteWriter output)
{
    private static ReadOnlySpan<byte> Separator => "From "u8;

    // How much of the separator the current line has shown after its ">"s, all held back; -1: it is another line.
    private int matched;
    private bool lineEnded = true;

    /// <summary>Writes the next piece of the message.</summary>
    /// <exception cref="PosixException">Writing failed.</exception>
    public void Put(ReadOnlySpan<byte> piece)
    {
        while (!piece.IsEmpty)
        {
            if (matched < 0)
            {
                int newline = piece.IndexOf((byte)'\n');
                int length = newline < 0 ? piece.Length : newline + 1;
                output.Put(piece[..length]);
                piece = piece[length..];
                lineEnded = newline >= 0;
                if (lineEnded) matched = 0;
            }
            else if (piece[0] == Separator[matched])
            {
                piece = piece[1..];
                lineEnded = false;
                if (++matched == Separator.Length)
                {
                    output.Put((byte)'>');
                    Release();
                }
            }
            else if (piece[0] == '>' && matched == 0)
            {
                // One more ">" is the same wherever it stands among them.
                output.Put((byte)'>');
                piece = piece[1..];
                lineEnded = false;
            }
            else Release();
        }
    }

    /// <summary>Ends the message: its last line gets a newline if it has none, and an empty line follows.</summary>
    /// <exception cref="PosixException">Writing failed.</exception>
    public void End()
    {
        Release();
        if (!lineEnded) output.Put((byte)'\n');
        output.Put((byte)'\n');
    }

    private void Release()
    {
        if (matched > 0) output.Put(Separator[..matched]);
        matched = -1;
    }
}
