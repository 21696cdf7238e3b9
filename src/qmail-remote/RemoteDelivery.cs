// One delivery from finding the host to the report: the words of qmail-remote around the conversation.
using System;
using System.Collections.Generic;
using Qmta.Dns;
using Qmta.Posix;
using Qmta.Qmtp;
using Qmta.Queue;
using Qmta.Smtp;

namespace Qmta.Remote;

/// <summary>A message and where it shall go.</summary>
/// <param name="Host">The recipients' domain, or an address literal.</param>
/// <param name="Sender">The envelope sender; "" for none.</param>
/// <param name="Recipients">The envelope recipients.</param>
/// <param name="Size">Its size in bytes, or negative when unknown.</param>
/// <param name="File">A descriptor from which it is read.</param>
internal sealed record RemoteMessage(string Host, string Sender, IReadOnlyList<string> Recipients, long Size, int File)
{
    /// <summary>Header lines that go in front of it, each with its newline, or "".</summary>
    internal string ExtraHeader { get; init; } = "";

    /// <summary>The size of what is sent, in bytes, or negative when unknown.</summary>
    internal long WholeSize => Size < 0 ? Size : Size + ExtraHeader.Length;
}

/// <summary>Delivers messages, one at a time; every thread has one of its own.</summary>
internal sealed class RemoteDelivery
{
    // A delivery may take so many reply time-outs in all, plus the time the message needs on the slowest line that
    // counts as working: with the defaults two hours, plus a second for each 512 bytes.
    private const int MostTimeouts = 6;
    private const long SlowestBytesPerSecond = 512;

    private readonly Resolver resolver;
    private readonly SmtpBuffers buffers;
    private readonly SessionCache? sessions;
    private readonly TcpTimeouts timeouts;
    private readonly TlsMemory tls;

    /// <param name="sessions">Where sessions are kept for the next delivery; null to end each after its message.</param>
    /// <param name="timeouts">Which hosts could not be reached lately.</param>
    /// <param name="tls">What is known about servers' TLS; null when nothing is yet.</param>
    internal RemoteDelivery(RemoteSettings settings, Resolver resolver, SmtpBuffers buffers, TcpTimeouts timeouts,
        SessionCache? sessions = null, TlsMemory? tls = null)
    {
        this.tls = tls ?? new TlsMemory();
        Settings = settings;
        this.resolver = resolver;
        this.buffers = buffers;
        this.timeouts = timeouts;
        this.sessions = sessions;
    }

    internal RemoteSettings Settings { get; set; }

    /// <summary>When a delivery that begins now must be over.</summary>
    internal long DeadlineFor(RemoteMessage message)
    {
        long transfer = Math.Max(0, message.Size) * 1000 / SlowestBytesPerSecond;
        return Sockets.In((long)Settings.ReplyTimeout * MostTimeouts + transfer);
    }

    /// <summary>Tries the delivery and says what became of it.</summary>
    internal RemoteReport Deliver(RemoteMessage message)
    {
        long deadline = DeadlineFor(message);
        if (Prepare(message, out Way way) is RemoteReport impossible) return impossible;
        (Route route, Origin origin, SessionKey key) = way;
        if (route.Protocol == MailProtocol.Smtp
            && !(SmtpAddress.IsSendable(message.Sender) && SmtpAddress.IsSendable(string.Concat(message.Recipients))))
            return RemoteReport.Permanent("Sorry, SMTP cannot carry an address with a line end or NUL in it. (#5.1.3)");
        if (Idle(key, origin) is Session idle)
        {
            idle.Lend(buffers, Settings.ReplyTimeout, deadline);
            if (Send(idle, message) is RemoteReport report) return report;
            long r = Files.Seek(message.File, 0);
            if (r < 0) return Unreadable(Errno.Text((int)r));
        }
        return Open(message, way, deadline, out Session? session) ?? Send(session!, message)!;
    }

    /// <summary>Does everything that comes before the message: finds a host, connects, begins TLS, logs in.</summary>
    /// <param name="message">Where it would go, and from whom.</param>
    /// <param name="patience">How long that may take, in milliseconds.</param>
    /// <param name="facts">What the session is like when there is one.</param>
    /// <returns>Null when there is a session, which is ended at once; else what a delivery would report.</returns>
    internal RemoteReport? Check(RemoteMessage message, int patience, out string facts)
    {
        facts = "";
        if (Prepare(message, out Way way) is RemoteReport impossible) return impossible;
        RemoteReport? failure = Open(message, way, Sockets.In(patience), out Session? session);
        if (session == null) return failure;
        facts = $"Connected to {session.Peer} port {way.Route.Port}"
            + (session.Channel.Length > 0 ? "; " + session.Channel.TrimEnd('.') : "; without TLS")
            + (way.Key.Login == null ? "; not logged in, as the route has no password"
                : session.Notice.Length > 0 ? "; not logged in, as it does not offer that" : "; logged in") + ".";
        session.End();
        return null;
    }

    /// <summary>By which route, from where and under which names a message goes.</summary>
    private readonly record struct Way(Route Route, Origin Origin, SessionKey Key);

    private RemoteReport? Prepare(RemoteMessage message, out Way way)
    {
        try
        {
            Origin origin = Settings.Origins.For(message.Host, message.Sender);
            Route route = Settings.Routes.Find(message.Host, message.Sender);
            Login? login = route.Login?.Resolve(Settings.Auth, route.Relay, message.Sender, message.Recipients[0]);
            SessionKey key = SessionKey.For(message.Host, route, origin.Name ?? Settings.HeloHost, login);
            // What goes to a relay in the clear for one domain's sake is no session for another's.
            if (route.Relay.Length > 0 && Settings.Tls.IsExempt(message.Host))
                key = key with { Destination = key.Destination + " in the clear" };
            way = new Way(route, origin, key);
            return null;
        }
        catch (Exception e) when (e is FormatException or PosixException)
        {
            way = default;
            return RemoteReport.Temporary($"Sorry, {e.Message}. (#4.3.5)");
        }
    }

    private RemoteReport? Open(RemoteMessage message, Way way, long deadline, out Session? session)
    {
        session = null;
        SessionOpener opener = new(Settings, resolver, buffers, tls, way.Key, way.Route, way.Origin, timeouts, message.Host, deadline);
        MailHosts hosts = new(message.Host, way.Route, resolver, Settings.Own, deadline);
        foreach (MailHost host in hosts.Addresses())
        {
            if (Clocks.BoottimeMilliseconds >= deadline) break;
            session = opener.Open(host);
            if (session != null) return null;
            if (opener.Verdict is RemoteReport verdict) return verdict;
        }
        return opener.Failure(hosts.Failure);
    }

    private Session? Idle(SessionKey key, Origin origin)
    {
        try
        {
            return sessions?.Take(key, origin.AddressFor);
        }
        catch (FormatException)
        {
            return null; // bindroutes has changed; whoever opens a new session says what is wrong with it
        }
    }

    // One transaction, after which the session is kept or ended. Null when the session had been used before and turned
    // out to be worn out before the message can have been accepted: then a new one shall be tried, and no harm is done.
    private RemoteReport? Send(Session session, RemoteMessage message)
    {
        try
        {
            RemoteReport? report = session.Conversation is QmtpConversation qmtp ? Send(session, qmtp, message)
                : Send(session, (SmtpConversation)session.Conversation, message);
            session.CountTransaction();
            if (report == null || sessions == null) session.End();
            else sessions.Keep(session);
            return report;
        }
        catch (ConnectionException e)
        {
            session.Dispose();
            if (session.IsReused && !session.Conversation.InDoubt) return null;
            string doubt = session.Conversation.InDoubt ? "Possible duplicate! " : "";
            return RemoteReport.Temporary(
                $"Connected to {session.Peer} but connection died. {doubt}(#4.4.2)\n{e.Message}.\n");
        }
        catch (MessageUnreadableException e)
        {
            // Closing without the end of the message makes the server forget it.
            session.Dispose();
            return Unreadable(e.Message);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    private static RemoteReport? Send(Session session, SmtpConversation smtp, RemoteMessage message)
    {
        if (Unfit(session, smtp, message) is RemoteReport unfit) return unfit;
        SmtpOutcome outcome = smtp.Transact(message.Sender, message.Recipients, message.WholeSize, message.File, message.ExtraHeader);
        // Some servers take so many messages in a session and say "later" to the next sender.
        bool worn = session.IsReused && outcome.Stage == SmtpStage.Sender && outcome.Reply.IsTransient;
        return worn ? null : RemoteReport.Of(session.Peer, outcome, session.Channel, session.Notice);
    }

    private static RemoteReport Send(Session session, QmtpConversation qmtp, RemoteMessage message)
    {
        if (Files.Status(message.File, out FileStatus status) < 0 || !status.IsFile)
            return RemoteReport.Temporary("QMTP needs to know the message's size, and it does not come from a file. (#4.3.0)");
        long size = (long)status.Size - Math.Max(0, Files.Position(message.File));
        return RemoteReport.Of(session.Peer,
            qmtp.Transact(message.Sender, message.Recipients, Math.Max(0, size), message.File, message.ExtraHeader));
    }

    // What the server has said that it would refuse is not sent at all.
    private static RemoteReport? Unfit(Session session, SmtpConversation smtp, RemoteMessage message)
    {
        // RFC 1870 6.1; the server counts line ends twice, so that this is the least it will count
        if (smtp.LargestSize > 0 && message.WholeSize > smtp.LargestSize)
            return RemoteReport.Permanent($"{session.Peer} does not take a message of {message.WholeSize} bytes: "
                + $"its limit is {smtp.LargestSize}. (#5.3.4)");
        // RFC 6531 3.2
        if (!smtp.Utf8Addresses && SmtpConversation.NeedsUtf8(message.Sender, message.Recipients))
            return RemoteReport.Permanent($"{session.Peer} does not take addresses with other than ASCII characters: "
                + "it does not offer SMTPUTF8. (#5.6.7)");
        return null;
    }

    private static RemoteReport Unreadable(string reason) =>
        RemoteReport.Temporary($"Unable to read message. (#4.3.0)\n{reason}.\n");
}
