// The command lines of qmta queue, qmail-qread(8) and qmail-qstat(8).
using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Admin;

internal static class QueueCommands
{
    internal static Command QmailRead() =>
        Simple("qmail-qread", "qread", "Lists the queue in qmail's format.", QueueReport.QmailRead);

    internal static Command QmailStatus() =>
        Simple("qmail-qstat", "qstat", "Counts the messages in the queue.", QueueReport.QmailStatus);

    /// <summary>qmta queue and its sub-commands.</summary>
    internal static Command Create() => new("queue", "Shows the queue, and does something about a message in it.")
    {
        List(),
        Show(),
        Change(OperatorVerb.Retry, "Tries messages now instead of at their time."),
        Change(OperatorVerb.Hold, "Keeps messages from being tried until they are released."),
        Change(OperatorVerb.Release, "Ends a hold."),
        Change(OperatorVerb.Remove, "Deletes messages; nobody is told."),
        Change(OperatorVerb.Bounce, "Returns messages to their senders."),
    };

    private static Command List()
    {
        Selection selection = new();
        Option<bool> json = new("--json") { Description = "An array of JSON objects; times are seconds since 1970." };
        Command command = new("list", "Lists messages, their recipients, and why they wait; the oldest first.") { json };
        selection.AddTo(command, numbersOnly: false);
        command.SetAction(parsed => Tool.Run("qmta queue list", () =>
        {
            QueueListing listing = new(QueueLayout.FromEnvironment(), Clocks.Realtime);
            IEnumerable<ListedMessage> messages = selection.Messages(parsed, listing, everythingByDefault: true);
            return parsed.GetValue(json) ? QueueReport.Json(messages) : QueueReport.List(messages, listing.Now);
        }));
        return command;
    }

    private static Command Show()
    {
        Argument<ulong> number = new("number") { Description = "The message's number, as listed.", HelpName = "number" };
        number.CompletionSources.Add(_ => Numbers());
        Option<bool> whole = new("--whole") { Description = "The whole message, not its header alone." };
        Option<bool> raw = new("--raw") { Description = "Nothing but the message, byte for byte." };
        Command command = new("show", "Shows a message: its recipients, why they wait, its header.") { number, whole, raw };
        command.SetAction(parsed => Tool.Run("qmta queue show", () =>
        {
            QueueLayout queue = QueueLayout.FromEnvironment();
            ulong id = parsed.GetRequiredValue(number);
            QueueListing listing = new(queue, Clocks.Realtime);
            if (listing.Find(id) is not ListedMessage message) throw new FormatException($"there is no message {id} in {queue.Directory}");
            if (parsed.GetValue(raw)) return QueueReport.CopyMessage(queue.Mess(id), true) ? 0 : 111;
            return QueueReport.Show(queue, message, listing.Now, parsed.GetValue(whole));
        }));
        return command;
    }

    private static Command Change(OperatorVerb verb, string description)
    {
        Selection selection = new();
        Option<bool> json = new("--json") { Description = "The outcome for each message as an array of JSON objects." };
        Command command = new(OperatorRequests.NameOf(verb), description) { json };
        selection.AddTo(command, numbersOnly: true);
        command.SetAction(parsed => Tool.Run("qmta queue " + command.Name, () =>
        {
            QueueLayout queue = QueueLayout.FromEnvironment();
            List<ulong> ids = selection.Ids(parsed, new QueueListing(queue, Clocks.Realtime), heldOnly: verb == OperatorVerb.Release);
            // Hosts that did not answer lately would not be asked again so soon.
            if (verb == OperatorVerb.Retry) Forgive(queue);
            return Tell(new QueueKeeper(queue).Ask(verb, ids), parsed.GetValue(json));
        }));
        return command;
    }

    private static int Tell(List<(ulong Id, string Answer)> answers, bool asJson)
    {
        int code = 0;
        JsonText json = new();
        json.Open('[');
        foreach ((ulong id, string answer) in answers)
        {
            bool done = answer[0] == 'K';
            // What waits for a delivery is as good as done; what failed for good outweighs what failed for now.
            if (!done && !answer.StartsWith("Zit will be done")) code = answer[0] == 'D' || code == 100 ? 100 : 111;
            if (asJson)
                json.Open('{').Name("number").Value((long)id).Name("done").Value(done).Name("outcome").Value(answer[1..]).Close('}');
            else if (done) _ = Standard.Output($"{id}: {answer[1..]}\n");
            else Standard.Error($"{id}: {answer[1..]}");
        }
        if (asJson) _ = Standard.Output(json.Close(']').Take() + "\n");
        else if (answers.Count == 0) Standard.Error("No message is chosen by that.");
        return code;
    }

    private static void Forgive(QueueLayout queue)
    {
        try
        {
            new TcpTimeouts(queue.TcpTo).Clear();
        }
        catch (PosixException failure)
        {
            Standard.Error("qmta queue retry: warning: " + failure.Message + "; hosts that did not answer lately may be left out");
        }
    }

    private static Command Simple(string name, string alias, string description, Func<QueueListing, int> report)
    {
        Command command = new(name, description);
        command.Aliases.Add(alias);
        command.SetAction(_ => Tool.Run(name, () => report(new QueueListing(QueueLayout.FromEnvironment(), Clocks.Realtime))));
        return command;
    }

    /// <summary>The numbers of the messages that are there, for completion; none where the queue cannot be read.</summary>
    internal static List<string> Numbers()
    {
        List<string> numbers = [];
        try
        {
            foreach (ListedMessage message in new QueueListing(QueueLayout.FromEnvironment(), Clocks.Realtime).Messages())
            {
                numbers.Add(message.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
                if (numbers.Count == 100) break;
            }
        }
        catch (PosixException)
        {
            // A shell that completes a word has no use for errors.
        }
        return numbers;
    }

    /// <summary>Which messages a command is about.</summary>
    private sealed class Selection
    {
        private readonly Argument<ulong[]> numbers = new("number")
        {
            Description = "Numbers of messages, as listed.",
            HelpName = "number",
            Arity = ArgumentArity.ZeroOrMore,
        };
        private readonly Option<bool> all = new("--all") { Description = "Every message in the queue." };
        private readonly Option<string?> sender = new("--sender")
        {
            Description = "Messages from this envelope sender; @domain for all of a domain, <> for bounces.",
            HelpName = "address",
        };
        private readonly Option<string?> recipient = new("--recipient")
        {
            Description = "Messages that still wait for this recipient; @domain for all of a domain.",
            HelpName = "address",
        };

        internal void AddTo(Command command, bool numbersOnly)
        {
            numbers.CompletionSources.Add(_ => Numbers());
            command.Arguments.Add(numbers);
            command.Options.Add(sender);
            command.Options.Add(recipient);
            if (!numbersOnly) return;
            command.Options.Add(all);
            command.Validators.Add(Check);
        }

        private void Check(CommandResult result)
        {
            if (result.GetValue(numbers) is not { Length: > 0 } && !result.GetValue(all) && result.GetValue(sender) == null
                && result.GetValue(recipient) == null)
                result.AddError("Say which messages: by number, or with --sender, --recipient or --all.");
        }

        internal IEnumerable<ListedMessage> Messages(ParseResult parsed, QueueListing listing, bool everythingByDefault)
        {
            if (parsed.GetValue(numbers) is { Length: > 0 } some)
            {
                foreach (ulong id in some)
                {
                    if (listing.Find(id) is ListedMessage message) yield return message;
                    else Standard.Error($"there is no message {id} in the queue");
                }
                yield break;
            }
            string? from = parsed.GetValue(sender), to = parsed.GetValue(recipient);
            foreach (ListedMessage message in everythingByDefault ? listing.OldestFirst() : listing.Messages())
                if ((from == null || Fits(message.Sender, from)) && (to == null || WaitsFor(message, to))) yield return message;
        }

        internal List<ulong> Ids(ParseResult parsed, QueueListing listing, bool heldOnly)
        {
            if (parsed.GetValue(numbers) is { Length: > 0 } some) return [.. some];
            List<ulong> ids = [];
            foreach (ListedMessage message in Messages(parsed, listing, everythingByDefault: false))
                if (!heldOnly || message.IsHeld) ids.Add(message.Id);
            return ids;
        }

        private static bool WaitsFor(ListedMessage message, string wanted)
        {
            foreach (ListedRecipient one in message.Recipients())
                if (!one.Done && Fits(one.Address, wanted)) return true;
            return false;
        }

        private static bool Fits(string address, string wanted)
        {
            if (wanted == "<>") return address.Length == 0;
            return wanted.StartsWith('@')
                ? Latin1.Lower(address).EndsWith(Latin1.Lower(wanted), StringComparison.Ordinal)
                : Latin1.EqualsIgnoreCase(address, wanted);
        }
    }
}
