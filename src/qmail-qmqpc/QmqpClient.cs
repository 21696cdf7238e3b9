// qmail-qmqpc: qmail-queue's interface for hosts without a queue; the message goes to a hub by QMQP (qmail-qmqpc(8)).
using System;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Qmqp;
using Qmta.Smtp;

namespace Qmta.NullClient;

internal sealed class QmqpClient : IOutgoing
{
    internal const string Name = "qmail-qmqpc";

    private const int DefaultPort = 628;

    private readonly byte[] buffer;
    private readonly QmqpMessage message;

    /// <param name="buffer">Sends; null for one of its own.</param>
    internal QmqpClient(QmqpMessage message, byte[]? buffer = null)
    {
        this.message = message;
        this.buffer = buffer ?? GC.AllocateUninitializedArray<byte>(16384);
    }

    /// <summary>Hands the message on descriptor 0 with the envelope on descriptor 1 to a hub.</summary>
    internal static void Run(string[] arguments)
    {
        ControlFiles control = ControlFiles.FromEnvironment();
        var hubs = Hub.List(arguments, control, "qmqpservers", Hub.PortFrom("PORT_QMQP", DefaultPort));
        Handover handover = new(control, HubTls.Read(control, "qmqptls"));
        FilePart message = Spool.Of(0);
        handover.Run(hubs, new QmqpClient(new QmqpMessage(message, new Envelope(1).AsNetstrings())));
    }

    /// <inheritdoc/>
    public (int Code, string Sentence) Send(Connection connection, out bool inDoubt)
    {
        QmqpConversation conversation = new(connection, buffer);
        try
        {
            QmqpReply reply = conversation.Submit(message);
            return (reply.Accepted ? ExitCode.Accepted : reply.Permanent ? ExitCode.Rejected : ExitCode.Deferred, reply.Text);
        }
        finally
        {
            inDoubt = conversation.InDoubt;
        }
    }
}
