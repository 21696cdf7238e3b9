// The message in SMTP: dots stuffed and unstuffed, and its end where it is and nowhere else (RFC 5321 4.5.2).
using System;
using System.Collections.Generic;
using Qmta.Smtp;
using Qmta.Text;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>
/// What is sent ends once, at its end, and is received as it was, but for what SMTP cannot carry; what is received does not
/// depend on how it is cut, and only CR LF, dot, CR LF ends it.
/// </summary>
internal sealed class DotsTarget : Target
{
    internal override string Name => "dots";
    internal override string[] Words => [".\r\n", "\r\n.\r\n", "\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "..", "\r\r\n", "\n", "\r", "\r\n..\r\n"];

    internal override void Run(byte[] input)
    {
        string sent = Send(input);
        MustEqual(sent.Length - 3, ("\r\n" + sent).IndexOf("\r\n.\r\n", StringComparison.Ordinal), "it ends once, at its end");
        Must(!sent.Replace("\r\n", "").Contains('\r') && !sent.Replace("\r\n", "").Contains('\n'), "no bare CR or LF is sent");
        foreach (BareLineFeed bare in new[] { BareLineFeed.Refused, BareLineFeed.EndsLine, BareLineFeed.EndsMessage })
        {
            (string received, int used, bool ended, _) = Receive(Latin1.Bytes(sent + "QUIT\r\n"), bare);
            Must(ended && used == sent.Length, "it is received up to its end and no further");
            MustEqual(Storable(Text(input)), received, "it is received as it was");
            (string one, int oneUsed, bool oneEnded, bool oneRefused) = Receive(input, bare, whole: true);
            (string other, int otherUsed, bool otherEnded, bool otherRefused) = Receive(input, bare);
            Must(one == other && oneUsed == otherUsed && oneEnded == otherEnded && oneRefused == otherRefused, "receiving does not depend on the cuts");
            if (bare == BareLineFeed.EndsMessage) continue;
            int end = ("\r\n" + Text(input)).IndexOf("\r\n.\r\n", StringComparison.Ordinal);
            if (oneEnded) MustEqual(end + 3, oneUsed, "only CR LF, dot, CR LF ends it");
            else if (bare == BareLineFeed.EndsLine) MustEqual(-1, end, "CR LF, dot, CR LF ends it");
        }
    }

    // LF is the line end in the queue, a CR before it belongs to it, any other CR is a space, and the last line has its end.
    private static string Storable(string text)
    {
        text = text.Replace("\r\n", "\n").Replace('\r', ' ');
        return text.Length == 0 || text[^1] == '\n' ? text : text + "\n";
    }

    private static string Send(byte[] input)
    {
        Random chance = Chance(input);
        DotStuffing stuffing = default;
        List<byte> sent = [];
        for (int at = 0; at < input.Length;)
        {
            int piece = PieceOf(chance, input.Length - at);
            byte[] to = new byte[DotStuffing.Room(piece)];
            sent.AddRange(to.AsSpan(0, stuffing.Convert(input.AsSpan(at, piece), to)));
            at += piece;
        }
        byte[] end = new byte[DotStuffing.EndRoom];
        sent.AddRange(end.AsSpan(0, stuffing.End(end)));
        return Latin1.String([.. sent]);
    }

    private static (string Message, int Used, bool Ended, bool Refused) Receive(byte[] input, BareLineFeed bare, bool whole = false)
    {
        Random chance = Chance(input);
        DotUnstuffing unstuffing = new(bare);
        List<byte> message = [];
        int at = 0;
        while (at < input.Length && !unstuffing.Ended && !unstuffing.Refused)
        {
            int piece = whole ? input.Length - at : PieceOf(chance, input.Length - at);
            byte[] to = new byte[DotUnstuffing.Room(piece)];
            message.AddRange(to.AsSpan(0, unstuffing.Convert(input.AsSpan(at, piece), to, out int consumed)));
            Must(consumed == piece || unstuffing.Ended || unstuffing.Refused, "all is taken up to the end");
            at += consumed;
        }
        return (Latin1.String([.. message]), at, unstuffing.Ended, unstuffing.Refused);
    }
}
