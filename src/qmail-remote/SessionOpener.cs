// Opening a session with one of the hosts that take a destination's mail: everything before the first transaction.
using System;
using System.Collections.Generic;
using Qmta.Dns;
using Qmta.Posix;
using Qmta.Qmtp;
using Qmta.Queue;
using Qmta.Smtp;
using Qmta.Tls;

namespace Qmta.Remote;

/// <summary>Tries hosts for one delivery, one after the other, and remembers what was wrong with each.</summary>
internal sealed class SessionOpener
{
    // The longest wait for a TLS handshake, in milliseconds: a server that falls silent in it would otherwise cost the
    // time of a whole reply before the message goes in the clear or to the next host.
    private const int LongestHandshake = 300_000;

    private readonly RemoteSettings settings;
    private readonly Resolver resolver;
    private readonly TlsMemory memory;
    private readonly string domain;
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
    /// <param name="domain">The recipients' domain.</param>
    /// <param name="deadline">When the delivery must be over.</param>
    internal SessionOpener(RemoteSettings settings, Resolver resolver, SmtpBuffers buffers, TlsMemory memory, SessionKey key,
        Route route, Origin origin, TcpTimeouts timeouts, string domain, long deadline)
    {
        this.resolver = resolver;
        this.memory = memory;
        this.domain = domain;
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
    internal Session? Open(MailHost host)
    {
        IpAddress address = host.Address;
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
        catch (FormatException e)
        {
            failures += $"{address} port {route.Port}: not tried, as {e.Message}\n";
            return null;
        }
        if (route.Protocol == MailProtocol.Qmtp) return Open(address, from);
        if (!AskDane(host, out IReadOnlyList<DaneRecord>? records)) return null;
        TlsPlan plan = settings.Tls.For(host.Name, route.Port, domain, records);
        if (key.Login?.NeedsVerified(address) == true) plan = settings.Tls.RequireVerified(plan);
        TlsPeer server = new(host.Name, IpAddress.TryParse(host.Name, out _), $"{address} {route.Port} {host.Name}")
        {
            OtherName = route.Relay.Length == 0 ? domain : null,
            Records = plan.Records,
        };
        if (plan.Need == TlsNeed.WhenOffered && memory.IsBroken(server.Key)) plan = TlsPlan.Clear;
        Session? session = Open(address, from, server, plan, out bool broken);
        if (!broken) return session;
        memory.NoteBroken(server.Key);
        return Open(address, from, server, TlsPlan.Clear, out _);
    }

    private Connection? Connect(IpAddress address, IpAddress? from)
    {
        Connection? connection = Connection.Open(address, route.Port, from, ConnectLimit(), buffers.Received, out int error);
        if (connection == null)
        {
            failures += $"{address} port {route.Port}: {Errno.Text(error)}\n";
            if (error == -Errno.ETIMEDOUT) Remember(address);
            return null;
        }
        connection.Patience = settings.ReplyTimeout;
        connection.Deadline = deadline;
        return connection;
    }

    // A QMTP server waits for a package: there is nothing to say before.
    private Session? Open(IpAddress address, IpAddress? from)
    {
        if (Connect(address, from) is not Connection connection) return null;
        if (known) timeouts.Succeeded(address);
        return new Session(key, connection, new QmtpConversation(connection, buffers), from);
    }

    private Session? Open(IpAddress address, IpAddress? from, TlsPeer server, TlsPlan plan, out bool broken)
    {
        broken = false;
        if (Connect(address, from) is not Connection connection) return null;
        SmtpConversation conversation = new(connection, buffers);
        try
        {
            string name = origin.NameFrom(from, settings.HeloHost);
            if (Introduce(connection, conversation, name, server, plan, out broken, out string notice))
            {
                if (known) timeouts.Succeeded(address);
                return new Session(key, connection, conversation, from) { Notice = notice };
            }
        }
        catch
        {
            connection.Dispose();
            throw;
        }
        connection.Dispose();
        return null;
    }

    // Null records when the DNS has none, or does not vouch for them; false when nobody knows, and then somebody may be
    // hiding them (RFC 7672 2.1.2).
    private bool AskDane(MailHost host, out IReadOnlyList<DaneRecord>? records)
    {
        records = null;
        if (!host.IsVouched || !settings.Tls.AsksDane(host.Name, domain)) return true;
        DnsAnswer answer = resolver.Tlsa(host.Name, route.Port, deadline);
        if (answer.Status == DnsStatus.Failed)
        {
            failures += $"{host.Address} port {route.Port}: not tried, as it is not known whether {host.Name} has TLSA records\n"
                + answer.Reason + "\n";
            return false;
        }
        if (answer.Status != DnsStatus.Found || !answer.Authenticated) return true;
        List<DaneRecord> found = [];
        foreach (TlsaRecord record in answer.TlsaRecords)
            found.Add(new DaneRecord((byte)record.Usage, (byte)record.Selector, (byte)record.Matching, record.Data));
        records = found;
        return true;
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

    // Greeting, hello, TLS and logging in; as soon as the server has greeted, it decides. It is broken when TLS, which
    // nobody insists on, does not work.
    private bool Introduce(Connection connection, SmtpConversation conversation, string name, TlsPeer server, TlsPlan plan,
        out bool broken, out string notice)
    {
        notice = "";
        string connected = $"Connected to {connection.Peer} but ";
        bool greeted = false, securing = plan.FromTheStart;
        broken = false;
        try
        {
            if (plan.FromTheStart) Secure(connection, server, plan);
            SmtpReply greeting = conversation.Greeting();
            if (greeting.Code != 220)
            {
                conversation.Quit();
                refusal = connected + "greeting failed.\n" + RemoteReport.Said(greeting);
                if (greeting.IsTransient) Remember(connection.Peer);
                return false;
            }
            greeted = true;
            securing = false;
            SmtpReply hello = conversation.Hello(name);
            if (hello.IsPositive && connection.Tls == null && plan.Need != TlsNeed.Never)
            {
                TlsAnswer answer = AskForTls(conversation, server, plan, connected);
                if (answer == TlsAnswer.Failure) return false;
                if (answer == TlsAnswer.Yes)
                {
                    securing = true;
                    Secure(connection, server, plan);
                    hello = conversation.Hello(name);
                }
            }
            if (hello.IsPositive)
            {
                securing = false;
                if (key.Login == null) return true;
                bool verified = connection.Tls is { Trust: not TlsTrust.Nobody };
                Verdict = key.Login.Run(conversation, connection.Peer, verified, SaslChannel.Of(connection), out bool skipped);
                if (skipped) notice = Login.Skipped;
                if (Verdict == null) return true;
                conversation.Quit();
                return false;
            }
            conversation.Quit();
            string rejected = connected + "my name was rejected.\n" + RemoteReport.Said(hello);
            if (hello.IsTransient && settings.NextAfterHello)
            {
                refusal = rejected;
                Remember(connection.Peer);
            }
            else Verdict = RemoteReport.Temporary(rejected);
        }
        catch (Exception e) when (e is TlsException || e is ConnectionException && securing)
        {
            // A server may reject this client's certificate only after the handshake (RFC 8446 4.4.2), and one whose
            // TLS is half broken may fail at the first command.
            broken = plan.Need == TlsNeed.WhenOffered;
            if (!broken)
                refusal = $"{connected}TLS with {server.Host} failed, which is required because {plan.Reason}. (#4.7.5)\n"
                    + e.Message + ".\n";
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

    private enum TlsAnswer
    {
        /// <summary>The handshake comes next.</summary>
        Yes,
        /// <summary>The conversation goes on in the clear.</summary>
        No,
        /// <summary>There can be no delivery through this server.</summary>
        Failure,
    }

    private TlsAnswer AskForTls(SmtpConversation conversation, TlsPeer server, TlsPlan plan, string connected)
    {
        string answer = "It does not offer STARTTLS.\n";
        if (conversation.CanStartTls)
        {
            try
            {
                _ = Context(plan);
            }
            catch (TlsException e) when (e.IsMissing && plan.Need == TlsNeed.WhenOffered)
            {
                return TlsAnswer.No;
            }
            catch (TlsException e)
            {
                conversation.Quit();
                Verdict = RemoteReport.Temporary($"Unable to use TLS. (#4.3.5)\n{e.Message}.\n");
                return TlsAnswer.Failure;
            }
            SmtpReply reply = conversation.StartTls();
            if (reply.Code == 220) return TlsAnswer.Yes;
            answer = RemoteReport.Said(reply);
        }
        if (plan.Need == TlsNeed.WhenOffered) return TlsAnswer.No;
        conversation.Quit();
        refusal = $"{connected}{server.Host} does not begin TLS, which is required because {plan.Reason}. (#4.7.10)\n" + answer;
        return TlsAnswer.Failure;
    }

    private void Secure(Connection connection, TlsPeer server, TlsPlan plan)
    {
        long limit = Sockets.In(LongestHandshake), reply = connection.ReplyLimit();
        connection.Secure(Context(plan), server, reply < limit ? reply : limit);
    }

    private TlsContext Context(TlsPlan plan) =>
        memory.Contexts.Get(settings.Tls.Settings, plan.Trust, plan.Authorities, plan.SystemAuthorities);
}
