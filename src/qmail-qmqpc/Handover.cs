// Handing a message to the first hub that takes it, and to none after one that may have taken it.
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Dns;
using Qmta.Posix;
using Qmta.Smtp;
using Qmta.Tls;

namespace Qmta.NullClient;

/// <summary>A message that can be sent over any number of connections until one brings an answer.</summary>
internal interface IOutgoing
{
    /// <summary>Sends it.</summary>
    /// <param name="inDoubt">Set when the server may have got its end.</param>
    /// <returns>The exit code, and what there is to say when it is not 0.</returns>
    /// <exception cref="ConnectionException">The connection failed.</exception>
    /// <exception cref="MessageUnreadableException">The message was not sent to its end.</exception>
    (int Code, string Sentence) Send(Connection connection, out bool inDoubt);
}

/// <summary>The settings of a hand-over, and the hand-over itself.</summary>
internal sealed class Handover
{
    // D. J. Bernstein, qmqp.html: a session takes at most an hour.
    private const long LongestSession = 3_600_000;

    private readonly byte[] received = GC.AllocateUninitializedArray<byte>(2048);
    private readonly int connectMilliseconds, patience;
    private readonly List<IpAddress> own = [];
    private readonly List<string> failures = [];
    private readonly HubTls? tls;
    private Resolver? resolver;

    /// <param name="tls">How connections are secured; null for not at all.</param>
    /// <exception cref="PosixException">A control file cannot be read.</exception>
    /// <exception cref="FormatException">A control file makes no sense.</exception>
    internal Handover(ControlFiles control, HubTls? tls = null)
    {
        this.tls = tls;
        connectMilliseconds = Milliseconds(control, "timeoutconnect", 10);
        patience = Milliseconds(control, "timeoutremote", 60);
        string? variable = Variables.Get("OUTGOINGIP");
        foreach (string line in string.IsNullOrEmpty(variable) ? control.Lines("outgoingip") ?? [] : [variable])
            own.Add(IpAddress.TryParse(line, out IpAddress address) ? address
                : throw new FormatException("outgoingip has something that is not an IP address: " + line));
    }

    private static int Milliseconds(ControlFiles control, string name, int seconds) =>
        (int)Math.Min(control.Number(name, seconds), int.MaxValue / 1000) * 1000;

    /// <summary>Tries the hubs in turn; returns the exit code.</summary>
    /// <exception cref="HandoverException">No hub has taken the message; the sentences say why.</exception>
    internal void Run(IReadOnlyList<Hub> hubs, IOutgoing message)
    {
        int code = ExitCode.Network;
        foreach (Hub hub in hubs)
            foreach (IpAddress address in Addresses(hub, ref code))
                if (Try(hub, address, message, ref code)) return;
        throw Failed(code);
    }

    private IReadOnlyList<IpAddress> Addresses(Hub hub, ref int code)
    {
        if (hub.Address is IpAddress address) return [address];
        resolver ??= new Resolver();
        DnsAnswer answer = resolver.HostAddresses(hub.Host, Sockets.In(connectMilliseconds));
        if (answer.Status == DnsStatus.Found) return answer.Addresses;
        code = ExitCode.Network;
        failures.Add(hub.Host + ": " + (answer.Status == DnsStatus.Failed ? answer.Reason : "there is no address of that name"));
        return [];
    }

    // True when the message is handed over, false when the next hub may get it.
    private bool Try(Hub hub, IpAddress address, IOutgoing message, ref int code)
    {
        string where = (hub.Address == null ? hub.Host + " " : "") + address + " port " + hub.Port + ": ";
        using Connection? connection = Connection.Open(address, hub.Port, OwnFor(address), Sockets.In(connectMilliseconds),
            received, out int error);
        if (connection == null)
        {
            code = error switch
            {
                -Errno.ETIMEDOUT => ExitCode.TimedOut,
                -Errno.ECONNREFUSED or -Errno.ECONNRESET or -Errno.EHOSTUNREACH or -Errno.ENETUNREACH => ExitCode.Refused,
                _ => ExitCode.Network,
            };
            failures.Add(where + Errno.Text(error));
            return false;
        }
        connection.Patience = patience;
        connection.Deadline = Sockets.In(LongestSession);
        bool inDoubt = false;
        try
        {
            tls?.Secure(connection, hub, connection.ReplyLimit());
            (int verdict, string sentence) = message.Send(connection, out inDoubt);
            if (verdict == ExitCode.Accepted) return true;
            failures.Add(where + sentence);
            throw Failed(verdict);
        }
        catch (ConnectionException e)
        {
            code = ExitCode.Broken;
            failures.Add(where + e.Message + (inDoubt ? "; the message may be queued there, and no other server is tried" : ""));
            if (inDoubt) throw Failed(code);
            return false;
        }
        catch (TlsException e)
        {
            code = ExitCode.Broken;
            failures.Add(where + "TLS failed: " + e.Message);
            return false;
        }
        catch (MessageUnreadableException e)
        {
            throw new HandoverException(ExitCode.Read, "unable to read the message: " + e.Message);
        }
    }

    // Of several addresses of this host, each in turn by the second.
    private IpAddress? OwnFor(IpAddress peer)
    {
        List<IpAddress> fitting = [];
        foreach (IpAddress address in own)
            if (address.IsV6 == peer.IsV6) fitting.Add(address);
        if (fitting.Count == 0) return null;
        IpAddress chosen = fitting[(int)(Clocks.Realtime % fitting.Count)];
        return chosen.IsAny ? null : chosen;
    }

    private HandoverException Failed(int code) => new(code, string.Join("\n", failures));
}
