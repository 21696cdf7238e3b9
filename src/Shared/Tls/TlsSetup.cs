// What the contexts of both sides are prepared with: versions, ciphers, certificates, authorities and revocation lists.
using System.Runtime.InteropServices;
using Qmta.Posix;

namespace Qmta.Tls;

/// <summary>Steps in the preparation of an SSL_CTX; each throws a <see cref="TlsException"/> that names what is no good.</summary>
internal static unsafe class TlsSetup
{
    internal const int VerifyNone = 0, VerifyPeer = 1;

    /// <summary>SSL_OP_NO_RENEGOTIATION.</summary>
    internal const ulong NoRenegotiation = 1UL << 30;

    private const int PemFile = 1; // SSL_FILETYPE_PEM
    private const int SetMode = 33, SetOldest = 123, SetNewest = 124; // SSL_CTRL_*
    // SSL_MODE_ENABLE_PARTIAL_WRITE, ACCEPT_MOVING_WRITE_BUFFER, AUTO_RETRY, RELEASE_BUFFERS: a connection at rest
    // then needs no buffers
    private const int Modes = 0x1 | 0x2 | 0x4 | 0x10;
    // SSL_OP_IGNORE_UNEXPECTED_EOF: mail protocols say themselves when a message is complete, and many peers close
    // without a farewell
    private const ulong AnyEnd = 1UL << 7;
    private const nuint CheckRevocation = 0x4 | 0x8; // X509_V_FLAG_CRL_CHECK, CRL_CHECK_ALL

    // Stands for the password of keys that have one: without it OpenSSL would ask on the terminal.
    private static readonly byte* noPassword = (byte*)NativeMemory.AllocZeroed(1);

    /// <summary>Versions, ciphers, buffers.</summary>
    /// <param name="methodFile">The control file that the versions come from.</param>
    internal static void Channel(nint context, TlsSettings settings, string methodFile)
    {
        _ = LibSsl.SSL_CTX_ctrl(context, SetMode, Modes, null);
        _ = LibSsl.SSL_CTX_set_options(context, AnyEnd);
        if (settings.OldestVersion != 0 && LibSsl.SSL_CTX_ctrl(context, SetOldest, settings.OldestVersion, null) != 1
            || settings.NewestVersion != 0 && LibSsl.SSL_CTX_ctrl(context, SetNewest, settings.NewestVersion, null) != 1)
            throw Failed("use the TLS versions of " + methodFile);
        if (settings.CipherList is string list)
            fixed (byte* p = CString.Of(list, stackalloc byte[CString.Inline]))
                if (LibSsl.SSL_CTX_set_cipher_list(context, p) != 1) throw Failed("use the ciphers " + list);
        if (settings.CipherSuites is string suites)
            fixed (byte* p = CString.Of(suites, stackalloc byte[CString.Inline]))
                if (LibSsl.SSL_CTX_set_ciphersuites(context, p) != 1) throw Failed("use the cipher suites " + suites);
    }

    /// <summary>This side's certificate, the chain above it and its key, all in one file.</summary>
    internal static void UseCertificate(nint context, string file)
    {
        LibSsl.SSL_CTX_set_default_passwd_cb_userdata(context, noPassword);
        fixed (byte* p = CString.Of(file, stackalloc byte[CString.Inline]))
            if (LibSsl.SSL_CTX_use_certificate_chain_file(context, p) != 1
                || LibSsl.SSL_CTX_use_PrivateKey_file(context, p, PemFile) != 1)
                throw Failed("use the certificate and key in " + file);
    }

    /// <summary>Trusts the certificates in a file.</summary>
    internal static void TrustFile(nint context, string file)
    {
        fixed (byte* p = CString.Of(file, stackalloc byte[CString.Inline]))
            if (LibSsl.SSL_CTX_load_verify_file(context, p) != 1) throw Failed("read certificates from " + file);
    }

    /// <summary>Believes no certificate that a list in this file revokes.</summary>
    internal static void UseRevocations(nint context, string file)
    {
        nint store = LibSsl.SSL_CTX_get_cert_store(context);
        nint lookup = LibCrypto.X509_STORE_add_lookup(store, LibCrypto.X509_LOOKUP_file());
        fixed (byte* p = CString.Of(file, stackalloc byte[CString.Inline]))
            if (lookup == 0 || LibCrypto.X509_load_crl_file(lookup, p, PemFile) <= 0
                || LibCrypto.X509_STORE_set_flags(store, CheckRevocation) != 1)
                throw Failed("read revocation lists from " + file);
    }

    /// <summary>
    /// Whether verification goes on: an authority of which there is no revocation list has revoked nothing that is
    /// known of.
    /// </summary>
    internal static int Forgive(int good, nint verification)
    {
        const int NoList = 3; // X509_V_ERR_UNABLE_TO_GET_CRL
        if (good != 0 || LibCrypto.X509_STORE_CTX_get_error(verification) != NoList) return good;
        LibCrypto.X509_STORE_CTX_set_error(verification, 0);
        return 1;
    }

    internal static TlsException Failed(string attempt) =>
        new($"unable to {attempt}: {OpenSsl.TakeError("unknown reason")}");
}
