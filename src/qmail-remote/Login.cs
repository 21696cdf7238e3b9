// Logging in to a relay, after the hello and after TLS: whether the server may see the password, and what to report.
using System;
using Qmta.Posix;
using Qmta.Smtp;

namespace Qmta.Remote;

/// <summary>
/// User, password and conditions of one delivery. Two are equal when a session that was opened with one serves the other.
/// </summary>
internal sealed class Login : IEquatable<Login>
{
    private readonly Credentials credentials;
    private readonly string host, mechanisms;
    private readonly bool withoutTls;
    private readonly Func<bool, SaslPolicy> policy;

    /// <param name="host">The relay's name.</param>
    /// <param name="withoutTls">The route allows to send the password over a channel that is not safe.</param>
    /// <param name="policy">Reads which mechanisms to use, told whether the channel is safe without TLS.</param>
    /// <param name="mechanisms">AUTH_SMTP, for comparison.</param>
    internal Login(Credentials credentials, string host, bool withoutTls, Func<bool, SaslPolicy> policy, string mechanisms)
    {
        this.credentials = credentials;
        this.host = host;
        this.withoutTls = withoutTls;
        this.policy = policy;
        this.mechanisms = mechanisms;
    }

    /// <summary>What a report says when the server has no AUTH at all and the mail was offered without it.</summary>
    internal const string Skipped = "no supported AUTH method found, continuing without authentication.\n";

    /// <summary>
    /// Whether the server must prove who it is before anything secret is sent to it: unless it is this host itself, or
    /// the route has AUTH_WITHOUT_TLS=1.
    /// </summary>
    internal bool NeedsVerified(IpAddress peer) => !withoutTls && !peer.IsLoopback;

    /// <summary>Logs in; null when the server knows the client now, or does not want to.</summary>
    /// <param name="verified">The server has proved who it is.</param>
    /// <param name="channel">What the conversation runs over.</param>
    /// <param name="skipped">Set when the server has no AUTH: the mail is offered to it without.</param>
    /// <exception cref="ConnectionException">The connection failed.</exception>
    internal RemoteReport? Run(SmtpConversation conversation, IpAddress peer, bool verified, SaslChannel channel,
        out bool skipped)
    {
        skipped = false;
        string connected = $"Connected to {peer} but ";
        if (NeedsVerified(peer) && !verified)
            return RemoteReport.Temporary(connected + "it did not prove by TLS that it is " + host
                + ", and the password is for nobody else. (#4.7.0)");
        SmtpAuthOutcome outcome;
        try
        {
            outcome = conversation.Authenticate(credentials, policy(peer.IsLoopback), channel, host);
        }
        catch (Exception e) when (e is FormatException or Tls.TlsException)
        {
            return RemoteReport.Temporary(connected + "I am unable to log in. (#4.3.5)\n" + e.Message + ".\n");
        }
        switch (outcome.Status)
        {
            case SmtpAuthStatus.Done:
                return null;
            case SmtpAuthStatus.NotOffered:
                skipped = true;
                return null;
            case SmtpAuthStatus.NoneUsable:
                return RemoteReport.Temporary(connected + outcome.Reason + ".\nIt offers "
                    + Offer(conversation) + ".\n");
            default:
                return RemoteReport.Temporary(connected + outcome.Reason + ".\n"
                    + (outcome.Reply == null ? "" : RemoteReport.Said(outcome.Reply)));
        }
    }

    public bool Equals(Login? other) => other != null && withoutTls == other.withoutTls && host == other.host
        && mechanisms == other.mechanisms && credentials.Equals(other.credentials);

    public override bool Equals(object? obj) => Equals(obj as Login);

    public override int GetHashCode() => HashCode.Combine(host, credentials);

    private static string Offer(SmtpConversation conversation)
    {
        string offer = string.Join(' ', conversation.AuthMechanisms);
        return offer.Length <= 400 ? offer : offer[..400] + "...";
    }
}
