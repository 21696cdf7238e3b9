// qmta stats: a log in figures, for people, as JSON, or for Prometheus (qmta-stats(8)).
using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.Text;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Admin;

internal static class StatsCommand
{
    internal static Command Create()
    {
        Argument<string[]> logs = new("log")
        {
            Description = "Log files; - is standard input. [default: the journal of qmta-send.service]",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Option<int> top = new("--top") { Description = "So many lines in each list.", HelpName = "number", DefaultValueFactory = _ => 10 };
        Option<string?> since = new("--since") { Description = "For the journal: from when on, as journalctl has it.", HelpName = "time" };
        Option<bool> json = new("--json") { Description = "A JSON object." };
        Option<string?> prometheus = new("--prometheus") { Description = "Write metrics to this file, for node_exporter's textfile collector; the queue's, too.", HelpName = "file" };
        Command command = new("stats", "Sums a log up: deliveries, what was deferred and why, hosts, senders, times.") { logs, top, since, json, prometheus };
        command.SetAction(parsed => Tool.Run("qmta stats", () =>
        {
            LogSummary summary = new(Clocks.Realtime);
            string[] files = parsed.GetValue(logs) ?? [];
            if (files.Length == 0) ReadJournal(summary, parsed.GetValue(since), parsed.GetValue(prometheus) != null);
            foreach (string file in files) ReadFile(summary, file);
            if (parsed.GetValue(prometheus) is string target) return WriteMetrics(target, summary);
            int lines = Math.Max(1, parsed.GetValue(top));
            return Standard.Output(parsed.GetValue(json) ? Json(summary, lines) : People(summary, lines)) ? 0 : 111;
        }));
        return command;
    }

    private static void ReadFile(LogSummary summary, string file)
    {
        int fd = file == "-" ? 0 : PosixException.Check(Files.Open(file, OpenMode.Read), "unable to open " + file);
        try
        {
            summary.Read(fd, file);
        }
        finally
        {
            if (fd != 0) _ = Files.Close(fd);
        }
    }

    private static void ReadJournal(LogSummary summary, string? since, bool optional)
    {
        if (Programs.FindInPath("journalctl") is not string journal)
        {
            if (optional) return;
            throw new FormatException("there is no journal here; name a log file");
        }
        PosixException.Check(Files.Pipe(out int read, out int write), "unable to create a pipe");
        List<string> arguments = ["journalctl", "--quiet", "--no-pager", "--output=short-unix", "--unit=qmta-send.service", "--unit=qmta-oneshot.service"];
        if (since != null) arguments.Add("--since=" + since);
        int pid = Processes.Start(journal, arguments.ToArray(), [new(write, 1)]);
        _ = Files.Close(write);
        try
        {
            PosixException.Check(pid, "unable to start " + journal);
            summary.Read(read, journal);
            _ = Processes.Wait(pid, out ExitStatus status);
            if (status.Raw != 0 && !optional) throw new FormatException("journalctl failed");
        }
        finally
        {
            _ = Files.Close(read);
        }
    }

    // ---- for people

    private static string People(LogSummary log, int top)
    {
        StringBuilder text = new();
        Tally all = Total(log);
        void Line(string name, string value) => text.Append(name.PadRight(42)).Append(value).Append('\n');
        if (log.First is double first && log.Last is double last)
            Line("Time covered", Dates.Rfc5322((long)first) + " to " + Dates.Rfc5322((long)last) + ", " + Spans.Of((long)(last - first)));
        Line("New messages", Text(log.NewMessages));
        Line("Completed messages", Text(log.Completed));
        Line("Messages not completed", Text(log.Unfinished));
        Line("Recipients of completed messages", Text(log.CompletedRecipients));
        Line("Attempts for completed messages", Text(log.CompletedAttempts) + Average(log.CompletedAttempts, log.Completed, " a message"));
        Line("Bytes in completed messages", Text(log.CompletedBytes) + Average(log.CompletedBytes, log.Completed, " a message"));
        Line("Bounces", Text(log.Bounces));
        foreach ((string name, Tally one) in ((string, Tally)[])[("Attempts", all), ("  local", log.Channels["local"]), ("  remote", log.Channels["remote"])])
            Line(name, $"{one.Attempts}: {one.Successes} successes, {one.Deferrals} deferrals, {one.Failures} failures");
        if (log.QueueTimes > 0) Line("Average time in the queue", Seconds(log.QueueSeconds / log.QueueTimes));
        if (log.DeliveryTimes > 0) Line("Average time until a success", Seconds(log.DeliverySeconds / log.DeliveryTimes));
        if (all.Attempts > 0 && log.First != null) Line("Average length of an attempt", Seconds(all.Seconds / all.Attempts));
        if (log is { First: double from, Last: double to } && to > from) Line("Average deliveries at a time", Fixed(all.Seconds / (to - from), "0.###"));
        List(text, "Why mail was deferred", "attempts  messages  seconds  reason", log.Deferrals, top,
            one => $"{one.Attempts,8}  {one.Messages.Count,8}  {Fixed(one.Seconds, "0.0"),7}");
        List(text, "Why mail failed", "attempts  messages  seconds  reason", log.Failures, top,
            one => $"{one.Attempts,8}  {one.Messages.Count,8}  {Fixed(one.Seconds, "0.0"),7}");
        List(text, "Hosts of recipients", "attempts  successes  deferrals  failures  seconds       bytes  host", log.Hosts, top,
            one => $"{one.Attempts,8}  {one.Successes,9}  {one.Deferrals,9}  {one.Failures,8}  {Fixed(one.Seconds, "0.0"),7}  {one.Bytes,10}");
        List(text, "Senders", "messages  attempts  successes  seconds       bytes  sender", log.Senders, top,
            one => $"{one.Messages.Count,8}  {one.Attempts,8}  {one.Successes,9}  {Fixed(one.Seconds, "0.0"),7}  {one.Bytes,10}");
        return text.ToString();
    }

    private static void List(StringBuilder text, string title, string columns, Dictionary<string, Tally> tallies, int top, Func<Tally, string> row)
    {
        if (tallies.Count == 0) return;
        text.Append('\n').Append(title).Append('\n').Append(columns).Append('\n');
        foreach ((string key, Tally tally) in Most(tallies, top))
            text.Append(row(tally)).Append("  ").Append(key.Length == 0 ? "<>" : Tool.Printable(key)).Append('\n');
        if (tallies.Count > top) text.Append($"... and {tallies.Count - top} more\n");
    }

    private static List<KeyValuePair<string, Tally>> Most(Dictionary<string, Tally> tallies, int top)
    {
        List<KeyValuePair<string, Tally>> sorted = [.. tallies];
        sorted.Sort((a, b) => b.Value.Attempts != a.Value.Attempts ? b.Value.Attempts.CompareTo(a.Value.Attempts) : string.CompareOrdinal(a.Key, b.Key));
        return sorted.Count > top ? sorted[..top] : sorted;
    }

    private static Tally Total(LogSummary log)
    {
        Tally total = new();
        foreach (Tally one in log.Channels.Values)
        {
            total.Attempts += one.Attempts;
            total.Successes += one.Successes;
            total.Deferrals += one.Deferrals;
            total.Failures += one.Failures;
            total.Bytes += one.Bytes;
            total.Seconds += one.Seconds;
        }
        return total;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Average(long sum, long count, string unit) => count == 0 ? "" : $", {Fixed((double)sum / count, "0.##")}{unit}";

    private static string Fixed(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Seconds(double value) => Fixed(value, "0.###") + " s";

    // ---- for programs

    private static string Json(LogSummary log, int top)
    {
        JsonText json = new();
        json.Open('{').Name("first");
        if (log.First is double first) json.Value(first);
        else json.Value((string?)null);
        json.Name("last");
        if (log.Last is double last) json.Value(last);
        else json.Value((string?)null);
        json.Name("new").Value(log.NewMessages).Name("completed").Value(log.Completed).Name("unfinished").Value((long)log.Unfinished)
            .Name("recipients").Value(log.CompletedRecipients).Name("bytes").Value(log.CompletedBytes).Name("bounces").Value(log.Bounces)
            .Name("queue_seconds").Value(log.QueueTimes == 0 ? 0 : log.QueueSeconds / log.QueueTimes)
            .Name("delivery_seconds").Value(log.DeliveryTimes == 0 ? 0 : log.DeliverySeconds / log.DeliveryTimes);
        foreach ((string name, Dictionary<string, Tally> tallies) in ((string, Dictionary<string, Tally>)[])
            [("channels", log.Channels), ("deferrals", log.Deferrals), ("failures", log.Failures), ("hosts", log.Hosts), ("senders", log.Senders)])
        {
            json.Name(name).Open('[');
            foreach ((string key, Tally one) in Most(tallies, top))
                json.Open('{').Name("name").Value(key).Name("messages").Value((long)one.Messages.Count).Name("attempts").Value(one.Attempts)
                    .Name("successes").Value(one.Successes).Name("deferrals").Value(one.Deferrals).Name("failures").Value(one.Failures)
                    .Name("bytes").Value(one.Bytes).Name("seconds").Value(one.Seconds).Close('}');
            json.Close(']');
        }
        return json.Close('}').Take() + "\n";
    }

    private static int WriteMetrics(string target, LogSummary log)
    {
        StringBuilder text = new();
        void Metric(string name, string type, string help) => text.Append($"# HELP {name} {help}\n# TYPE {name} {type}\n");
        Metric("qmta_deliveries_total", "counter", "Delivery attempts in the log, by channel and result.");
        foreach ((string channel, Tally one) in log.Channels)
            foreach ((string result, long count) in ((string, long)[])[("success", one.Successes), ("deferral", one.Deferrals), ("failure", one.Failures)])
                text.Append($"qmta_deliveries_total{{channel=\"{channel}\",result=\"{result}\"}} {count}\n");
        foreach ((string name, string help, long count) in ((string, string, long)[])
            [("qmta_new_messages_total", "Messages that entered the queue, in the log.", log.NewMessages),
                ("qmta_completed_messages_total", "Messages that left the queue, in the log.", log.Completed),
                ("qmta_bounces_total", "Bounces that were sent, in the log.", log.Bounces)])
        {
            Metric(name, "counter", help);
            text.Append($"{name} {count}\n");
        }
        Metric("qmta_delivery_seconds_total", "counter", "Seconds that the attempts in the log took, added up.");
        text.Append("qmta_delivery_seconds_total ").Append(Fixed(Total(log).Seconds, "0.######")).Append('\n');
        QueueLayout queue = QueueLayout.FromEnvironment();
        long now = Clocks.Realtime, messages = 0, waiting = 0, held = 0, oldest = now;
        foreach (ListedMessage message in new QueueListing(queue, now).Messages())
        {
            messages++;
            if (message.IsNew) waiting++;
            if (message.IsHeld) held++;
            oldest = Math.Min(oldest, message.Arrival);
        }
        foreach ((string name, string help, long value) in ((string, string, long)[])
            [("qmta_queue_messages", "Messages in the queue.", messages), ("qmta_queue_new_messages", "Messages not taken in yet.", waiting),
                ("qmta_queue_held_messages", "Messages on hold.", held), ("qmta_queue_oldest_seconds", "Age of the oldest message.", now - oldest),
                ("qmta_send_running", "Whether a qmta-send works on the queue.", QueueKeeper.IsOwned(queue) ? 1 : 0)])
        {
            Metric(name, "gauge", help);
            text.Append($"{name} {value}\n");
        }
        // The collector may look at any moment.
        string next = target + "." + Processes.Id.ToString(CultureInfo.InvariantCulture) + ".new";
        int fd = PosixException.Check(Files.Open(next, OpenMode.Write | OpenMode.Create | OpenMode.Exclusive | OpenMode.NoFollow, 0x1A4 /* 0644 */), "unable to create " + next);
        int error = Files.WriteAll(fd, Latin1.Bytes(text.ToString()));
        if (error >= 0) error = Files.ChangeMode(fd, 0x1A4);
        _ = Files.Close(fd);
        if (error >= 0) error = Files.Rename(next, target);
        if (error < 0) _ = Files.Unlink(next);
        PosixException.Check(error, "unable to write " + target);
        return 0;
    }
}
