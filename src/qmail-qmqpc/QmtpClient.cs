// qmail-qmtpc: qmail-queue's interface over QMTP, for hubs that say of each recipient whether they take it (qmail-qmtpc(8)).
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Qmqp;
using Qmta.Qmtp;
using Qmta.Smtp;
using Qmta.Text;

namespace Qmta.NullClient;

internal sealed class QmtpClient : IOutgoing
{
    internal const string Name = "qmail-qmtpc";

    private const int DefaultPort = 209;

    // Of very many refusals the first tell what is wrong.
    private const int MostSentences = 10;

    private readonly SmtpBuffers buffers = new();
    private readonly FilePart message;
    private readonly string sender;
    private readonly IReadOnlyList<string> recipients;

    internal QmtpClient(FilePart message, string sender, IReadOnlyList<string> recipients)
    {
        this.message = message;
        this.sender = sender;
        this.recipients = recipients;
    }

    /// <summary>Hands the message on descriptor 0 with the envelope on descriptor 1 to a hub.</summary>
    internal static void Run(string[] arguments)
    {
        ControlFiles control = ControlFiles.FromEnvironment();
        List<Hub> hubs = Hub.List(arguments, control, "qmtpservers", Hub.PortFrom("PORT_QMTP", DefaultPort));
        Handover handover = new(control, HubTls.Read(control, "qmtptls"));
        FilePart message = Spool.Of(0);
        Envelope envelope = new(1);
        string sender = Latin1.String(envelope.Sender());
        List<string> recipients = [];
        while (envelope.Recipient() is byte[] recipient) recipients.Add(Latin1.String(recipient));
        // The hub would have nothing to say, neither yes nor no.
        if (recipients.Count == 0) throw new HandoverException(ExitCode.Rejected, "the message has no recipients");
        handover.Run(hubs, new QmtpClient(message, sender, recipients));
    }

    /// <inheritdoc/>
    public (int Code, string Sentence) Send(Connection connection, out bool inDoubt)
    {
        _ = Files.Seek(message.Fd, message.Start);
        QmtpConversation conversation = new(connection, buffers);
        try
        {
            return Verdict(conversation.Transact(sender, recipients, message.Length, message.Fd));
        }
        finally
        {
            inDoubt = conversation.InDoubt;
        }
    }

    // qmail-queue takes a message for all its recipients or for none, and so does whoever calls it. Where a hub takes it
    // for some, the others must not be forgotten: the worst answer counts, and the sentences say whom it is about.
    private (int Code, string Sentence) Verdict(IReadOnlyList<QmtpResponse> responses)
    {
        int code = ExitCode.Accepted, refused = 0;
        string sentences = "";
        for (int i = 0; i < responses.Count; i++)
        {
            if (responses[i].Letter == 'K') continue;
            if (responses[i].Letter == 'D') code = ExitCode.Rejected;
            else if (code == ExitCode.Accepted) code = ExitCode.Deferred;
            if (++refused <= MostSentences) sentences += (refused > 1 ? "\n" : "") + recipients[i] + ": " + responses[i].Text;
        }
        if (refused > MostSentences) sentences += "\nand " + (refused - MostSentences) + " more";
        if (refused > 0 && refused < responses.Count) sentences += "\nthe other recipients have been accepted";
        return (code, sentences);
    }
}
