// The TLS of mail servers: their certificate, their wishes, and the clients whose certificates let them relay.
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.Smtp;

/// <summary>The TLS of a server as qmail-servercert(5) has it.</summary>
public sealed class ServerTls
{
    private readonly HashSet<string> relaying;
    private readonly string certificate;

    private ServerTls(TlsServerSettings settings, string certificate, HashSet<string> relaying)
    {
        this.certificate = certificate;
        this.relaying = relaying;
        Contexts = new TlsServerContexts(settings);
    }

    /// <summary>What connections are accepted with.</summary>
    public TlsServerContexts Contexts { get; }

    /// <summary>Whether there is a certificate file; nothing is said about its being any good.</summary>
    public bool HasCertificate => CertificateFiles.Exists(certificate);

    /// <summary>Reads the control files; the certificate itself is read for the first connection.</summary>
    /// <exception cref="PosixException">A file exists and cannot be read.</exception>
    /// <exception cref="FormatException">A file makes no sense.</exception>
    public static ServerTls Read(ControlFiles control) => Read(control, CertificateFiles.FromEnvironment());

    /// <inheritdoc cref="Read(ControlFiles)"/>
    public static ServerTls Read(ControlFiles control, CertificateFiles certificates)
    {
        string certificate = certificates.PathOf("SERVERCERT", "servercert.pem");
        HashSet<string> relaying = [];
        foreach (string address in control.Lines("tlsclients") ?? []) relaying.Add(Latin1.Lower(address));
        TlsSettings channel = TlsControl.Channel(control, "server") with { CertificateFile = certificate };
        TlsServerSettings settings = new(channel)
        {
            ParametersFile = Parameters(certificates),
            Renegotiation = Variables.Get("CLIENT_RENEGOTIATION") != null,
        };
        // Nobody is asked for a certificate that could be of no use to him.
        if (relaying.Count > 0 && certificates.Existing("CLIENTCA", "clientca.pem") is string authorities)
            settings = settings with
            {
                ClientAuthorities = authorities,
                Channel = channel with { RevocationFile = certificates.Existing("CLIENTCRL", "clientcrl.pem") },
            };
        return new ServerTls(settings, certificate, relaying);
    }

    /// <summary>
    /// The address by which a client may send mail anywhere: one in its certificate, for which an authority of
    /// clientca.pem vouches, and in control/tlsclients; null when there is none.
    /// </summary>
    public string? RelayingClient(TlsStream stream)
    {
        if (relaying.Count == 0) return null;
        foreach (string address in stream.ProvenAddresses())
            if (relaying.Contains(Latin1.Lower(address))) return address;
        return null;
    }

    private static string? Parameters(CertificateFiles certificates)
    {
        const string usual = "2048";
        string? bits = Variables.Get("SSL_BITS");
        if (string.IsNullOrEmpty(bits)) bits = usual;
        foreach (char c in bits)
            if (!char.IsAsciiDigit(c)) throw new FormatException("SSL_BITS is not a number: " + bits);
        string file = certificates.Directory + "/dh" + bits + ".pem";
        if (CertificateFiles.Exists(file)) return file;
        return bits == usual ? null : throw new FormatException("SSL_BITS is " + bits + " and there is no " + file);
    }
}
