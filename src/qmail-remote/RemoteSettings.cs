// What the control files say about sending mail to other hosts.
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.Remote;

/// <summary>The control files of qmail-remote(8), read once for a delivery or for all that begin within a second.</summary>
/// <param name="HeloHost">The name said to servers.</param>
/// <param name="Routes">smtproutes and qmtproutes, or the variables in their place.</param>
/// <param name="ConnectTimeout">Longest wait for a connection, in milliseconds.</param>
/// <param name="ReplyTimeout">Longest wait for each reply, in milliseconds.</param>
/// <param name="LocalAddresses">Addresses to send from; none means the system's choice.</param>
/// <param name="NextAfterHello">Whether a transient refusal of EHLO or HELO, too, means to try the next host.</param>
internal sealed record RemoteSettings(string HeloHost, SmtpRoutes Routes, int ConnectTimeout, int ReplyTimeout,
    IReadOnlyList<IpAddress> LocalAddresses, bool NextAfterHello)
{
    private const int LongestTimeout = 86400;

    /// <exception cref="PosixException">A file exists and cannot be read.</exception>
    /// <exception cref="FormatException">A file makes no sense, or the host has no name.</exception>
    internal static RemoteSettings Read(ControlFiles control)
    {
        string helo = control.LineOrMe("helohost")
            ?? throw new FormatException($"neither {control.PathOf("helohost")} nor {control.PathOf("me")} names this host");
        SmtpRoutes routes = new(
            RouteTable.Read(control, "smtproutes", ["SMTPROUTE", "X-SMTPROUTES"], ["SMTPROUTEFILE", "SMTPROUTESFILE"]),
            RouteTable.Read(control, "qmtproutes", ["QMTPROUTE"], ["QMTPROUTEFILE", "QMTPROUTESFILE"]));
        return new RemoteSettings(helo, routes,
            Seconds(control, "timeoutconnect", 60), Seconds(control, "timeoutremote", 1200), Addresses(control),
            Variables.Get("TRY_NEXT_MX_HELO_FAIL") != null);
    }

    /// <summary>The local address for connections to a peer: of several of its kind, each in turn by the second.</summary>
    internal IpAddress? LocalAddressFor(IpAddress peer)
    {
        int count = 0;
        foreach (IpAddress address in LocalAddresses)
            if (address.IsV6 == peer.IsV6) count++;
        if (count == 0) return null;
        long chosen = Clocks.Realtime % count;
        foreach (IpAddress address in LocalAddresses)
            if (address.IsV6 == peer.IsV6 && chosen-- == 0) return address.IsAny ? null : address;
        return null;
    }

    private static int Seconds(ControlFiles control, string name, int otherwise) =>
        (int)Math.Clamp(control.Number(name, otherwise), 1, LongestTimeout) * 1000;

    private static List<IpAddress> Addresses(ControlFiles control)
    {
        string? variable = Variables.Get("OUTGOINGIP");
        List<IpAddress> addresses = [];
        foreach (string line in string.IsNullOrEmpty(variable) ? control.Lines("outgoingip") ?? [] : [variable])
        {
            if (!IpAddress.TryParse(line, out IpAddress address) && !IpAddress.TryParseLiteral(line, out address))
                throw new FormatException("outgoingip is not an IP address: " + line);
            addresses.Add(address);
        }
        return addresses;
    }
}
