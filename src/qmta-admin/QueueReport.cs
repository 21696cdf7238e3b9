// The queue as people and programs read it: qmta queue list and show, qmail-qread, qmail-qstat.
using System;
using System.Collections.Generic;
using System.Text;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Admin;

internal static class QueueReport
{
    // Written in pieces of about this many characters: a queue of any length costs no more.
    private const int Piece = 16384;

    /// <summary>Every message with its recipients, and why each of them waits.</summary>
    internal static int List(IEnumerable<ListedMessage> messages, long now)
    {
        StringBuilder text = new();
        long count = 0;
        foreach (ListedMessage message in messages)
        {
            if (count++ > 0) text.Append('\n');
            Describe(message, now, text);
            if (text.Length > Piece && !Flush(text)) return 111;
        }
        text.Append(count == 0 ? "The queue is empty.\n" : count > 1 ? $"\n{count} messages\n" : "");
        return Flush(text) ? 0 : 111;
    }

    private static void Describe(ListedMessage message, long now, StringBuilder text)
    {
        text.Append(message.Id).Append("  ").Append(Dates.Rfc5322(message.Arrival)).Append(" (").Append(Spans.Of(now - message.Arrival))
            .Append(" ago)  ").Append(Spans.Count(message.Size, "byte")).Append("  from <").Append(Tool.Printable(message.Sender)).Append(">\n");
        bool held = message.IsHeld;
        if (held) text.Append("    on hold: it is not tried until it is released\n");
        if (message.IsNew && !held) text.Append("    new: it is being taken in, or waits for qmta-send\n");
        if (message.HasFailures) text.Append("    some recipients failed for good; the sender is told when the others are done with\n");
        int done = 0;
        foreach (ListedRecipient recipient in message.Recipients())
        {
            if (recipient.Done)
            {
                done++;
                continue;
            }
            text.Append("    ").Append(recipient.Channel switch { ChannelKind.Local => "local  ", ChannelKind.Remote => "remote ", _ => "" })
                .Append(Tool.Printable(recipient.Address)).Append('\n');
            if (recipient.Deferral is Deferral deferral)
                text.Append("        ").Append(Spans.Of(now - deferral.Time)).Append(" ago: ").Append(Tool.Printable(deferral.Reason)).Append('\n');
            if (!message.IsNew && !held && recipient.NextAttempt > now)
                text.Append("        next attempt within ").Append(Spans.Of(recipient.NextAttempt - now)).Append('\n');
            if (text.Length > Piece && !Flush(text)) return;
        }
        if (done > 0) text.Append("    done: ").Append(Spans.Count(done, "recipient")).Append('\n');
        if (message.Problem != null) text.Append("    trouble: ").Append(Tool.Printable(message.Problem)).Append('\n');
    }

    /// <summary>The same as an array of JSON objects.</summary>
    internal static int Json(IEnumerable<ListedMessage> messages)
    {
        JsonText json = new();
        StringBuilder text = new();
        json.Open('[');
        foreach (ListedMessage message in messages)
        {
            json.Open('{').Name("number").Value((long)message.Id).Name("arrival").Value(message.Arrival).Name("size").Value(message.Size)
                .Name("sender").Value(message.Sender).Name("new").Value(message.IsNew).Name("held").Value(message.IsHeld)
                .Name("failures").Value(message.HasFailures).Name("recipients").Open('[');
            foreach (ListedRecipient recipient in message.Recipients())
            {
                json.Open('{').Name("address").Value(recipient.Address)
                    .Name("channel").Value(recipient.Channel switch { ChannelKind.Local => "local", ChannelKind.Remote => "remote", _ => null })
                    .Name("done").Value(recipient.Done);
                if (!recipient.Done && recipient.Channel != null) json.Name("next").Value(recipient.NextAttempt);
                if (recipient.Deferral is Deferral deferral) json.Name("since").Value(deferral.Time).Name("reason").Value(deferral.Reason);
                json.Close('}');
                text.Append(json.Take());
                if (text.Length > Piece && !Flush(text)) return 111;
            }
            json.Close(']').Name("problem").Value(message.Problem).Close('}');
            text.Append(json.Take());
        }
        json.Close(']');
        text.Append(json.Take()).Append('\n');
        return Flush(text) ? 0 : 111;
    }

    /// <summary>One message, and its header or the whole of it.</summary>
    internal static int Show(QueueLayout queue, ListedMessage message, long now, bool whole)
    {
        StringBuilder text = new();
        Describe(message, now, text);
        text.Append('\n');
        return Flush(text) && CopyMessage(queue.Mess(message.Id), whole) ? 0 : 111;
    }

    /// <summary>The message itself, byte for byte.</summary>
    internal static bool CopyMessage(string path, bool whole)
    {
        int fd = PosixException.Check(Files.Open(path, OpenMode.Read | OpenMode.NoFollow), "unable to open " + path);
        try
        {
            ByteReader reader = new(fd, path);
            bool lineBegins = true;
            for (ReadOnlySpan<byte> piece = reader.Fill(); !piece.IsEmpty; piece = reader.Fill())
            {
                int end = whole ? -1 : EndOfHeader(piece, ref lineBegins);
                if (Files.WriteAll(1, end < 0 ? piece : piece[..end]) < 0) return false;
                if (end >= 0) return true;
                reader.Consume(piece.Length);
            }
            return true;
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    /// <summary>qmail-qread(8): the messages that were taken in, in qmail's own format.</summary>
    internal static int QmailRead(QueueListing listing)
    {
        StringBuilder text = new();
        foreach (ListedMessage message in listing.Messages())
        {
            if (message.IsNew) continue; // qmail-qread reads info
            string date = Dates.Rfc5322(message.Arrival);
            // "Thu, 20 Nov 2026 08:41:39 -0000" without the day of the week and the zone; qmail does not pad the day.
            date = date[(date.IndexOf(',') + 2)..date.LastIndexOf(' ')];
            text.Append(date).Append(" GMT  #").Append(message.Id).Append("  ").Append(message.Size).Append("  <")
                .Append(QmailSafe(message.Sender)).Append("> ").Append(message.HasFailures ? " bouncing" : "").Append('\n');
            foreach (ListedRecipient recipient in message.Recipients())
            {
                if (recipient.Channel == null) continue;
                text.Append(recipient.Done ? "  done" : "").Append(recipient.Channel == ChannelKind.Local ? "\tlocal\t" : "\tremote\t")
                    .Append(QmailSafe(recipient.Address)).Append('\n');
                if (text.Length > Piece && !Flush(text)) return 111;
            }
            if (message.Problem != null) text.Append("warning: trouble with #").Append(message.Id).Append(": ").Append(message.Problem).Append('\n');
        }
        return Flush(text) ? 0 : 111;
    }

    /// <summary>qmail-qstat(8): how many messages there are.</summary>
    internal static int QmailStatus(QueueListing listing)
    {
        (long messages, long waiting) = listing.Count();
        return Standard.Output($"messages in queue: {messages}\nmessages in queue but not yet preprocessed: {waiting}\n") ? 0 : 111;
    }

    private static bool Flush(StringBuilder text)
    {
        bool written = Standard.Output(text.ToString());
        text.Clear();
        return written;
    }

    // Where the empty line begins that ends the header; negative when this piece does not have it.
    private static int EndOfHeader(ReadOnlySpan<byte> piece, ref bool lineBegins)
    {
        for (int i = 0; i < piece.Length; i++)
        {
            if (lineBegins && piece[i] == '\n') return i;
            lineBegins = piece[i] == '\n';
        }
        return -1;
    }

    private static string QmailSafe(string text) => string.Create(text.Length, text, static (to, from) =>
    {
        for (int i = 0; i < to.Length; i++) to[i] = from[i] is >= ' ' and <= '~' ? from[i] : '_';
    });
}
