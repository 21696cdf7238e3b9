// What all TLS connections of a kind have in common (OpenSSL's SSL_CTX), and the sessions they can resume.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using Qmta.Posix;

namespace Qmta.Tls;

/// <summary>How a server must prove who it is.</summary>
public enum TlsTrust
{
    /// <summary>Not at all: the channel is safe from those who listen, not from those who pretend.</summary>
    Nobody,
    /// <summary>By a certificate in its name from a certification authority that is trusted.</summary>
    Authorities,
    /// <summary>By a certificate that the DNS vouches for (RFC 7672).</summary>
    Dane,
}

/// <summary>
/// A kind of connections. Any thread may use it at any time; connections outlive it when it is disposed.
/// </summary>
public sealed unsafe class TlsContext : IDisposable
{
    // A session holds the server's certificates, some kilobytes. After an hour the server shall prove itself again.
    private const int MostSessions = 64;
    private const long SessionMilliseconds = 3_600_000;

    private const int PemFile = 1; // SSL_FILETYPE_PEM
    private const int SetMode = 33, SetSessionCache = 44, SetOldest = 123, SetNewest = 124; // SSL_CTRL_*
    // SSL_MODE_ENABLE_PARTIAL_WRITE, ACCEPT_MOVING_WRITE_BUFFER, AUTO_RETRY, RELEASE_BUFFERS: a connection at rest
    // then needs no buffers
    private const int Modes = 0x1 | 0x2 | 0x4 | 0x10;
    // SSL_SESS_CACHE_CLIENT, NO_INTERNAL: sessions are kept here, by server
    private const int CacheMode = 0x1 | 0x300;
    // SSL_OP_NO_RENEGOTIATION; SSL_OP_IGNORE_UNEXPECTED_EOF: SMTP says itself when a message is complete, and many
    // servers close without a farewell
    private const ulong Options = (1UL << 30) | (1UL << 7);
    private const int VerifyNone = 0, VerifyPeer = 1;
    private const nuint CheckRevocation = 0x4 | 0x8; // X509_V_FLAG_CRL_CHECK, CRL_CHECK_ALL

    // Stands for the password of keys that have one: without it OpenSSL would ask on the terminal.
    private static readonly byte* noPassword = (byte*)NativeMemory.AllocZeroed(1);

    private readonly Lock guard = new();
    private readonly Dictionary<string, (nint Session, long Until)> sessions = [];
    private nint context;
    private bool disposed;

    private TlsContext(nint context, TlsTrust trust)
    {
        this.context = context;
        Trust = trust;
    }

    ~TlsContext() => Free();

    /// <summary>What servers are asked to prove.</summary>
    public TlsTrust Trust { get; }

    /// <summary>Prepares a kind of connections.</summary>
    /// <param name="authorities">
    /// With <see cref="TlsTrust.Authorities"/>: files of the certificates to trust, in PEM.
    /// </param>
    /// <param name="systemAuthorities">Whether to trust those, too, that the system trusts.</param>
    /// <exception cref="TlsException">There is no OpenSSL, or a file or setting is no good.</exception>
    public static TlsContext Create(TlsSettings settings, TlsTrust trust, IReadOnlyList<string> authorities,
        bool systemAuthorities)
    {
        OpenSsl.NeedSsl();
        LibCrypto.ERR_clear_error();
        nint context = LibSsl.SSL_CTX_new(LibSsl.TLS_client_method());
        if (context == 0) throw Failed("prepare TLS");
        TlsContext made = new(context, trust);
        try
        {
            made.Set(settings);
            made.SetTrust(settings, authorities, systemAuthorities);
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    private void Set(TlsSettings settings)
    {
        _ = LibSsl.SSL_CTX_ctrl(context, SetMode, Modes, null);
        _ = LibSsl.SSL_CTX_ctrl(context, SetSessionCache, CacheMode, null);
        _ = LibSsl.SSL_CTX_set_options(context, Options);
        if (settings.OldestVersion != 0 && LibSsl.SSL_CTX_ctrl(context, SetOldest, settings.OldestVersion, null) != 1
            || settings.NewestVersion != 0 && LibSsl.SSL_CTX_ctrl(context, SetNewest, settings.NewestVersion, null) != 1)
            throw Failed("use the TLS versions of tlsclientmethod");
        if (settings.CipherList is string list)
            fixed (byte* p = CString.Of(list, stackalloc byte[CString.Inline]))
                if (LibSsl.SSL_CTX_set_cipher_list(context, p) != 1) throw Failed("use the ciphers " + list);
        if (settings.CipherSuites is string suites)
            fixed (byte* p = CString.Of(suites, stackalloc byte[CString.Inline]))
                if (LibSsl.SSL_CTX_set_ciphersuites(context, p) != 1) throw Failed("use the cipher suites " + suites);
        LibSsl.SSL_CTX_set_default_passwd_cb_userdata(context, noPassword);
        if (settings.CertificateFile is string file)
            fixed (byte* p = CString.Of(file, stackalloc byte[CString.Inline]))
                if (LibSsl.SSL_CTX_use_certificate_chain_file(context, p) != 1
                    || LibSsl.SSL_CTX_use_PrivateKey_file(context, p, PemFile) != 1)
                    throw Failed("use the certificate and key in " + file);
    }

    private void SetTrust(TlsSettings settings, IReadOnlyList<string> authorities, bool systemAuthorities)
    {
        if (Trust == TlsTrust.Nobody)
        {
            LibSsl.SSL_CTX_set_verify(context, VerifyNone, null);
            return;
        }
        LibSsl.SSL_CTX_set_verify(context, VerifyPeer, &OnVerify);
        if (Trust == TlsTrust.Dane)
        {
            if (LibSsl.SSL_CTX_dane_enable(context) != 1) throw Failed("prepare DANE");
            return;
        }
        foreach (string file in authorities) TrustFile(file);
        if (systemAuthorities && LibSsl.SSL_CTX_set_default_verify_paths(context) != 1)
            throw Failed("find the certification authorities of the system");
        if (settings.RevocationFile is not string lists) return;
        nint store = LibSsl.SSL_CTX_get_cert_store(context);
        nint lookup = LibCrypto.X509_STORE_add_lookup(store, LibCrypto.X509_LOOKUP_file());
        fixed (byte* p = CString.Of(lists, stackalloc byte[CString.Inline]))
            if (lookup == 0 || LibCrypto.X509_load_crl_file(lookup, p, PemFile) <= 0
                || LibCrypto.X509_STORE_set_flags(store, CheckRevocation) != 1)
                throw Failed("read revocation lists from " + lists);
    }

    private void TrustFile(string file)
    {
        fixed (byte* p = CString.Of(file, stackalloc byte[CString.Inline]))
            if (LibSsl.SSL_CTX_load_verify_file(context, p) != 1) throw Failed("read certificates from " + file);
    }

    // An authority of which there is no revocation list has revoked nothing that is known of.
    [UnmanagedCallersOnly]
    private static int OnVerify(int good, nint verification)
    {
        const int NoList = 3; // X509_V_ERR_UNABLE_TO_GET_CRL
        if (good != 0 || LibCrypto.X509_STORE_CTX_get_error(verification) != NoList) return good;
        LibCrypto.X509_STORE_CTX_set_error(verification, 0);
        return 1;
    }

    /// <summary>A new connection's SSL object, which is the caller's to free; it has a session to resume if one is known.</summary>
    /// <exception cref="TlsException">There is no memory.</exception>
    internal nint NewSsl(string key)
    {
        lock (guard)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            nint ssl = LibSsl.SSL_new(context);
            if (ssl == 0) throw Failed("prepare a TLS connection");
            if (sessions.TryGetValue(key, out (nint Session, long Until) known))
            {
                if (known.Until > Clocks.BoottimeMilliseconds) _ = LibSsl.SSL_set_session(ssl, known.Session);
                else Forget(key);
            }
            return ssl;
        }
    }

    /// <summary>Remembers the session of a connection that worked.</summary>
    internal void Remember(string key, nint ssl)
    {
        // What DANE says of a server may change at any time: it proves itself anew on every connection.
        if (Trust == TlsTrust.Dane) return;
        nint session = LibSsl.SSL_get1_session(ssl);
        if (session == 0) return;
        lock (guard)
        {
            if (disposed || LibSsl.SSL_SESSION_is_resumable(session) != 1
                || sessions.TryGetValue(key, out (nint Session, long Until) known) && known.Session == session)
            {
                LibSsl.SSL_SESSION_free(session);
                return;
            }
            // A resumed session's successor does not live longer than the proof it rests on.
            long until = LibSsl.SSL_session_reused(ssl) == 1 && known.Session != 0
                ? known.Until : Sockets.In(SessionMilliseconds);
            Forget(key);
            if (sessions.Count >= MostSessions) ForgetAll();
            sessions[key] = (session, until);
        }
    }

    /// <summary>Forgets the session with a server, after a handshake with it failed.</summary>
    public void Drop(string key)
    {
        lock (guard) Forget(key);
    }

    private void Forget(string key)
    {
        if (sessions.Remove(key, out (nint Session, long Until) known)) LibSsl.SSL_SESSION_free(known.Session);
    }

    private void ForgetAll()
    {
        foreach ((nint session, long _) in sessions.Values) LibSsl.SSL_SESSION_free(session);
        sessions.Clear();
    }

    public void Dispose()
    {
        lock (guard) Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        disposed = true;
        ForgetAll();
        if (context != 0) LibSsl.SSL_CTX_free(context);
        context = 0;
    }

    private static TlsException Failed(string attempt) => new($"unable to {attempt}: {OpenSsl.TakeError("unknown reason")}");
}
