// The trace field that the servers put on top of a message (RFC 5321 4.4; mini-smtpd(8)).
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Reception;

/// <summary>Who sent it, by what protocol, when.</summary>
internal static class ReceivedField
{
    /// <summary>
    /// "Received: qmta smtpd PID (HELO NAME) (IP)", "  by HOST with ESMTP", "  (TLS ...)", "  DATE"; a local user's has
    /// "(invoked by uid N)" in place of the client. HIDE_HOST, when not empty, leaves out names and addresses.
    /// </summary>
    /// <param name="server">smtpd, qmqpd or qmtpd.</param>
    /// <param name="helo">What the client called itself; null when it did not.</param>
    /// <param name="protocol">One of RFC 3848 and RFC 6531: SMTP, ESMTP, ESMTPS, ESMTPSA, UTF8SMTP...; QMQP or QMTP.</param>
    /// <param name="tls">Version and cipher, or null.</param>
    internal static string Of(string server, Peer peer, string? helo, string host, string protocol, string? tls,
        long now)
    {
        bool hide = !string.IsNullOrEmpty(peer.Variable("HIDE_HOST"));
        string text = "Received: qmta " + server + " " + Processes.Id;
        if (peer.IsLocalUser) text += " (invoked by uid " + Users.RealUid + ")";
        else if (!hide)
        {
            if (peer.Variable("TCPREMOTEHOST") is { Length: > 0 } name) text += " from " + Safe(name);
            if (helo != null) text += " (HELO " + Safe(helo) + ")";
            text += " (" + (peer.RemoteInfo is { Length: > 0 } info ? Safe(info) + "@" : "") + Safe(peer.RemoteIp) + ")";
        }
        text += hide ? "\n  with " : "\n  by " + Safe(host) + " with ";
        text += protocol;
        if (tls != null) text += "\n  (" + tls + ")";
        return text + ";\n  " + Dates.Rfc5322(now) + "\n";
    }

    // What would end the field or a comment, or is none of a name's characters, is a question mark, as in qmail.
    private static string Safe(string text)
    {
        System.Text.StringBuilder safe = new(text.Length);
        foreach (char c in text)
            safe.Append(c is <= ' ' or '(' or ')' or '\\' or (char)127 ? '?' : c);
        return safe.ToString();
    }
}
