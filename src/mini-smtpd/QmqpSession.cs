// The server's side of QMQP (D. J. Bernstein, qmqp.html): one message with its envelope, one answer, and the end.
using System;
using Qmta.Posix;

namespace Qmta.Reception;

/// <summary>
/// A client that may send to anywhere hands over one message. No others are served: the protocol has no way to say
/// whose recipients are whose (qmail-qmqpd(8)).
/// </summary>
internal sealed class QmqpSession : ISession
{
    internal const string Program = "qmail-qmqpd";

    private const string NoAddress = "Dsorry, I can't accept addresses like that (#5.1.3)";

    private readonly ClientConnection connection;
    private readonly Peer peer;
    private readonly Handshakes tls;
    private readonly CurrentSettings<QueueingSettings> settings;

    internal QmqpSession(ClientConnection connection, Peer peer, Handshakes tls,
        CurrentSettings<QueueingSettings> settings)
    {
        this.connection = connection;
        this.peer = peer;
        this.tls = tls;
        this.settings = settings;
    }

    public string Greeting => "";
    public string TimeoutText => "";
    public string FarewellText => "";

    /// <inheritdoc/>
    public bool Serve()
    {
        string? answer = Receive(new NetstringInput(connection));
        if (answer != null) connection.Write(answer.Length + ":" + answer + ",");
        return false;
    }

    // What to answer; null when there is nobody left to hear it.
    private string? Receive(NetstringInput input)
    {
        IncomingMessage message;
        try
        {
            QueueingSettings current = settings.Get();
            string? refusal = current.RelaySuffix(peer, connection, tls) == null
                ? "Dsorry, this server does not queue mail from your host (#5.7.1)" : null;
            message = new IncomingMessage(Program, "QMQP", peer, current, connection.Tls?.Facts, refusal);
        }
        catch (Exception e) when (e is PosixException or FormatException)
        {
            Standard.Error(Program + ": " + e.Message);
            return "Zunable to read controls (#4.3.0)";
        }
        using (message)
        {
            try
            {
                Read(input, message);
                return message.Finish();
            }
            catch (FormatException e)
            {
                message.Abandon("the client sent " + e.Message);
                // There will be no end after which to answer: it is now or never.
                return "Dthis is not QMQP (#5.5.2)";
            }
            catch (ClientGoneException e)
            {
                message.Abandon(e.Message);
                return null;
            }
        }
    }

    private static void Read(NetstringInput input, IncomingMessage message)
    {
        input.Enter(input.Length());
        for (long rest = input.Length(); rest > 0;)
        {
            ReadOnlySpan<byte> piece = input.Take(rest);
            rest -= piece.Length;
            message.Put(piece);
        }
        input.Comma();
        message.From(Address(input, message));
        while (input.Left > 0)
        {
            string recipient = Address(input, message);
            if (recipient.Length > 0) message.To(recipient);
            else message.Refuse(NoAddress);
        }
        input.Leave();
    }

    private static string Address(NetstringInput input, IncomingMessage message)
    {
        string? address = input.Text(QueueingSettings.LongestAddress);
        if (address != null && !address.Contains('\0')) return address;
        message.Refuse(NoAddress);
        return "";
    }
}
