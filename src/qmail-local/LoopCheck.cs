// Mail that comes round: a message whose header already says that it was delivered to this recipient.
using System;
using System.Globalization;
using Qmta.Control;
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

    /// <summary>How often the line was there.</summary>
    internal int Count { get; private set; }

    /// <summary>The header is over: nothing that follows counts.</summary>
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
            else if (b != line[matched]) matched = b == '\n' ? 0 : -1;
            else if (++matched == line.Length)
            {
                Count++;
                matched = 0;
            }
        }
    }

    /// <summary>
    /// Bounces a message that has been delivered to this recipient before, more often than control/maxdeliveredto says:
    /// 0 when there is no such file, -1 for any number.
    /// </summary>
    /// <exception cref="DeliveryFailure">It has, or it or the control file cannot be read.</exception>
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
        if (check.Count == 0) return;
        int most = MostTimes(ControlFiles.FromEnvironment());
        if (most >= 0 && check.Count > most)
            throw DeliveryFailure.Bounce("This message is looping: it already has my Delivered-To line. (#5.4.6)");
    }

    private static int MostTimes(ControlFiles control)
    {
        const string name = "maxdeliveredto";
        string? line;
        try
        {
            line = control.Line(name);
        }
        catch (PosixException failure)
        {
            throw DeliveryFailure.TryLater("Unable to read control file maxdeliveredto", failure.Errno);
        }
        if (line == null) return 0;
        return int.TryParse(line, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int most) ? most
            : throw DeliveryFailure.TryLater(
                "Uh-oh: " + control.PathOf(name) + " is not a number: " + line + " (#4.3.5)");
    }
}
