// The server's side of SASL, written apart from the client's so that the two check each other.
using System;
using System.Collections.Generic;
using System.Security.Cryptography;
using System.Text;

namespace Qmta.Tests.Sink;

/// <summary>One user, one password, and the mechanisms that are offered.</summary>
internal sealed class SaslServer
{
    internal static readonly string[] Known =
    [
        "PLAIN", "LOGIN", "CRAM-MD5", "CRAM-SHA1", "CRAM-SHA256", "CRAM-SHA384", "CRAM-SHA512", "DIGEST-MD5", "SCRAM-SHA-1",
        "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS",
    ];

    private const int Iterations = 4096;

    private readonly string user, password;

    /// <param name="mechanisms">Those that are offered, in order.</param>
    internal SaslServer(string user, string password, IReadOnlyList<string> mechanisms)
    {
        this.user = user;
        this.password = password;
        Mechanisms = mechanisms;
    }

    internal IReadOnlyList<string> Mechanisms { get; }

    /// <summary>Reads USER:PASSWORD[:MECHANISM,...]; without mechanisms all that need no channel binding.</summary>
    internal static SaslServer Parse(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length is not (2 or 3)) throw new FormatException("--auth needs USER:PASSWORD[:MECHANISMS]");
        string[] mechanisms = parts.Length == 3 ? parts[2].ToUpperInvariant().Split(',')
            : Array.FindAll(Known, name => !name.EndsWith("-PLUS", StringComparison.Ordinal));
        return new SaslServer(parts[0], parts[1], mechanisms);
    }

    /// <summary>
    /// One authentication. <paramref name="ask"/> sends a challenge and gives the client's decoded response, or null
    /// when the client gave up or sent no base64. The result is the final reply.
    /// </summary>
    /// <param name="initial">The initial response; null when there was none.</param>
    /// <param name="binding">The channel's binding; null without one.</param>
    internal string Run(string mechanism, byte[]? initial, Func<byte[], byte[]?> ask, byte[]? binding = null)
    {
        if (!Contains(mechanism)) return "504 5.5.4 unknown mechanism";
        bool? known = mechanism switch
        {
            "PLAIN" => Plain(initial ?? ask([])),
            "LOGIN" => Login(ask),
            "DIGEST-MD5" => DigestMd5(ask),
            _ when mechanism.StartsWith("CRAM-", StringComparison.Ordinal) => Cram(mechanism[5..], ask),
            _ when mechanism.StartsWith("SCRAM-", StringComparison.Ordinal) => Scram(mechanism, initial ?? ask([]), ask, binding),
            _ => null,
        };
        return known switch
        {
            null => "501 5.5.2 cancelled or malformed",
            true => "235 2.7.0 welcome",
            false => "535 5.7.8 who are you?",
        };
    }

    private bool Contains(string mechanism)
    {
        foreach (string name in Mechanisms)
            if (name == mechanism) return true;
        return false;
    }

    private bool? Plain(byte[]? response)
    {
        if (response == null) return null;
        string[] parts = Text(response).Split('\0');
        if (parts.Length != 3) return null;
        return parts[0].Length == 0 && parts[1] == user && parts[2] == password;
    }

    private bool? Login(Func<byte[], byte[]?> ask)
    {
        if (ask(Bytes("Username:")) is not byte[] name || ask(Bytes("Password:")) is not byte[] word) return null;
        return Text(name) == user && Text(word) == password;
    }

    private bool? Cram(string hash, Func<byte[], byte[]?> ask)
    {
        byte[] challenge = Bytes("<" + Convert.ToHexString(RandomNumberGenerator.GetBytes(8)) + "@mailsink>");
        if (ask(challenge) is not byte[] response) return null;
        using HMAC hmac = hash switch
        {
            "MD5" => new HMACMD5(Bytes(password)),
            "SHA1" => new HMACSHA1(Bytes(password)),
            "SHA256" => new HMACSHA256(Bytes(password)),
            "SHA384" => new HMACSHA384(Bytes(password)),
            "SHA512" => new HMACSHA512(Bytes(password)),
            _ => throw new FormatException("no such mechanism: CRAM-" + hash),
        };
        return Text(response) == user + " " + Convert.ToHexStringLower(hmac.ComputeHash(challenge));
    }

    private bool? DigestMd5(Func<byte[], byte[]?> ask)
    {
        string nonce = Convert.ToHexString(RandomNumberGenerator.GetBytes(8));
        const string realm = "mailsink";
        if (ask(Bytes($"realm=\"{realm}\",nonce=\"{nonce}\",qop=\"auth\",algorithm=md5-sess,charset=utf-8")) is not byte[] response)
            return null;
        Dictionary<string, string> given = [];
        foreach (string part in Text(response).Split(','))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0 || !given.TryAdd(part[..equals], part[(equals + 1)..].Trim('"'))) return null;
        }
        string Given(string name) => given.GetValueOrDefault(name, "");
        if (Given("nonce") != nonce || Given("realm") != realm || Given("username") != user || Given("nc") != "00000001"
            || !Given("digest-uri").StartsWith("smtp/", StringComparison.Ordinal))
            return false;
        byte[] a1 = [.. Md5(Bytes($"{user}:{realm}:{password}")), .. Bytes($":{nonce}:{Given("cnonce")}")];
        string Proof(string a2) =>
            HexMd5($"{Convert.ToHexStringLower(Md5(a1))}:{nonce}:00000001:{Given("cnonce")}:auth:{HexMd5(a2)}");
        if (Given("response") != Proof("AUTHENTICATE:" + Given("digest-uri"))) return false;
        return ask(Bytes("rspauth=" + Proof(":" + Given("digest-uri")))) is { Length: 0 } ? true : null;
    }

    private bool? Scram(string mechanism, byte[]? first, Func<byte[], byte[]?> ask, byte[]? binding)
    {
        bool plus = mechanism.EndsWith("-PLUS", StringComparison.Ordinal);
        HashAlgorithmName hash = mechanism.StartsWith("SCRAM-SHA-256", StringComparison.Ordinal)
            ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1;
        if (first == null) return null;
        string text = Text(first);
        int bareAt = text.IndexOf(",,", StringComparison.Ordinal) + 2;
        if (bareAt < 2) return null;
        string header = text[..bareAt], bare = text[bareAt..];
        if (plus != header.StartsWith("p=", StringComparison.Ordinal)) return null;
        string[] parts = bare.Split(',');
        if (parts.Length != 2 || parts[0].Replace("=2C", ",", StringComparison.Ordinal).Replace("=3D", "=", StringComparison.Ordinal) != "n=" + user)
            return false;
        string nonce = parts[1][2..] + Convert.ToHexString(RandomNumberGenerator.GetBytes(8));
        byte[] salt = RandomNumberGenerator.GetBytes(16);
        string serverFirst = $"r={nonce},s={Convert.ToBase64String(salt)},i={Iterations}";
        if (ask(Bytes(serverFirst)) is not byte[] response) return null;
        string final = Text(response);
        int proofAt = final.IndexOf(",p=", StringComparison.Ordinal);
        if (proofAt < 0) return null;
        byte[] expectedBinding = plus ? [.. Bytes(header), .. binding ?? []] : Bytes(header);
        if (final[..proofAt] != $"c={Convert.ToBase64String(expectedBinding)},r={nonce}") return false;
        int length = hash == HashAlgorithmName.SHA1 ? 20 : 32;
        byte[] salted = Rfc2898DeriveBytes.Pbkdf2(Bytes(password), salt, Iterations, hash, length);
        byte[] message = Bytes($"{bare},{serverFirst},{final[..proofAt]}");
        byte[] clientKey = Mac(hash, salted, Bytes("Client Key"));
        byte[] stored = hash == HashAlgorithmName.SHA1 ? SHA1.HashData(clientKey) : SHA256.HashData(clientKey);
        byte[] proof = Mac(hash, stored, message);
        for (int i = 0; i < length; i++) proof[i] ^= clientKey[i];
        if (final[(proofAt + 3)..] != Convert.ToBase64String(proof)) return false;
        byte[] signature = Mac(hash, Mac(hash, salted, Bytes("Server Key")), message);
        return ask(Bytes("v=" + Convert.ToBase64String(signature))) is { Length: 0 } ? true : null;
    }

    private static byte[] Mac(HashAlgorithmName hash, byte[] key, byte[] data) =>
        hash == HashAlgorithmName.SHA1 ? HMACSHA1.HashData(key, data) : HMACSHA256.HashData(key, data);

    private static byte[] Md5(byte[] bytes) => MD5.HashData(bytes);

    private static string HexMd5(string text) => Convert.ToHexStringLower(Md5(Bytes(text)));

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    private static string Text(byte[] bytes) => Encoding.Latin1.GetString(bytes);
}
