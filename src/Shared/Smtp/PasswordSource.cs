// Where a server learns whether a user's password is right: a checkpassword program, or a file of its own.
using System;

namespace Qmta.Smtp;

/// <summary>What came of a login.</summary>
public enum LoginResult
{
    /// <summary>The user is who he says, and may send mail anywhere.</summary>
    Accepted,
    /// <summary>The user is who he says, and may send no further than everybody else.</summary>
    AcceptedWithoutRelay,
    /// <summary>User or password is wrong.</summary>
    Refused,
    /// <summary>That cannot be found out now.</summary>
    Unavailable,
}

/// <summary>What came of a login, and why.</summary>
/// <param name="Detail">For the log: why it could not be found out; "" when there is nothing to say. No secrets.</param>
public readonly record struct LoginVerdict(LoginResult Result, string Detail = "");

/// <summary>
/// What a server needs for SCRAM-SHA-256. Neither the password nor anything by which a client could log in somewhere.
/// </summary>
public sealed class ScramVerifier
{
    private readonly Func<(byte[] Stored, byte[] Server)> keys;

    /// <param name="keys">StoredKey and ServerKey; asked for when the client has sent its proof.</param>
    public ScramVerifier(int iterations, byte[] salt, Func<(byte[] Stored, byte[] Server)> keys)
    {
        Iterations = iterations;
        Salt = salt;
        this.keys = keys;
    }

    public int Iterations { get; }

    public byte[] Salt { get; }

    /// <summary>StoredKey and ServerKey (RFC 5802 3).</summary>
    public (byte[] Stored, byte[] Server) Keys => keys();
}

/// <summary>
/// Checks logins. Users are Latin-1 strings without control characters, neither empty nor longer than
/// <see cref="Credentials.Longest"/>. Any thread may ask.
/// </summary>
public abstract class PasswordSource
{
    /// <summary>Whether CRAM-MD5 can be checked for anybody.</summary>
    public abstract bool HasCram { get; }

    /// <summary>Whether SCRAM-SHA-256 can be checked.</summary>
    public abstract bool HasScram { get; }

    /// <summary>Checks a password; it has no NUL and is not empty.</summary>
    public abstract LoginVerdict CheckPassword(string user, ReadOnlySpan<byte> password);

    /// <summary>Checks the answer to a challenge of CRAM-MD5 (RFC 2195).</summary>
    /// <param name="digest">32 hexadecimal digits in lower case.</param>
    public abstract LoginVerdict CheckCram(string user, ReadOnlySpan<byte> challenge, ReadOnlySpan<byte> digest);

    /// <summary>
    /// What SCRAM is checked by; for a user that does not exist, something that looks the same on every occasion and
    /// that no password fits. Null, with the reason, when there is none to be had now.
    /// </summary>
    public abstract ScramVerifier? FindScram(string user, out string detail);
}
