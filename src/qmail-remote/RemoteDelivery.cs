// One delivery from finding the host to the report: the words of qmail-remote around the SMTP conversation.
using System;
using System.Collections.Generic;
using Qmta.Dns;
using Qmta.Posix;
using Qmta.Smtp;

namespace Qmta.Remote;

/// <summary>A message and where it shall go.</summary>
/// <param name="Host">The recipients' domain, or an address literal.</param>
/// <param name="Sender">The envelope sender; "" for none.</param>
/// <param name="Recipients">The envelope recipients.</param>
/// <param name="Size">Its size in bytes, or negative when unknown.</param>
/// <param name="File">A descriptor from which it is read.</param>
internal sealed record RemoteMessage(string Host, string Sender, IReadOnlyList<string> Recipients, long Size, int File);

/// <summary>Delivers messages, one at a time; every thread has one of its own.</summary>
internal sealed class RemoteDelivery
{
    // A delivery may take so many reply time-outs in all, plus the time the message needs on the slowest line that
    // counts as working: with the defaults two hours, plus a second for each 512 bytes.
    private const int MostTimeouts = 6;
    private const long SlowestBytesPerSecond = 512;

    private readonly Resolver resolver;
    private readonly SmtpBuffers buffers;

    internal RemoteDelivery(RemoteSettings settings, Resolver resolver, SmtpBuffers buffers)
    {
        Settings = settings;
        this.resolver = resolver;
        this.buffers = buffers;
    }

    internal RemoteSettings Settings { get; set; }

    /// <summary>Tries the delivery and says what became of it.</summary>
    internal RemoteReport Deliver(RemoteMessage message)
    {
        if (!SmtpAddress.IsSendable(message.Sender) || !SmtpAddress.IsSendable(string.Concat(message.Recipients)))
            return RemoteReport.Permanent("Sorry, SMTP cannot carry an address with a line end or NUL in it. (#5.1.3)");
        long transfer = Math.Max(0, message.Size) * 1000 / SlowestBytesPerSecond;
        long deadline = Sockets.In((long)Settings.ReplyTimeout * MostTimeouts + transfer);
        Route route;
        try
        {
            route = Settings.Routes.Find(message.Host, message.Sender);
        }
        catch (FormatException e)
        {
            return RemoteReport.Temporary($"Sorry, {e.Message}. (#4.3.5)");
        }
        MailHosts hosts = new(message.Host, route, resolver, deadline);
        string? refusals = null;
        string failures = "";
        foreach (IpAddress address in hosts.Addresses())
        {
            if (Clocks.BoottimeMilliseconds >= deadline) break;
            long limit = Math.Min(deadline, Sockets.In(Settings.ConnectTimeout));
            using Connection? connection = Connection.Open(address, route.Port, Settings.LocalAddressFor(address),
                limit, buffers.Received, out int error);
            if (connection == null)
            {
                failures += $"{address} port {route.Port}: {Errno.Text(error)}\n";
                continue;
            }
            connection.Patience = Settings.ReplyTimeout;
            connection.Deadline = deadline;
            if (Converse(connection, message, ref refusals) is RemoteReport report) return report;
        }
        // A host that answered says more than those that could not be reached.
        if (refusals != null) return RemoteReport.Temporary(refusals);
        if (failures.Length == 0 && hosts.Failure != null) return hosts.Failure;
        return RemoteReport.Temporary("Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n" + failures);
    }

    // Null when the next host shall be tried, with the reason in refusals.
    private RemoteReport? Converse(Connection connection, RemoteMessage message, ref string? refusals)
    {
        string connected = $"Connected to {connection.Peer} but ";
        SmtpConversation conversation = new(connection, buffers);
        bool greeted = false;
        try
        {
            SmtpReply greeting = conversation.Greeting();
            if (greeting.Code != 220)
            {
                conversation.Quit();
                refusals = connected + "greeting failed.\n" + Said(greeting);
                return null;
            }
            greeted = true;
            SmtpReply hello = conversation.Hello(Settings.HeloHost);
            if (!hello.IsPositive)
            {
                conversation.Quit();
                string rejected = connected + "my name was rejected.\n" + Said(hello);
                if (!hello.IsTransient || !Settings.NextAfterHello) return RemoteReport.Temporary(rejected);
                refusals = rejected;
                return null;
            }
            SmtpOutcome outcome = conversation.Transact(message.Sender, message.Recipients, message.Size, message.File);
            conversation.Quit();
            return Report(connection.Peer, outcome);
        }
        catch (ConnectionException e)
        {
            if (!greeted)
            {
                refusals = connected + "greeting failed. (#4.4.2)\n" + e.Message + ".\n";
                return null;
            }
            string doubt = conversation.InDoubt ? "Possible duplicate! " : "";
            return RemoteReport.Temporary($"{connected}connection died. {doubt}(#4.4.2)\n{e.Message}.\n");
        }
        catch (MessageUnreadableException e)
        {
            // Closing without the end of the message makes the server forget it.
            return RemoteReport.Temporary($"Unable to read message. (#4.3.0)\n{e.Message}.\n");
        }
    }

    private static RemoteReport Report(IpAddress peer, SmtpOutcome outcome)
    {
        SmtpReply reply = outcome.Reply;
        char letter = reply.IsPermanent ? 'D' : 'Z';
        RemoteReport report = outcome.Stage switch
        {
            SmtpStage.Sender => RemoteReport.Of(letter, $"Connected to {peer} but sender was rejected.\n" + Said(reply)),
            SmtpStage.Recipients => RemoteReport.Permanent($"Giving up on {peer}.\n"),
            SmtpStage.Data => RemoteReport.Of(letter, $"{peer} failed on DATA command.\n" + Said(reply)),
            _ when reply.IsPositive => RemoteReport.Success($"{peer} accepted message.\n" + Said(reply)),
            _ => RemoteReport.Of(letter, $"{peer} failed after I sent the message.\n" + Said(reply)),
        };
        foreach (SmtpReply answer in outcome.Recipients)
        {
            if (answer.IsPositive) report.AddRecipient('r', "");
            else report.AddRecipient(answer.IsPermanent ? 'h' : 's', $"{peer} does not like recipient.\n" + Said(answer));
        }
        return report;
    }

    private static string Said(SmtpReply reply) => "Remote host said: " + reply.Text;
}
