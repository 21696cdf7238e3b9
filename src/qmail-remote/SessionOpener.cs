// Opening a session with one of the hosts that take a destination's mail: everything before the first transaction.
using Qmta.Posix;
using Qmta.Qmtp;
using Qmta.Queue;
using Qmta.Smtp;

namespace Qmta.Remote;

/// <summary>Tries hosts for one delivery, one after the other, and remembers what was wrong with each.</summary>
internal sealed class SessionOpener
{
    private readonly RemoteSettings settings;
    private readonly SmtpBuffers buffers;
    private readonly SessionKey key;
    private readonly Route route;
    private readonly Origin origin;
    private readonly TcpTimeouts timeouts;
    private readonly long deadline;
    private string? refusal;
    private string failures = "";
    private bool known, remembering; // of the address that is tried

    /// <param name="origin">From where to connect.</param>
    /// <param name="timeouts">Which hosts could not be reached lately.</param>
    /// <param name="deadline">When the delivery must be over.</param>
    internal SessionOpener(RemoteSettings settings, SmtpBuffers buffers, SessionKey key, Route route, Origin origin,
        TcpTimeouts timeouts, long deadline)
    {
        this.settings = settings;
        this.buffers = buffers;
        this.key = key;
        this.route = route;
        this.origin = origin;
        this.timeouts = timeouts;
        this.deadline = deadline;
    }

    /// <summary>Set when a host has decided about the delivery, and no other shall be tried.</summary>
    internal RemoteReport? Verdict { get; private set; }

    /// <summary>
    /// A session with this host; null when there is none, and then the next host's turn unless there is a
    /// <see cref="Verdict"/>.
    /// </summary>
    internal Session? Open(IpAddress address)
    {
        int penalty = route.Penalty ?? settings.Penalty;
        if (penalty != 0 && timeouts.Avoids(address, penalty, out known))
        {
            failures += $"{address} port {route.Port}: not tried, as it timed out more than once lately\n";
            return null;
        }
        remembering = penalty != 0;
        IpAddress? from;
        try
        {
            from = origin.AddressFor(address);
        }
        catch (System.FormatException e)
        {
            failures += $"{address} port {route.Port}: not tried, as {e.Message}\n";
            return null;
        }
        Connection? connection = Connection.Open(address, route.Port, from, ConnectLimit(), buffers.Received, out int error);
        if (connection == null)
        {
            failures += $"{address} port {route.Port}: {Errno.Text(error)}\n";
            if (error == -Errno.ETIMEDOUT) Remember(address);
            return null;
        }
        connection.Patience = settings.ReplyTimeout;
        connection.Deadline = deadline;
        // A QMTP server waits for a package: there is nothing to say before.
        if (route.Protocol == MailProtocol.Qmtp)
        {
            if (known) timeouts.Succeeded(address);
            return new Session(key, connection, new QmtpConversation(connection, buffers), from);
        }
        SmtpConversation conversation = new(connection, buffers);
        if (Introduce(connection, conversation, origin.NameFrom(from, settings.HeloHost)))
        {
            if (known) timeouts.Succeeded(address);
            return new Session(key, connection, conversation, from);
        }
        connection.Dispose();
        return null;
    }

    /// <summary>The report of a delivery for which there was no session.</summary>
    /// <param name="noHosts">Why there were no hosts to try; null when there were.</param>
    internal RemoteReport Failure(RemoteReport? noHosts)
    {
        // A host that answered says more than those that could not be reached.
        if (refusal != null) return RemoteReport.Temporary(refusal);
        if (failures.Length == 0 && noHosts != null) return noHosts;
        return RemoteReport.Temporary($"Sorry, I wasn't able to establish {Article}connection. (#4.4.1)\n" + failures);
    }

    private string Article => route.Protocol == MailProtocol.Qmtp ? "a QMTP " : "an SMTP ";

    private long ConnectLimit()
    {
        long limit = Sockets.In(settings.ConnectTimeout);
        return limit < deadline ? limit : deadline;
    }

    // Only what may well be the same in an hour: a server that refuses connections may be back in a minute.
    private void Remember(IpAddress address)
    {
        if (remembering) timeouts.Failed(address, route.Tolerance ?? settings.Tolerance);
    }

    // Greeting and hello; as soon as the server has greeted, it decides.
    private bool Introduce(Connection connection, SmtpConversation conversation, string name)
    {
        string connected = $"Connected to {connection.Peer} but ";
        bool greeted = false;
        try
        {
            SmtpReply greeting = conversation.Greeting();
            if (greeting.Code != 220)
            {
                conversation.Quit();
                refusal = connected + "greeting failed.\n" + RemoteReport.Said(greeting);
                if (greeting.IsTransient) Remember(connection.Peer);
                return false;
            }
            greeted = true;
            SmtpReply hello = conversation.Hello(name);
            if (hello.IsPositive) return true;
            conversation.Quit();
            string rejected = connected + "my name was rejected.\n" + RemoteReport.Said(hello);
            if (hello.IsTransient && settings.NextAfterHello)
            {
                refusal = rejected;
                Remember(connection.Peer);
            }
            else Verdict = RemoteReport.Temporary(rejected);
        }
        catch (ConnectionException e)
        {
            if (greeted) Verdict = RemoteReport.Temporary($"{connected}connection died. (#4.4.2)\n{e.Message}.\n");
            else
            {
                refusal = connected + "greeting failed. (#4.4.2)\n" + e.Message + ".\n";
                Remember(connection.Peer);
            }
        }
        return false;
    }
}
