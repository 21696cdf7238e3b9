// Every function of OpenSSL's libssl that qmta calls; the library is loaded when the first of them is called.
// The rules are those of LibCrypto.
using System.Runtime.InteropServices;

namespace Qmta.Tls;

internal static unsafe partial class LibSsl
{
    internal const string Name = "libssl.so.3";

    // SSL_CTX: what all connections of a kind have in common
    [LibraryImport(Name)] internal static partial nint TLS_client_method();
    [LibraryImport(Name)] internal static partial nint TLS_server_method();
    [LibraryImport(Name)] internal static partial nint SSL_CTX_new(nint method);
    [LibraryImport(Name)] internal static partial void SSL_CTX_free(nint context);
    [LibraryImport(Name)] internal static partial nint SSL_CTX_ctrl(nint context, int command, nint number, void* data);
    [LibraryImport(Name)] internal static partial ulong SSL_CTX_set_options(nint context, ulong options);
    [LibraryImport(Name)] internal static partial int SSL_CTX_set_cipher_list(nint context, byte* ciphers);
    [LibraryImport(Name)] internal static partial int SSL_CTX_set_ciphersuites(nint context, byte* suites);
    [LibraryImport(Name)] internal static partial int SSL_CTX_use_certificate_chain_file(nint context, byte* path);
    [LibraryImport(Name)] internal static partial int SSL_CTX_use_PrivateKey_file(nint context, byte* path, int type);
    [LibraryImport(Name)] internal static partial void SSL_CTX_set_default_passwd_cb_userdata(nint context, void* data);
    [LibraryImport(Name)] internal static partial int SSL_CTX_load_verify_file(nint context, byte* path);
    [LibraryImport(Name)] internal static partial int SSL_CTX_set_default_verify_paths(nint context);
    [LibraryImport(Name)] internal static partial void SSL_CTX_set_verify(nint context, int mode, delegate* unmanaged<int, nint, int> callback);
    [LibraryImport(Name)] internal static partial void SSL_CTX_set_cert_verify_callback(nint context, delegate* unmanaged<nint, nint, int> callback, nint argument);
    [LibraryImport(Name)] internal static partial nint SSL_CTX_get_cert_store(nint context);
    [LibraryImport(Name)] internal static partial int SSL_CTX_dane_enable(nint context);
    [LibraryImport(Name)] internal static partial int SSL_CTX_check_private_key(nint context);
    [LibraryImport(Name)] internal static partial nint SSL_CTX_get0_certificate(nint context);
    [LibraryImport(Name)] internal static partial int SSL_CTX_set0_tmp_dh_pkey(nint context, nint key);
    [LibraryImport(Name)] internal static partial int SSL_CTX_set_num_tickets(nint context, nint count);
    [LibraryImport(Name)] internal static partial int SSL_CTX_set_session_id_context(nint context, byte* name, uint length);
    [LibraryImport(Name)] internal static partial nint SSL_load_client_CA_file(byte* path);
    [LibraryImport(Name)] internal static partial void SSL_CTX_set_client_CA_list(nint context, nint names);

    // SSL: one connection
    [LibraryImport(Name)] internal static partial nint SSL_new(nint context);
    [LibraryImport(Name)] internal static partial void SSL_free(nint ssl);
    [LibraryImport(Name)] internal static partial int SSL_set_fd(nint ssl, int fd);
    [LibraryImport(Name)] internal static partial nint SSL_ctrl(nint ssl, int command, nint number, void* data);
    [LibraryImport(Name)] internal static partial int SSL_set1_host(nint ssl, byte* name);
    [LibraryImport(Name)] internal static partial int SSL_add1_host(nint ssl, byte* name);
    [LibraryImport(Name)] internal static partial void SSL_set_hostflags(nint ssl, uint flags);
    [LibraryImport(Name)] internal static partial nint SSL_get0_param(nint ssl);
    [LibraryImport(Name)] internal static partial int SSL_dane_enable(nint ssl, byte* domain);
    [LibraryImport(Name)] internal static partial nuint SSL_dane_set_flags(nint ssl, nuint flags);
    [LibraryImport(Name)] internal static partial int SSL_dane_tlsa_add(nint ssl, byte usage, byte selector, byte matching, byte* data, nint count);
    [LibraryImport(Name, SetLastError = true)] internal static partial int SSL_connect(nint ssl);
    [LibraryImport(Name, SetLastError = true)] internal static partial int SSL_accept(nint ssl);
    [LibraryImport(Name, SetLastError = true)] internal static partial int SSL_read(nint ssl, byte* to, int count);
    [LibraryImport(Name)] internal static partial int SSL_peek(nint ssl, byte* to, int count);
    [LibraryImport(Name)] internal static partial int SSL_pending(nint ssl);
    [LibraryImport(Name, SetLastError = true)] internal static partial int SSL_write(nint ssl, byte* from, int count);
    [LibraryImport(Name)] internal static partial int SSL_shutdown(nint ssl);
    [LibraryImport(Name)] internal static partial int SSL_get_error(nint ssl, int result);
    [LibraryImport(Name)] internal static partial nint SSL_get_verify_result(nint ssl);
    [LibraryImport(Name)] internal static partial byte* SSL_get_version(nint ssl);
    [LibraryImport(Name)] internal static partial nint SSL_get_current_cipher(nint ssl);
    [LibraryImport(Name)] internal static partial byte* SSL_CIPHER_get_name(nint cipher);
    [LibraryImport(Name)] internal static partial int SSL_CIPHER_get_bits(nint cipher, int* algorithm);
    [LibraryImport(Name)] internal static partial nint SSL_get_finished(nint ssl, byte* to, nint count);
    [LibraryImport(Name)] internal static partial nint SSL_get_peer_finished(nint ssl, byte* to, nint count);
    [LibraryImport(Name)] internal static partial int SSL_export_keying_material(nint ssl, byte* to, nint count, byte* label, nint labelCount, byte* context, nint contextCount, int useContext);
    [LibraryImport(Name)] internal static partial nint SSL_get1_peer_certificate(nint ssl);
    [LibraryImport(Name)] internal static partial nint SSL_get_certificate(nint ssl);

    // Sessions
    [LibraryImport(Name)] internal static partial int SSL_set_session(nint ssl, nint session);
    [LibraryImport(Name)] internal static partial nint SSL_get1_session(nint ssl);
    [LibraryImport(Name)] internal static partial int SSL_session_reused(nint ssl);
    [LibraryImport(Name)] internal static partial int SSL_SESSION_is_resumable(nint session);
    [LibraryImport(Name)] internal static partial void SSL_SESSION_free(nint session);
}
