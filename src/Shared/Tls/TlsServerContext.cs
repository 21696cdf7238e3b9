// What all TLS connections that a server takes have in common (OpenSSL's SSL_CTX): its certificate, and what it asks.
using System;
using System.Runtime.InteropServices;
using Qmta.Posix;

namespace Qmta.Tls;

/// <summary>The settings of a server.</summary>
/// <param name="Channel">Versions, ciphers and the certificate, which a server must have.</param>
public sealed record TlsServerSettings(TlsSettings Channel)
{
    /// <summary>
    /// A file with Diffie-Hellman parameters in PEM, for clients that know no elliptic curves; null for OpenSSL's own.
    /// </summary>
    public string? ParametersFile { get; init; }

    /// <summary>
    /// A file of authorities in PEM. Clients are asked for a certificate of one of them, and welcome without; null for
    /// not asking.
    /// </summary>
    public string? ClientAuthorities { get; init; }

    /// <summary>Clients may renegotiate, up to TLS 1.2 (CLIENT_RENEGOTIATION).</summary>
    public bool Renegotiation { get; init; }
}

/// <summary>
/// A server's side. Any thread may use it at any time. It remembers nothing of its connections: clients that want to
/// resume a session keep the ticket for it, which only this context can read.
/// </summary>
public sealed unsafe class TlsServerContext
{
    private const int SetSessionCache = 44, ClearMode = 78, AutomaticParameters = 118; // SSL_CTRL_*
    private const nint AutoRetry = 0x4; // SSL_MODE_AUTO_RETRY
    // SSL_OP_ALLOW_CLIENT_RENEGOTIATION, NO_TICKET, CIPHER_SERVER_PREFERENCE
    private const ulong AllowRenegotiation = 1UL << 8, NoTicket = 1UL << 14, OwnPreference = 1UL << 22;

    private readonly nint context;
    private readonly string file;

    private TlsServerContext(nint context, string file)
    {
        this.context = context;
        this.file = file;
    }

    // Connections have a share of their own in what is freed here.
    ~TlsServerContext() => LibSsl.SSL_CTX_free(context);

    /// <summary>Prepares a server's side.</summary>
    /// <exception cref="TlsException">There is no OpenSSL, or a file or setting is no good.</exception>
    public static TlsServerContext Create(TlsServerSettings settings)
    {
        string file = settings.Channel.CertificateFile
            ?? throw new ArgumentException("a server needs a certificate", nameof(settings));
        OpenSsl.NeedSsl();
        LibCrypto.ERR_clear_error();
        nint context = LibSsl.SSL_CTX_new(LibSsl.TLS_server_method());
        if (context == 0) throw TlsSetup.Failed("prepare TLS");
        TlsServerContext made = new(context, file);
        made.Set(settings);
        LibCrypto.ERR_clear_error();
        return made;
    }

    private void Set(TlsServerSettings settings)
    {
        TlsSettings channel = settings.Channel.WithoutOldVersions();
        TlsSetup.Channel(context, channel, "tlsservermethod");
        TlsSetup.UseCertificate(context, file);
        if (LibSsl.SSL_CTX_check_private_key(context) != 1) throw TlsSetup.Failed("use the key in " + file);
        _ = LibSsl.SSL_CTX_set_options(context, (settings.Renegotiation ? AllowRenegotiation : TlsSetup.NoRenegotiation)
            // Who lists ciphers lists the best first.
            | (channel.CipherList != null || channel.CipherSuites != null ? OwnPreference : 0));
        // A client that sends nothing but messages of TLS itself must not keep a call from looking at the time.
        _ = LibSsl.SSL_CTX_ctrl(context, ClearMode, AutoRetry, null);
        _ = LibSsl.SSL_CTX_ctrl(context, SetSessionCache, 0, null);
        if (settings.ParametersFile is string parameters) UseParameters(parameters);
        else _ = LibSsl.SSL_CTX_ctrl(context, AutomaticParameters, 1, null);
        if (settings.ClientAuthorities is string authorities) AskClients(authorities, channel.RevocationFile);
        else _ = LibSsl.SSL_CTX_set_num_tickets(context, 1);
    }

    private void UseParameters(string path)
    {
        nint key = 0;
        byte read = (byte)'r';
        byte* mode = stackalloc byte[2] { read, 0 };
        fixed (byte* p = CString.Of(path, stackalloc byte[CString.Inline]))
        {
            nint bio = LibCrypto.BIO_new_file(p, mode);
            if (bio != 0)
            {
                key = LibCrypto.PEM_read_bio_Parameters(bio, 0);
                _ = LibCrypto.BIO_free(bio);
            }
        }
        if (key != 0 && LibSsl.SSL_CTX_set0_tmp_dh_pkey(context, key) == 1) return;
        TlsException failed = TlsSetup.Failed("use the Diffie-Hellman parameters in " + path);
        if (key != 0) LibCrypto.EVP_PKEY_free(key);
        throw failed;
    }

    private void AskClients(string authorities, string? revocations)
    {
        LibSsl.SSL_CTX_set_verify(context, TlsSetup.VerifyPeer, &OnVerify);
        LibSsl.SSL_CTX_set_cert_verify_callback(context, &Verify, 0);
        TlsSetup.TrustFile(context, authorities);
        if (revocations != null) TlsSetup.UseRevocations(context, revocations);
        fixed (byte* p = CString.Of(authorities, stackalloc byte[CString.Inline]))
        {
            nint names = LibSsl.SSL_load_client_CA_file(p);
            if (names == 0) throw TlsSetup.Failed("read certificates from " + authorities);
            LibSsl.SSL_CTX_set_client_CA_list(context, names);
        }
        // What a client proves, it proves on every connection: a certificate may be revoked at any time.
        _ = LibSsl.SSL_CTX_set_options(context, NoTicket);
        _ = LibSsl.SSL_CTX_set_num_tickets(context, 0);
        byte name = (byte)'m';
        _ = LibSsl.SSL_CTX_set_session_id_context(context, &name, 1);
    }

    [UnmanagedCallersOnly]
    private static int OnVerify(int good, nint verification) => TlsSetup.Forgive(good, verification);

    // A certificate that proves nothing is as good as none: mail is taken from its owner, too. The verdict is kept
    // with the connection. Verification itself must stop at the first fault, so that nothing later covers it up.
    [UnmanagedCallersOnly]
    private static int Verify(nint verification, nint unused)
    {
        if (LibCrypto.X509_verify_cert(verification) != 1 && LibCrypto.X509_STORE_CTX_get_error(verification) == 0)
            LibCrypto.X509_STORE_CTX_set_error(verification, 1 /* X509_V_ERR_UNSPECIFIED */);
        return 1;
    }

    /// <summary>What is wrong with the certificate that connections can live with; null when nothing is.</summary>
    public string? Complaint
    {
        get
        {
            string? complaint = null;
            nint certificate = LibSsl.SSL_CTX_get0_certificate(context);
            // -1 for the past, 1 for the future; 0 for something that is no time
            if (LibCrypto.X509_cmp_current_time(LibCrypto.X509_get0_notAfter(certificate)) < 0)
                complaint = "the certificate in " + file + " has expired: clients that check it will refuse it";
            else if (LibCrypto.X509_cmp_current_time(LibCrypto.X509_get0_notBefore(certificate)) > 0)
                complaint = "the certificate in " + file + " is not valid yet: clients that check it will refuse it";
            else if (Files.Status(file, out FileStatus status) == 0 && (status.Mode & 4) != 0)
                complaint = file + " holds a private key and everybody can read it: chmod o-r " + file;
            GC.KeepAlive(this);
            return complaint;
        }
    }

    /// <summary>A new connection's SSL object, which is the caller's to free.</summary>
    /// <exception cref="TlsException">There is no memory.</exception>
    internal nint NewSsl()
    {
        nint ssl = LibSsl.SSL_new(context);
        if (ssl == 0) throw TlsSetup.Failed("prepare a TLS connection");
        GC.KeepAlive(this);
        return ssl;
    }
}
