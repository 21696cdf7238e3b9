// Mail that comes round: a message whose header already says that it was delivered to this recipient.
using System;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Local;

/// <summary>
/// Looks for a line in a message's header, however the message is cut into pieces and however long its lines are.
/// Only an exact match counts, letters' case included; the header ends at the first empty line.
/// </summary>
internal sealed class LoopCheck
{
    private readonly byte[] line;
    // How much of the wanted line the current one has matched; -1 when it is another line.
    private int matched;

    /// <param name="line">The whole line, its newline included.</param>
    internal LoopCheck(string line) => this.line = Latin1.Bytes(line);

    internal bool Found { get; private set; }

    /// <summary>Nothing that follows can change the verdict.</summary>
    internal bool Finished { get; private set; }

    /// <summary>Takes the next piece of the message.</summary>
    internal void Take(ReadOnlySpan<byte> piece)
    {
        while (!Finished && !piece.IsEmpty)
        {
            if (matched < 0)
            {
                int newline = piece.IndexOf((byte)'\n');
                if (newline < 0) return;
                piece = piece[(newline + 1)..];
                matched = 0;
                continue;
            }
            byte b = piece[0];
            piece = piece[1..];
            if (b == '\n' && matched == 0) Finished = true;
            else if (b == line[matched]) Finished = Found = ++matched == line.Length;
            else matched = b == '\n' ? 0 : -1;
        }
    }

    /// <summary>Bounces a message that has been delivered to this recipient before.</summary>
    /// <exception cref="DeliveryFailure">It has, or it cannot be read.</exception>
    internal static void Check(MessageFile message, Delivery delivery)
    {
        LoopCheck check = new(delivery.DeliveredTo);
        message.Rewind();
        while (!check.Finished)
        {
            ReadOnlySpan<byte> piece = message.Read();
            if (piece.IsEmpty) break;
            check.Take(piece);
        }
        if (check.Found)
            throw DeliveryFailure.Bounce("This message is looping: it already has my Delivered-To line. (#5.4.6)");
    }
}
