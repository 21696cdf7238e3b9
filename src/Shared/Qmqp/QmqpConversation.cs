// The client's side of QMQP (D. J. Bernstein, qmqp.html): one netstring with a message and its envelope, one answer.
using System;
using Qmta.Posix;
using Qmta.Smtp;
using Qmta.Text;

namespace Qmta.Qmqp;

/// <summary>One message over one connection, which is of no more use afterwards.</summary>
public sealed class QmqpConversation
{
    /// <summary>Most bytes of an answer that are kept.</summary>
    public const int LongestText = 1000;

    private const int MostDigits = 9;

    private readonly Connection connection;
    private readonly byte[] buffer;
    private int used;

    /// <param name="connection">An open connection.</param>
    /// <param name="buffer">Sends; at least 32 bytes.</param>
    public QmqpConversation(Connection connection, byte[] buffer)
    {
        this.connection = connection;
        this.buffer = buffer;
    }

    /// <summary>
    /// The end of the message may have reached the server: unless it has answered, nobody knows whether it has queued the
    /// message. Before that it must throw away what it has got.
    /// </summary>
    public bool InDoubt { get; private set; }

    /// <summary>Sends the message and hears the answer.</summary>
    /// <exception cref="ConnectionException">The connection failed, or the server does not speak QMQP.</exception>
    /// <exception cref="MessageUnreadableException">The message was not sent to its end.</exception>
    public QmqpReply Submit(QmqpMessage message)
    {
        try
        {
            Put(Netstring.Start(Netstring.LengthOf(message.Message.Length) + message.Envelope.Length));
            Put(Netstring.Start(message.Message.Length));
            Put(message.Message);
            Put([Netstring.End]);
            Put(message.Envelope);
            Put([Netstring.End]);
        }
        catch (ConnectionException failure)
        {
            // A server that stops listening may have said why.
            return ReadRefusal(0, failure);
        }
        // What is still in the buffer holds the end. A server that has something to say, or is gone, does not get it.
        if (!connection.IsQuiet) return ReadRefusal(connection.ReplyLimit(), null);
        InDoubt = true;
        Send();
        return ReadReply(connection.ReplyLimit());
    }

    // What comes before the end of the message can be nothing else.
    private QmqpReply ReadRefusal(long limit, ConnectionException? failure)
    {
        QmqpReply reply;
        try
        {
            reply = ReadReply(limit);
        }
        catch (ConnectionException) when (failure != null)
        {
            throw failure;
        }
        return reply.Accepted ? throw new ConnectionException("The server accepts a message that it has not got") : reply;
    }

    // The verdict counts as soon as it is there, even if the rest of the answer gets lost: the message is queued, or not.
    private QmqpReply ReadReply(long limit)
    {
        int length = 0, digits = 0;
        while (true)
        {
            byte b = Next(limit);
            if (b == ':' && digits > 0) break;
            if (b is < (byte)'0' or > (byte)'9' || ++digits > MostDigits)
                throw new ConnectionException("The server sent something that is no netstring");
            length = 10 * length + (b - '0');
        }
        char verdict = length > 0 ? (char)Next(limit) : '\0';
        if (verdict is not ('K' or 'Z' or 'D'))
            throw new ConnectionException("The server sent an answer that is not K, Z or D");
        Span<byte> text = stackalloc byte[LongestText];
        int kept = 0;
        try
        {
            while (kept < text.Length && kept < length - 1)
            {
                text[kept] = Next(limit);
                kept++;
            }
        }
        catch (ConnectionException)
        {
            // half a sentence is better than none
        }
        return new QmqpReply(verdict, Latin1.String(text[..kept]));
    }

    private byte Next(long limit)
    {
        byte b = connection.Fill(limit)[0];
        connection.Consume(1);
        return b;
    }

    private void Put(FilePart part)
    {
        // Of the part that comes last something stays in the buffer, and with it there is room for the last comma.
        int most = buffer.Length - 1;
        for (long done = 0; done < part.Length;)
        {
            if (used >= most) Send();
            int room = (int)Math.Min(part.Length - done, most - used);
            int n = Files.ReadAt(part.Fd, buffer.AsSpan(used, room), part.Start + done);
            if (n < 0) throw new MessageUnreadableException(Errno.Text(n));
            if (n == 0) throw new MessageUnreadableException("It is shorter than it was");
            used += n;
            done += n;
        }
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        if (used + bytes.Length > buffer.Length) Send();
        bytes.CopyTo(buffer.AsSpan(used));
        used += bytes.Length;
    }

    private void Send()
    {
        connection.Send(buffer.AsSpan(0, used));
        used = 0;
    }
}
