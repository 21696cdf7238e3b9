// Which SASL mechanisms there are, how strong they are, and which of those a server offers may be used.
using System;
using System.Collections.Generic;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.Smtp;

/// <summary>The postmaster's wishes: AUTH_SMTP, DISABLE_..., SECURE_AUTH (qmail-remote(8)).</summary>
public sealed class SaslPolicy
{
    /// <summary>A mechanism: its name, its hash, and the variable that rules it out.</summary>
    private sealed record Kind(string Name, string Hash, string Disable)
    {
        internal bool IsPlus => Name.EndsWith("-PLUS", StringComparison.Ordinal);
        internal bool IsScram => Name.StartsWith("SCRAM-", StringComparison.Ordinal);
        internal bool IsClear => Hash.Length == 0;

        // The length of SCRAM's salted password in hexadecimal digits.
        internal int SaltedDigits => Hash == "SHA1" ? 40 : 64;
    }

    // Strongest first. SCRAM does not show the password even to an impostor and knows an impostor; what is bound to the
    // channel also sees through one who stands in the middle. The password is not to be had from CRAM and DIGEST-MD5,
    // but guesses can be tried; PLAIN and LOGIN hand it over.
    private static readonly Kind[] Kinds =
    [
        new("SCRAM-SHA-256-PLUS", "SHA256", "DISABLE_SCRAM_SHA256_PLUS"),
        new("SCRAM-SHA-1-PLUS", "SHA1", "DISABLE_SCRAM_SHA1_PLUS"),
        new("SCRAM-SHA-256", "SHA256", "DISABLE_SCRAM_SHA256"),
        new("SCRAM-SHA-1", "SHA1", "DISABLE_SCRAM_SHA1"),
        new("CRAM-SHA512", "SHA512", "DISABLE_CRAM_SHA512"),
        new("CRAM-SHA384", "SHA384", "DISABLE_CRAM_SHA384"),
        new("CRAM-SHA256", "SHA256", "DISABLE_CRAM_SHA256"),
        new("CRAM-SHA224", "SHA224", "DISABLE_CRAM_SHA224"),
        new("CRAM-SHA1", "SHA1", "DISABLE_CRAM_SHA1"),
        new("CRAM-RIPEMD", "RIPEMD160", "DISABLE_CRAM_RIPEMD"),
        new("DIGEST-MD5", "MD5", "DISABLE_DIGEST_MD5"),
        new("CRAM-MD5", "MD5", "DISABLE_CRAM_MD5"),
        new("PLAIN", "", "DISABLE_AUTH_PLAIN"),
        new("LOGIN", "", "DISABLE_AUTH_LOGIN"),
    ];

    private readonly List<Kind> wanted;
    private readonly bool clearNeedsTls;

    private SaslPolicy(List<Kind> wanted, bool clearNeedsTls)
    {
        this.wanted = wanted;
        this.clearNeedsTls = clearNeedsTls;
    }

    /// <summary>Reads the wishes.</summary>
    /// <param name="variable">Gives a variable's value, or null when it is not set.</param>
    /// <param name="clearAllowed">
    /// PLAIN and LOGIN may be used without TLS, too, unless SECURE_AUTH forbids it.
    /// </param>
    /// <exception cref="FormatException">AUTH_SMTP names an unknown mechanism.</exception>
    public static SaslPolicy Read(Func<string, string?> variable, bool clearAllowed)
    {
        string names = variable("AUTH_SMTP") ?? "";
        List<Kind> wanted = [];
        foreach (string name in names.Split([' ', ',', '\t'], StringSplitOptions.RemoveEmptyEntries))
            wanted.Add(Named(name));
        // Without a name in it, the variable only means that authentication is wanted.
        if (wanted.Count == 0) wanted.AddRange(Kinds);
        wanted.RemoveAll(kind => variable(kind.Disable) != null);
        return new SaslPolicy(wanted, !clearAllowed || variable("SECURE_AUTH") != null);
    }

    /// <summary>The mechanisms to try, the best first.</summary>
    /// <param name="offered">The server's offer, in upper case.</param>
    /// <param name="host">The server's name, for DIGEST-MD5.</param>
    public List<Func<SaslMechanism>> Choose(IReadOnlyCollection<string> offered, Credentials credentials,
        SaslChannel channel, string host)
    {
        bool plusOffered = false;
        foreach (string name in offered) plusOffered |= name.EndsWith("-PLUS", StringComparison.Ordinal);
        List<Func<SaslMechanism>> chosen = [];
        foreach (Kind kind in wanted)
        {
            if (!Contains(offered, kind.Name)) continue;
            if (kind.IsPlus && !channel.CanBind) continue;
            if (kind.IsClear && clearNeedsTls && !channel.Encrypted) continue;
            if (credentials.Salted && !(kind.IsScram && credentials.Password.Length == kind.SaltedDigits)) continue;
            if (!kind.IsClear && !IsAvailable(kind.Hash)) continue;
            chosen.Add(() => Create(kind, credentials, channel, plusOffered, host));
        }
        return chosen;
    }

    private static SaslMechanism Create(Kind kind, Credentials credentials, SaslChannel channel, bool plusOffered,
        string host) => kind.Name switch
    {
        "PLAIN" => new SaslPlain(credentials),
        "LOGIN" => new SaslLogin(credentials),
        "DIGEST-MD5" => new SaslDigestMd5(credentials, "smtp/" + host),
        _ when kind.IsScram => new SaslScram(kind.Name, kind.Hash, credentials, channel, plusOffered),
        _ => new SaslCram(kind.Name, kind.Hash, credentials),
    };

    private static Kind Named(string name)
    {
        // The manual has this one in both spellings.
        if (Latin1.EqualsIgnoreCase(name, "SCRAM-SHA256")) name = "SCRAM-SHA-256";
        foreach (Kind kind in Kinds)
            if (Latin1.EqualsIgnoreCase(kind.Name, name)) return kind;
        throw new FormatException("AUTH_SMTP names a mechanism that this program does not have: " + name);
    }

    private static bool IsAvailable(string hash)
    {
        try
        {
            return Digests.IsAvailable(hash);
        }
        catch (TlsException)
        {
            return false; // without OpenSSL at least PLAIN remains, where it is allowed
        }
    }

    private static bool Contains(IReadOnlyCollection<string> names, string name)
    {
        foreach (string each in names)
            if (each == name) return true;
        return false;
    }
}
