// TLS as the control files and the directory of certificates have it, for all three servers (mini-smtpd(8)).
using System;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Tls;

namespace Qmta.Reception;

/// <summary>Whether there is TLS, and what its connections begin with.</summary>
internal sealed class ServerTls
{
    // A handshake takes as long as the network does; whoever takes longer only holds a thread.
    private const int HandshakeMilliseconds = 60_000;

    private readonly TlsServerContexts contexts;
    
    private ServerTls(string program, TlsServerSettings settings, string certificateFile)
    {
        Program = program;
        contexts = new TlsServerContexts(settings);
        CertificateFile = certificateFile;
    }

    /// <summary>The file with certificate and key; servercert.pem in the directory of certificates, or SERVERCERT.</summary>
    internal string CertificateFile { get; }

    /// <summary>The server's name.</summary>
    internal string Program { get; }

    internal bool HasCertificate => CertificateFiles.Exists(CertificateFile);

    /// <param name="program">The server's name, for messages.</param>
    /// <exception cref="PosixException">A control file cannot be read.</exception>
    /// <exception cref="FormatException">tlsservermethod makes no sense.</exception>
    internal static ServerTls Read(string program, ControlFiles control)
    {
        CertificateFiles certificates = CertificateFiles.FromEnvironment();
        string certificate = certificates.PathOf("SERVERCERT", "servercert.pem");
        TlsSettings channel = new()
        {
            CertificateFile = certificate,
            CipherList = Setting("TLS_CIPHER_LIST", "servercipherlist"),
            CipherSuites = Setting("TLS_CIPHER_SUITE", "serverciphersuite"),
            RevocationFile = certificates.Existing("CLIENTCRL", "clientcrl.pem"),
        };
        if (control.Line("tlsservermethod") is string method) channel = channel.WithMethod(method);
        string bits = Variables.Get("SSL_BITS") is { Length: > 0 } named ? named : "2048";
        string parameters = certificates.Directory + "/dh" + bits + ".pem";
        TlsServerSettings settings = new(channel)
        {
            ClientAuthorities = certificates.Existing("CLIENTCA", "clientca.pem"),
            ParametersFile = CertificateFiles.Exists(parameters) ? parameters : null,
            Renegotiation = Variables.Get("CLIENT_RENEGOTIATION") != null,
        };
        return new ServerTls(program, settings, certificate);

        string? Setting(string variable, string file) =>
            Variables.Get(variable) is { Length: > 0 } value ? value : control.Line(file);
    }

    /// <summary>What the next connection begins with; null when that is not possible now. What is wrong is logged.</summary>
    internal TlsServerContext? Current()
    {
        TlsServerContext? context = contexts.Current(out string? complaint);
        if (complaint != null) Standard.Error(Program + ": TLS: " + complaint);
        return context;
    }

    /// <summary>Does the handshake; null, or why it failed and the connection is of no more use.</summary>
    /// <exception cref="ClientGoneException">The client is gone, or takes nothing.</exception>
    internal string? Secure(ClientConnection connection)
    {
        if (Current() is not TlsServerContext context) return "there is no usable certificate";
        try
        {
            connection.Secure(context, HandshakeMilliseconds);
            return null;
        }
        catch (TlsException e)
        {
            return e.Message;
        }
    }
}
