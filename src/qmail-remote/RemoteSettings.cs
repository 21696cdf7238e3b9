// What the control files say about sending mail to other hosts.
using System;
using System.Globalization;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Remote;

/// <summary>The control files of qmail-remote(8), read once for a delivery or for all that begin within a second.</summary>
/// <param name="HeloHost">The name said to servers.</param>
/// <param name="Routes">smtproutes and qmtproutes, or the variables in their place.</param>
/// <param name="ConnectTimeout">Longest wait for a connection, in milliseconds.</param>
/// <param name="ReplyTimeout">Longest wait for each reply, in milliseconds.</param>
/// <param name="NextAfterHello">Whether a transient refusal of EHLO or HELO, too, means to try the next host.</param>
internal sealed record RemoteSettings(string HeloHost, SmtpRoutes Routes, int ConnectTimeout, int ReplyTimeout,
    bool NextAfterHello)
{
    /// <summary>Users and passwords that routes refer to.</summary>
    internal RemoteAuth Auth { get; init; } = new(ControlFiles.FromEnvironment());

    private const int LongestTimeout = 86400;

    /// <summary>From which addresses and under which names messages are sent.</summary>
    internal Origins Origins { get; init; } = Origins.None;

    /// <summary>The rules about TLS.</summary>
    internal TlsPolicy Tls { get; init; } = TlsPolicy.Off;

    /// <summary>The addresses that are this host's own.</summary>
    internal OwnAddresses Own { get; init; } = OwnAddresses.Of(null, null);

    /// <summary>How long an address that failed is avoided, in seconds, when its route does not say.</summary>
    internal int Penalty { get; init; } = TcpTimeouts.DefaultPenalty;

    /// <summary>Failures within so many seconds count as one, when the route does not say.</summary>
    internal int Tolerance { get; init; } = TcpTimeouts.DefaultTolerance;

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
            Seconds(control, "timeoutconnect", 60), Seconds(control, "timeoutremote", 1200),
            Variables.Get("TRY_NEXT_MX_HELO_FAIL") != null)
        {
            Origins = Origins.Read(control),
            Own = OwnAddresses.Read(control),
            Tls = TlsPolicy.Read(control),
            Auth = new RemoteAuth(control),
            Penalty = Number("MIN_PENALTY", TcpTimeouts.DefaultPenalty),
            Tolerance = Number("MAX_TOLERANCE", TcpTimeouts.DefaultTolerance),
        };
    }

    private static int Seconds(ControlFiles control, string name, int otherwise) =>
        (int)Math.Clamp(control.Number(name, otherwise), 1, LongestTimeout) * 1000;

    private static int Number(string variable, int otherwise) => Variables.Get(variable) is not string text ? otherwise
        : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? number
        : throw new FormatException("the variable " + variable + " is not a number: " + text);
}
