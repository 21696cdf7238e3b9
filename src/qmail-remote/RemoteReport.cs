// What became of a remote delivery, in qmail's two forms: qmail-remote's reports and qmail-rspawn's single one.
using System.Collections.Generic;
using System.Text;
using Qmta.Posix;
using Qmta.Qmtp;
using Qmta.Smtp;

namespace Qmta.Remote;

/// <summary>
/// Reports about recipients (r accepted, h rejected for good, s rejected for now) and then one about the message
/// (K accepted, Z try again, D permanent failure); each is its letter and a text (qmail-remote(8), RESULTS).
/// </summary>
internal sealed class RemoteReport
{
    private const int AuthenticationRequired = 530;

    private readonly List<RecipientReport> recipients = [];
    private readonly string message;

    private RemoteReport(char letter, string text) => message = Line(letter, text);

    /// <summary>The server that decided; null when none did.</summary>
    internal IpAddress? Host { get; private init; }

    /// <summary>The code of its last reply about the message; 0 when there was none.</summary>
    internal int Code { get; private init; }

    internal static RemoteReport Success(string text) => new('K', text);

    internal static RemoteReport Temporary(string text) => new('Z', text);

    internal static RemoteReport Permanent(string text) => new('D', text);

    /// <summary>The report with this letter, which is K, Z or D.</summary>
    internal static RemoteReport Of(char letter, string text) => new(letter, text);

    /// <summary>The report with this letter, made of a server's reply.</summary>
    internal static RemoteReport Of(char letter, string text, IpAddress peer, int code) =>
        new(letter, text) { Host = peer, Code = code };

    /// <summary>The reports of an SMTP transaction.</summary>
    /// <param name="channel">A sentence about how the message was sent, or "".</param>
    /// <param name="notice">What to add to the message's report; "" for nothing.</param>
    internal static RemoteReport Of(IpAddress peer, SmtpOutcome outcome, string channel = "", string notice = "")
    {
        // RFC 4954 6: 530 wants to see a password. When there is one to show and the server had no AUTH for it, one of
        // the two hosts is to be mended, and the mail waits for that.
        bool skipped = notice == Login.Skipped;
        bool IsPermanent(SmtpReply reply) => reply.IsPermanent && !(skipped && reply.Code == AuthenticationRequired);

        SmtpReply reply = outcome.Reply;
        char letter = IsPermanent(reply) ? 'D' : 'Z';
        (letter, string text) = outcome.Stage switch
        {
            SmtpStage.Sender => (letter, $"Connected to {peer} but sender was rejected.\n" + Said(reply) + notice),
            SmtpStage.Recipients => ('D', $"Giving up on {peer}.\n" + notice),
            SmtpStage.Data => (letter, $"{peer} failed on DATA command.\n" + Said(reply)),
            _ when reply.IsPositive => ('K', $"{peer} accepted message.{(channel.Length > 0 ? " " : "")}{channel}\n" + Said(reply) + notice),
            _ => (letter, $"{peer} failed after I sent the message.\n" + Said(reply)),
        };
        RemoteReport report = Of(letter, text, peer, reply.Code);
        bool anyAccepted = false;
        foreach (SmtpReply answer in outcome.Recipients)
        {
            anyAccepted |= answer.IsPositive;
            if (answer.IsPositive) report.AddRecipient('r', "");
            else
            {
                // RFC 5321 4.5.3.1.10: too many recipients; 552 is an older way to say it.
                bool tooMany = anyAccepted && letter == 'K' && answer.Code is 452 or 552;
                report.AddRecipient(IsPermanent(answer) ? 'h' : 's', $"{peer} does not like recipient.\n" + Said(answer),
                    answer.Code, tooMany);
            }
        }
        return report;
    }

    /// <summary>The reports of a QMTP package.</summary>
    internal static RemoteReport Of(IpAddress peer, IReadOnlyList<QmtpResponse> responses)
    {
        string? accepted = null;
        foreach (QmtpResponse response in responses)
            if (response.Letter == 'K') accepted ??= response.Text;
        RemoteReport report = accepted == null ? Of('D', $"Giving up on {peer}.\n", peer, 0)
            : Of('K', $"{peer} accepted message.\nRemote host said: {accepted}", peer, 0);
        foreach (QmtpResponse response in responses)
        {
            if (response.Letter == 'K') report.AddRecipient('r', "");
            else
                report.AddRecipient(response.Letter == 'D' ? 'h' : 's',
                    $"{peer} does not like recipient.\nRemote host said: {response.Text}");
        }
        return report;
    }

    /// <summary>The words of a server.</summary>
    internal static string Said(SmtpReply reply) => "Remote host said: " + reply.Text;

    /// <summary>Adds the report of the next recipient.</summary>
    /// <param name="code">The code of the reply; 0 when there is none.</param>
    /// <param name="tooMany">
    /// The server took the message for others and would probably take it for this one in a transaction of its own.
    /// </param>
    internal void AddRecipient(char letter, string text, int code = 0, bool tooMany = false) =>
        recipients.Add(new RecipientReport(Line(letter, text), code, tooMany));

    /// <summary>Whether a recipient was one too many for a message that others got.</summary>
    internal bool WasTooMany(int recipient) => recipient < recipients.Count && recipients[recipient].TooMany;

    /// <summary>The code of the reply that decided about a recipient; 0 when there was none.</summary>
    internal int CodeOf(int recipient) =>
        recipient < recipients.Count && recipients[recipient].Line[0] != 'r' ? recipients[recipient].Code : Code;

    /// <summary>
    /// Reads what a program in the place of qmail-remote printed; null when it is no complete set of reports.
    /// </summary>
    internal static RemoteReport? Decode(string output)
    {
        List<string> recipients = [];
        foreach (string line in output.Split('\0')[..^1])
        {
            if (line.Length == 0) return null;
            if (line[0] is 'r' or 'h' or 's') recipients.Add(line);
            else if (line[0] is not ('K' or 'Z' or 'D')) return null;
            else
            {
                RemoteReport report = new(line[0], line[1..]);
                foreach (string recipient in recipients) report.AddRecipient(recipient[0], recipient[1..]);
                return report;
            }
        }
        return null;
    }

    /// <summary>The reports as qmail-remote prints them, each ended by a NUL.</summary>
    internal string Encode()
    {
        StringBuilder all = new();
        foreach (RecipientReport recipient in recipients) all.Append(recipient.Line).Append('\0');
        return all.Append(message).Append('\0').ToString();
    }

    /// <summary>The letter of the report about the message.</summary>
    internal char Letter => message[0];

    /// <summary>
    /// The one report of a delivery to one recipient, as qmail-rspawn makes it: the recipient's rejection decides if
    /// there is one, else the message's report; the message's text is left out when it sounds better than the result.
    /// </summary>
    internal string Merge(int index = 0)
    {
        string recipient = index < recipients.Count ? recipients[index].Line : "r";
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

    private readonly record struct RecipientReport(string Line, int Code, bool TooMany);
}
