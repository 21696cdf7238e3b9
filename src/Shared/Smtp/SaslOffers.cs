// Which mechanisms a server offers: what its passwords allow, and what the postmaster does (qmail-smtpusers(5)).
using System;
using System.Collections.Generic;

namespace Qmta.Smtp;

/// <summary>The postmaster's wishes: DISABLE_..., SECURE_AUTH, AUTH_WITHOUT_TLS.</summary>
public sealed class SaslOffers
{
    internal const string BoundScram = "SCRAM-SHA-256-PLUS";

    // Strongest first, and the variables that rule them out.
    private static readonly (string Name, string Disable)[] Kinds =
    [
        (BoundScram, "DISABLE_SCRAM_SHA256_PLUS"),
        ("SCRAM-SHA-256", "DISABLE_SCRAM_SHA256"),
        ("CRAM-MD5", "DISABLE_CRAM_MD5"),
        ("PLAIN", "DISABLE_AUTH_PLAIN"),
        ("LOGIN", "DISABLE_AUTH_LOGIN"),
    ];

    private readonly HashSet<string> disabled = [];
    private readonly bool clearAllowed;

    private SaslOffers(bool clearAllowed) => this.clearAllowed = clearAllowed;

    /// <summary>Reads the wishes.</summary>
    /// <param name="variable">Gives a variable's value, or null when it is not set.</param>
    public static SaslOffers Read(Func<string, string?> variable)
    {
        // Only for those who say so does a password go over the wire for all to read.
        SaslOffers offers = new(!string.IsNullOrEmpty(variable("AUTH_WITHOUT_TLS")) && variable("SECURE_AUTH") == null);
        foreach ((string name, string disable) in Kinds)
            if (variable(disable) != null) offers.disabled.Add(name);
        return offers;
    }

    /// <summary>The mechanisms to offer.</summary>
    /// <param name="encrypted">Nobody but the client can read what is sent: TLS.</param>
    /// <param name="canBind">The channel can be bound.</param>
    internal List<string> For(PasswordSource source, bool encrypted, bool canBind)
    {
        List<string> names = [];
        foreach ((string name, _) in Kinds)
        {
            bool offered = name switch
            {
                BoundScram => source.HasScram && canBind,
                "SCRAM-SHA-256" => source.HasScram,
                "CRAM-MD5" => source.HasCram,
                _ => encrypted || clearAllowed,
            };
            if (offered && !disabled.Contains(name)) names.Add(name);
        }
        return names;
    }
}
