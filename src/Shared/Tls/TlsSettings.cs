// What one side asks of TLS: versions, ciphers, its own certificate, revocations.
using System;

namespace Qmta.Tls;

/// <summary>The settings of one side, as the control files give them (qmail-remote(8), mini-smtpd(8)).</summary>
public sealed record TlsSettings
{
    private const int Ssl3 = 0x0300, Tls1 = 0x0301, Tls11 = 0x0302, Tls12 = 0x0303, Tls13 = 0x0304;

    /// <summary>Oldest version spoken, as OpenSSL numbers them; 0 for the system's choice.</summary>
    public int OldestVersion { get; private init; }

    /// <summary>Newest version spoken; 0 for the system's choice.</summary>
    public int NewestVersion { get; private init; }

    /// <summary>Ciphers up to TLS 1.2, in OpenSSL's syntax (ciphers(1)); null for the system's choice.</summary>
    public string? CipherList { get; init; }

    /// <summary>Cipher suites of TLS 1.3; null for the system's choice.</summary>
    public string? CipherSuites { get; init; }

    /// <summary>A file with this side's certificate, its chain and its key, in PEM; null for none.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>A file of revocation lists in PEM; null for none.</summary>
    public string? RevocationFile { get; init; }

    /// <summary>The same settings with the versions that a line of tlsclientmethod or tlsservermethod allows.</summary>
    /// <param name="method">
    /// SSLv23 for what the system allows; SSLv3, TLSv1, TLSv1_1, TLSv1_2 or TLSv1_3 for just that version; two of them
    /// with a colon between for a range, one side of which may be empty.
    /// </param>
    /// <exception cref="FormatException">It is none of these.</exception>
    public TlsSettings WithMethod(string method)
    {
        if (method == "SSLv23") return this;
        int colon = method.IndexOf(':');
        if (colon < 0) return this with { OldestVersion = Version(method, method), NewestVersion = Version(method, method) };
        string oldest = method[..colon], newest = method[(colon + 1)..];
        TlsSettings range = this with
        {
            OldestVersion = oldest.Length == 0 ? 0 : Version(oldest, method),
            NewestVersion = newest.Length == 0 ? 0 : Version(newest, method),
        };
        if (range.NewestVersion != 0 && range.OldestVersion > range.NewestVersion)
            throw new FormatException("a range of TLS versions ends before it begins: " + method);
        return range;
    }

    /// <summary>The same settings without versions that are not safe any more (RFC 8996), unless they were asked for.</summary>
    internal TlsSettings WithoutOldVersions() =>
        OldestVersion == 0 && NewestVersion is 0 or >= Tls12 ? this with { OldestVersion = Tls12 } : this;

    private static int Version(string name, string method) => name.Replace('.', '_') switch
    {
        "SSLv3" => Ssl3,
        "TLSv1" => Tls1,
        "TLSv1_1" => Tls11,
        "TLSv1_2" => Tls12,
        "TLSv1_3" => Tls13,
        _ => throw new FormatException("not a version of TLS, nor a range of versions: " + method),
    };
}
