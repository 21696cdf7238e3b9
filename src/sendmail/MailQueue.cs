// mailq: the messages in the queue, for people and, as JSON, for programs (mailq(1)).
using System;
using System.Globalization;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Inject;

/// <summary>The listing of the queue that mailq and sendmail -bp print.</summary>
internal static class MailQueue
{
    /// <summary>Prints the queue; returns the exit code: 0.</summary>
    /// <exception cref="InjectException">There is no queue, or this user may not see it.</exception>
    /// <exception cref="PosixException">The queue cannot be read, or standard output not be written.</exception>
    internal static int Show(bool json)
    {
        Signals.IgnorePipe();
        QueueLayout queue = QueueLayout.FromEnvironment();
        QueueListing listing = new(queue, Clocks.Realtime);
        ByteWriter output = new(1, "standard output");
        try
        {
            if (json) Objects(listing, output);
            else Table(listing, output);
            output.Flush();
        }
        catch (PosixException failure) when (failure.Errno == Errno.EPIPE)
        {
            // "mailq | head" has seen enough
        }
        catch (PosixException failure) when (failure.Errno is Errno.EACCES or Errno.EPERM or Errno.ENOENT)
        {
            throw Explained(queue, failure);
        }
        return 0;
    }

    /// <summary>What a user is told whom the system does not let at the queue.</summary>
    internal static Exception Explained(QueueLayout queue, PosixException failure)
    {
        if (failure.Errno == Errno.ENOENT)
            return new InjectException(Failure.Unavailable, "there is no queue in " + queue.Directory + " (" + failure.Message + ")");
        if (failure.Errno is not (Errno.EACCES or Errno.EPERM)) return failure;
        return new InjectException(Failure.NotAllowed, "only root and the owner of the queue in " + queue.Directory
            + " may look into it (" + failure.Message + ")");
    }

    // The columns are Postfix's, which scripts know that count or cut them.
    private static void Table(QueueListing listing, ByteWriter output)
    {
        const string heading = "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n";
        string indent = new(' ', 42);
        long count = 0, bytes = 0;
        foreach (ListedMessage message in listing.OldestFirst())
        {
            if (count++ == 0) output.Put(heading);
            bytes += message.Size;
            string id = message.Id.ToString(CultureInfo.InvariantCulture) + (message.IsHeld ? "!" : message.IsNew ? "*" : "");
            output.Put(id.PadRight(11) + message.Size.ToString(CultureInfo.InvariantCulture).PadLeft(9) + " "
                + When(message.Arrival) + "  " + Shown(message.Sender.Length == 0 ? "MAILER-DAEMON" : message.Sender) + "\n");
            if (message.HasFailures) output.Put("  (some recipients failed for good; the sender will be told)\n");
            string said = "";
            foreach (ListedRecipient recipient in message.Recipients())
            {
                if (recipient.Done) continue;
                string state = State(recipient, listing.Now, message.IsHeld);
                // What holds for many recipients is said once, before them.
                if (state != said) output.Put(state);
                said = state;
                output.Put(indent + Shown(recipient.Address) + "\n");
            }
            if (message.Problem != null) output.Put("  (" + Shown(message.Problem) + ")\n");
            output.Put("\n");
        }
        output.Put(count == 0 ? "Mail queue is empty\n"
            : "-- " + (bytes + 1023) / 1024 + " Kbytes in " + count + (count == 1 ? " Request.\n" : " Requests.\n"));
    }

    private static string State(ListedRecipient recipient, long now, bool held)
    {
        if (recipient.Channel == null) return held ? "  (on hold)\n" : "";
        string next = held ? "on hold" : recipient.NextAttempt <= now ? "its turn is now" : "next attempt within " + Span(recipient.NextAttempt - now);
        return recipient.Deferral is Deferral deferral
            ? "  (" + Shown(deferral.Reason) + "; since " + When(deferral.Time) + "; " + next + ")\n"
            : "  (" + next + ")\n";
    }

    // One object in a line, with the names that Postfix's postqueue -j has, and some more.
    private static void Objects(QueueListing listing, ByteWriter output)
    {
        foreach (ListedMessage message in listing.OldestFirst())
        {
            output.Put("{\"queue_name\": \"" + (message.IsHeld ? "hold" : message.IsNew ? "incoming" : "deferred") + "\", \"queue_id\": \""
                + message.Id.ToString(CultureInfo.InvariantCulture) + "\", \"arrival_time\": "
                + message.Arrival.ToString(CultureInfo.InvariantCulture) + ", \"message_size\": "
                + message.Size.ToString(CultureInfo.InvariantCulture) + ", \"forced_expire\": false, \"sender\": ");
            Quote(message.Sender, output);
            output.Put(", \"recipients\": [");
            bool first = true;
            foreach (ListedRecipient recipient in message.Recipients())
            {
                if (recipient.Done) continue;
                output.Put(first ? "{\"address\": " : ", {\"address\": ");
                first = false;
                Quote(recipient.Address, output);
                if (recipient.Channel is ChannelKind channel)
                    output.Put((channel == ChannelKind.Local ? ", \"channel\": \"local\"" : ", \"channel\": \"remote\"")
                        + ", \"next_attempt\": " + recipient.NextAttempt.ToString(CultureInfo.InvariantCulture));
                if (recipient.Deferral is Deferral deferral)
                {
                    output.Put(", \"delay_reason\": ");
                    Quote(deferral.Reason, output);
                    output.Put(", \"delayed_since\": " + deferral.Time.ToString(CultureInfo.InvariantCulture));
                }
                output.Put("}");
            }
            output.Put("]");
            if (message.HasFailures) output.Put(", \"failures\": true");
            if (message.Problem != null)
            {
                output.Put(", \"problem\": ");
                Quote(message.Problem, output);
            }
            output.Put("}\n");
        }
    }

    // RFC 8259: text is UTF-8; a byte that is not part of any stands for the Latin-1 character of its number.
    private static void Quote(string text, ByteWriter output)
    {
        bool utf8 = System.Text.Unicode.Utf8.IsValid(Latin1.Bytes(text));
        output.Put("\"");
        foreach (char c in text)
        {
            if (c is '"' or '\\') output.Put("\\");
            if (c < ' ' || c == 127 || c > 127 && !utf8) output.Put("\\u00" + Hex.Of([(byte)c]));
            else output.Put((byte)c);
        }
        output.Put("\"");
    }

    // A terminal is not to be controlled by what somebody called himself.
    private static string Shown(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\0', '\x1f') < 0 && !text.Contains('\x7f')) return text;
        char[] shown = text.ToCharArray();
        for (int i = 0; i < shown.Length; i++)
            if (shown[i] < ' ' || shown[i] == '\x7f') shown[i] = '?';
        return new string(shown);
    }

    private static string When(long time) => Dates.Asctime(time + LocalTime.Offset(time))[..^5];

    private static string Span(long seconds) => seconds < 120 ? seconds + " s" : seconds < 7200 ? seconds / 60 + " min" : seconds / 3600 + " h";
}
