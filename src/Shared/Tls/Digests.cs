// Hashes, keyed hashes and random bytes through OpenSSL's libcrypto, for the mechanisms of SMTP AUTH.
using System;
using Qmta.Posix;

namespace Qmta.Tls;

/// <summary>
/// Digests by the names OpenSSL gives them: MD5, SHA1, SHA224, SHA256, SHA384, SHA512, RIPEMD160. Some systems lack or
/// forbid some of them (RIPEMD160, MD5 under FIPS): ask <see cref="IsAvailable"/>. Any thread may call.
/// </summary>
public static unsafe class Digests
{
    private const int LongestDigest = 64; // EVP_MAX_MD_SIZE

    /// <summary>Whether this digest can be computed here.</summary>
    /// <exception cref="TlsException">There is no OpenSSL.</exception>
    public static bool IsAvailable(string name)
    {
        nint digest = Find(name);
        if (digest != 0) LibCrypto.EVP_MD_free(digest);
        LibCrypto.ERR_clear_error();
        return digest != 0;
    }

    /// <summary>The digest of some bytes.</summary>
    /// <exception cref="TlsException">There is no OpenSSL, or it has no such digest.</exception>
    public static byte[] Hash(string name, ReadOnlySpan<byte> data)
    {
        nint digest = Fetch(name);
        try
        {
            byte* to = stackalloc byte[LongestDigest];
            uint size = 0;
            fixed (byte* p = data)
                if (LibCrypto.EVP_Digest(p, data.Length, to, &size, digest, 0) != 1) throw Failed(name);
            return new Span<byte>(to, (int)size).ToArray();
        }
        finally
        {
            LibCrypto.EVP_MD_free(digest);
        }
    }

    /// <summary>The keyed digest of some bytes (RFC 2104); the key may have any length.</summary>
    /// <exception cref="TlsException">There is no OpenSSL, or it has no such digest.</exception>
    public static byte[] Hmac(string name, ReadOnlySpan<byte> key, ReadOnlySpan<byte> data)
    {
        nint digest = Fetch(name);
        try
        {
            byte* to = stackalloc byte[LongestDigest];
            uint size = 0;
            byte none = 0; // HMAC takes a null key for "the key of the last call"
            fixed (byte* k = key, p = data)
                if (LibCrypto.HMAC(digest, k == null ? &none : k, key.Length, p, data.Length, to, &size) == null)
                    throw Failed(name);
            return new Span<byte>(to, (int)size).ToArray();
        }
        finally
        {
            LibCrypto.EVP_MD_free(digest);
        }
    }

    /// <summary>A key derived from a password (RFC 8018 5.2, PBKDF2 with HMAC).</summary>
    /// <param name="iterations">At least 1.</param>
    /// <param name="length">Bytes wanted.</param>
    /// <exception cref="TlsException">There is no OpenSSL, or it has no such digest.</exception>
    public static byte[] Pbkdf2(string name, ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, int iterations, int length)
    {
        nint digest = Fetch(name);
        try
        {
            byte[] derived = new byte[length];
            byte none = 0;
            fixed (byte* p = password, s = salt, to = derived)
                if (LibCrypto.PKCS5_PBKDF2_HMAC(p == null ? &none : p, password.Length, s == null ? &none : s, salt.Length,
                    iterations, digest, length, to) != 1)
                    throw Failed(name);
            return derived;
        }
        finally
        {
            LibCrypto.EVP_MD_free(digest);
        }
    }

    /// <summary>Bytes nobody can guess.</summary>
    /// <exception cref="TlsException">There is no OpenSSL, or it has no randomness.</exception>
    public static void Random(Span<byte> bytes)
    {
        OpenSsl.NeedCrypto();
        fixed (byte* p = bytes)
            if (!bytes.IsEmpty && LibCrypto.RAND_bytes(p, bytes.Length) != 1)
                throw new TlsException("OpenSSL has no random bytes: " + OpenSsl.TakeError("unknown reason"));
    }

    /// <summary>
    /// Whether two pieces are the same, found out in a time that depends on their length alone: how long a comparison
    /// takes must not tell how much of a guess is right.
    /// </summary>
    /// <exception cref="TlsException">There is no OpenSSL.</exception>
    public static bool Same(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other)
    {
        OpenSsl.NeedCrypto();
        if (one.Length != other.Length) return false;
        fixed (byte* a = one, b = other) return one.IsEmpty || LibCrypto.CRYPTO_memcmp(a, b, one.Length) == 0;
    }

    private static nint Fetch(string name)
    {
        nint digest = Find(name);
        return digest != 0 ? digest : throw Failed(name);
    }

    private static nint Find(string name)
    {
        OpenSsl.NeedCrypto();
        fixed (byte* n = CString.Of(name, stackalloc byte[CString.Inline])) return LibCrypto.EVP_MD_fetch(0, n, null);
    }

    private static TlsException Failed(string name) =>
        new($"OpenSSL cannot compute {name}: {OpenSsl.TakeError("unknown reason")}");
}
