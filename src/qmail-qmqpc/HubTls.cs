// TLS with hubs: where a control file asks for it, every connection begins with it and every hub proves who it is.
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Smtp;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.NullClient;

/// <summary>What the control file says: nothing, or the name that is in the hubs' certificates.</summary>
internal sealed class HubTls
{
    private readonly CertificateFiles certificates;
    private readonly TlsSettings settings;
    private readonly string? name;

    private HubTls(CertificateFiles certificates, TlsSettings settings, string? name)
    {
        this.certificates = certificates;
        this.settings = settings;
        this.name = name;
    }

    /// <summary>Null when there is no such control file: then everything goes in the clear.</summary>
    /// <exception cref="PosixException">A file exists and cannot be read.</exception>
    /// <exception cref="FormatException">A file makes no sense.</exception>
    internal static HubTls? Read(ControlFiles control, string file)
    {
        if (control.Text(file) == null) return null;
        CertificateFiles certificates = CertificateFiles.FromEnvironment();
        TlsSettings settings = TlsControl.Channel(control, "client") with
        {
            CertificateFile = certificates.Existing("CLIENTCERT", "clientcert.pem"),
            RevocationFile = certificates.Existing("CLIENTCRL", "clientcrl.pem"),
        };
        return new HubTls(certificates, settings, control.Line(file));
    }

    /// <summary>Does the handshake; the hub must have a certificate in its name.</summary>
    /// <param name="limit">When it must be over.</param>
    /// <exception cref="TlsException">It failed.</exception>
    internal void Secure(Connection connection, Hub hub, long limit)
    {
        string host = name ?? hub.Host;
        connection.Secure(ContextFor(host), new TlsPeer(host, IpAddress.TryParse(host, out _), host), limit);
    }

    // The authorities of a file for this host alone, or else those of this host's own file and the system's.
    private TlsContext ContextFor(string host)
    {
        string own = certificates.Directory + "/tlshosts/" + Latin1.Lower(host) + ".pem";
        if (!host.Contains('/') && CertificateFiles.Exists(own)) return Create([own], systemAuthorities: false);
        string? authorities = certificates.Existing("CLIENTCA", "clientca.pem");
        return Create(authorities == null ? [] : [authorities], systemAuthorities: true);
    }

    private TlsContext Create(IReadOnlyList<string> authorities, bool systemAuthorities) =>
        TlsContext.Create(settings, TlsTrust.Authorities, authorities, systemAuthorities);
}
