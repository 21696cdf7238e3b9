// qmail-qmqpd and qmail-qmtpd as services: two protocols that hand over whole messages, with the same settings.
using System;
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.Reception;

/// <summary>What the servers of QMQP and QMTP are to the one that serves their connections.</summary>
internal static class QueueingService
{
    internal static Service Qmqp { get; } = new(QmqpSession.Program, "", "", static (arguments, tls) =>
    {
        CurrentSettings<QueueingSettings> settings = Prepare(arguments);
        return (connection, peer) => new QmqpSession(connection, peer, tls, settings);
    });

    internal static Service Qmtp { get; } = new(QmtpSession.Program, "", "", static (arguments, tls) =>
    {
        CurrentSettings<QueueingSettings> settings = Prepare(arguments);
        return (connection, peer) => new QmtpSession(connection, peer, tls, settings);
    });

    // A mistake in the control files shows when the program starts, not when the first client comes.
    private static CurrentSettings<QueueingSettings> Prepare(string[] arguments)
    {
        if (arguments.Length > 0) throw new FormatException("only options are known, not " + arguments[0]);
        CurrentSettings<QueueingSettings> settings = new(QueueingSettings.Read);
        _ = settings.Get();
        return settings;
    }
}

/// <summary>The control files of qmail-qmqpd and qmail-qmtpd, read together and then unchanging (qmail-control(5)).</summary>
internal sealed class QueueingSettings
{
    private const int DefaultHops = 100;

    /// <summary>Longest address in bytes; longer ones no host handles.</summary>
    internal const int LongestAddress = 999;

    /// <summary>This host's name.</summary>
    internal required string Host { get; init; }
    internal required RecipientHosts Recipients { get; init; }
    internal required RelayClients RelayClients { get; init; }

    /// <summary>Most bytes of a message; 0 for no limit.</summary>
    internal long DataBytes { get; private init; }
    internal long Hops { get; private init; }

    /// <exception cref="PosixException">A file cannot be read.</exception>
    /// <exception cref="FormatException">A file makes no sense.</exception>
    internal static QueueingSettings Read(ControlFiles control) => new()
    {
        Host = control.Me ?? Programs.HostName,
        Recipients = RecipientHosts.Read(control),
        RelayClients = RelayClients.Read(control),
        DataBytes = control.Number("databytes", 0),
        Hops = control.Number("maxhops", DefaultHops),
    };

    /// <summary>
    /// The suffix for the recipients of a client that may send to anywhere (RELAYCLIENT, relayclients, tlsclients); null
    /// for others.
    /// </summary>
    /// <exception cref="PosixException">The file that RELAYCLIENTS names cannot be read.</exception>
    internal string? RelaySuffix(Peer peer, ClientConnection connection, Handshakes tls) =>
        peer.RelayClient ?? RelayClients.SuffixFor(peer.RemoteIp, peer.Variable("RELAYCLIENTS"))
        ?? (tls.RelayingClient(connection) == null ? null : "");
}
