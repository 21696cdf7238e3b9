// Deliveries of one message to recipients of one domain: they share transactions, and each has a report of its own.
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Remote;

/// <summary>Commands that came together and differ in the recipient's local part only.</summary>
internal sealed class DeliveryGroup
{
    /// <summary>Most recipients of one transaction; servers have to accept so many (RFC 5321 4.5.3.1.8).</summary>
    internal const int MostRecipients = 100;

    private readonly List<DeliveryCommand> commands = [];
    private readonly List<string?> texts = [];

    internal DeliveryGroup(DeliveryCommand first)
    {
        Message = first.Message;
        Sender = first.Sender;
        ExtraHeader = first.ExtraHeader;
        Host = HostOf(first.Recipient);
        Add(first);
    }

    internal string Message { get; }
    internal string Sender { get; }

    /// <summary>Header lines that go in front of the message, or "".</summary>
    internal string ExtraHeader { get; }

    /// <summary>The recipients' domain; null when the only recipient has none.</summary>
    internal string? Host { get; }

    /// <summary>Adds a delivery if it can share the others' transaction.</summary>
    internal bool TryAdd(DeliveryCommand command)
    {
        if (commands.Count == MostRecipients || command.Message != Message || command.Sender != Sender
            || command.ExtraHeader != ExtraHeader
            || HostOf(command.Recipient) is not string host || Host == null || !Latin1.EqualsIgnoreCase(host, Host))
            return false;
        Add(command);
        return true;
    }

    /// <summary>Delivers to all recipients, in as few transactions as the server likes.</summary>
    /// <param name="message">The message, without recipients.</param>
    internal void Deliver(RemoteDelivery delivery, RemoteMessage message)
    {
        List<int> left = [];
        for (int i = 0; i < commands.Count; i++) left.Add(i);
        while (true)
        {
            RemoteReport report = delivery.Deliver(message with { Recipients = RecipientsOf(left) });
            List<int> next = [];
            for (int i = 0; i < left.Count; i++)
            {
                if (report.WasTooMany(i)) next.Add(left[i]);
                else
                {
                    string text = report.Merge(i);
                    texts[left[i]] = text;
                    // As a qmail-remote of its own for each recipient would do. The delivery is what it is by now.
                    _ = DeliveryHooks.Run(message with { Recipients = RecipientsOf([left[i]]) }, text, report.CodeOf(i),
                        report.Host);
                }
            }
            // Each round is for fewer recipients: of those that were too many, one was accepted before them.
            if (next.Count == 0) return;
            left = next;
            long r = Files.Seek(message.File, 0);
            if (r >= 0) continue;
            ReportRest($"ZUnable to read message. (#4.3.0)\n{Errno.Text((int)r)}.\n");
            return;
        }
    }

    /// <summary>Delivers by a program that is run for each recipient.</summary>
    /// <param name="message">The message, without recipients.</param>
    internal void DeliverBy(string program, RemoteMessage message, long deadline)
    {
        for (int i = 0; i < commands.Count; i++)
            texts[i] = SubstituteClient.Deliver(program, message with { Recipients = [commands[i].Recipient] }, deadline);
    }

    /// <summary>Gives every delivery without a report this one.</summary>
    internal void ReportRest(string text)
    {
        for (int i = 0; i < texts.Count; i++) texts[i] ??= text;
    }

    /// <summary>The reports of all deliveries.</summary>
    internal IEnumerable<DeliveryReport> Reports()
    {
        for (int i = 0; i < commands.Count; i++) yield return new DeliveryReport(commands[i].Number, texts[i]!);
    }

    private void Add(DeliveryCommand command)
    {
        commands.Add(command);
        texts.Add(null);
    }

    private List<string> RecipientsOf(List<int> numbers)
    {
        List<string> recipients = new(numbers.Count);
        foreach (int number in numbers) recipients.Add(commands[number].Recipient);
        return recipients;
    }

    private static string? HostOf(string recipient)
    {
        int at = recipient.LastIndexOf('@');
        return at < 0 ? null : recipient[(at + 1)..];
    }
}
