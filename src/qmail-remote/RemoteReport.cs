// What became of a remote delivery, in qmail's two forms: qmail-remote's reports and qmail-rspawn's single one.
using System.Collections.Generic;
using System.Text;
using Qmta.Posix;
using Qmta.Smtp;

namespace Qmta.Remote;

/// <summary>
/// Reports about recipients (r accepted, h rejected for good, s rejected for now) and then one about the message
/// (K accepted, Z try again, D permanent failure); each is its letter and a text (qmail-remote(8), RESULTS).
/// </summary>
internal sealed class RemoteReport
{
    private readonly List<string> recipients = [];
    private readonly string message;

    private RemoteReport(char letter, string text) => message = Line(letter, text);

    internal static RemoteReport Success(string text) => new('K', text);

    internal static RemoteReport Temporary(string text) => new('Z', text);

    internal static RemoteReport Permanent(string text) => new('D', text);

    /// <summary>The report with this letter, which is K, Z or D.</summary>
    internal static RemoteReport Of(char letter, string text) => new(letter, text);

    /// <summary>The reports of an SMTP transaction.</summary>
    internal static RemoteReport Of(IpAddress peer, SmtpOutcome outcome)
    {
        SmtpReply reply = outcome.Reply;
        char letter = reply.IsPermanent ? 'D' : 'Z';
        RemoteReport report = outcome.Stage switch
        {
            SmtpStage.Sender => Of(letter, $"Connected to {peer} but sender was rejected.\n" + Said(reply)),
            SmtpStage.Recipients => Permanent($"Giving up on {peer}.\n"),
            SmtpStage.Data => Of(letter, $"{peer} failed on DATA command.\n" + Said(reply)),
            _ when reply.IsPositive => Success($"{peer} accepted message.\n" + Said(reply)),
            _ => Of(letter, $"{peer} failed after I sent the message.\n" + Said(reply)),
        };
        foreach (SmtpReply answer in outcome.Recipients)
        {
            if (answer.IsPositive) report.AddRecipient('r', "");
            else report.AddRecipient(answer.IsPermanent ? 'h' : 's', $"{peer} does not like recipient.\n" + Said(answer));
        }
        return report;
    }

    /// <summary>The words of a server.</summary>
    internal static string Said(SmtpReply reply) => "Remote host said: " + reply.Text;

    /// <summary>Adds the report of the next recipient.</summary>
    internal void AddRecipient(char letter, string text) => recipients.Add(Line(letter, text));

    /// <summary>The reports as qmail-remote prints them, each ended by a NUL.</summary>
    internal string Encode()
    {
        StringBuilder all = new();
        foreach (string recipient in recipients) all.Append(recipient).Append('\0');
        return all.Append(message).Append('\0').ToString();
    }

    /// <summary>
    /// The one report of a delivery to one recipient, as qmail-rspawn makes it: the recipient's rejection decides if
    /// there is one, else the message's report; the message's text is left out when it sounds better than the result.
    /// </summary>
    internal string Merge()
    {
        string recipient = recipients.Count > 0 ? recipients[0] : "r";
        char result = recipient[0] switch { 's' => 'Z', 'h' => 'D', _ => message[0] };
        bool tellMessage = Rank(message[0]) <= Rank(result);
        return result + recipient[1..] + (tellMessage ? message[1..] : "");
    }

    private static int Rank(char letter) => letter switch { 'K' => 1, 'Z' => 0, _ => -1 };

    private static string Line(char letter, string text)
    {
        text = text.Replace('\0', '?');
        return letter + (text.Length == 0 || text[^1] == '\n' ? text : text + "\n");
    }
}
