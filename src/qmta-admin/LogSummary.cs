// What a log of qmta-send, or of qmail-send, tells about deliveries: the figures of qmailanalog.
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Admin;

/// <summary>Attempts that have something in common: a reason, a host, a sender.</summary>
internal sealed class Tally
{
    internal long Attempts, Successes, Deferrals, Failures, Bytes;
    /// <summary>Seconds that the attempts took.</summary>
    internal double Seconds;
    internal readonly HashSet<ulong> Messages = [];
}

/// <summary>Reads log lines one after the other; memory grows with what is different in them, up to a limit.</summary>
internal sealed class LogSummary
{
    // Different hosts, senders or reasons; what comes beyond is counted as one.
    private const int MostKeys = 50_000;
    private const string Others = "(all others)";
    private const int LongestLine = 65536;

    private sealed class Message
    {
        internal double? Begun;
        internal long Bytes, Attempts;
        internal string Sender = "";
        internal readonly HashSet<string> Recipients = [];
    }

    private readonly record struct Attempt(ulong Message, string Recipient, bool Remote, double? Begun);

    private readonly Dictionary<ulong, Message> messages = [];
    private readonly Dictionary<ulong, Attempt> attempts = [];
    private readonly long now;

    internal LogSummary(long now) => this.now = now;

    internal Dictionary<string, Tally> Deferrals { get; } = [];
    internal Dictionary<string, Tally> Failures { get; } = [];
    internal Dictionary<string, Tally> Hosts { get; } = [];
    internal Dictionary<string, Tally> Senders { get; } = [];
    /// <summary>All attempts, by channel: "local" and "remote".</summary>
    internal Dictionary<string, Tally> Channels { get; } = new() { ["local"] = new Tally(), ["remote"] = new Tally() };

    internal long NewMessages { get; private set; }
    internal long Completed { get; private set; }
    internal long CompletedRecipients { get; private set; }
    internal long CompletedAttempts { get; private set; }
    internal long CompletedBytes { get; private set; }
    internal long Bounces { get; private set; }
    /// <summary>Seconds that completed messages spent in the queue, as far as both ends are in the log.</summary>
    internal double QueueSeconds { get; private set; }
    internal long QueueTimes { get; private set; }
    /// <summary>Seconds from the message's arrival to its success, added up; and for how many.</summary>
    internal double DeliverySeconds { get; private set; }
    internal long DeliveryTimes { get; private set; }
    internal double? First { get; private set; }
    internal double? Last { get; private set; }
    internal long Lines { get; private set; }
    /// <summary>Messages that are in the log and not at their end.</summary>
    internal int Unfinished => messages.Count;

    /// <summary>Reads a log to its end.</summary>
    /// <exception cref="PosixException">It cannot be read.</exception>
    internal void Read(int fd, string name)
    {
        ByteReader reader = new(fd, name, 65536);
        while (reader.ReadUntil((byte)'\n', LongestLine, out bool tooLong) is byte[] line)
            if (!tooLong) Take(Latin1.String(line));
    }

    /// <summary>The words with which lines begin that count.</summary>
    private static readonly string[] Beginnings = ["new msg ", "info msg ", "starting delivery ", "delivery ", "bounce msg ", "end msg "];

    /// <summary>Takes one line, whatever stands before its words.</summary>
    internal void Take(string line)
    {
        Lines++;
        int at = -1;
        foreach (string beginning in Beginnings)
        {
            int found = line.IndexOf(beginning, StringComparison.Ordinal);
            if (found >= 0 && (at < 0 || found < at) && (found == 0 || line[found - 1] == ' ')) at = found;
        }
        if (at < 0) return;
        double? time = LogTime.Of(line.AsSpan(0, at), now);
        if (time is double seconds)
        {
            First ??= seconds;
            Last = seconds;
        }
        string[] words = line[at..].Split(' ');
        switch (words[0])
        {
            case "new" when Number(words, 2) is ulong id:
                NewMessages++;
                messages[id] = new Message { Begun = time };
                break;
            case "info" when Number(words, 2) is ulong id && words.Length > 6:
                Message message = Of(id);
                _ = long.TryParse(words[4], NumberStyles.None, CultureInfo.InvariantCulture, out message.Bytes);
                message.Sender = words[6].Trim('<', '>');
                break;
            case "starting" when Number(words, 2) is ulong delivery && Number(words, 4) is ulong id && words.Length > 7:
                attempts[delivery] = new Attempt(id, words[7], words[6] == "remote", time);
                Message about = Of(id);
                about.Attempts++;
                if (about.Recipients.Count < 10_000) about.Recipients.Add(words[7]);
                break;
            case "delivery" when Number(words, 1) is ulong delivery && words.Length > 2:
                if (attempts.Remove(delivery, out Attempt attempt)) Conclude(attempt, words[2], words.Length > 3 ? words[3] : "", time);
                break;
            case "bounce":
                Bounces++;
                break;
            case "end" when Number(words, 2) is ulong id:
                End(id, time);
                break;
        }
    }

    private Message Of(ulong id)
    {
        if (!messages.TryGetValue(id, out Message? message)) messages[id] = message = new Message(); // it began before the log
        return message;
    }

    private void Conclude(Attempt attempt, string verdict, string text, double? time)
    {
        Message message = Of(attempt.Message);
        double seconds = attempt.Begun is double begun && time is double ended ? Math.Max(0, ended - begun) : 0;
        string reason = text.Replace('_', ' ').TrimEnd('/').Replace("/", " / ");
        int at = attempt.Recipient.LastIndexOf('@');
        List<Tally> all =
        [
            Channels[attempt.Remote ? "remote" : "local"],
            Under(Hosts, attempt.Remote ? Latin1.Lower(attempt.Recipient[(at + 1)..]) : "local"),
            Under(Senders, message.Sender),
        ];
        if (verdict == "deferral:") all.Add(Under(Deferrals, reason));
        if (verdict == "failure:") all.Add(Under(Failures, reason));
        foreach (Tally tally in all)
        {
            tally.Attempts++;
            tally.Seconds += seconds;
            if (tally.Messages.Count < 100_000) tally.Messages.Add(attempt.Message);
            if (verdict == "success:")
            {
                tally.Successes++;
                tally.Bytes += message.Bytes;
            }
            else if (verdict == "failure:") tally.Failures++;
            else tally.Deferrals++; // "report mangled, will defer" too
        }
        if (verdict != "success:" || message.Begun is not double arrived || time is not double done) return;
        DeliverySeconds += Math.Max(0, done - arrived);
        DeliveryTimes++;
    }

    private void End(ulong id, double? time)
    {
        if (!messages.Remove(id, out Message? message)) return;
        Completed++;
        CompletedRecipients += message.Recipients.Count;
        CompletedAttempts += message.Attempts;
        CompletedBytes += message.Bytes;
        if (message.Begun is not double begun || time is not double ended) return;
        QueueSeconds += Math.Max(0, ended - begun);
        QueueTimes++;
    }

    private static Tally Under(Dictionary<string, Tally> tallies, string key)
    {
        if (tallies.TryGetValue(key, out Tally? tally)) return tally;
        if (tallies.Count >= MostKeys) key = Others;
        if (!tallies.TryGetValue(key, out tally)) tallies[key] = tally = new Tally();
        return tally;
    }

    private static ulong? Number(string[] words, int index) =>
        words.Length > index && ulong.TryParse(words[index].TrimEnd(':'), NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : null;
}
