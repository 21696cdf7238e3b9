// autoresponder: answers a message with a prepared text, as RFC 3834 says an automatic answer should and should not.
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Control;
using Qmta.Message;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Srs;
using Qmta.Text;

namespace Qmta.Filter;

/// <summary>The program autoresponder(1).</summary>
internal static class Autoresponder
{
    internal const string Usage =
        "autoresponder [-lNq] [-n number] [-t seconds] [-T type] [-s prefix | -S subject] [-f from] messagefile directory";

    /// <summary>Where it is written who was answered, in the directory.</summary>
    internal const string FileName = "answered";

    private const int LongestText = 1 << 20;
    private const int LongestSubject = 500;

    /// <summary>The command line.</summary>
    internal sealed class Options
    {
        internal bool Lax, Print, Quiet;
        internal long Most = 1, Window = 7 * 86400;
        internal string? ContentType, SubjectPrefix, Subject, From;
        internal string MessageFile = "", Directory = "";
    }

    internal static int Run(string[] arguments)
    {
        Options options = Parse(arguments);
        try
        {
            Answer(options);
            return 0;
        }
        catch (Exception failure) when (options.Quiet && failure is PosixException or FormatException)
        {
            return Failure.Temporary;
        }
    }

    private static void Answer(Options options)
    {
        Incoming.Rewind();
        MessageHeader header = Incoming.Header(Incoming.Reader());
        string recipient = Incoming.Variable("RECIPIENT");
        string sender = Incoming.Variable("SENDER");
        string? reason = Reluctance(header, sender, recipient, options.Lax);
        if (reason != null)
        {
            Say("no answer: " + reason, options);
            return;
        }
        sender = SenderRewriting.FromControl(ControlFiles.FromEnvironment())?.Reverse(sender, Clocks.Realtime, out _) ?? sender;
        string text = Text(options.MessageFile);
        if (options.Window < 0)
        {
            Send(options, header, text, sender, recipient);
            return;
        }
        using RecentFile recent = RecentFile.Open(options.Directory.TrimEnd('/') + "/" + FileName, options.Window, Clocks.Realtime);
        string key = Latin1.Lower(sender);
        if (recent.Count(key) >= options.Most || recent.IsFull)
        {
            // A full file means a flood of invented senders: they are not to be answered.
            Say("no answer: " + (recent.IsFull ? "too many others were answered lately" : "this sender was answered lately"), options);
            return;
        }
        Send(options, header, text, sender, recipient);
        recent.Add(key);
    }

    /// <summary>Why a message must not be answered, or null (RFC 3834 2, and what its readers have learned since).</summary>
    /// <param name="lax">Answer also when the recipient is not among those the header names.</param>
    internal static string? Reluctance(MessageHeader header, string sender, string recipient, bool lax)
    {
        int at = sender.LastIndexOf('@');
        if (Incoming.IsBounce(sender) || at <= 0) return "it is a bounce";
        if (sender.EndsWith("@[]", StringComparison.Ordinal)) return "it comes from a list";
        string local = Latin1.Lower(sender[..at]);
        if (local is "mailer-daemon" or "postmaster" or "listserv" or "majordomo" or "nobody" or "noreply" or "no-reply"
            || local.StartsWith("owner-", StringComparison.Ordinal) || local.EndsWith("-owner", StringComparison.Ordinal)
            || local.EndsWith("-request", StringComparison.Ordinal) || local.EndsWith("-bounces", StringComparison.Ordinal)
            || local.Contains("-bounces+", StringComparison.Ordinal) || local.Contains("-return-", StringComparison.Ordinal))
            return "its sender is no person";
        if (Latin1.EqualsIgnoreCase(sender, recipient)) return "its sender is its recipient";
        // RFC 3834 5: whatever is not "no" was submitted by a program; parameters may follow the word.
        if (HeaderText.First(header, "Auto-Submitted") is string submitted && !Latin1.EqualsIgnoreCase(FirstWord(submitted), "no"))
            return "a program has submitted it";
        if (HeaderText.HasPrefix(header, "List-") || HeaderText.First(header, "Mailing-List") != null) return "it comes from a list";
        if (HeaderText.First(header, "Precedence") is string precedence
            && Latin1.Lower(FirstWord(precedence)) is "bulk" or "junk" or "list")
            return "it is bulk mail";
        if (HeaderText.First(header, "X-Auto-Response-Suppress") is string suppressed && !Latin1.EqualsIgnoreCase(suppressed, "none"))
            return "its sender wants no automatic answer";
        if (IsYes(header, "X-Bogosity") || IsYes(header, "X-Spam-Flag")) return "it is junk";
        return lax || Names(header, recipient) ? null : "its header does not name the recipient";
    }

    private static bool IsYes(MessageHeader header, string field) =>
        HeaderText.First(header, field) is string value && Latin1.EqualsIgnoreCase(FirstWord(value), "yes");

    private static string FirstWord(string text)
    {
        int end = text.AsSpan().IndexOfAny(" \t;,(");
        return end < 0 ? text : text[..end];
    }

    // Whether the recipient is named; in a virtual domain without the prefix that the local part has got.
    private static bool Names(MessageHeader header, string recipient)
    {
        string host = recipient[(recipient.LastIndexOf('@') + 1)..];
        string[] own = [recipient, (Variables.Get("EXT") ?? "") + "@" + host, (Variables.Get("DEFAULT") ?? "") + "@" + host];
        foreach (string address in HeaderText.Addresses(header, static kind => kind.NamesRecipients() || kind.NamesResentRecipients()))
            foreach (string name in own)
                if (name[0] != '@' && Latin1.EqualsIgnoreCase(address, name)) return true;
        return false;
    }

    private static void Send(Options options, MessageHeader header, string text, string sender, string recipient)
    {
        string answer = Compose(options, header, text, sender, recipient, Clocks.Realtime,
            Clocks.RealtimeMicroseconds.ToString(CultureInfo.InvariantCulture) + "." + Processes.Id.ToString(CultureInfo.InvariantCulture));
        if (options.Print)
        {
            _ = Standard.Output(answer);
            return;
        }
        QueueProgram queue = Resending.StartNew();
        queue.Put(answer);
        // RFC 3834 3.3: an answer to an answer must not come back
        Resending.Finish("autoresponder", queue, "", [sender]);
    }

    /// <summary>The whole answer (RFC 3834 3.1).</summary>
    /// <param name="text">The prepared text, header included.</param>
    /// <param name="now">Seconds since 1970.</param>
    /// <param name="stamp">What makes the Message-ID unique.</param>
    internal static string Compose(Options options, MessageHeader header, string text, string sender, string recipient,
        long now, string stamp)
    {
        string original = HeaderText.First(header, "Subject") ?? "";
        if (original.Length > LongestSubject) original = original[..LongestSubject];
        text = Filled(text, header, sender, recipient, now, original);
        MessageHeader prepared = new();
        prepared.Add(Latin1.Bytes(text));
        prepared.End();
        List<string> fields =
        [
            "Auto-Submitted: auto-replied",
            "Date: " + Dates.Rfc5322(now),
            "Message-ID: <" + stamp + ".autoresponder@" + recipient[(recipient.LastIndexOf('@') + 1)..] + ">",
            "To: " + QuotedAddress.Of(sender),
        ];
        if (HeaderText.First(header, "Message-ID") is { Length: > 0 } id)
        {
            fields.Add("In-Reply-To: " + id);
            // RFC 5322 3.6.4: the original's references, then itself
            string references = HeaderText.First(header, "References") ?? HeaderText.First(header, "In-Reply-To") ?? "";
            if (references.Length > 900) references = "";
            fields.Add("References: " + string.Join("\n ", [.. references.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries), id]));
        }
        if (HeaderText.First(prepared, "From") == null) fields.Add("From: " + (options.From ?? QuotedAddress.Of(recipient)));
        if (HeaderText.First(prepared, "Subject") == null || options.Subject != null || options.SubjectPrefix != null)
            fields.Add("Subject: " + (options.Subject ?? (options.SubjectPrefix ?? "Auto: ") + original));
        if (options.ContentType != null) fields.Add("MIME-Version: 1.0\nContent-Type: " + options.ContentType);
        string answer = string.Join('\n', fields).Replace('\0', ' ') + "\n";
        foreach (HeaderField field in prepared.Fields)
        {
            ReadOnlySpan<byte> lines = prepared.Lines(field);
            // Those that make it an automatic answer are not for the text to change.
            bool replaced = HeaderText.IsNamed(lines, ["Auto-Submitted", "Date", "Message-ID", "To", "Cc", "Bcc", "In-Reply-To", "References"])
                || (options.Subject ?? options.SubjectPrefix) != null && HeaderText.IsNamed(lines, ["Subject"])
                || options.ContentType != null && HeaderText.IsNamed(lines, ["MIME-Version", "Content-Type"]);
            if (!replaced) answer += EndLine(Latin1.String(lines));
        }
        return answer + "\n" + EndLine(Latin1.String(prepared.BodyStart));
    }

    private static string EndLine(string text) => text.Length == 0 || text[^1] == '\n' ? text : text + "\n";

    // The prepared text with what stands for parts of the message replaced by them.
    private static string Filled(string text, MessageHeader header, string sender, string recipient, long now, string subject)
    {
        if (!text.Contains('%')) return text;
        System.Text.StringBuilder filled = new(text.Length + 256);
        for (int i = 0; i < text.Length; i++)
        {
            string? value = null;
            if (text[i] == '%' && i + 1 < text.Length)
                value = text[i + 1] switch
                {
                    'S' => subject,
                    'D' => HeaderText.First(header, "Date") ?? "",
                    'd' => Dates.Rfc5322(now),
                    't' => recipient,
                    'T' => HeaderText.First(header, "To") ?? "",
                    'C' => HeaderText.First(header, "Cc") ?? "",
                    'B' => HeaderText.First(header, "Bcc") ?? "",
                    'F' => HeaderText.First(header, "From") ?? "",
                    'R' => sender,
                    'r' => HeaderText.First(header, "X-Bogosity") ?? "",
                    'M' => HeaderText.First(header, "X-Mailer") ?? HeaderText.First(header, "User-Agent") ?? "",
                    'm' => HeaderText.First(header, "Message-ID") ?? "",
                    '%' => "%",
                    _ => null,
                };
            if (value == null)
            {
                filled.Append(text[i]);
                continue;
            }
            filled.Append(value.Replace('\n', ' '));
            i++;
            if (filled.Length > 2 * LongestText) throw new FormatException("the answer would be longer than 2 MiB");
        }
        return filled.ToString();
    }

    private static string Text(string path)
    {
        byte[]? text = Files.ReadWhole(path, LongestText, out int error);
        return text != null ? Latin1.String(text) : throw new PosixException(error, "unable to read " + path);
    }

    private static void Say(string sentence, Options options)
    {
        if (!options.Quiet) Standard.Error("autoresponder: " + sentence);
    }

    private static Options Parse(string[] arguments)
    {
        Options options = new();
        int index = 0;
        for (; index < arguments.Length && arguments[index] is ['-', _, ..] group; index++)
        {
            if (group == "--")
            {
                index++;
                break;
            }
            for (int at = 1; at < group.Length; at++)
            {
                char letter = group[at];
                if (letter is 'l' or 'N' or 'q')
                {
                    if (letter == 'l') options.Lax = true;
                    else if (letter == 'N') options.Print = true;
                    else options.Quiet = true;
                    continue;
                }
                string value = at + 1 < group.Length ? group[(at + 1)..]
                    : ++index < arguments.Length ? arguments[index] : throw Program.UsageError(Usage);
                if (value.AsSpan().IndexOfAny('\n', '\0') >= 0) throw Program.UsageError(Usage);
                Set(options, letter, value);
                break;
            }
        }
        if (arguments.Length - index != 2) throw Program.UsageError(Usage);
        options.MessageFile = arguments[index];
        options.Directory = arguments[index + 1];
        return options;
    }

    private static void Set(Options options, char letter, string value)
    {
        switch (letter)
        {
            case 'n': options.Most = Number(value); break;
            case 't': options.Window = value == "-1" ? -1 : Number(value); break;
            case 'T': options.ContentType = value.StartsWith('/') || value.StartsWith("./", StringComparison.Ordinal) ? Text(value).TrimEnd('\n') : value; break;
            case 's': options.SubjectPrefix = value; break;
            case 'S': options.Subject = value; break;
            case 'f': options.From = value; break;
            default: throw Program.UsageError(Usage);
        }
    }

    private static long Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : throw Program.UsageError(Usage);
}
