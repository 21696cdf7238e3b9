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

    private const int SetSessionCache = 44; // SSL_CTRL_SET_SESS_CACHE_MODE
    // SSL_SESS_CACHE_CLIENT, NO_INTERNAL: sessions are kept here, by server
    private const int CacheMode = 0x1 | 0x300;

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
        TlsSetup.Channel(context, settings, "tlsclientmethod");
        _ = LibSsl.SSL_CTX_ctrl(context, SetSessionCache, CacheMode, null);
        _ = LibSsl.SSL_CTX_set_options(context, TlsSetup.NoRenegotiation);
        if (settings.CertificateFile is string file) TlsSetup.UseCertificate(context, file);
    }

    private void SetTrust(TlsSettings settings, IReadOnlyList<string> authorities, bool systemAuthorities)
    {
        if (Trust == TlsTrust.Nobody)
        {
            LibSsl.SSL_CTX_set_verify(context, TlsSetup.VerifyNone, null);
            return;
        }
        LibSsl.SSL_CTX_set_verify(context, TlsSetup.VerifyPeer, &OnVerify);
        if (Trust == TlsTrust.Dane)
        {
            if (LibSsl.SSL_CTX_dane_enable(context) != 1) throw Failed("prepare DANE");
            return;
        }
        foreach (string file in authorities) TlsSetup.TrustFile(context, file);
        if (systemAuthorities && LibSsl.SSL_CTX_set_default_verify_paths(context) != 1)
            throw Failed("find the certification authorities of the system");
        if (settings.RevocationFile is string lists) TlsSetup.UseRevocations(context, lists);
    }

    [UnmanagedCallersOnly]
    private static int OnVerify(int good, nint verification) => TlsSetup.Forgive(good, verification);

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

    private static TlsException Failed(string attempt) => TlsSetup.Failed(attempt);
}
