// Asking qmail-remote whether mail could go now, and saying in plain words what to do when it could not.
using System;
using System.Collections.Generic;
using Qmta.Posix;

namespace Qmta.Admin;

/// <param name="Works">Whether there was a session, logged in where the route says so.</param>
/// <param name="Text">What it was like, or why there was none: qmail-remote's own words.</param>
/// <param name="Remedy">What to do; "" when it works.</param>
internal sealed record RouteProbe(bool Works, string Text, string Remedy)
{
    /// <summary>Goes the way of a message from one address to another, up to the message.</summary>
    /// <exception cref="PosixException">qmail-remote cannot be started.</exception>
    internal static RouteProbe Of(string sender, string recipient)
    {
        string domain = recipient[(recipient.LastIndexOf('@') + 1)..];
        (_, string text) = ProgramOutput.Of("qmail-remote", ["--check", domain, sender, recipient]);
        text = text.TrimEnd('\n');
        bool works = text.StartsWith('K');
        if (works && text.Contains("not logged in, as it does not offer that"))
            return new RouteProbe(false, text[1..], "The relay offers no log-in on this port. Most providers do on port 587 or 465.");
        string said = text.Length > 0 ? text[1..] : "qmail-remote said nothing";
        return new RouteProbe(works, said, works ? "" : RemedyFor(said));
    }

    // The first of these that is in the report says what is wrong.
    private static readonly (string Sign, string Remedy)[] Remedies =
    [
        ("couldn't find the relay", "The relay's name is wrong, or this host has no working DNS: try \"getent hosts RELAY\"."),
        ("chmod 600", "Do that, then try again."),
        ("holds a password", "Give the file mode 600 and, where qmta-send runs as root, the owner qmailr."),
        ("#4.7.0", "Use port 587 or 465, where the relay proves who it is. A relay in your own network that has no TLS needs "
            + "AUTH_WITHOUT_TLS=1 behind the password (--without-tls)."),
        ("certificate", "The relay's name must be the one in its certificate: use the name that the provider documents. Its authority "
            + "must be one that this system trusts: install the package ca-certificates. The date must be right: see \"date\"."),
        ("535", "The relay does not accept user and password. Many providers want the whole address as the user and an "
            + "application password, made in their web pages, instead of the ordinary one."),
        ("AUTH", "The relay offers no way to log in that is allowed here; see SASL in qmail-remote(8)."),
        ("log in", "The relay does not accept user and password, or no way to log in that both know; see qmail-remote(8)."),
        ("Connection refused", "Nothing listens on that port. Providers take mail from their customers on port 587 or 465."),
        ("timed out", "The network does not let the connection through. Many block port 25: use 587 or 465."),
        ("unreachable", "There is no network, or no route to that host."),
        ("TLS", "The relay's TLS does not work from here; the lines above say why. Port 465 begins with TLS, 587 asks for it."),
        ("#4.4.1", "None of its addresses can be reached; the lines above say why for each."),
        ("#4.4.3", "The name servers do not answer: look into /etc/resolv.conf."),
        ("Unable to read control files", "Run \"qmta doctor\"."),
    ];

    private static string RemedyFor(string said)
    {
        foreach ((string sign, string remedy) in Remedies)
            if (said.Contains(sign, StringComparison.OrdinalIgnoreCase)) return remedy;
        return "The lines above are the relay's own words.";
    }
}
