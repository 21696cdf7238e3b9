// One SMTP session of mailsink.
using System;
using System.Buffers;
using System.IO;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Threading;

namespace Qmta.Tests.Sink;

/// <summary>Talks to one client, strictly: a line ends with CRLF and nothing else, and so does a message.</summary>
internal sealed class Session : IDisposable
{
    private readonly Options options;
    private readonly Store store;
    private readonly Socket socket;
    private SslStream? secure;
    private readonly byte[] buffer = new byte[16384];
    private readonly ArrayBufferWriter<byte> replies = new();
    private int start, end;
    private string authenticated = ""; // by which mechanism

    internal Session(Socket socket, Options options, Store store)
    {
        socket.NoDelay = true;
        this.socket = socket;
        this.options = options;
        this.store = store;
    }

    internal void Run()
    {
        if (options.DropAt == "connect") return;
        if (options.Smtps) Secure();
        Reply(options.Greeting);
        StringBuilder envelope = new();
        bool sender = false;
        int recipients = 0;
        while (ReadLine() is string line)
        {
            string verb = (line.Split(' ')[0]).ToUpperInvariant();
            switch (verb)
            {
                case "EHLO" when options.Ehlo:
                    if (options.DropAt == "ehlo") return;
                    envelope.Clear();
                    (sender, recipients) = (false, 0);
                    Reply("250-mailsink\r\n" + (options.Pipelining ? "250-PIPELINING\r\n" : "") + "250-SIZE 100000000\r\n"
                        + (options.Auth == null ? "" : "250-AUTH " + string.Join(' ', options.Auth.Mechanisms) + "\r\n")
                        + (options.Certificate != null && secure == null ? "250-STARTTLS\r\n" : "") + "250 8BITMIME");
                    break;
                case "STARTTLS" when options.Certificate != null && secure == null:
                    Reply("220 go ahead");
                    Flush();
                    if (options.TlsStall) Thread.Sleep(Timeout.Infinite);
                    // RFC 3207 4.2: what came before the handshake is forgotten
                    start = end = 0;
                    envelope.Clear();
                    (sender, recipients, authenticated) = (false, 0, "");
                    Secure();
                    break;
                case "HELO":
                    if (options.DropAt == "ehlo") return;
                    envelope.Clear();
                    (sender, recipients) = (false, 0);
                    Reply("250 mailsink");
                    break;
                case "AUTH" when options.Auth != null:
                    if (options.DropAt == "auth") return;
                    if (authenticated.Length > 0) Reply("503 5.5.1 once is enough");
                    else Authenticate(options.Auth, line.Split(' '));
                    break;
                case "MAIL":
                    if (options.DropAt == "mail") return;
                    if (options.Auth != null && authenticated.Length == 0)
                    {
                        Reply("530 5.7.0 Authentication required");
                        break;
                    }
                    if (sender) Reply("503 one sender is enough");
                    else if (options.RejectMail.Find(r => r.Matches(line)) is Rejection badSender) Reply(badSender.Reply);
                    else
                    {
                        sender = true;
                        if (authenticated.Length > 0) envelope.Append("AUTH ").Append(authenticated).Append('\n');
                        envelope.Append(line).Append('\n');
                        Reply("250 ok");
                    }
                    break;
                case "RCPT":
                    if (options.DropAt == "rcpt") return;
                    if (!sender) Reply("503 MAIL first");
                    else if (recipients >= options.MostRecipients) Reply("452 too many recipients");
                    else if (options.RejectRecipient.Find(r => r.Matches(line)) is Rejection badRecipient) Reply(badRecipient.Reply);
                    else
                    {
                        recipients++;
                        envelope.Append(line).Append('\n');
                        Reply("250 ok");
                    }
                    break;
                case "DATA":
                    if (options.DropAt == "data") return;
                    if (recipients == 0) Reply("503 RCPT first");
                    else if (options.RejectData != null) Reply(options.RejectData);
                    else
                    {
                        Reply("354 go ahead");
                        if (!Message(envelope.ToString())) return;
                    }
                    envelope.Clear();
                    (sender, recipients) = (false, 0);
                    break;
                case "RSET":
                    envelope.Clear();
                    (sender, recipients) = (false, 0);
                    Reply("250 ok");
                    break;
                case "NOOP":
                    Reply("250 ok");
                    break;
                case "QUIT":
                    Reply("221 mailsink closing connection");
                    Flush();
                    return;
                default:
                    Reply("502 unimplemented");
                    break;
            }
        }
    }

    public void Dispose() => secure?.Dispose();

    private void Secure()
    {
        secure = new SslStream(new NetworkStream(socket));
        secure.AuthenticateAsServer(options.Certificate!);
    }

    private void Authenticate(SaslServer server, string[] words)
    {
        string mechanism = words.Length > 1 ? words[1].ToUpperInvariant() : "";
        byte[]? initial = words.Length > 2 ? Decoded(words[2]) : null;
        string reply = server.Run(mechanism, initial, challenge =>
        {
            Reply("334 " + Convert.ToBase64String(challenge));
            return ReadLine() is string answer ? Decoded(answer) : null;
        });
        if (reply.StartsWith("235", StringComparison.Ordinal)) authenticated = mechanism;
        Reply(reply);
    }

    private static byte[]? Decoded(string base64)
    {
        try
        {
            return base64 == "=" ? [] : Convert.FromBase64String(base64);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    // False when the connection is to be dropped.
    private bool Message(string envelope)
    {
        string file = store.NewFile();
        bool complete;
        using (FileStream kept = new(file, FileMode.Create, FileAccess.Write, FileShare.None, 16384)) complete = Receive(kept);
        if (!complete || options.DropAt == "dot")
        {
            File.Delete(file);
            return false;
        }
        int number = store.CountEnd();
        if (number <= options.TempfailFirst || options.RejectMessage != null)
        {
            File.Delete(file);
            Reply(number <= options.TempfailFirst ? "451 try again" : options.RejectMessage!);
            return true;
        }
        store.Keep(file, envelope);
        Reply("250 ok message " + number);
        return true;
    }

    // Lines up to a lone dot, un-stuffed, CRLF as LF. The states are those of the last bytes seen.
    private bool Receive(FileStream kept)
    {
        const int lineStart = 0, inside = 1, cr = 2, dot = 3, dotCr = 4;
        int state = lineStart;
        while (true)
        {
            int b = ReadByte();
            if (b < 0) return false;
            if (options.DropAt == "body") return false;
            switch (state)
            {
                case dotCr:
                    if (b == '\n') return true;
                    kept.WriteByte((byte)'\r'); // the dot was stuffing, the CR is not part of a line end
                    state = inside;
                    break;
                case dot:
                    if (b == '\r')
                    {
                        state = dotCr;
                        continue;
                    }
                    state = inside; // the dot that was stuffed is dropped
                    break;
                case cr:
                    if (b == '\n')
                    {
                        kept.WriteByte((byte)'\n');
                        state = lineStart;
                        continue;
                    }
                    kept.WriteByte((byte)'\r');
                    state = inside;
                    break;
                case lineStart when b == '.':
                    state = dot;
                    continue;
            }
            if (b == '\r') state = cr;
            else
            {
                kept.WriteByte((byte)b);
                state = inside;
            }
        }
    }

    private string? ReadLine()
    {
        StringBuilder line = new();
        while (true)
        {
            int b = ReadByte();
            if (b < 0) return null;
            if (b == '\n' && line.Length > 0 && line[^1] == '\r') return line.ToString(0, line.Length - 1);
            if (line.Length >= 100_000) return null;
            line.Append((char)b);
        }
    }

    private int ReadByte()
    {
        if (start == end)
        {
            Flush();
            start = 0;
            end = secure == null ? socket.Receive(buffer) : secure.Read(buffer);
            if (end == 0) return -1;
        }
        return buffer[start++];
    }

    // Replies to commands that came together leave together, just before the next read (RFC 2920).
    private void Reply(string text)
    {
        if (options.DelayMilliseconds > 0)
        {
            Flush();
            Thread.Sleep(options.DelayMilliseconds);
        }
        replies.Write(Encoding.Latin1.GetBytes(text + "\r\n"));
    }

    private void Flush()
    {
        ReadOnlySpan<byte> rest = replies.WrittenSpan;
        if (secure != null) secure.Write(rest);
        else
            while (!rest.IsEmpty) rest = rest[socket.Send(rest)..];
        replies.ResetWrittenCount();
    }
}
