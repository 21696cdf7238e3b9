// Whether a server is talked to through TLS, and what it must prove: the control files and the certificates' directory.
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Smtp;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.Remote;

/// <summary>Whether to use TLS.</summary>
internal enum TlsNeed
{
    /// <summary>Not at all.</summary>
    Never,
    /// <summary>When the server offers it; when that fails, in the clear.</summary>
    WhenOffered,
    /// <summary>Mail that cannot go through TLS waits.</summary>
    Always,
}

/// <summary>What is decided about one server.</summary>
/// <param name="Trust">What it must prove.</param>
/// <param name="Reason">Why TLS is needed, as in "because REASON"; "" when it is not.</param>
internal sealed record TlsPlan(TlsNeed Need, TlsTrust Trust, string Reason)
{
    /// <summary>In the clear.</summary>
    internal static TlsPlan Clear { get; } = new(TlsNeed.Never, TlsTrust.Nobody, "");

    /// <summary>Files of authorities to trust.</summary>
    internal IReadOnlyList<string> Authorities { get; init; } = [];

    /// <summary>Whether the authorities that the system trusts are trusted, too.</summary>
    internal bool SystemAuthorities { get; init; }

    /// <summary>What the DNS says of the server's certificate.</summary>
    internal IReadOnlyList<DaneRecord> Records { get; init; } = [];

    /// <summary>Whether TLS begins at once, without STARTTLS (RFC 8314 3.3).</summary>
    internal bool FromTheStart { get; init; }
}

/// <summary>The rules of qmail-remote(8), TLS; read together with the other settings.</summary>
internal sealed class TlsPolicy
{
    /// <summary>The port on which TLS begins at once (RFC 8314 7.3).</summary>
    internal const int SecurePort = 465;

    private readonly string? certificates; // null for no TLS at all
    private readonly HashSet<string> exempt = [];
    private readonly HashSet<string>? daneHosts;
    private readonly string? authorities;

    private TlsPolicy() => Settings = new TlsSettings();

    private TlsPolicy(CertificateFiles files, TlsSettings settings, List<string>? exemptLines, List<string>? daneLines)
    {
        certificates = files.Directory;
        Settings = settings;
        foreach (string line in exemptLines ?? []) exempt.Add(Latin1.Lower(line));
        if (daneLines != null)
        {
            daneHosts = [];
            foreach (string line in daneLines) daneHosts.Add(Latin1.Lower(line));
        }
        authorities = files.Existing("CLIENTCA", "clientca.pem");
    }

    /// <summary>No TLS with anybody.</summary>
    internal static TlsPolicy Off { get; } = new();

    /// <summary>Versions, ciphers and files for every connection.</summary>
    internal TlsSettings Settings { get; }

    /// <exception cref="PosixException">A file exists and cannot be read.</exception>
    /// <exception cref="FormatException">A file makes no sense.</exception>
    internal static TlsPolicy Read(ControlFiles control) => Read(control, CertificateFiles.FromEnvironment());

    /// <inheritdoc cref="Read(ControlFiles)"/>
    /// <param name="certificates">The directory CERTDIR names.</param>
    internal static TlsPolicy Read(ControlFiles control, CertificateFiles certificates)
    {
        TlsSettings settings = TlsControl.Channel(control, "client") with
        {
            CertificateFile = certificates.Existing("CLIENTCERT", "clientcert.pem"),
            RevocationFile = certificates.Existing("CLIENTCRL", "clientcrl.pem"),
        };
        return new TlsPolicy(certificates, settings, control.Lines("notlshosts"), control.Lines("tlsadomains"));
    }

    /// <summary>Whether the DNS shall be asked about the certificate of this server (control/tlsadomains).</summary>
    /// <param name="domain">The recipients' domain.</param>
    internal bool AsksDane(string host, string domain) =>
        (daneHosts == null || daneHosts.Contains(Latin1.Lower(host))) && !HasOwnFile(host) && !IsExempt(host, domain);

    /// <summary>What to do with a server.</summary>
    /// <param name="host">Its name, or its address where that is all that is known.</param>
    /// <param name="domain">The recipients' domain.</param>
    /// <param name="records">
    /// The server's TLSA records, which the DNS vouches for; null when there are none or it does not.
    /// </param>
    internal TlsPlan For(string host, int port, string domain, IReadOnlyList<DaneRecord>? records = null)
    {
        TlsPlan plan = Decide(host, domain, records);
        if (port != SecurePort) return plan;
        // Who listens on this port speaks nothing but TLS.
        if (plan.Need != TlsNeed.Always) plan = plan with { Need = TlsNeed.Always, Reason = "port 465 takes nothing else" };
        return plan with { FromTheStart = true };
    }

    private TlsPlan Decide(string host, string domain, IReadOnlyList<DaneRecord>? records)
    {
        if (HasOwnFile(host))
        {
            string file = OwnFile(host)!;
            return new TlsPlan(TlsNeed.Always, TlsTrust.Authorities, "there is " + file) { Authorities = [file] };
        }
        if (IsExempt(host, domain)) return TlsPlan.Clear;
        if (records == null) return new TlsPlan(TlsNeed.WhenOffered, TlsTrust.Nobody, "");
        bool usable = false;
        foreach (DaneRecord record in records) usable |= record.IsUsable;
        // RFC 7672 2.2: records that cannot be used still say that the server has TLS.
        return new TlsPlan(TlsNeed.Always, usable ? TlsTrust.Dane : TlsTrust.Nobody, "it has TLSA records") { Records = records };
    }

    /// <summary>
    /// The plan when something is to be sent that only this server may see, such as a password: it must prove who it
    /// is. What the postmaster has exempted from TLS stays exempted.
    /// </summary>
    internal TlsPlan RequireVerified(TlsPlan plan)
    {
        if (plan.Need == TlsNeed.Never || plan.Trust != TlsTrust.Nobody) return plan;
        return plan with
        {
            Need = TlsNeed.Always,
            Trust = TlsTrust.Authorities,
            Reason = "a password will be sent",
            Authorities = authorities == null ? [] : [authorities],
            SystemAuthorities = true,
        };
    }

    private bool HasOwnFile(string host) => OwnFile(host) is string file && Exists(file);

    /// <summary>Whether a name, of a server or of the recipients' domain, means that there is to be no TLS.</summary>
    internal bool IsExempt(string name) =>
        exempt.Contains(Latin1.Lower(name)) || Exists(InDirectory("notlshosts", name, ""));

    private bool IsExempt(string host, string domain) => certificates == null || IsExempt(host) || IsExempt(domain)
        || Exists(certificates + "/tlshosts/exhaustivelist");

    private string? OwnFile(string host) => InDirectory("tlshosts", host, ".pem");

    // Names come from the DNS and may be anything: one that could lead out of the directory has no file in it.
    private string? InDirectory(string directory, string name, string suffix) =>
        certificates == null || name.Length == 0 || name[0] == '.' || name.Contains('/')
            ? null : certificates + "/" + directory + "/" + Latin1.Lower(name) + suffix;

    private static bool Exists(string? path) => path != null && CertificateFiles.Exists(path);
}
