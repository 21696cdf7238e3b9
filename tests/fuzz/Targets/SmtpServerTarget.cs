// The server's side of SMTP, whatever a client says (mini-smtpd(8)).
using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;
using Qmta.Reception;
using Qmta.Smtp;
using Qmta.Text;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>
/// Everything the server says is a reply, no more than one to a line; what it says is queued is queued, and nothing else;
/// each message ended where the client ended it, and went to those who were accepted by RCPT and to nobody else.
/// </summary>
internal sealed class SmtpServerTarget : Target
{
    internal override string Name => "smtp-server";
    internal override string[] Words => ["EHLO x\r\n", "HELO x\r\n", "MAIL FROM:<a@b>\r\n", "RCPT TO:<c@d>\r\n", "DATA\r\n", "\r\n.\r\n", "RSET\r\n", "QUIT\r\n", "NOOP\r\n",
        " SIZE=10", " BODY=8BITMIME", " SMTPUTF8", "<@a,@b:c@d>", "\"x y\"", "\\", "\n", "\r\n", "\n.\n", "\n.\r\n", "\r.\r\n", "VRFY x\r\n", "AUTH PLAIN AGFubgBwdw==\r\n", "AUTH LOGIN\r\n", "AUTH CRAM-MD5\r\n", "*\r\n", "STARTTLS\r\n", "<>", "Received: x\r\n"];
    internal override int Longest => 20000;
    internal override long Allowance(int length) => (8 << 20) + 4000L * length;

    private readonly SessionFactory begin = ServedClient.Prepare(SmtpService.Service);

    internal override void Run(byte[] input)
    {
        _ = QueuedMessages.Take();
        string said = ServedClient.Serve(input, Chance(input), begin);
        List<SmtpReply> replies = Replies(said);
        string text = Text(input);
        // The greeting, one for each line, one for a message, one for a line without an end.
        Must(replies.Count <= 2 + 2 * text.Count(c => c == '\n') + text.Length / 16384, "no more replies than commands");
        List<Queued> queued = QueuedMessages.Take();
        int accepted = replies.Count(reply => Regex.IsMatch(reply.Text, "^250 (2[.]6[.]0 )?ok [0-9]+ qp [0-9]+"));
        MustEqual(accepted, queued.Count, "what is said to be queued is queued, and nothing else");
        Must(queued.Count <= Regex.Count(text, "(?<=\n)\\.\r\n|^\\.\r\n"), "each message has its own end");
        Envelopes(text, replies, queued);
    }

    private static List<SmtpReply> Replies(string said)
    {
        SmtpReplyParser parser = new();
        List<SmtpReply> replies = [];
        ReadOnlySpan<byte> bytes = Latin1.Bytes(said);
        while (!bytes.IsEmpty)
            if (parser.Take(ref bytes) is SmtpReply reply) replies.Add(reply);
        Must(said.EndsWith("\r\n", StringComparison.Ordinal) && !said.Replace("\r\n", "").Contains('\n'), "replies end in CR LF");
        return replies;
    }

    // The dialogue once more, from what was said on both sides.
    private static void Envelopes(string text, List<SmtpReply> replies, List<Queued> queued)
    {
        int at = 0, next = 1, message = 0;
        string sender = "";
        List<string> recipients = [];
        while (at < text.Length && next < replies.Count)
        {
            int end = text.IndexOf('\n', at);
            if (end < 0) break;
            string line = text[at..(end > at && text[end - 1] == '\r' ? end - 1 : end)];
            at = end + 1;
            SmtpReply reply = replies[next++];
            string verb = Latin1.Lower(line.Split(' ')[0]);
            if (verb is "helo" or "ehlo" or "rset") recipients.Clear();
            if (verb == "mail" && reply.IsPositive)
            {
                recipients.Clear();
                sender = Path(line);
            }
            if (verb == "rcpt" && reply.IsPositive) recipients.Add(Path(line));
            if (verb != "data" || reply.Code != 354) continue;
            int dot = text.AsSpan(at).StartsWith(".\r\n") ? at : text.IndexOf("\r\n.\r\n", at, StringComparison.Ordinal) is int found and >= 0 ? found + 2 : text.Length;
            string data = text[at..dot];
            at = Math.Min(text.Length, dot + 3);
            if (next == replies.Count) return;
            reply = replies[next++];
            if (reply.Text.Contains("qp ", StringComparison.Ordinal) && reply.IsPositive)
            {
                Queued one = queued[message++];
                MustEqual(sender, one.Sender, "the sender");
                MustEqual(string.Join("|", recipients), string.Join("|", one.Recipients), "the recipients");
                string stored = Regex.Replace(data.Replace("\r\n", "\n"), "(?m)^\\.", "");
                Must(!data.Replace("\r\n", "").Contains('\n'), "a bare LF is not accepted");
                int body = one.Message.IndexOf(';');
                Must(one.Message.StartsWith("Received: ", StringComparison.Ordinal) && body > 0 && one.Message.EndsWith("\n" + stored, StringComparison.Ordinal),
                    "the message is as it was sent");
            }
            recipients.Clear();
        }
        MustEqual(message, queued.Count, "every message belongs to a transaction");
    }

    private static string Path(string line)
    {
        int colon = line.IndexOf(':');
        string address = "";
        Must(colon > 0 && EnvelopePath.TryRead(line[(colon + 1)..].Trim(' '), out address, out _), "an accepted path is one");
        return address;
    }
}
