// The client's side of SMTP (RFC 5321): greeting, hello, any number of transactions, good-bye.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Smtp;

/// <summary>The message file could not be read while it was being sent.</summary>
public sealed class MessageUnreadableException : Exception
{
    public MessageUnreadableException(string reason) : base(reason) { }
}

/// <summary>How far a transaction came.</summary>
public enum SmtpStage
{
    /// <summary>MAIL was refused.</summary>
    Sender,
    /// <summary>Every RCPT was refused.</summary>
    Recipients,
    /// <summary>DATA was refused.</summary>
    Data,
    /// <summary>The message was sent; the reply says what became of it.</summary>
    Message,
}

/// <summary>What the server said in a transaction.</summary>
/// <param name="Stage">The step that <paramref name="Reply"/> answers.</param>
/// <param name="Recipients">The replies to RCPT, in order; fewer than recipients when the sender was refused.</param>
public sealed record SmtpOutcome(SmtpStage Stage, SmtpReply Reply, IReadOnlyList<SmtpReply> Recipients);

/// <summary>
/// The memory of one conversation, used again for the next one. It lies outside the part of the heap where garbage is
/// collected often: there the collector would see much survive and let the program grow before it looks again.
/// </summary>
public sealed class SmtpBuffers
{
    internal readonly byte[] Message = Allocate(8192);
    internal readonly byte[] Output = Allocate(16384 + 64);

    /// <summary>For <see cref="Connection.Open"/>.</summary>
    public byte[] Received { get; } = Allocate(2048);

    private static byte[] Allocate(int size) => GC.AllocateUninitializedArray<byte>(size, pinned: true);
}

/// <summary>
/// A conversation over an open connection. Steps are called in order: <see cref="Greeting"/>, <see cref="Hello"/>,
/// then <see cref="Transact"/> as often as there are messages, then <see cref="Quit"/>.
/// </summary>
public sealed partial class SmtpConversation : IMailConversation
{
    // Commands that go out together, and replies that may thus be under way, stay far below what any socket buffers:
    // otherwise both sides could wait for the other to read (RFC 2920 3.1).
    private const int LargestGroup = 50;

    // When replies to RCPT come to so many bytes of text, further ones are cut short.
    private const int MostText = 1 << 20, ShortText = 100;

    private const int ServiceClosing = 421;

    private readonly Connection connection;
    private SmtpBuffers buffers;
    private readonly SmtpReplyParser parser = new();
    private int used;

    // A transaction was begun and not ended: the server has its sender still.
    private bool needsReset;

    // The server gave its verdict before it had the whole message; nobody knows what it takes the rest for.
    private bool cutShort;

    public SmtpConversation(Connection connection, SmtpBuffers buffers)
    {
        this.connection = connection;
        this.buffers = buffers;
    }

    /// <summary>The server takes several commands at a time (RFC 2920).</summary>
    public bool Pipelining { get; private set; }

    /// <summary>The server takes eight-bit bodies (RFC 6152).</summary>
    public bool EightBitMime { get; private set; }

    /// <summary>The server wants to know the size first (RFC 1870).</summary>
    public bool Size { get; private set; }

    /// <summary>The largest message the server takes, in bytes (RFC 1870 4); 0 when it does not say.</summary>
    public long LargestSize { get; private set; }

    /// <summary>The server takes addresses in UTF-8 (RFC 6531).</summary>
    public bool Utf8Addresses { get; private set; }

    /// <summary>The server can begin TLS (RFC 3207).</summary>
    public bool CanStartTls { get; private set; }

    /// <inheritdoc/>
    public bool InDoubt { get; private set; }

    /// <inheritdoc/>
    public bool CanContinue { get; private set; }

    /// <inheritdoc/>
    public void UseBuffers(SmtpBuffers other)
    {
        connection.UseBuffer(other.Received);
        buffers = other;
        used = 0;
    }

    /// <summary>Waits for the server's greeting.</summary>
    /// <exception cref="ConnectionException">The connection failed, or the server does not speak SMTP.</exception>
    public SmtpReply Greeting() => ReadReply();

    /// <summary>Says EHLO, or HELO to a server that does not know it.</summary>
    /// <exception cref="ConnectionException">The connection failed.</exception>
    public SmtpReply Hello(string name)
    {
        SmtpReply reply = SayHello(name);
        CanContinue = reply.IsPositive;
        return reply;
    }

    private SmtpReply SayHello(string name)
    {
        authMechanisms.Clear(); // what was offered before TLS began does not count
        Put("EHLO ");
        Put(name);
        Put("\r\n");
        Send();
        SmtpReply reply = ReadReply();
        // What was offered before, in the clear perhaps, counts no more (RFC 3207 4.2).
        Pipelining = EightBitMime = Size = Utf8Addresses = CanStartTls = false;
        LargestSize = 0;
        if (reply.IsPositive)
        {
            foreach (string line in reply.Text.Split('\n'))
            {
                if (line.Length < 5) continue;
                NoteAuth(line.AsSpan(4));
                int end = line.IndexOf(' ', 4);
                ReadOnlySpan<char> keyword = line.AsSpan(4, (end < 0 ? line.Length : end) - 4);
                Pipelining |= Latin1.EqualsIgnoreCase(keyword, "PIPELINING");
                EightBitMime |= Latin1.EqualsIgnoreCase(keyword, "8BITMIME");
                CanStartTls |= Latin1.EqualsIgnoreCase(keyword, "STARTTLS");
                Utf8Addresses |= Latin1.EqualsIgnoreCase(keyword, "SMTPUTF8");
                CanStartTls |= Latin1.EqualsIgnoreCase(keyword, "STARTTLS");
                if (!Latin1.EqualsIgnoreCase(keyword, "SIZE")) continue;
                Size = true;
                if (end >= 0 && long.TryParse(line.AsSpan(end).Trim(), NumberStyles.None, CultureInfo.InvariantCulture,
                    out long largest))
                    LargestSize = largest;
            }
            return reply;
        }
        if (!reply.IsPermanent) return reply;
        Put("HELO ");
        Put(name);
        Put("\r\n");
        Send();
        return ReadReply();
    }

    /// <summary>
    /// Asks to begin TLS. After a reply of 220 comes <see cref="Connection.Secure"/>, then <see cref="Hello"/> again.
    /// </summary>
    /// <exception cref="ConnectionException">The connection failed.</exception>
    public SmtpReply StartTls()
    {
        Put("STARTTLS\r\n");
        Send();
        return ReadReply();
    }

    /// <summary>Sends one message.</summary>
    /// <param name="sender">The envelope sender; "" for none.</param>
    /// <param name="recipients">The envelope recipients; all addresses are <see cref="SmtpAddress.IsSendable"/>.</param>
    /// <param name="size">
    /// The message's size in bytes as it is stored; an estimate will do (RFC 1870 6.3); negative when unknown.
    /// </param>
    /// <param name="message">A descriptor from which the message is read to its end.</param>
    /// <param name="extraHeader">Header lines that go in front of it.</param>
    /// <exception cref="ConnectionException">The connection failed.</exception>
    /// <exception cref="MessageUnreadableException">
    /// The message was not sent to its end; the connection is of no more use.
    /// </exception>
    public SmtpOutcome Transact(string sender, IReadOnlyList<string> recipients, long size, int message,
        string extraHeader = "")
    {
        InDoubt = false;
        CanContinue = false;
        Reset();
        cutShort = false;
        SmtpOutcome outcome = TryTransact(sender, recipients, size, message, extraHeader);
        CanContinue = !cutShort && outcome.Reply.Code != ServiceClosing;
        return outcome;
    }

    /// <summary>Whether the server must take addresses in UTF-8 for this envelope (RFC 6531 3.1).</summary>
    public static bool NeedsUtf8(string sender, IReadOnlyList<string> recipients)
    {
        if (!Ascii.IsValid(sender)) return true;
        foreach (string recipient in recipients)
            if (!Ascii.IsValid(recipient)) return true;
        return false;
    }

    private SmtpOutcome TryTransact(string sender, IReadOnlyList<string> recipients, long size, int message,
        string extraHeader)
    {
        List<SmtpReply> answers = new(recipients.Count);
        PutMail(sender, size, Utf8Addresses && NeedsUtf8(sender, recipients));
        SmtpReply? mail = null, data = null;
        if (!Pipelining)
        {
            Send();
            mail = ReadReply();
            if (!mail.IsPositive) return new SmtpOutcome(SmtpStage.Sender, mail, answers);
        }
        bool anyAccepted = false;
        int kept = 0;
        for (int next = 0; next < recipients.Count;)
        {
            int group = Pipelining ? Math.Min(LargestGroup, recipients.Count - next) : 1;
            for (int i = 0; i < group; i++) PutRecipient(recipients[next + i]);
            next += group;
            bool withData = Pipelining && next == recipients.Count;
            if (withData) Put("DATA\r\n");
            Send();
            mail ??= ReadReply();
            // RFC 5321 3.8: after 421 the server closes, and the replies that are missing do not come any more.
            if (mail.Code == ServiceClosing) return new SmtpOutcome(SmtpStage.Sender, mail, answers);
            for (int i = 0; i < group; i++)
            {
                SmtpReply reply = ReadReply();
                if (reply.Code == ServiceClosing)
                    throw new ConnectionException("Remote host said: " + reply.Text.TrimEnd('\n'));
                if (!mail.IsPositive) continue;
                kept += reply.Text.Length;
                anyAccepted |= reply.IsPositive;
                bool cut = kept > MostText && reply.Text.Length > ShortText;
                answers.Add(cut ? reply with { Text = reply.Text[..ShortText] + "\n" } : reply);
            }
            if (withData) data = ReadReply();
            else if (!mail.IsPositive) return new SmtpOutcome(SmtpStage.Sender, mail, answers);
        }
        if (!anyAccepted || !mail!.IsPositive)
        {
            // RFC 2920 3.1: a server that says 354 all the same gets an empty message, and it will refuse that.
            if (data is { IsIntermediate: true })
            {
                Put(".\r\n");
                Send();
                _ = ReadReply();
            }
            else needsReset = mail!.IsPositive;
            return mail!.IsPositive
                ? new SmtpOutcome(SmtpStage.Recipients, answers[^1], answers)
                : new SmtpOutcome(SmtpStage.Sender, mail, answers);
        }
        if (data == null)
        {
            Put("DATA\r\n");
            Send();
            data = ReadReply();
        }
        if (!data.IsIntermediate)
        {
            needsReset = true;
            return new SmtpOutcome(SmtpStage.Data, data, answers);
        }
        SmtpReply verdict = SendMessage(message, extraHeader);
        InDoubt = false;
        return new SmtpOutcome(SmtpStage.Message, verdict, answers);
    }

    /// <inheritdoc/>
    public void Quit()
    {
        CanContinue = false;
        used = 0;
        try
        {
            // Not through the buffers: they may be another conversation's by now.
            connection.Send("QUIT\r\n"u8);
        }
        catch (ConnectionException)
        {
            // it is over either way
        }
    }

    private void Reset()
    {
        if (!needsReset) return;
        Put("RSET\r\n");
        Send();
        SmtpReply reply = ReadReply();
        if (!reply.IsPositive) throw new ConnectionException("Remote host said to RSET: " + reply.Text.TrimEnd('\n'));
        needsReset = false;
    }

    private SmtpReply SendMessage(int message, ReadOnlySpan<char> extraHeader)
    {
        DotStuffing stuffing = default;
        byte[] output = buffers.Output;
        while (true)
        {
            int piece = Math.Min(buffers.Message.Length, (output.Length - used - DotStuffing.EndRoom - 1) / 2);
            int n = Math.Min(piece, extraHeader.Length);
            if (n > 0)
            {
                Latin1.Bytes(extraHeader[..n], buffers.Message);
                extraHeader = extraHeader[n..];
            }
            else n = Files.Read(message, buffers.Message.AsSpan(0, piece));
            if (n < 0) throw new MessageUnreadableException(Errno.Text(n));
            if (n == 0) break;
            used += stuffing.Convert(buffers.Message.AsSpan(0, n), output.AsSpan(used));
            if (output.Length - used < 2048 && SendOrHear() is SmtpReply early)
            {
                cutShort = true;
                return early;
            }
        }
        // The end leaves together with the last piece: a small segment of its own might wait for a delayed ACK.
        used += stuffing.End(output.AsSpan(used));
        InDoubt = true;
        if (SendOrHear() is SmtpReply late)
        {
            cutShort = true;
            return late;
        }
        return ReadReply();
    }

    // A server that has had enough may say so and close before it has everything: its last words are the verdict.
    private SmtpReply? SendOrHear()
    {
        try
        {
            Send();
            return null;
        }
        catch (ConnectionException)
        {
            try
            {
                SmtpReply reply = ReadReply(0);
                if (!reply.IsPositive && !reply.IsIntermediate) return reply;
            }
            catch (ConnectionException)
            {
                // It left without a word; the first failure is the one to tell.
            }
            throw;
        }
    }

    private void PutMail(string sender, long size, bool utf8)
    {
        Put("MAIL FROM:<");
        Put(SmtpAddress.Quoted(sender));
        Put(">");
        // RFC 6152 2: the body may hold bytes above 127. Nobody has looked whether it does, and a server that offers
        // the extension takes both.
        if (EightBitMime) Put(" BODY=8BITMIME");
        if (Size && size >= 0) Put(" SIZE=" + size);
        if (utf8) Put(" SMTPUTF8");
        Put("\r\n");
    }

    private void PutRecipient(string recipient)
    {
        Put("RCPT TO:<");
        Put(SmtpAddress.Quoted(recipient));
        Put(">\r\n");
    }

    private void Put(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            int n = Math.Min(text.Length, buffers.Output.Length - used);
            used += Latin1.Bytes(text[..n], buffers.Output.AsSpan(used));
            text = text[n..];
            if (used == buffers.Output.Length) Send();
        }
    }

    private void Send()
    {
        int n = used;
        used = 0;
        if (n > 0) connection.Send(buffers.Output.AsSpan(0, n));
    }

    private SmtpReply ReadReply() => ReadReply(connection.ReplyLimit());

    private SmtpReply ReadReply(long limit)
    {
        while (true)
        {
            ReadOnlySpan<byte> bytes = connection.Fill(limit);
            int available = bytes.Length;
            SmtpReply? reply;
            try
            {
                reply = parser.Take(ref bytes);
            }
            catch (FormatException e)
            {
                throw new ConnectionException("The server sent " + e.Message);
            }
            connection.Consume(available - bytes.Length);
            if (reply != null) return reply;
        }
    }
}
