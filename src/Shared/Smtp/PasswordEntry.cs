// One line of smtpusers: a user and what his password is checked by (qmail-smtpusers(5)).
using System;
using System.Globalization;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.Smtp;

/// <summary>
/// A user: either SCRAM's keys, from which the password cannot be had, or the password itself, which CRAM-MD5 needs.
/// </summary>
public sealed class PasswordEntry
{
    /// <summary>The hash of SCRAM as <see cref="Digests"/> calls it.</summary>
    internal const string Hash = "SHA256";

    /// <summary>Iterations of new entries: 20 to 50 ms of a small board's time for each guess.</summary>
    public const int UsualIterations = 15_000;

    private const string ScramScheme = "{SCRAM-SHA-256}", CramScheme = "{CRAM}", SeedScheme = "{SEED}";
    private const int SaltLength = 16, SeedLength = 32;

    private PasswordEntry(string user) => User = user;

    /// <summary>The user; "" for the file's seed.</summary>
    public string User { get; }

    /// <summary>The password; null when it is not known.</summary>
    public byte[]? Password { get; private init; }

    /// <summary>What the salts of those are made from that have none; null in a user's entry.</summary>
    internal byte[]? Seed { get; private init; }

    /// <summary>How often the hash is applied; 0 when the password itself is known.</summary>
    public int Iterations { get; private init; }

    /// <summary>SCRAM's salt.</summary>
    public byte[] Salt { get; private init; } = [];

    /// <summary>SCRAM's StoredKey.</summary>
    public byte[] Stored { get; private init; } = [];

    /// <summary>SCRAM's ServerKey.</summary>
    public byte[] Server { get; private init; } = [];

    /// <summary>Reads a line.</summary>
    /// <exception cref="FormatException">It makes no sense; the message does not repeat it.</exception>
    public static PasswordEntry Parse(string line)
    {
        int colon = line.IndexOf(':');
        if (colon < 0) throw new FormatException("has no colon");
        string user = line[..colon], rest = line[(colon + 1)..];
        if (user.Length == 0 && rest.StartsWith(SeedScheme, StringComparison.Ordinal))
            return new PasswordEntry("")
            {
                Seed = Scram.Decode(rest[SeedScheme.Length..]) is { Length: >= 16 } seed ? seed
                    : throw new FormatException("has a seed that is not 16 bytes or more in base64"),
            };
        if (!IsUser(user)) throw new FormatException("has no user before the colon that can be one");
        if (rest.StartsWith(CramScheme, StringComparison.Ordinal))
            return new PasswordEntry(user)
            {
                Password = rest.Length > CramScheme.Length ? Latin1.Bytes(rest[CramScheme.Length..])
                    : throw new FormatException("has an empty password"),
            };
        if (!rest.StartsWith(ScramScheme, StringComparison.Ordinal))
            throw new FormatException("has neither {SCRAM-SHA-256} nor {CRAM} after the colon");
        string[] parts = rest[ScramScheme.Length..].Split(',');
        if (parts.Length != 4 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int iterations)
            || iterations is < SaslScram.FewestIterations or > SaslScram.MostIterations
            || Scram.Decode(parts[1]) is not { Length: > 0 } salt || Scram.Decode(parts[2]) is not { Length: 32 } stored
            || Scram.Decode(parts[3]) is not { Length: 32 } server)
            throw new FormatException("does not have iterations (4096 to 2000000), salt, StoredKey and ServerKey after {SCRAM-SHA-256}");
        return new PasswordEntry(user) { Iterations = iterations, Salt = salt, Stored = stored, Server = server };
    }

    /// <summary>A line for a user, without its end.</summary>
    /// <param name="user">The user's name.</param>
    /// <param name="password">The password; the caller's to wipe.</param>
    /// <param name="iterations">From 4096 to 2000000.</param>
    /// <param name="salt">The salt; null for a fresh one, as it must be outside of tests.</param>
    /// <exception cref="FormatException">User or password cannot be one.</exception>
    /// <exception cref="TlsException">There is no OpenSSL.</exception>
    public static string ScramLine(string user, ReadOnlySpan<byte> password, int iterations = UsualIterations, byte[]? salt = null)
    {
        Check(user, password);
        salt ??= Random(SaltLength);
        ScramKeys keys = ScramKeys.Of(Hash, password, salt, iterations);
        string line = user + ":" + ScramScheme + iterations.ToString(CultureInfo.InvariantCulture) + ","
            + Convert.ToBase64String(salt) + "," + Convert.ToBase64String(keys.Stored) + "," + Convert.ToBase64String(keys.Server);
        keys.Clear();
        return line;
    }

    /// <summary>A line for a user with the password itself, without its end.</summary>
    /// <exception cref="FormatException">User or password cannot be one.</exception>
    public static string CramLine(string user, ReadOnlySpan<byte> password)
    {
        Check(user, password);
        // The end of a line is trimmed when it is read.
        if (password[^1] is (byte)' ' or (byte)'\t') throw new FormatException("the password ends with a blank");
        return user + ":" + CramScheme + Latin1.String(password);
    }

    /// <summary>A line with a fresh seed, without its end.</summary>
    /// <exception cref="TlsException">There is no OpenSSL.</exception>
    public static string SeedLine() => ":" + SeedScheme + Convert.ToBase64String(Random(SeedLength));

    /// <summary>What is checked for a user who has no keys: salt and keys that are always the same and lead nowhere.</summary>
    /// <param name="seed">The file's.</param>
    internal static PasswordEntry Nobody(string user, byte[] seed, int iterations) => new(user)
    {
        Iterations = iterations,
        Salt = Digests.Hmac(Hash, seed, Latin1.Bytes("salt " + user))[..SaltLength],
        Stored = Digests.Hmac(Hash, seed, Latin1.Bytes("stored " + user)),
        Server = Digests.Hmac(Hash, seed, Latin1.Bytes("server " + user)),
    };

    /// <summary>The same salt for a user whose password is known.</summary>
    internal PasswordEntry With(byte[] password) => new(User) { Password = password, Salt = Salt, Iterations = Iterations };

    /// <summary>Whether a name can be a user's: printable, not too long, and without what begins a comment.</summary>
    internal static bool IsUser(string user)
    {
        if (user.Length is 0 or > Credentials.Longest || user[0] == '#' || user.Contains(':')) return false;
        foreach (char c in user)
            if (c is < '!' or '\x7F') return false;
        return true;
    }

    private static void Check(string user, ReadOnlySpan<byte> password)
    {
        if (!IsUser(user)) throw new FormatException("this cannot be a user: " + user);
        if (password.IsEmpty) throw new FormatException("the password is empty");
        if (password.Length > Credentials.Longest) throw new FormatException("the password is longer than 1024 bytes");
        foreach (byte b in password)
            if (b is < (byte)' ' or 0x7F) throw new FormatException("the password has a control character in it");
    }

    private static byte[] Random(int length)
    {
        byte[] bytes = new byte[length];
        Digests.Random(bytes);
        return bytes;
    }
}
