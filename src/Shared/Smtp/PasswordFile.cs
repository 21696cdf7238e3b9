// Logins of small hosts: a file of users (qmail-smtpusers(5)), and nothing that tells a stranger who is in it.
using System;
using System.Collections.Generic;
using System.Threading;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.Smtp;

/// <summary>
/// Checks logins by a file, which is read again when it has changed. While something is wrong with it, nobody can log in:
/// a user removed by a change that also breaks the file must not stay.
/// </summary>
public sealed class PasswordFile : PasswordSource
{
    private readonly string path;
    private readonly Lock guard = new();
    private Content? content;

    public PasswordFile(string path) => this.path = path;

    private sealed record Content(FileVersion Version, Dictionary<string, PasswordEntry> Entries, byte[] Seed, int Iterations,
        bool HasCram);

    public override bool HasCram => Read(out _) is { HasCram: true };

    public override bool HasScram => true;

    public override LoginVerdict CheckPassword(string user, ReadOnlySpan<byte> password)
    {
        if (Read(out string detail) is not Content file) return new LoginVerdict(LoginResult.Unavailable, detail);
        PasswordEntry entry = Find(file, user);
        // The same work for everybody, known or not.
        ScramKeys given = ScramKeys.Of(PasswordEntry.Hash, password, entry.Salt, entry.Iterations);
        bool right = entry.Password == null
            ? Digests.Same(given.Stored, entry.Stored)
            // of the hashes: how long the password is, is a secret, too
            : Digests.Same(Digests.Hash(PasswordEntry.Hash, password), Digests.Hash(PasswordEntry.Hash, entry.Password));
        given.Clear();
        return new LoginVerdict(right ? LoginResult.Accepted : LoginResult.Refused);
    }

    public override LoginVerdict CheckCram(string user, ReadOnlySpan<byte> challenge, ReadOnlySpan<byte> digest)
    {
        if (Read(out string detail) is not Content file) return new LoginVerdict(LoginResult.Unavailable, detail);
        PasswordEntry entry = Find(file, user);
        string expected = Hex.Of(Digests.Hmac("MD5", entry.Password ?? entry.Stored, challenge));
        bool right = Digests.Same(Latin1.Bytes(expected), digest) && entry.Password != null;
        return new LoginVerdict(right ? LoginResult.Accepted : LoginResult.Refused);
    }

    public override ScramVerifier? FindScram(string user, out string detail)
    {
        if (Read(out detail) is not Content file) return null;
        PasswordEntry entry = Find(file, user);
        return new ScramVerifier(entry.Iterations, entry.Salt, () =>
        {
            if (entry.Password == null) return (entry.Stored, entry.Server);
            ScramKeys keys = ScramKeys.Of(PasswordEntry.Hash, entry.Password, entry.Salt, entry.Iterations);
            return (keys.Stored, keys.Server);
        });
    }

    private static PasswordEntry Find(Content file, string user)
    {
        PasswordEntry nobody = PasswordEntry.Nobody(user, file.Seed, file.Iterations);
        if (!file.Entries.TryGetValue(user, out PasswordEntry? entry)) return nobody;
        return entry.Password == null ? entry : nobody.With(entry.Password);
    }

    private Content? Read(out string detail)
    {
        lock (guard)
        {
            detail = "";
            FileVersion version = FileVersion.Of(path);
            if (content != null && content.Version == version) return content;
            content = null;
            try
            {
                return content = Read(version);
            }
            catch (Exception e) when (e is PosixException or FormatException or TlsException)
            {
                detail = e.Message;
                return null;
            }
        }
    }

    private Content Read(FileVersion version)
    {
        SecretFiles.CheckOthers(path);
        Dictionary<string, PasswordEntry> entries = [];
        byte[]? seed = null;
        int iterations = 0;
        bool hasCram = false;
        foreach ((int number, string line) in ControlFiles.NumberedLinesOf(path)
            ?? throw new PosixException(Errno.ENOENT, "unable to read " + path))
        {
            PasswordEntry entry;
            try
            {
                entry = PasswordEntry.Parse(line);
            }
            catch (FormatException e)
            {
                throw new FormatException($"line {number} of {path} {e.Message}");
            }
            if (entry.Seed != null) seed = entry.Seed;
            else if (!entries.TryAdd(entry.User, entry))
                throw new FormatException($"line {number} of {path} has a user who has one already: {entry.User}");
            hasCram |= entry.Password != null;
            if (iterations == 0) iterations = entry.Iterations;
        }
        return new Content(version, entries, seed ?? SeedOf(entries), iterations == 0 ? PasswordEntry.UsualIterations : iterations,
            hasCram && Digests.IsAvailable("MD5"));
    }

    // A file that somebody wrote without a seed has secrets enough for one.
    private static byte[] SeedOf(Dictionary<string, PasswordEntry> entries)
    {
        byte[] seed = new byte[32];
        foreach (PasswordEntry entry in entries.Values)
            seed = Digests.Hmac(PasswordEntry.Hash, seed, entry.Password ?? entry.Server);
        return seed;
    }
}
