// The client's side of AUTH (RFC 4954): the exchange of challenges and responses, in which nothing secret is left behind.
using System;
using System.Buffers;
using System.Buffers.Text;
using System.Collections.Generic;
using Qmta.Text;

namespace Qmta.Smtp;

/// <summary>What came of an authentication.</summary>
public enum SmtpAuthStatus
{
    /// <summary>The server knows the client now.</summary>
    Done,
    /// <summary>The server does not offer AUTH at all.</summary>
    NotOffered,
    /// <summary>The server offers no mechanism that may be used.</summary>
    NoneUsable,
    /// <summary>It failed.</summary>
    Failed,
}

/// <summary>What came of an authentication, and why.</summary>
/// <param name="Mechanism">The mechanism used last; "" when there was none.</param>
/// <param name="Reason">What failed, as "authentication was rejected (PLAIN)"; "" when nothing did.</param>
/// <param name="Reply">What the server said to it, without secrets; null when the server is not the one who refused.</param>
public sealed record SmtpAuthOutcome(SmtpAuthStatus Status, string Mechanism, string Reason, SmtpReply? Reply);

public sealed partial class SmtpConversation
{
    // RFC 5321 4.5.3.1.4: a command line with its end. A longer initial response must wait to be asked for.
    private const int LongestCommand = 512;

    private const int AuthSucceeded = 235, AuthContinues = 334, AuthUnknown = 504;

    private readonly List<string> authMechanisms = [];

    /// <summary>The mechanisms the server offers (RFC 4954 3), in upper case.</summary>
    public IReadOnlyCollection<string> AuthMechanisms => authMechanisms;

    // Also the form "AUTH=..." of servers older than the standard.
    private void NoteAuth(ReadOnlySpan<char> extension)
    {
        if (extension.Length < 5 || !Latin1.EqualsIgnoreCase(extension[..4], "AUTH") || extension[4] is not (' ' or '='))
            return;
        foreach (string name in extension[5..].ToString().ToUpperInvariant().Split(' ', StringSplitOptions.RemoveEmptyEntries))
            if (!authMechanisms.Contains(name)) authMechanisms.Add(name);
    }

    /// <summary>
    /// Authenticates, once, after <see cref="Hello"/>. When the server does not know a mechanism that it offered, the
    /// next one is tried; a password that was rejected is not tried again in a weaker mechanism.
    /// </summary>
    /// <param name="credentials">User and password.</param>
    /// <param name="policy">Which mechanisms may be used, and in which order.</param>
    /// <param name="channel">What this conversation runs over.</param>
    /// <param name="host">The server's name.</param>
    /// <exception cref="ConnectionException">The connection failed.</exception>
    public SmtpAuthOutcome Authenticate(Credentials credentials, SaslPolicy policy, SaslChannel channel, string host)
    {
        if (authMechanisms.Count == 0)
            return new SmtpAuthOutcome(SmtpAuthStatus.NotOffered, "", "found no AUTH", null);
        List<Func<SaslMechanism>> candidates = policy.Choose(authMechanisms, credentials, channel, host);
        SmtpAuthOutcome outcome = new(SmtpAuthStatus.NoneUsable, "", "found no AUTH method that may be used", null);
        foreach (Func<SaslMechanism> candidate in candidates)
        {
            outcome = Exchange(candidate(), credentials);
            if (outcome.Reply?.Code != AuthUnknown) break;
        }
        return outcome;
    }

    private SmtpAuthOutcome Exchange(SaslMechanism mechanism, Credentials credentials)
    {
        string step = "AUTH " + mechanism.Name;
        byte[]? first = mechanism.Start();
        byte[] sent = [];
        try
        {
            Put(step);
            if (first != null && step.Length + 1 + Base64.GetMaxEncodedToUtf8Length(first.Length) + 2 <= LongestCommand)
            {
                Put(" ");
                sent = PutSecret(first);
                Array.Clear(first);
                first = null;
            }
            Put("\r\n");
            SendSecret();
            SmtpReply reply = ReadReply();
            while (reply.Code == AuthContinues)
            {
                Array.Clear(sent);
                byte[] response;
                try
                {
                    step = mechanism.Step;
                    response = first ?? mechanism.Answer(Challenge(reply, mechanism.ReadsChallenges));
                    first = null;
                }
                catch (SaslException e)
                {
                    // RFC 4954 4: this is how a client gives up.
                    Put("*\r\n");
                    Send();
                    _ = ReadReply();
                    return new SmtpAuthOutcome(SmtpAuthStatus.Failed, mechanism.Name, e.Message, null);
                }
                sent = PutSecret(response);
                Array.Clear(response);
                Put("\r\n");
                SendSecret();
                reply = ReadReply();
            }
            if (reply.Code != AuthSucceeded)
                return new SmtpAuthOutcome(SmtpAuthStatus.Failed, mechanism.Name, $"authentication was rejected ({step})",
                    WithoutSecrets(reply, sent, credentials));
            return mechanism.Unproven is string reason
                ? new SmtpAuthOutcome(SmtpAuthStatus.Failed, mechanism.Name, reason, null)
                : new SmtpAuthOutcome(SmtpAuthStatus.Done, mechanism.Name, "", null);
        }
        finally
        {
            if (first != null) Array.Clear(first);
            Array.Clear(sent);
            Array.Clear(buffers.Output);
            used = 0;
        }
    }

    private static byte[] Challenge(SmtpReply reply, bool meaningful)
    {
        if (!meaningful) return [];
        string text = reply.Text.Length > 4 ? reply.Text[4..] : "";
        if (text.AsSpan().TrimEnd('\n').Contains('\n')) throw new SaslException("got a challenge of several lines");
        text = text.Trim(' ', '\n');
        if (text is "" or "=") return [];
        byte[] base64 = Latin1.Bytes(text);
        if (Base64.DecodeFromUtf8InPlace(base64, out int length) != OperationStatus.Done)
            throw new SaslException("unable to base64decode challenge");
        return base64[..length];
    }

    // Encodes bytes into the output; what went there is returned for comparison, to be cleared after that.
    private byte[] PutSecret(byte[] bytes)
    {
        byte[] encoded = new byte[Base64.GetMaxEncodedToUtf8Length(bytes.Length)];
        _ = Base64.EncodeToUtf8(bytes, encoded, out _, out int length);
        if (buffers.Output.Length - used < length) Send();
        encoded.AsSpan(0, length).CopyTo(buffers.Output.AsSpan(used));
        used += length;
        return encoded;
    }

    private void SendSecret()
    {
        int n = used;
        try
        {
            Send();
        }
        finally
        {
            buffers.Output.AsSpan(0, n).Clear();
        }
    }

    // Some servers repeat the line they did not like, or its beginning. It must not end up in a report.
    private static SmtpReply WithoutSecrets(SmtpReply reply, byte[] sent, Credentials credentials)
    {
        string text = reply.Text;
        string password = Latin1.String(credentials.Password);
        bool repeats = text.Contains(password, StringComparison.Ordinal)
            || text.Contains(Convert.ToBase64String(credentials.Password), StringComparison.Ordinal)
            || sent.Length > 0 && text.Contains(Latin1.String(sent.AsSpan(0, Math.Min(8, sent.Length))), StringComparison.Ordinal);
        return repeats ? reply with { Text = reply.Code + " (text withheld: it repeats the credentials)\n" } : reply;
    }
}
