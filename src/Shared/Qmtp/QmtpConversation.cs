// The client's side of QMTP (D. J. Bernstein, qmtp.txt): a package with the message and its envelope goes out, and a
// response for each recipient comes back.
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Smtp;
using Qmta.Text;

namespace Qmta.Qmtp;

/// <summary>What the server says about one recipient.</summary>
/// <param name="Letter">K accepted, Z not now, D never.</param>
/// <param name="Text">Its words.</param>
public readonly record struct QmtpResponse(char Letter, string Text);

/// <summary>
/// A conversation over an open connection. The message goes out as it is stored, after one byte that says that its
/// lines end with LF; every byte arrives as it is here.
/// </summary>
public sealed class QmtpConversation : IMailConversation
{
    /// <summary>Longest response accepted, in bytes.</summary>
    public const int LongestResponse = 10_000;

    // Of very many responses only so many bytes are kept; further ones are cut short.
    private const int MostText = 1 << 20, ShortText = 100;

    private const byte LineFeeds = 10;

    private readonly Connection connection;
    private readonly NetstringReader responses = new(LongestResponse);
    private SmtpBuffers buffers;
    private int used;

    public QmtpConversation(Connection connection, SmtpBuffers buffers)
    {
        this.connection = connection;
        this.buffers = buffers;
    }

    /// <inheritdoc/>
    public bool CanContinue { get; private set; } = true;

    /// <inheritdoc/>
    public bool InDoubt { get; private set; }

    /// <inheritdoc/>
    public void UseBuffers(SmtpBuffers other)
    {
        connection.UseBuffer(other.Received);
        buffers = other;
    }

    /// <summary>Sends one message and hears the responses, one for each recipient, in order.</summary>
    /// <param name="sender">The envelope sender; "" for none.</param>
    /// <param name="recipients">The envelope recipients; any bytes.</param>
    /// <param name="size">The message's exact size in bytes.</param>
    /// <param name="message">A descriptor from which so many bytes of it are read.</param>
    /// <param name="extraHeader">Header lines that go in front of it.</param>
    /// <exception cref="ConnectionException">The connection failed, or the server does not speak QMTP.</exception>
    /// <exception cref="MessageUnreadableException">
    /// The message was not sent to its end; the connection is of no more use, and the server forgets the package.
    /// </exception>
    public IReadOnlyList<QmtpResponse> Transact(string sender, IReadOnlyList<string> recipients, long size, int message,
        string extraHeader = "")
    {
        CanContinue = InDoubt = false;
        used = 0;
        Put(Netstring.Start(size + extraHeader.Length + 1));
        Put([LineFeeds]);
        Put(Latin1.Bytes(extraHeader));
        PutMessage(size, message);
        Put([Netstring.End]);
        Put(Netstring.Of(Latin1.Bytes(sender)));
        long length = 0;
        foreach (string recipient in recipients) length += Netstring.LengthOf(recipient.Length);
        Put(Netstring.Start(length));
        foreach (string recipient in recipients) Put(Netstring.Of(Latin1.Bytes(recipient)));
        Put([Netstring.End]);
        InDoubt = true;
        Send();
        List<QmtpResponse> answers = new(recipients.Count);
        long limit = connection.ReplyLimit();
        int kept = 0;
        while (answers.Count < recipients.Count)
        {
            QmtpResponse answer = ReadResponse(limit);
            kept += answer.Text.Length;
            bool cut = kept > MostText && answer.Text.Length > ShortText;
            answers.Add(cut ? answer with { Text = answer.Text[..ShortText] } : answer);
        }
        InDoubt = false;
        CanContinue = true;
        return answers;
    }

    /// <summary>Nothing: closing between packages is how QMTP ends.</summary>
    public void Quit() => CanContinue = false;

    private void PutMessage(long size, int message)
    {
        while (size > 0)
        {
            if (buffers.Output.Length == used) Send();
            int room = (int)Math.Min(size, buffers.Output.Length - used);
            int n = Files.Read(message, buffers.Output.AsSpan(used, room));
            if (n < 0) throw new MessageUnreadableException(Errno.Text(n));
            if (n == 0) throw new MessageUnreadableException("It is shorter than it was");
            used += n;
            size -= n;
        }
    }

    private QmtpResponse ReadResponse(long limit)
    {
        while (true)
        {
            ReadOnlySpan<byte> bytes = connection.Fill(limit);
            int available = bytes.Length;
            byte[]? response;
            try
            {
                response = responses.Take(ref bytes);
            }
            catch (FormatException e)
            {
                throw new ConnectionException("The server sent " + e.Message);
            }
            connection.Consume(available - bytes.Length);
            if (response == null) continue;
            if (response.Length == 0 || response[0] is not ((byte)'K' or (byte)'Z' or (byte)'D'))
                throw new ConnectionException("The server sent a response that is not K, Z or D");
            return new QmtpResponse((char)response[0], Latin1.String(response.AsSpan(1)));
        }
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (used == buffers.Output.Length) Send();
            int n = Math.Min(bytes.Length, buffers.Output.Length - used);
            bytes[..n].CopyTo(buffers.Output.AsSpan(used));
            used += n;
            bytes = bytes[n..];
        }
    }

    private void Send()
    {
        int n = used;
        used = 0;
        if (n > 0) connection.Send(buffers.Output.AsSpan(0, n));
    }
}
