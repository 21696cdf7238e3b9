// Where mail for a domain goes instead of its mail exchangers: control/smtproutes or the variable SMTPROUTE.
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Control;

namespace Qmta.Remote;

/// <summary>A relay and its port.</summary>
/// <param name="Relay">A host name or an address in brackets; "" means the domain's own mail exchangers.</param>
/// <param name="Port">The TCP port there.</param>
internal sealed record Route(string Relay, int Port)
{
    /// <summary>The SMTP port (RFC 5321 4.5.4.2).</summary>
    internal const int SmtpPort = 25;

    /// <summary>No artificial route.</summary>
    internal static Route Direct { get; } = new("", SmtpPort);
}

/// <summary>The artificial routes, "domain:relay:port" line by line (qmail-remote(8), smtproutes).</summary>
internal sealed class SmtpRoutes
{
    private const int TlsPort = 465;
    private readonly DomainMap routes;

    /// <param name="lines">The lines; null when there is no file.</param>
    internal SmtpRoutes(IEnumerable<string>? lines) => routes = new DomainMap(lines);

    /// <summary>The route for a host.</summary>
    /// <param name="host">The recipient's domain, or an address literal.</param>
    /// <param name="sender">The envelope sender; "" finds the route "!@", which is for bounces, first.</param>
    /// <exception cref="FormatException">The route cannot be followed; the message says why and holds no secrets.</exception>
    internal Route Find(string host, string sender)
    {
        string? value = (sender.Length == 0 ? routes.Exact("!@") : null) ?? routes.Find(host);
        return string.IsNullOrEmpty(value) ? Route.Direct : Parse(value, host);
    }

    private static Route Parse(string value, string host)
    {
        FormatException Bad(string why) => new($"the route for {host} {why}");

        // A space begins user and password, which would be left out silently otherwise.
        if (value.AsSpan().IndexOfAny(' ', '\t') >= 0)
            throw Bad("has credentials or other words after the relay; this program cannot log in to a relay");
        int end = value[0] == '[' ? value.IndexOf(']') + 1 : value.IndexOf(':');
        if (end < 0) end = value.Length;
        if (value[0] == '[' && end == 0) throw Bad("has no ] after its address");
        string relay = value[..end];
        string rest = value[end..];
        if (rest.Length > 0 && rest[0] != ':') throw Bad("has something between ] and the port");
        string[] fields = rest.Length == 0 ? [] : rest[1..].Split(':');
        if (fields.Length > 1) throw Bad("has more fields than domain, relay and port (an IPv6 address needs brackets)");
        int port = Route.SmtpPort;
        if (fields.Length == 1 && fields[0].Length > 0
            && (!int.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is 0 or > 65535))
            throw Bad("has a port that is not a number from 1 to 65535: " + fields[0]);
        if (port == TlsPort) throw Bad("has port 465, where servers expect TLS; this program speaks plain SMTP");
        return new Route(relay, port);
    }
}
