// DIGEST-MD5 (RFC 2831; historic since RFC 6331): proof of the password both ways, for servers that have nothing better.
using System;
using System.Collections.Generic;
using System.Text;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.Smtp;

/// <summary>DIGEST-MD5 with qop "auth": authentication only, no layer of its own.</summary>
public sealed class SaslDigestMd5 : SaslMechanism
{
    // RFC 2831 2.1.1
    private const int LongestChallenge = 2048;

    private readonly Credentials credentials;
    private readonly string uri, clientNonce;
    private string proof = "";
    private bool answered, proven;

    /// <param name="uri">The service and host the client believes to talk to: "smtp/mail.example.org".</param>
    /// <param name="clientNonce">The client's nonce; null for a fresh one, as it must be outside of tests.</param>
    public SaslDigestMd5(Credentials credentials, string uri, string? clientNonce = null) : base("DIGEST-MD5")
    {
        this.credentials = credentials;
        this.uri = uri;
        this.clientNonce = clientNonce ?? Hex.Of(Nonce());
    }

    public override string Step => answered ? "server's proof" : "username+digest";

    public override string? Unproven =>
        proven ? null : "the server did not prove that it knows the password (DIGEST-MD5)";

    public override byte[] Answer(ReadOnlySpan<byte> challenge)
    {
        if (challenge.IsEmpty) throw new SaslException("got no challenge");
        if (challenge.Length > LongestChallenge) throw Bad("is longer than 2048 bytes");
        List<KeyValuePair<string, string>> directives = Parse(Latin1.String(challenge));
        if (!answered)
        {
            answered = true;
            return Response(directives);
        }
        if (proven) throw TooManyChallenges();
        if (Only(directives, "rspauth") != proof)
            throw new SaslException("the server's proof that it knows the password is wrong (DIGEST-MD5)");
        proven = true;
        return [];
    }

    private byte[] Response(List<KeyValuePair<string, string>> directives)
    {
        string nonce = Only(directives, "nonce") ?? throw Bad("has no nonce");
        if (nonce.Length == 0) throw Bad("has an empty nonce");
        if (Only(directives, "algorithm") is not string algorithm || !Latin1.EqualsIgnoreCase(algorithm, "md5-sess"))
            throw Bad("does not ask for the algorithm md5-sess");
        if (Only(directives, "qop") is string qop && !Offers(qop, "auth")) throw Bad("does not allow plain authentication");
        bool utf8 = Only(directives, "charset") is string charset && Latin1.EqualsIgnoreCase(charset, "utf-8");
        string realm = Realm(directives);
        string user = Latin1.String(credentials.User);

        string first = Hashable(user, utf8) + ":" + Hashable(realm, utf8) + ":";
        byte[] secret = new byte[first.Length + credentials.Password.Length];
        Latin1.Bytes(first, secret);
        byte[] password = Latin1.Bytes(Hashable(Latin1.String(credentials.Password), utf8));
        password.CopyTo(secret, first.Length);
        byte[] key = Digests.Hash("MD5", secret.AsSpan(0, first.Length + password.Length));
        Array.Clear(secret);
        Array.Clear(password);
        byte[] session = [.. key, .. Latin1.Bytes(":" + nonce + ":" + clientNonce)];
        string a1 = Md5(session);
        Array.Clear(key);
        Array.Clear(session);

        string middle = ":" + nonce + ":00000001:" + clientNonce + ":auth:";
        string response = Md5(Latin1.Bytes(a1 + middle + Md5(Latin1.Bytes("AUTHENTICATE:" + uri))));
        proof = Md5(Latin1.Bytes(a1 + middle + Md5(Latin1.Bytes(":" + uri))));

        StringBuilder text = new();
        if (utf8) text.Append("charset=utf-8,");
        text.Append("username=").Append(Quoted(user));
        if (realm.Length > 0) text.Append(",realm=").Append(Quoted(realm));
        text.Append(",nonce=").Append(Quoted(nonce)).Append(",nc=00000001,cnonce=").Append(Quoted(clientNonce))
            .Append(",digest-uri=").Append(Quoted(uri)).Append(",response=").Append(response).Append(",qop=auth");
        return Latin1.Bytes(text.ToString());
    }

    // Of several realms the one that is the user's domain, else the first.
    private string Realm(List<KeyValuePair<string, string>> directives)
    {
        string user = Latin1.String(credentials.User);
        string domain = user[(user.LastIndexOf('@') + 1)..];
        string? first = null;
        foreach ((string name, string value) in directives)
        {
            if (name != "realm") continue;
            if (Latin1.EqualsIgnoreCase(value, domain)) return value;
            first ??= value;
        }
        return first ?? "";
    }

    // RFC 2831 2.1.2.1: what ISO 8859-1 can express is hashed in it, even when it travels as UTF-8.
    private static string Hashable(string text, bool utf8)
    {
        if (!utf8) return text;
        StringBuilder narrow = new(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c < 0x80) narrow.Append(c);
            else if (c is '\xC2' or '\xC3' && i + 1 < text.Length && text[i + 1] is >= '\x80' and <= '\xBF')
                narrow.Append((char)((c & 3) << 6 | text[++i] & 0x3F));
            else return text;
        }
        return narrow.ToString();
    }

    private static bool Offers(string list, string word)
    {
        foreach (string item in list.Split(','))
            if (Latin1.EqualsIgnoreCase(item.AsSpan().Trim(" \t"), word)) return true;
        return false;
    }

    // The value of a directive that may occur once.
    private static string? Only(List<KeyValuePair<string, string>> directives, string name)
    {
        string? found = null;
        foreach ((string key, string value) in directives)
        {
            if (key != name) continue;
            if (found != null) throw Bad("has more than one " + name);
            found = value;
        }
        return found;
    }

    // RFC 2831 7.1: name=value with commas between, where a value is a token or a quoted string.
    private static List<KeyValuePair<string, string>> Parse(string text)
    {
        const string separators = " \t\r\n,";
        List<KeyValuePair<string, string>> directives = [];
        for (int i = 0; ;)
        {
            while (i < text.Length && separators.Contains(text[i])) i++;
            if (i == text.Length) return directives;
            int equals = text.IndexOf('=', i);
            if (equals < 0) throw Bad("has a word without a value");
            string name = Latin1.Lower(text[i..equals].Trim(' ', '\t'));
            i = equals + 1;
            StringBuilder value = new();
            if (i < text.Length && text[i] == '"')
            {
                for (i++; i < text.Length && text[i] != '"'; i++)
                {
                    if (text[i] == '\\') i++;
                    if (i < text.Length) value.Append(text[i]);
                }
                if (i >= text.Length) throw Bad("has a quotation without its end");
                i++;
                if (i < text.Length && !separators.Contains(text[i])) throw Bad("has something after a quotation");
            }
            else
            {
                while (i < text.Length && !separators.Contains(text[i])) value.Append(text[i++]);
            }
            directives.Add(new KeyValuePair<string, string>(name, value.ToString()));
        }
    }

    private static string Quoted(string text) =>
        "\"" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";

    private static byte[] Nonce()
    {
        byte[] bytes = new byte[16];
        Digests.Random(bytes);
        return bytes;
    }

    private static string Md5(byte[] bytes) => Hex.Of(Digests.Hash("MD5", bytes));

    private static SaslException Bad(string why) => new("the server's challenge " + why + " (DIGEST-MD5)");
}
