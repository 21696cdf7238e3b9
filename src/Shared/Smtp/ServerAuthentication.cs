// The server's side of AUTH (RFC 4954): which mechanisms are offered, and the lines of an exchange, in and out.
using System;
using System.Buffers;
using System.Buffers.Text;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.Smtp;

/// <summary>A line for the client.</summary>
/// <param name="Text">The reply without its line end.</param>
/// <param name="NotBefore">
/// When it may be sent (<see cref="Clocks.BoottimeMilliseconds"/>); 0 for at once. A failure is not told quickly: that
/// makes guessing slow, and tells nothing about how far a guess got.
/// </param>
/// <param name="HangUp">The conversation is to end with it.</param>
public readonly record struct AuthReply(string Text, long NotBefore = 0, bool HangUp = false);

/// <summary>
/// The authentication of one client, without any reading and writing: the caller does that, line by line.
/// While <see cref="InProgress"/>, the next line belongs to <see cref="Continue"/> and is no command.
/// </summary>
public sealed class ServerAuthentication
{
    /// <summary>Longest line of an exchange, without its end (RFC 4954 4: 12288 with it).</summary>
    public const int LongestLine = 12286;

    private const int MostFailures = 5;
    private const int UsualFailureMilliseconds = 2000;

    private readonly PasswordSource source;
    private readonly SaslOffers offers;
    private readonly string host;
    private readonly int failureMilliseconds;
    private SaslServerMechanism? current;
    private long begun;
    private int failures;

    /// <param name="offers">What may be offered.</param>
    /// <param name="host">This host's name, for challenges.</param>
    /// <param name="failureMilliseconds">How long the first failure takes; the next takes twice as long, and so on.</param>
    public ServerAuthentication(PasswordSource source, SaslOffers offers, string host,
        int failureMilliseconds = UsualFailureMilliseconds)
    {
        this.source = source;
        this.offers = offers;
        this.host = host;
        this.failureMilliseconds = failureMilliseconds;
    }

    /// <summary>The secure channel; null while there is none. Set after its handshake.</summary>
    public TlsStream? Tls { get; set; }

    /// <summary>An exchange is going on.</summary>
    public bool InProgress => current != null;

    /// <summary>The mechanism that was used last; "" before any.</summary>
    public string Mechanism { get; private set; } = "";

    /// <summary>Who the client proved to be; null as long as it has not.</summary>
    public string? User { get; private set; }

    /// <summary>Who the client said it was when authentication failed last, for the log; "" when it did not say.</summary>
    public string Claimed { get; private set; } = "";

    /// <summary>Whether that user may send mail anywhere.</summary>
    public bool MayRelay { get; private set; }

    /// <summary>Why the last authentication failed, for the log; "" for a wrong password.</summary>
    public string Detail { get; private set; } = "";

    /// <summary>The mechanisms for the reply to EHLO, the strongest first; none when AUTH is not to be offered now.</summary>
    public IReadOnlyList<string> Mechanisms => offers.For(source, Tls != null, CanBind);

    private bool CanBind => Tls != null && Tls.ChannelBinding("tls-exporter") != null;

    /// <summary>Takes what follows the verb AUTH and a space.</summary>
    public AuthReply Begin(ReadOnlySpan<byte> arguments)
    {
        if (User != null) return new AuthReply("503 you're already authenticated (#5.5.0)");
        IReadOnlyList<string> offered = Mechanisms;
        if (offered.Count == 0 && offers.For(source, true, false).Count == 0)
            return new AuthReply("503 auth not available (#5.3.3)");
        Claimed = Detail = "";
        arguments = arguments.Trim((byte)' ');
        int space = arguments.IndexOf((byte)' ');
        string name = Latin1.String(space < 0 ? arguments : arguments[..space]).ToUpperInvariant();
        bool found = false, withTls = false;
        foreach (string each in offered) found |= each == name;
        foreach (string each in offers.For(source, true, false)) withTls |= each == name;
        if (!found)
            return withTls && Tls == null
                ? new AuthReply("538 encryption required for requested authentication mechanism (#5.7.11)")
                : new AuthReply("504 auth type unimplemented (#5.5.1)");
        Mechanism = name;
        begun = Clocks.BoottimeMilliseconds;
        try
        {
            current = Create(name, offered);
        }
        catch (TlsException e)
        {
            return Unavailable(e.Message);
        }
        if (space < 0) return Challenge(current.Opening());
        ReadOnlySpan<byte> initial = arguments[(space + 1)..].TrimStart((byte)' ');
        if (!current.TakesInitialResponse) return Malformed();
        // RFC 4954 4: how an empty response is written, because nothing at all means none
        return Take(initial.SequenceEqual("="u8) ? [] : initial);
    }

    /// <summary>Takes a line of the exchange, without its end.</summary>
    /// <param name="tooLong">It was longer than <see cref="LongestLine"/>, and cut off.</param>
    public AuthReply Continue(ReadOnlySpan<byte> line, bool tooLong = false)
    {
        if (current == null) throw new InvalidOperationException("there is no exchange to continue");
        if (tooLong || line.Length > LongestLine)
        {
            current = null;
            return new AuthReply("500 authentication exchange line is too long (#5.5.6)");
        }
        if (line.SequenceEqual("*"u8))
        {
            Claimed = current.User;
            Detail = "cancelled";
            current = null;
            return new AuthReply("501 auth exchange cancelled (#5.0.0)");
        }
        return Take(line);
    }

    private AuthReply Take(ReadOnlySpan<byte> base64)
    {
        byte[] response = new byte[Base64.GetMaxDecodedFromUtf8Length(base64.Length)];
        try
        {
            if (base64.ContainsAny(" \t"u8)
                || Base64.DecodeFromUtf8(base64, response, out _, out int length) != OperationStatus.Done)
                return Malformed();
            SaslTurn turn = current!.Take(response.AsSpan(0, length));
            if (turn.Challenge is byte[] challenge) return Challenge(challenge);
            return turn.Verdict is LoginVerdict verdict ? Finish(verdict) : Malformed();
        }
        catch (TlsException e)
        {
            return Unavailable(e.Message);
        }
        finally
        {
            Array.Clear(response);
        }
    }

    private AuthReply Finish(LoginVerdict verdict)
    {
        Claimed = current!.User;
        Detail = verdict.Detail;
        switch (verdict.Result)
        {
            case LoginResult.Accepted:
            case LoginResult.AcceptedWithoutRelay:
                User = Claimed;
                MayRelay = verdict.Result == LoginResult.Accepted;
                current = null;
                return new AuthReply("235 ok, go ahead (#2.0.0)");
            case LoginResult.Refused:
                current = null;
                failures++;
                long when = begun + (long)failureMilliseconds * (1 << Math.Min(failures - 1, MostFailures));
                return failures < MostFailures ? new AuthReply("535 authorization failed (#5.7.0)", when)
                    : new AuthReply("421 too many failed authentications (#4.7.0)", when, HangUp: true);
            default:
                return Unavailable(verdict.Detail);
        }
    }

    // RFC 4954 6: so that a client does not take its password for wrong
    private AuthReply Unavailable(string detail)
    {
        Claimed = current?.User ?? "";
        Detail = detail;
        current = null;
        return new AuthReply("454 temporary authentication failure (#4.7.0)");
    }

    private AuthReply Malformed()
    {
        Claimed = current?.User ?? "";
        Detail = "malformed";
        current = null;
        return new AuthReply("501 malformed auth input (#5.5.4)");
    }

    private static AuthReply Challenge(byte[] bytes) => new("334 " + Convert.ToBase64String(bytes));

    private SaslServerMechanism Create(string name, IReadOnlyList<string> offered) => name switch
    {
        "PLAIN" => new SaslServerPlain(source),
        "LOGIN" => new SaslServerLogin(source),
        "CRAM-MD5" => new SaslServerCram(source, FreshChallenge()),
        _ => new SaslServerScram(source, name == SaslOffers.BoundScram, Contains(offered, SaslOffers.BoundScram),
            type => Tls?.ChannelBinding(type)),
    };

    // RFC 2195 2: as a message's identification
    private string FreshChallenge()
    {
        byte[] bytes = new byte[16];
        Digests.Random(bytes);
        return "<" + Hex.Of(bytes) + "." + Clocks.Realtime + "@" + host + ">";
    }

    private static bool Contains(IReadOnlyList<string> names, string name)
    {
        foreach (string each in names)
            if (each == name) return true;
        return false;
    }
}
