// A user and a password for a relay, kept so that neither a log nor a report can come to show them by accident.
using System;
using Qmta.Text;

namespace Qmta.Smtp;

/// <summary>
/// What a client proves to know. It has no text form, so no message can be built from it by mistake. Two are equal when
/// both parts are: a connection that was authenticated with one serves no delivery that has another.
/// </summary>
public sealed class Credentials : IEquatable<Credentials>
{
    /// <summary>Most bytes of a user name or a password.</summary>
    public const int Longest = 1024;

    private readonly byte[] user, password;

    /// <param name="user">The user name as a Latin-1 string; not empty.</param>
    /// <param name="password">The password, or its salted form in hexadecimal digits.</param>
    /// <param name="salted">Which of the two it is (SALTED_PASSWORD in qmail-remote(8)).</param>
    /// <exception cref="FormatException">They cannot be used; the message does not hold them.</exception>
    public Credentials(string user, string password, bool salted = false)
    {
        if (user.Length == 0 || password.Length == 0) throw new FormatException("user or password is empty");
        if (user.Length > Longest || password.Length > Longest)
            throw new FormatException("user or password is longer than 1024 bytes");
        if (user.Contains('\0') || password.Contains('\0')) throw new FormatException("user or password has a NUL in it");
        if (salted && (password.Length % 2 != 0 || !IsHex(password)))
            throw new FormatException("the salted password is not made of hexadecimal digits");
        this.user = Latin1.Bytes(user);
        this.password = Latin1.Bytes(password);
        Salted = salted;
    }

    public ReadOnlySpan<byte> User => user;

    public ReadOnlySpan<byte> Password => password;

    /// <summary><see cref="Password"/> is SCRAM's SaltedPassword in hexadecimal digits, of use for SCRAM alone.</summary>
    public bool Salted { get; }

    public bool Equals(Credentials? other) => other != null && Salted == other.Salted
        && user.AsSpan().SequenceEqual(other.user) && password.AsSpan().SequenceEqual(other.password);

    public override bool Equals(object? obj) => Equals(obj as Credentials);

    public override int GetHashCode()
    {
        HashCode hash = new();
        hash.AddBytes(user);
        return hash.ToHashCode();
    }

    private static bool IsHex(string text)
    {
        foreach (char c in text)
            if (!char.IsAsciiHexDigit(c)) return false;
        return true;
    }
}
