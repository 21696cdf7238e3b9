// What both sides of SCRAM compute (RFC 5802 3): keys from a password, nonces, and the forms of their messages.
using System;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.Smtp;

/// <summary>The keys of a password, salted and iterated.</summary>
/// <param name="Client">What the client proves to have.</param>
/// <param name="Stored">Its hash, by which a server checks the proof.</param>
/// <param name="Server">What the server proves to have.</param>
internal readonly record struct ScramKeys(byte[] Client, byte[] Stored, byte[] Server)
{
    /// <summary>The keys of a salted password.</summary>
    /// <param name="hash">The hash as <see cref="Digests"/> calls it.</param>
    internal static ScramKeys Of(string hash, ReadOnlySpan<byte> salted)
    {
        byte[] client = Digests.Hmac(hash, salted, "Client Key"u8);
        return new ScramKeys(client, Digests.Hash(hash, client), Digests.Hmac(hash, salted, "Server Key"u8));
    }

    /// <summary>The keys of a password.</summary>
    internal static ScramKeys Of(string hash, ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, int iterations)
    {
        byte[] salted = Digests.Pbkdf2(hash, password, salt, iterations, Scram.Length(hash));
        ScramKeys keys = Of(hash, salted);
        Array.Clear(salted);
        return keys;
    }

    /// <summary>Makes whoever looks into memory later find nothing.</summary>
    internal void Clear()
    {
        Array.Clear(Client);
        Array.Clear(Server);
    }
}

/// <summary>The forms of SCRAM's messages.</summary>
internal static class Scram
{
    /// <summary>The length of the hash in bytes.</summary>
    internal static int Length(string hash) => hash == "SHA1" ? 20 : 32;

    /// <summary>Printable bytes that nobody can guess.</summary>
    internal static string Nonce()
    {
        byte[] bytes = new byte[24];
        Digests.Random(bytes);
        return Convert.ToBase64String(bytes);
    }

    /// <summary>Bytes in base64; null when it is none.</summary>
    internal static byte[]? Decode(string base64)
    {
        byte[] bytes = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, bytes, out int length) ? bytes[..length] : null;
    }

    /// <summary>A user name as an attribute's value.</summary>
    internal static string Escape(string user) =>
        user.Replace("=", "=3D", StringComparison.Ordinal).Replace(",", "=2C", StringComparison.Ordinal);

    /// <summary>The user name in an attribute's value; null when it is not one (RFC 5802 5.1).</summary>
    internal static string? Unescape(string value)
    {
        string user = value.Replace("=2C", ",", StringComparison.Ordinal).Replace("=3D", "=", StringComparison.Ordinal);
        return Escape(user) == value ? user : null;
    }

    /// <summary>One exclusive-ored with the other: what hides a key, and what finds it again.</summary>
    internal static byte[] Mask(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other)
    {
        byte[] masked = one.ToArray();
        for (int i = 0; i < masked.Length; i++) masked[i] ^= other[i];
        return masked;
    }

    /// <summary>The signature of a conversation with a key.</summary>
    internal static byte[] Sign(string hash, ReadOnlySpan<byte> key, string authMessage) =>
        Digests.Hmac(hash, key, Latin1.Bytes(authMessage));
}
