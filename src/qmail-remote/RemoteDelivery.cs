// One delivery from finding the host to the report: the words of qmail-remote around the SMTP conversation.
using System;
using System.Collections.Generic;
using Qmta.Dns;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Smtp;

namespace Qmta.Remote;

/// <summary>A message and where it shall go.</summary>
/// <param name="Host">The recipients' domain, or an address literal.</param>
/// <param name="Sender">The envelope sender; "" for none.</param>
/// <param name="Recipients">The envelope recipients.</param>
/// <param name="Size">Its size in bytes, or negative when unknown.</param>
/// <param name="File">A descriptor from which it is read.</param>
internal sealed record RemoteMessage(string Host, string Sender, IReadOnlyList<string> Recipients, long Size, int File);

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

    /// <param name="sessions">Where sessions are kept for the next delivery; null to end each after its message.</param>
    /// <param name="timeouts">Which hosts could not be reached lately.</param>
    internal RemoteDelivery(RemoteSettings settings, Resolver resolver, SmtpBuffers buffers, TcpTimeouts timeouts,
        SessionCache? sessions = null)
    {
        Settings = settings;
        this.resolver = resolver;
        this.buffers = buffers;
        this.timeouts = timeouts;
        this.sessions = sessions;
    }

    internal RemoteSettings Settings { get; set; }

    /// <summary>Tries the delivery and says what became of it.</summary>
    internal RemoteReport Deliver(RemoteMessage message)
    {
        if (!SmtpAddress.IsSendable(message.Sender) || !SmtpAddress.IsSendable(string.Concat(message.Recipients)))
            return RemoteReport.Permanent("Sorry, SMTP cannot carry an address with a line end or NUL in it. (#5.1.3)");
        long transfer = Math.Max(0, message.Size) * 1000 / SlowestBytesPerSecond;
        long deadline = Sockets.In((long)Settings.ReplyTimeout * MostTimeouts + transfer);
        Route route;
        Origin origin;
        try
        {
            origin = Settings.Origins.For(message.Host, message.Sender);
            route = Settings.Routes.Find(message.Host, message.Sender);
        }
        catch (Exception e) when (e is FormatException or PosixException)
        {
            return RemoteReport.Temporary($"Sorry, {e.Message}. (#4.3.5)");
        }
        if (route.Protocol == MailProtocol.Qmtp)
            return RemoteReport.Temporary($"Sorry, the route for {message.Host} wants QMTP, which I don't speak. (#4.3.5)");
        SessionKey key = SessionKey.For(message.Host, route, origin.Name ?? Settings.HeloHost);
        if (Idle(key, origin) is Session idle)
        {
            idle.Lend(buffers, Settings.ReplyTimeout, deadline);
            if (Send(idle, message) is RemoteReport report) return report;
            long r = Files.Seek(message.File, 0);
            if (r < 0) return Unreadable(Errno.Text((int)r));
        }
        SessionOpener opener = new(Settings, buffers, key, route, origin, timeouts, deadline);
        MailHosts hosts = new(message.Host, route, resolver, Settings.Own, deadline);
        foreach (IpAddress address in hosts.Addresses())
        {
            if (Clocks.BoottimeMilliseconds >= deadline) break;
            if (opener.Open(address) is Session session) return Send(session, message)!;
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
            if (Unfit(session, message) is RemoteReport unfit)
            {
                if (sessions == null) session.End();
                else sessions.Keep(session);
                return unfit;
            }
            SmtpOutcome outcome = session.Smtp.Transact(message.Sender, message.Recipients, message.Size, message.File);
            // Some servers take so many messages in a session and say "later" to the next sender.
            bool worn = session.IsReused && outcome.Stage == SmtpStage.Sender && outcome.Reply.IsTransient;
            RemoteReport? report = worn ? null : RemoteReport.Of(session.Peer, outcome);
            session.CountTransaction();
            if (worn || sessions == null) session.End();
            else sessions.Keep(session);
            return report;
        }
        catch (ConnectionException e)
        {
            session.Dispose();
            if (session.IsReused && !session.Smtp.InDoubt) return null;
            string doubt = session.Smtp.InDoubt ? "Possible duplicate! " : "";
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

    // What the server has said that it would refuse is not sent at all.
    private static RemoteReport? Unfit(Session session, RemoteMessage message)
    {
        // RFC 1870 6.1; the server counts line ends twice, so that this is the least it will count
        if (session.Smtp.LargestSize > 0 && message.Size > session.Smtp.LargestSize)
            return RemoteReport.Permanent($"{session.Peer} does not take a message of {message.Size} bytes: "
                + $"its limit is {session.Smtp.LargestSize}. (#5.3.4)");
        // RFC 6531 3.2
        if (!session.Smtp.Utf8Addresses && SmtpConversation.NeedsUtf8(message.Sender, message.Recipients))
            return RemoteReport.Permanent($"{session.Peer} does not take addresses with other than ASCII characters: "
                + "it does not offer SMTPUTF8. (#5.6.7)");
        return null;
    }

    private static RemoteReport Unreadable(string reason) =>
        RemoteReport.Temporary($"Unable to read message. (#4.3.0)\n{reason}.\n");
}
