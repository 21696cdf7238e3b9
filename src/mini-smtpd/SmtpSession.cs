// One client's SMTP conversation: the commands, what they are answered, and when they are refused (RFC 5321).
using System;
using System.Globalization;
using System.Text;
using System.Threading;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Smtp;
using Qmta.Text;

namespace Qmta.Reception;

/// <summary>An SMTP session; its replies are those of qmail-smtpd(8), with RFC 2034 codes for clients that say EHLO.</summary>
internal sealed class SmtpSession : ISession
{
    // A client that understands nothing is none of SMTP's.
    private const int MostErrors = 20;

    // Who brings no mail for so many times the silence that is allowed keeps a place from others, whatever it says.
    private const int MostPatience = 3;

    private readonly SmtpService service;
    private readonly ClientConnection connection;
    private readonly Peer peer;
    private readonly SmtpSettings? settings;
    private readonly string? suffixOfClient;
    private string? relaySuffix;
    private readonly string host;
    private string? helo;
    private bool extended, over;
    private Transaction? transaction;
    private ServerAuthentication? login;
    private int errors;

    // When the client came, or last brought a message.
    private long useful = Clocks.BoottimeMilliseconds;

    internal SmtpSession(SmtpService service, ClientConnection connection, Peer peer)
    {
        this.service = service;
        this.connection = connection;
        this.peer = peer;
        try
        {
            settings = service.CurrentSettings();
            relaySuffix = suffixOfClient = peer.IsLocalUser ? "" : peer.RelayClient
                ?? settings.RelayClients.SuffixFor(peer.RemoteIp, peer.Variable("RELAYCLIENTS"));
            host = settings.Host;
            connection.Patience = settings.TimeoutMilliseconds;
            Greeting = Welcome(settings);
        }
        catch (Exception e) when (e is PosixException or FormatException)
        {
            Standard.Error("mini-smtpd: " + e.Message);
            settings = null;
            host = Programs.HostName;
            Greeting = "421 " + host + " unable to read controls (#4.3.0)\r\n";
        }
    }

    public string Greeting { get; }

    public string TimeoutText => "451 timeout (#4.4.2)\r\n";

    public string FarewellText => "421 " + host + " closing connection (#4.3.2)\r\n";

    private string Welcome(SmtpSettings settings)
    {
        StringBuilder text = new();
        string? shutdown = peer.Variable("SHUTDOWN");
        if (shutdown != null)
        {
            over = true;
            int space = shutdown.IndexOf(' ');
            return space == 3 ? shutdown[..3] + " " + host + shutdown[3..] + "\r\n"
                : "421 " + host + " SMTP service unavailable (#4.3.2)\r\n";
        }
        for (int i = 0; i < settings.Greeting.Count; i++)
        {
            bool last = i == settings.Greeting.Count - 1;
            text.Append(last ? "220 " : "220-").Append(settings.Greeting[i]);
            if (last) text.Append(" ESMTP");
            text.Append("\r\n");
        }
        return text.ToString();
    }

    public bool Serve()
    {
        if (settings == null || over) return false;
        do
        {
            string? line = connection.ReadLine(out bool bare);
            if (line == null)
            {
                Reply("553 sorry, the given command is too long! (#5.5.2)");
                return false;
            }
            if (Clocks.BoottimeMilliseconds - useful <= (long)MostPatience * connection.Patience) Obey(settings, line, bare);
            else
            {
                Reply("421 " + host + " no mail for too long (#4.4.2)");
                over = true;
            }
        }
        while (!over && connection.HasBuffered);
        return !over;
    }

    private void Obey(SmtpSettings settings, string line, bool bare)
    {
        int space = line.IndexOf(' ');
        string argument = space < 0 ? "" : line[(space + 1)..].Trim(' ');
        switch (Latin1.Lower(space < 0 ? line : line[..space]))
        {
            case "ehlo":
                Ehlo(settings, argument);
                break;
            case "helo":
                Begin(argument, extended: false);
                Reply("250 " + host);
                break;
            case "auth":
                Auth(argument);
                break;
            case "starttls":
                StartTls(argument);
                break;
            case "mail":
                Mail(settings, argument);
                break;
            case "rcpt":
                Rcpt(settings, argument);
                break;
            case "data":
                Data(settings, bare);
                break;
            case "rset":
                transaction = null;
                Reply("250 flushed", "2.0.0");
                break;
            case "noop":
                Reply("250 ok", "2.0.0");
                break;
            case "vrfy":
                Reply("252 send some mail, i'll try my best", "2.1.5");
                break;
            case "help":
                Help();
                break;
            case "quit":
                Reply("221 " + host + " closing connection", "2.0.0");
                over = true;
                break;
            case "get" or "post" or "head" or "put" or "options" or "connect" or "host:" or "user-agent:":
                // A browser, or somebody who has one speak to us: no mail comes of it.
                Reply("521 this is SMTP, not HTTP (#5.5.1)");
                over = true;
                break;
            default:
                Error("502 unimplemented (#5.5.1)");
                break;
        }
    }

    private void Begin(string name, bool extended)
    {
        transaction = null;
        helo = name;
        this.extended = extended;
    }

    private bool OffersTls => connection.Tls == null && connection.CanBeSecured && service.Tls.HasCertificate;

    private void StartTls(string argument)
    {
        if (connection.Tls != null) Error("503 bad sequence of commands (#5.5.1)");
        else if (!OffersTls) Error("502 unimplemented (#5.5.1)");
        else if (argument.Length > 0) Error("501 Syntax error (no parameters allowed) (#5.5.4)");
        else if (connection.HasBuffered)
        {
            // RFC 3207 4: nothing may follow before the handshake; what does, somebody on the way may have put there.
            Log("sent more than STARTTLS before the TLS handshake");
            Reply("554 nothing may follow STARTTLS before the TLS handshake (#5.5.1)");
            over = true;
        }
        else if (service.Tls.Current() == null) Reply("454 TLS not available due to temporary reason (#4.7.0)");
        else
        {
            Reply("220 ready for tls", "2.0.0");
            if (service.Tls.Secure(connection) is string failure)
            {
                Log("TLS handshake failed: " + failure);
                over = true;
            }
            // RFC 3207 4.2: what was said before is forgotten, a login too
            login = null;
            relaySuffix = suffixOfClient;
            peer.Set("AUTHINFO", null);
            transaction = null;
            helo = null;
            extended = false;
        }
    }

    // Null when nobody can log in here.
    private ServerAuthentication? Login
    {
        get
        {
            if (login == null && !peer.IsLocalUser && service.Passwords is PasswordSource source)
                login = new ServerAuthentication(source, service.Offers, service.ChallengeHost ?? host);
            if (login != null) login.Tls = connection.Tls;
            return login;
        }
    }

    private void Auth(string argument)
    {
        if (Login is not ServerAuthentication exchange) Error("503 auth not available (#5.3.3)");
        else if (transaction != null) Error("503 bad sequence of commands (#5.5.1)"); // RFC 4954 4
        else if (NeedsTls) Error("530 Must issue a STARTTLS command first (#5.7.0)");
        else
        {
            AuthReply reply = exchange.Begin(Latin1.Bytes(argument));
            while (exchange.InProgress)
            {
                Reply(reply.Text);
                string? line = connection.ReadLine(out _);
                reply = exchange.Continue(Latin1.Bytes(line ?? ""), tooLong: line == null);
            }
            Conclude(exchange, reply);
        }
    }

    private void Conclude(ServerAuthentication exchange, AuthReply reply)
    {
        long wait = reply.NotBefore - Clocks.BoottimeMilliseconds;
        if (wait > 0) Thread.Sleep((int)Math.Min(wait, int.MaxValue));
        if (exchange.User is string user && reply.Text.StartsWith("235", StringComparison.Ordinal))
        {
            if (exchange.MayRelay) relaySuffix ??= "";
            // For the programs that queue, and Received
            peer.Set("TCPREMOTEINFO", user);
            peer.Set("AUTHINFO", user);
            Log("AUTH " + exchange.Mechanism + " <" + user + "> ok");
        }
        else Log("AUTH " + exchange.Mechanism + " <" + exchange.Claimed + "> refused: " + reply.Text
            + (exchange.Detail.Length > 0 ? ": " + exchange.Detail : ""));
        Reply(reply.Text);
        over |= reply.HangUp;
    }

    private bool NeedsTls => connection.Tls == null && peer.Variable("FORCE_TLS") != null && !peer.IsLocalUser;

    // What has to come before mail, or null.
    private string? Missing()
    {
        if (NeedsTls) return "530 Must issue a STARTTLS command first (#5.7.0)";
        if (peer.Variable("REQUIREAUTH") != null && login?.User == null && !peer.IsLocalUser)
            return "530 authentication required (#5.7.1)";
        return helo == null ? "503 Polite people say hello first (#5.5.4)" : null;
    }

    private void Ehlo(SmtpSettings settings, string name)
    {
        Begin(name, extended: true);
        string mechanisms = "";
        if (!NeedsTls && Login is ServerAuthentication offered)
            foreach (string mechanism in offered.Mechanisms) mechanisms += " " + mechanism;
        Write("250-" + host + "\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250-SIZE "
            + MostBytes(settings).ToString(CultureInfo.InvariantCulture) + "\r\n" + (OffersTls ? "250-STARTTLS\r\n" : "")
            + (mechanisms.Length > 0 ? "250-AUTH" + mechanisms + "\r\n" : "") + "250 HELP\r\n");
    }

    private void Help() => Write("214-qmta mini-smtpd\r\n214 HELO EHLO RSET NOOP MAIL RCPT DATA VRFY STARTTLS AUTH HELP QUIT\r\n");

    private void Mail(SmtpSettings settings, string argument)
    {
        if (Missing() is string missing) Error(missing);
        else if (transaction != null) Error("503 bad sequence of commands (#5.5.1)");
        else if (!Keyword(argument, "from:", out string path) || !EnvelopePath.TryRead(path, out string sender, out string parameters))
            Error("555 syntax error in address (#5.1.3)");
        else if (MailParameters.Read(parameters) is not MailParameters asked) Error("555 parameter not recognized or not implemented (#5.5.4)");
        else if (MostBytes(settings) is > 0 and long most && asked.Size > most)
            Error("552 sorry, that message size exceeds my databytes limit (#5.3.4)");
        else
        {
            try
            {
                peer.EndMessage();
                peer.SetForMessage(settings.SenderRules.For(sender));
                if (relaySuffix != null) peer.SetForMessage(settings.AuthorisedRules.For(sender));
                transaction = new Transaction(sender) { IsUtf8 = asked.IsUtf8 };
                Reply("250 ok", "2.1.0");
            }
            catch (Exception e) when (e is PosixException or FormatException)
            {
                Log(e.Message);
                Reply("451 Requested action aborted: unable to read controls (#4.3.0)");
            }
        }
    }

    private void Rcpt(SmtpSettings settings, string argument)
    {
        if (transaction == null)
        {
            Error("503 MAIL first (#5.5.1)");
            return;
        }
        if (!Keyword(argument, "to:", out string path) || !EnvelopePath.TryRead(path, out string recipient, out string parameters)
            || recipient.Length == 0)
        {
            Error("555 syntax error in address (#5.1.3)");
            return;
        }
        if (parameters.Length > 0)
        {
            Error("555 parameter not recognized or not implemented (#5.5.4)");
            return;
        }
        try
        {
            recipient = settings.LocalAddresses.Named(recipient);
            string? refusal = Refusal(settings, transaction, recipient);
            Tarpit(settings, ++transaction.Attempts);
            if (refusal != null)
            {
                Log("MAIL from <" + transaction.Sender + "> RCPT <" + recipient + "> refused: " + refusal);
                Reply(refusal);
            }
            else if (!transaction.TryAdd(recipient + Relay)) Reply("452 too many recipients for one message (#4.5.3)");
            else
            {
                peer.SetForMessage(settings.DomainRules.For(recipient[(recipient.LastIndexOf('@') + 1)..]));
                Reply("250 ok", "2.1.5");
            }
        }
        catch (Exception e) when (e is PosixException or FormatException)
        {
            Log(e.Message);
            Reply("451 Requested action aborted: unable to read controls (#4.3.0)");
        }
    }

    // Why mail for the recipient is not accepted, or null.
    private string? Refusal(SmtpSettings settings, Transaction transaction, string recipient)
    {
        if (settings.Lists.RefuseSender(transaction.Sender, peer.Variable("BADMAILFROM")))
            return "553 sorry, your envelope sender has been denied (#5.7.1)";
        if (settings.Lists.RefuseRecipient(recipient, peer.Variable("BADRCPTTO")))
            return "553 sorry, your envelope recipient has been denied (#5.7.1)";
        if (relaySuffix == null && service.Tls.RelayingClient(connection) != null) relaySuffix = "";
        if (Relay == null && !settings.Recipients.Accepts(recipient))
            return "553 sorry, that domain isn't allowed to be relayed thru this MTA without authentication (#5.7.1)";
        long most = Number("MAXRECIPIENTS", settings.MostRecipients);
        return most > 0 && transaction.Count >= most ? "557 sorry, too many recipients (#5.7.1)" : null;
    }

    // What rules for the sender say comes last: they may be about anybody who claims to be it.
    private string? Relay => relaySuffix ?? peer.RelayClient;

    private void Tarpit(SmtpSettings settings, int recipients)
    {
        long count = Number("TARPITCOUNT", settings.TarpitCount);
        if (count <= 0 || recipients < count) return;
        connection.Flush();
        Thread.Sleep(1000 * (int)Math.Clamp(Number("TARPITDELAY", settings.TarpitSeconds), 0, 3600));
    }

    private void Data(SmtpSettings settings, bool bare)
    {
        if (transaction == null)
        {
            Error("503 MAIL first (#5.5.1)");
            return;
        }
        if (transaction.Count == 0)
        {
            Error("503 RCPT first (#5.5.1)");
            return;
        }
        // A local user whose commands end with LF alone ends messages so, too.
        BareLineFeed lineFeed = peer.IsLocalUser && bare ? BareLineFeed.EndsMessage
            : peer.Variable("ALLOW_BARELF") != null ? BareLineFeed.EndsLine : BareLineFeed.Refused;
        QueueResult failure = default;
        MessageReception message = new(MostBytes(settings), settings.Hops, lineFeed, () => Start(settings, out failure));
        Reply("354 go ahead");
        message.ReceiveAll(connection);
        if (message.BareLineFeedRefused)
        {
            Log("MAIL from <" + transaction.Sender + "> refused: Bare LF received");
            Reply("451 Requested action aborted: Bare LF received. (#4.6.0)");
            over = true;
            return;
        }
        Finish(message, failure);
        transaction = null;
    }

    private void Finish(MessageReception message, QueueResult failure)
    {
        QueueProgram? queue = message.Queue;
        int pid = queue?.Pid ?? 0;
        QueueResult result = failure;
        if (queue != null)
        {
            if (!message.TooLong && !message.TooManyHops)
            {
                queue.From(transaction!.Sender);
                foreach (string recipient in transaction.Recipients()) queue.To(recipient);
            }
            result = queue.Close();
        }
        string reply;
        if (message.TooManyHops) reply = "554 too many hops, this message is looping (#5.4.6)";
        else if (message.TooLong) reply = "552 sorry, that message size exceeds my databytes limit (#5.3.4)";
        else if (result.Accepted)
        {
            LogAccepted(message);
            useful = Clocks.BoottimeMilliseconds;
            Reply("250 ok " + Clocks.Realtime.ToString(CultureInfo.InvariantCulture) + " qp " + pid, "2.6.0");
            return;
        }
        // 53 is "write error or disk full", for which RFC 5321 has a code of its own.
        else reply = (result.Permanent ? "554 " : result.Code == 53 ? "452 " : "451 ") + result.Sentence;
        Log("MAIL from <" + transaction!.Sender + "> refused: " + reply);
        Reply(reply);
    }

    private QueueProgram? Start(SmtpSettings settings, out QueueResult failure)
    {
        QueueProgram? queue = peer.StartQueueProgram(out failure);
        if (queue == null) return null;
        failure = default;
        string protocol = transaction!.IsUtf8 ? "UTF8SMTP" : extended ? "ESMTP" : "SMTP";
        if (connection.Tls != null) protocol += "S";
        if (login?.User != null) protocol += "A";
        queue.Put(ReceivedField.Of("smtpd", peer, helo, host, protocol, connection.Tls is { } tls ? tls.Version + " " + tls.Cipher : null, Clocks.Realtime));
        return queue;
    }

    private long MostBytes(SmtpSettings settings) => Number("DATABYTES", settings.DataBytes);

    // A variable of the connection comes before the control file.
    private long Number(string variable, long otherwise) =>
        long.TryParse(peer.Variable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : otherwise;

    private static bool Keyword(string argument, string keyword, out string rest)
    {
        bool has = argument.Length >= keyword.Length && Latin1.EqualsIgnoreCase(argument.AsSpan(0, keyword.Length), keyword);
        rest = has ? argument[keyword.Length..] : "";
        return has;
    }

    private void Error(string reply)
    {
        if (++errors < MostErrors)
        {
            Reply(reply);
            return;
        }
        Reply("421 " + host + " too many errors (#4.7.0)");
        over = true;
    }

    // With EHLO, the code of RFC 3463 comes before the text, too: the one in parentheses at its end, or the one given.
    private void Reply(string reply, string? status = null)
    {
        if (extended && reply[0] != '3')
        {
            int at = reply.LastIndexOf("(#", StringComparison.Ordinal);
            if (status == null && at > 0 && reply[^1] == ')') status = reply[(at + 2)..^1];
            if (status != null) reply = reply[..3] + " " + status + reply[3..];
        }
        Write(reply + "\r\n");
    }

    private void Write(string text) => connection.Write(text);

    private void LogAccepted(MessageReception message)
    {
        StringBuilder lines = new();
        foreach (string recipient in transaction!.Recipients())
        {
            if (lines.Length > 0) lines.Append('\n');
            lines.Append(LogPrefix()).Append("MAIL from <").Append(transaction.Sender).Append("> RCPT <").Append(recipient)
                .Append("> Size: ").Append(message.Bytes);
            if (connection.Tls != null) lines.Append(" TLS=").Append(connection.Tls.Version);
            if (lines.Length < 8192) continue;
            Standard.Error(lines.ToString());
            lines.Clear();
        }
        if (lines.Length > 0) Standard.Error(lines.ToString());
    }

    private void Log(string text) => Standard.Error(LogPrefix() + Printable(text));

    private string LogPrefix() => "mini-smtpd: pid " + Processes.Id + " from " + peer.RemoteIp + " HELO <" + Printable(helo ?? "") + "> ";

    private static string Printable(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\0', '\x1F') < 0) return text;
        char[] all = text.ToCharArray();
        for (int i = 0; i < all.Length; i++)
            if (all[i] < ' ') all[i] = '?';
        return new string(all);
    }
}
