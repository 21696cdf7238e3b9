// Where mail for a domain goes instead of its mail exchangers: control/smtproutes, qmtproutes, and what replaces them.
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Control;

namespace Qmta.Remote;

/// <summary>What is spoken with a mail server.</summary>
internal enum MailProtocol
{
    Smtp,
    Qmtp,
}

/// <summary>A relay and its port.</summary>
/// <param name="Relay">A host name or an address in brackets; "" means the domain's own mail exchangers.</param>
/// <param name="Port">The TCP port there.</param>
/// <param name="Login">How to log in there; null for not at all.</param>
internal sealed record Route(string Relay, int Port, RouteLogin? Login = null)
{
    /// <summary>The SMTP port (RFC 5321 4.5.4.2).</summary>
    internal const int SmtpPort = 25;

    /// <summary>The QMTP port (cr.yp.to/proto/qmtp.txt).</summary>
    internal const int QmtpPort = 209;

    /// <summary>What is spoken there.</summary>
    internal MailProtocol Protocol { get; init; }

    /// <summary>
    /// How long an address that failed is avoided, in seconds, about; 0 for not at all; null when the route does not say.
    /// </summary>
    internal int? Penalty { get; init; }

    /// <summary>Failures within so many seconds count as one; null when the route does not say.</summary>
    internal int? Tolerance { get; init; }

    /// <summary>No artificial route.</summary>
    internal static Route Direct { get; } = new("", SmtpPort);
}

/// <summary>
/// The artificial routes, "domain:relay:port:penalty:tolerance" line by line (qmail-remote(8), smtproutes and
/// qmtproutes).
/// </summary>
internal sealed class SmtpRoutes
{
    private readonly (RouteTable Table, MailProtocol Protocol)[] tables; // in the order in which they are asked

    /// <param name="lines">The lines of smtproutes; null when there is no file.</param>
    /// <param name="qmtpLines">The lines of qmtproutes; null when there is no file.</param>
    internal SmtpRoutes(IEnumerable<string>? lines, IEnumerable<string>? qmtpLines = null)
        : this(new RouteTable(lines), new RouteTable(qmtpLines)) { }

    /// <summary>Variables are asked before files, and routes for QMTP before those for SMTP.</summary>
    internal SmtpRoutes(RouteTable smtp, RouteTable qmtp) => tables = smtp.IsVariable && !qmtp.IsVariable
        ? [(smtp, MailProtocol.Smtp), (qmtp, MailProtocol.Qmtp)] : [(qmtp, MailProtocol.Qmtp), (smtp, MailProtocol.Smtp)];

    /// <summary>The route for a host.</summary>
    /// <param name="host">The recipient's domain, or an address literal.</param>
    /// <param name="sender">The envelope sender; "" finds the route "!@", which is for bounces, first.</param>
    /// <exception cref="FormatException">The route cannot be followed; the message says why and holds no secrets.</exception>
    internal Route Find(string host, string sender)
    {
        try
        {
            if (sender.Length == 0 && Exact("!@", host) is Route bounces) return bounces;
            // The more a key says the more it counts, whichever file it is in.
            if (Exact(host, host) is Route own) return own;
            for (int dot = host.IndexOf('.', 1 < host.Length ? 1 : 0); dot >= 0; dot = host.IndexOf('.', dot + 1))
                if (Exact(host[dot..], host) is Route wild) return wild;
            return Exact("", host) ?? Route.Direct;
        }
        catch (Posix.PosixException e)
        {
            throw new FormatException(e.Message);
        }
    }

    private Route? Exact(string key, string host)
    {
        foreach ((RouteTable table, MailProtocol protocol) in tables)
        {
            if (table.Exact(key) is not (string value, var path)) continue;
            Route found = Parse(value, host, protocol);
            if (found.Login is { HasPassword: true } && path != null) SecretFiles.Check(path);
            return found;
        }
        return null;
    }

    private static Route Parse(string value, string host, MailProtocol protocol)
    {
        int port = protocol == MailProtocol.Qmtp ? Route.QmtpPort : Route.SmtpPort;
        if (value.Length == 0) return Route.Direct with { Port = port, Protocol = protocol };
        FormatException Bad(string why) => new($"the route for {host} {why}");

        RouteLogin? login;
        try
        {
            login = RouteLogin.Cut(ref value);
        }
        catch (FormatException e)
        {
            throw Bad(e.Message);
        }
        if (login != null && (value.Length == 0 || value[0] == ':')) throw Bad("has a password but no relay to use it with");
        if (login != null && protocol == MailProtocol.Qmtp) throw Bad("has a password, and QMTP has no way to log in");
        int end = value[0] == '[' ? value.IndexOf(']') + 1 : value.IndexOf(':');
        if (end < 0) end = value.Length;
        if (value[0] == '[' && end == 0) throw Bad("has no ] after its address");
        string relay = value[..end];
        string rest = value[end..];
        if (rest.Length > 0 && rest[0] != ':') throw Bad("has something between ] and the port");
        string[] fields = rest.Length == 0 ? [] : rest[1..].Split(':');
        if (fields.Length > 3)
            throw Bad("has more fields than domain, relay, port, penalty and tolerance (an IPv6 address needs brackets)");
        if (fields.Length > 0 && fields[0].Length > 0
            && (!int.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is 0 or > 65535))
            throw Bad("has a port that is not a number from 1 to 65535: " + fields[0]);
        return new Route(relay, port, login)
        {
            Protocol = protocol,
            Penalty = Seconds(fields, 1, "penalty", NumberStyles.AllowLeadingSign),
            Tolerance = Seconds(fields, 2, "tolerance", NumberStyles.None),
        };

        int? Seconds(string[] all, int index, string name, NumberStyles style) =>
            all.Length <= index || all[index].Length == 0 ? null
            : int.TryParse(all[index], style, CultureInfo.InvariantCulture, out int seconds) ? seconds
            : throw Bad("has a " + name + " that is not a number of seconds: " + all[index]);
    }
}
