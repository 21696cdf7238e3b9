// The server's side of SASL mechanisms (RFC 4422): challenges to a client until it is known who it is, or that it is nobody.
using System;
using Qmta.Text;

namespace Qmta.Smtp;

/// <summary>A server's turn: another challenge, or an end.</summary>
/// <param name="Challenge">What the client is to answer; null when it is over.</param>
/// <param name="Verdict">When it is over; null when what the client sent makes no sense.</param>
public readonly record struct SaslTurn(byte[]? Challenge, LoginVerdict? Verdict)
{
    /// <summary>What the client sent makes no sense.</summary>
    public static SaslTurn Malformed => default;

    /// <summary>Goes on.</summary>
    public static SaslTurn Ask(byte[] challenge) => new(challenge, null);

    internal static SaslTurn End(LoginVerdict verdict) => new(null, verdict);
}

/// <summary>
/// One authentication. The client's first response goes to <see cref="Take"/>, or when it has not sent one yet and the
/// mechanism lets the server speak first, after <see cref="Opening"/>.
/// </summary>
public abstract class SaslServerMechanism
{
    protected SaslServerMechanism(string name) => Name = name;

    /// <summary>Its registered name.</summary>
    public string Name { get; }

    /// <summary>Who the client says it is; "" while that is not known.</summary>
    public string User { get; protected set; } = "";

    /// <summary>The first challenge, for a client that sent no response with its command.</summary>
    public virtual byte[] Opening() => [];

    /// <summary>Whether a response may come with the command (RFC 4954 4): not when it answers a challenge.</summary>
    public virtual bool TakesInitialResponse => true;

    /// <summary>Takes a response, decoded; what it holds is the caller's to wipe.</summary>
    public abstract SaslTurn Take(ReadOnlySpan<byte> response);

    /// <summary>Takes a user's name; false when it cannot be one.</summary>
    protected bool TakeUser(ReadOnlySpan<byte> name)
    {
        if (name.Length is 0 or > Credentials.Longest) return false;
        foreach (byte b in name)
            if (b is < (byte)' ' or 0x7F) return false;
        User = Latin1.String(name);
        return true;
    }

    /// <summary>Whether something can be a password.</summary>
    protected static bool IsPassword(ReadOnlySpan<byte> password) =>
        password.Length is > 0 and <= Credentials.Longest && !password.Contains((byte)0);
}

/// <summary>PLAIN (RFC 4616): everything in one response.</summary>
public sealed class SaslServerPlain : SaslServerMechanism
{
    private readonly PasswordSource source;

    public SaslServerPlain(PasswordSource source) : base("PLAIN") => this.source = source;

    public override SaslTurn Take(ReadOnlySpan<byte> response)
    {
        int first = response.IndexOf((byte)0);
        if (first < 0) return SaslTurn.Malformed;
        ReadOnlySpan<byte> actingAs = response[..first], rest = response[(first + 1)..];
        int second = rest.IndexOf((byte)0);
        if (second < 0 || !IsPassword(rest[(second + 1)..]) || !TakeUser(rest[..second])) return SaslTurn.Malformed;
        // Nobody may act for somebody else.
        if (!actingAs.IsEmpty && !actingAs.SequenceEqual(rest[..second]))
            return SaslTurn.End(new LoginVerdict(LoginResult.Refused, "wants to act for somebody else"));
        return SaslTurn.End(source.CheckPassword(User, rest[(second + 1)..]));
    }
}

/// <summary>LOGIN (draft-murchison-sasl-login): the user in one response, the password in the next.</summary>
public sealed class SaslServerLogin : SaslServerMechanism
{
    private readonly PasswordSource source;

    public SaslServerLogin(PasswordSource source) : base("LOGIN") => this.source = source;

    public override byte[] Opening() => "Username:"u8.ToArray();

    public override SaslTurn Take(ReadOnlySpan<byte> response)
    {
        if (User.Length == 0) return TakeUser(response) ? SaslTurn.Ask("Password:"u8.ToArray()) : SaslTurn.Malformed;
        return IsPassword(response) ? SaslTurn.End(source.CheckPassword(User, response)) : SaslTurn.Malformed;
    }
}

/// <summary>CRAM-MD5 (RFC 2195): a keyed digest of a challenge that is new each time.</summary>
public sealed class SaslServerCram : SaslServerMechanism
{
    private const int DigestLength = 32;

    private readonly PasswordSource source;
    private readonly byte[] challenge;

    /// <param name="challenge">As "&lt;1896.697170952@postoffice.example&gt;", never used before.</param>
    public SaslServerCram(PasswordSource source, string challenge) : base("CRAM-MD5")
    {
        this.source = source;
        this.challenge = Latin1.Bytes(challenge);
    }

    public override bool TakesInitialResponse => false;

    public override byte[] Opening() => challenge;

    public override SaslTurn Take(ReadOnlySpan<byte> response)
    {
        int space = response.LastIndexOf((byte)' ');
        if (space < 0 || response.Length - space - 1 != DigestLength || !TakeUser(response[..space])) return SaslTurn.Malformed;
        byte[] digest = response[(space + 1)..].ToArray();
        for (int i = 0; i < digest.Length; i++)
        {
            if (!char.IsAsciiHexDigit((char)digest[i])) return SaslTurn.Malformed;
            digest[i] |= 0x20; // lower case; digits have that bit already
        }
        return SaslTurn.End(source.CheckCram(User, challenge, digest));
    }
}
