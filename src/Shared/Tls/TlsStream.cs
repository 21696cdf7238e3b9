// One TLS connection over a connected socket, from either side, with an end to every wait.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Qmta.Posix;

namespace Qmta.Tls;

/// <summary>
/// Bytes through TLS, with the calling conventions of <see cref="Sockets"/>: limits are moments on its clock, a result
/// of -ETIMEDOUT means that one passed, other failures of the network are -errno, and those of TLS are exceptions with
/// OpenSSL's words. One thread at a time.
/// </summary>
public sealed unsafe class TlsStream : IDisposable
{
    private const int WantRead = 2, WantWrite = 3, SystemCall = 5, CleanEnd = 6; // SSL_ERROR_*
    private const int SetHostName = 55, HasExtendedSecret = 122; // SSL_CTRL_SET_TLSEXT_HOSTNAME, GET_EXTMS_SUPPORT
    private const uint WholeLabelWildcards = 0x4; // X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS
    private const nuint NoNamesWithOwnKey = 1; // DANE_FLAG_NO_DANE_EE_NAMECHECKS
    private const int LongestFinished = 64;

    private readonly TlsContext? client; // null on the server's side
    private readonly string key;
    private readonly int fd;
    private nint ssl;
    private bool broken;

    private TlsStream(TlsContext context, string key, int fd)
    {
        client = context;
        this.key = key;
        this.fd = fd;
        ssl = context.NewSsl(key);
    }

    private TlsStream(TlsServerContext context, int fd)
    {
        key = "";
        this.fd = fd;
        ssl = context.NewSsl();
    }

    /// <summary>What the server has proved; of no meaning on the server's side.</summary>
    public TlsTrust Trust => client?.Trust ?? TlsTrust.Nobody;

    /// <summary>The handshake was short, because the server remembered an earlier one.</summary>
    public bool Resumed { get; private set; }

    /// <summary>The version spoken: "TLSv1.3".</summary>
    public string Version { get; private set; } = "";

    /// <summary>The cipher as OpenSSL calls it: "TLS_AES_256_GCM_SHA384".</summary>
    public string Cipher { get; private set; } = "";

    /// <summary>Version, cipher and strength: "TLSv1.3 TLS_AES_256_GCM_SHA384 bits=256".</summary>
    public string Facts { get; private set; } = "";

    private string Peer => client == null ? "the client" : "the server";

    /// <summary>Does the handshake as the server.</summary>
    /// <param name="fd">A connected socket, non-blocking; it stays the caller's to close, after this.</param>
    /// <param name="end">When it must be over.</param>
    /// <exception cref="TlsException">It failed; the message is OpenSSL's reason.</exception>
    public static TlsStream Accept(TlsServerContext context, int fd, long end)
    {
        TlsStream stream = new(context, fd);
        try
        {
            LibCrypto.ERR_clear_error();
            if (LibSsl.SSL_set_fd(stream.ssl, fd) != 1) throw TlsSetup.Failed("prepare a TLS connection");
            stream.Handshake(end);
            return stream;
        }
        catch
        {
            stream.broken = true;
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Does the handshake as the client.</summary>
    /// <param name="fd">A connected socket, non-blocking; it stays the caller's to close, after this.</param>
    /// <param name="end">When it must be over.</param>
    /// <exception cref="TlsException">It failed; the message is OpenSSL's reason.</exception>
    public static TlsStream Connect(TlsContext context, int fd, TlsPeer peer, long end)
    {
        TlsStream stream = new(context, peer.Key, fd);
        try
        {
            stream.Expect(context, peer);
            stream.Handshake(end);
            return stream;
        }
        catch
        {
            stream.broken = true;
            stream.Dispose();
            context.Drop(peer.Key);
            throw;
        }
    }

    private void Expect(TlsContext context, TlsPeer peer)
    {
        LibCrypto.ERR_clear_error();
        bool set = LibSsl.SSL_set_fd(ssl, fd) == 1;
        fixed (byte* host = CString.Of(peer.Host, stackalloc byte[CString.Inline]))
        {
            if (context.Trust == TlsTrust.Dane)
            {
                set = set && LibSsl.SSL_dane_enable(ssl, host) == 1;
                // RFC 7672 3.1.1: where the DNS names the very key, the names in the certificate do not matter.
                if (set) _ = LibSsl.SSL_dane_set_flags(ssl, NoNamesWithOwnKey);
                if (set && peer.OtherName is string other)
                    fixed (byte* o = CString.Of(other, stackalloc byte[CString.Inline])) set = LibSsl.SSL_add1_host(ssl, o) == 1;
                int usable = 0;
                foreach (DaneRecord record in peer.Records)
                {
                    if (!set || !record.IsUsable) continue;
                    fixed (byte* data = record.Data)
                        if (LibSsl.SSL_dane_tlsa_add(ssl, record.Usage, record.Selector, record.Matching, data, record.Data.Length) == 1)
                            usable++;
                }
                if (set && usable == 0) throw new TlsException("none of the server's TLSA records can be used");
            }
            else if (context.Trust == TlsTrust.Authorities)
            {
                set = set && (peer.IsAddress
                    ? LibCrypto.X509_VERIFY_PARAM_set1_ip_asc(LibSsl.SSL_get0_param(ssl), host) == 1
                    : LibSsl.SSL_set1_host(ssl, host) == 1);
            }
            if (set) LibSsl.SSL_set_hostflags(ssl, WholeLabelWildcards);
            // RFC 6066 3: a name, never an address. A name too long for the extension is no host's.
            if (set && !peer.IsAddress) set = LibSsl.SSL_ctrl(ssl, SetHostName, 0, host) == 1;
        }
        if (!set) throw TlsSetup.Failed("prepare a TLS connection");
    }

    private void Handshake(long end)
    {
        while (true)
        {
            LibCrypto.ERR_clear_error();
            int r = client == null ? LibSsl.SSL_accept(ssl) : LibSsl.SSL_connect(ssl);
            if (r == 1) break;
            int wait = Wait(r, out string reason, Left(end));
            if (wait == 0) continue;
            if (wait == -Errno.ETIMEDOUT) throw new TlsException(Peer + " did not finish the TLS handshake in time");
            if (reason.Length == 0) reason = wait == ClosedByPeer ? Peer + " closed the connection" : Errno.Text(wait);
            nint verdict = LibSsl.SSL_get_verify_result(ssl);
            if (verdict != 0 && Trust != TlsTrust.Nobody)
                reason = "certificate verify failed: " + CString.From(LibCrypto.X509_verify_cert_error_string(verdict));
            throw new TlsException(reason);
        }
        nint cipher = LibSsl.SSL_get_current_cipher(ssl);
        Version = CString.From(LibSsl.SSL_get_version(ssl));
        Cipher = CString.From(LibSsl.SSL_CIPHER_get_name(cipher));
        Facts = Version + " " + Cipher + " bits=" + LibSsl.SSL_CIPHER_get_bits(cipher, null);
        Resumed = LibSsl.SSL_session_reused(ssl) == 1;
    }

    /// <summary>Sends everything; 0 or -errno.</summary>
    /// <param name="end">When to give up.</param>
    /// <param name="stall">Also gives up when the peer takes nothing for so many milliseconds.</param>
    /// <exception cref="TlsException">The channel broke.</exception>
    public int SendAll(ReadOnlySpan<byte> bytes, long end, int stall)
    {
        fixed (byte* p = bytes)
        {
            int sent = 0;
            while (sent < bytes.Length)
            {
                LibCrypto.ERR_clear_error();
                int n = LibSsl.SSL_write(ssl, p + sent, bytes.Length - sent);
                if (n > 0)
                {
                    sent += n;
                    continue;
                }
                int wait = Wait(n, out string reason, Math.Min(Left(end), stall));
                if (wait == 0) continue;
                if (reason.Length > 0) throw new TlsException(reason);
                return wait == ClosedByPeer ? -Errno.EPIPE : wait;
            }
            return 0;
        }
    }

    /// <summary>Receives what is there, at least one byte; 0 when the peer has closed; or -errno.</summary>
    /// <param name="end">When to give up.</param>
    /// <exception cref="TlsException">The channel broke, or what came was tampered with.</exception>
    public int Receive(Span<byte> buffer, long end)
    {
        fixed (byte* p = buffer)
        {
            while (true)
            {
                LibCrypto.ERR_clear_error();
                int n = LibSsl.SSL_read(ssl, p, buffer.Length);
                if (n > 0) return n;
                int wait = Wait(n, out string reason, Left(end));
                if (wait == 0) continue;
                if (reason.Length > 0) throw new TlsException(reason);
                return wait == ClosedByPeer ? 0 : wait;
            }
        }
    }

    /// <summary>
    /// Whether the peer has sent nothing that was not received, neither data nor an end. Does not wait; what TLS
    /// itself has sent, such as tickets for a later session, is not data.
    /// </summary>
    public bool IsQuiet
    {
        get
        {
            byte next;
            LibCrypto.ERR_clear_error();
            int n = LibSsl.SSL_peek(ssl, &next, 1);
            if (n > 0) return false;
            int error = LibSsl.SSL_get_error(ssl, n);
            if (error == WantRead) return true;
            broken |= error is not (WantWrite or CleanEnd);
            return false;
        }
    }

    /// <summary>
    /// Whether received bytes wait here that the socket does not show any more: without them, waiting at the socket is
    /// waiting for the peer.
    /// </summary>
    public bool HasPending => LibSsl.SSL_pending(ssl) > 0;

    // 0 when the call is worth repeating; ClosedByPeer, or -errno; a reason when it is TLS that failed.
    private int Wait(int result, out string reason, int milliseconds)
    {
        int errno = Marshal.GetLastPInvokeError();
        reason = "";
        int error = LibSsl.SSL_get_error(ssl, result);
        switch (error)
        {
            case WantRead:
            case WantWrite:
                // Without the first condition a server that always has another empty record would hold us for ever.
                return milliseconds > 0 && Poll.WaitFor(fd, error == WantWrite, milliseconds) ? 0 : -Errno.ETIMEDOUT;
            case CleanEnd:
                return ClosedByPeer;
            case SystemCall:
                broken = true;
                return errno == 0 ? ClosedByPeer : -errno;
            default:
                broken = true;
                reason = OpenSsl.TakeError("TLS protocol error");
                return -Errno.EPROTO;
        }
    }

    private const int ClosedByPeer = 1;

    private static int Left(long end) => (int)Math.Clamp(end - Clocks.BoottimeMilliseconds, 0, int.MaxValue);

    /// <summary>
    /// What ties an authentication to this very connection (RFC 5056), or null when the connection has none of this
    /// type that can be relied on.
    /// </summary>
    /// <param name="type">
    /// tls-exporter (RFC 9266), tls-unique or tls-server-end-point (RFC 5929).
    /// </param>
    public byte[]? ChannelBinding(string type)
    {
        LibCrypto.ERR_clear_error();
        bool modern = Version == "TLSv1.3";
        // RFC 7627 5.4, RFC 9266 4.2: without the extended master secret, two connections may have the same binding.
        bool distinct = modern || LibSsl.SSL_ctrl(ssl, HasExtendedSecret, 0, null) == 1;
        return type switch
        {
            "tls-exporter" => distinct ? Exported() : null,
            // RFC 9266 3: TLS 1.3 has none
            "tls-unique" => distinct && !modern ? FirstFinished() : null,
            "tls-server-end-point" => CertificateHash(),
            _ => null,
        };
    }

    private byte[]? Exported()
    {
        byte[] secret = new byte[32];
        ReadOnlySpan<byte> label = "EXPORTER-Channel-Binding"u8;
        byte none = 0;
        fixed (byte* to = secret, name = label)
            return LibSsl.SSL_export_keying_material(ssl, to, secret.Length, name, label.Length, &none, 0, 1) == 1
                ? secret : null;
    }

    // RFC 5929 3.1: the first Finished message; the client's, or in a short handshake the server's
    private byte[]? FirstFinished()
    {
        byte[] message = new byte[LongestFinished];
        fixed (byte* to = message)
        {
            nint n = Resumed == (client != null) ? LibSsl.SSL_get_peer_finished(ssl, to, message.Length)
                : LibSsl.SSL_get_finished(ssl, to, message.Length);
            return n > 0 && n <= message.Length ? message[..(int)n] : null;
        }
    }

    // RFC 5929 4.1: by the hash of the certificate's signature, and SHA-256 in place of MD5 and SHA-1
    private byte[]? CertificateHash()
    {
        const int Md5 = 4, Sha1 = 64, Sha256 = 672; // NID_*
        nint certificate = client == null ? LibSsl.SSL_get_certificate(ssl) : LibSsl.SSL_get1_peer_certificate(ssl);
        if (certificate == 0) return null;
        nint digest = 0;
        try
        {
            int number, key;
            if (LibCrypto.X509_get_signature_info(certificate, &number, &key, null, null) != 1 || number == 0) return null;
            digest = LibCrypto.EVP_MD_fetch(0, LibCrypto.OBJ_nid2sn(number is Md5 or Sha1 ? Sha256 : number), null);
            byte* hash = stackalloc byte[64];
            uint size = 0;
            return digest != 0 && LibCrypto.X509_digest(certificate, digest, hash, &size) == 1
                ? new Span<byte>(hash, (int)size).ToArray() : null;
        }
        finally
        {
            if (digest != 0) LibCrypto.EVP_MD_free(digest);
            if (client != null) LibCrypto.X509_free(certificate); // the server's own stays the connection's
            LibCrypto.ERR_clear_error();
        }
    }

    /// <summary>
    /// The mail addresses in the client's certificate, none when it showed none or an authority of the context does
    /// not vouch for it.
    /// </summary>
    public IReadOnlyList<string> ProvenAddresses()
    {
        List<string> proven = [];
        nint certificate = client == null ? LibSsl.SSL_get1_peer_certificate(ssl) : 0;
        if (certificate == 0) return proven;
        if (LibSsl.SSL_get_verify_result(ssl) == 0)
        {
            nint addresses = LibCrypto.X509_get1_email(certificate);
            for (int i = 0; i < LibCrypto.OPENSSL_sk_num(addresses); i++)
                proven.Add(CString.From((byte*)LibCrypto.OPENSSL_sk_value(addresses, i)));
            LibCrypto.X509_email_free(addresses);
        }
        LibCrypto.X509_free(certificate);
        LibCrypto.ERR_clear_error();
        return proven;
    }

    /// <summary>Says farewell without waiting for an answer, and keeps the session for the next connection.</summary>
    public void Dispose()
    {
        if (ssl == 0) return;
        LibCrypto.ERR_clear_error();
        if (!broken)
        {
            _ = LibSsl.SSL_shutdown(ssl);
            client?.Remember(key, ssl);
        }
        LibSsl.SSL_free(ssl);
        ssl = 0;
        LibCrypto.ERR_clear_error();
    }
}
