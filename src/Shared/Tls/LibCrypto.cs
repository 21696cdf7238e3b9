// Every function of OpenSSL's libcrypto that qmta calls; the library is loaded when the first of them is called.
// Only opaque pointers, integers and bytes cross this border; C's long and size_t are nint here, as wide as a pointer
// on every Linux.
using System.Runtime.InteropServices;

namespace Qmta.Tls;

internal static unsafe partial class LibCrypto
{
    internal const string Name = "libcrypto.so.3";

    // Digests
    [LibraryImport(Name)] internal static partial nint EVP_MD_fetch(nint context, byte* algorithm, byte* properties);
    [LibraryImport(Name)] internal static partial void EVP_MD_free(nint digest);
    [LibraryImport(Name)] internal static partial int EVP_Digest(byte* data, nint count, byte* to, uint* size, nint digest, nint engine);
    [LibraryImport(Name)] internal static partial byte* HMAC(nint digest, byte* key, int keyLength, byte* data, nint count, byte* to, uint* size);
    [LibraryImport(Name)] internal static partial int PKCS5_PBKDF2_HMAC(byte* password, int passwordLength, byte* salt, int saltLength, int iterations, nint digest, int length, byte* to);
    [LibraryImport(Name)] internal static partial int RAND_bytes(byte* to, int count);
    [LibraryImport(Name)] internal static partial int CRYPTO_memcmp(byte* one, byte* other, nint count);

    // Certificates
    [LibraryImport(Name)] internal static partial void X509_free(nint certificate);
    [LibraryImport(Name)] internal static partial int X509_digest(nint certificate, nint digest, byte* to, uint* size);
    [LibraryImport(Name)] internal static partial int X509_get_signature_info(nint certificate, int* digest, int* key, int* bits, uint* flags);
    [LibraryImport(Name)] internal static partial byte* X509_verify_cert_error_string(nint result);
    [LibraryImport(Name)] internal static partial byte* OBJ_nid2sn(int number);
    [LibraryImport(Name)] internal static partial nint X509_STORE_add_lookup(nint store, nint method);
    [LibraryImport(Name)] internal static partial nint X509_LOOKUP_file();
    [LibraryImport(Name)] internal static partial int X509_load_crl_file(nint lookup, byte* path, int type);
    [LibraryImport(Name)] internal static partial int X509_STORE_set_flags(nint store, nuint flags);
    [LibraryImport(Name)] internal static partial int X509_verify_cert(nint verification);
    [LibraryImport(Name)] internal static partial int X509_STORE_CTX_get_error(nint verification);
    [LibraryImport(Name)] internal static partial void X509_STORE_CTX_set_error(nint verification, int error);
    [LibraryImport(Name)] internal static partial int X509_VERIFY_PARAM_set1_ip_asc(nint parameters, byte* address);
    [LibraryImport(Name)] internal static partial nint X509_get0_notBefore(nint certificate);
    [LibraryImport(Name)] internal static partial nint X509_get0_notAfter(nint certificate);
    [LibraryImport(Name)] internal static partial int X509_cmp_current_time(nint time);
    [LibraryImport(Name)] internal static partial nint X509_get1_email(nint certificate);
    [LibraryImport(Name)] internal static partial void X509_email_free(nint addresses);
    [LibraryImport(Name)] internal static partial int OPENSSL_sk_num(nint stack);
    [LibraryImport(Name)] internal static partial nint OPENSSL_sk_value(nint stack, int index);

    // Parameters of a key exchange
    [LibraryImport(Name)] internal static partial nint BIO_new_file(byte* path, byte* mode);
    [LibraryImport(Name)] internal static partial int BIO_free(nint bio);
    [LibraryImport(Name)] internal static partial nint PEM_read_bio_Parameters(nint bio, nint key);
    [LibraryImport(Name)] internal static partial void EVP_PKEY_free(nint key);

    // Start and errors
    [LibraryImport(Name)] internal static partial int OPENSSL_init_crypto(ulong options, nint settings);
    [LibraryImport(Name)] internal static partial nint ERR_get_error();
    [LibraryImport(Name)] internal static partial void ERR_clear_error();
    [LibraryImport(Name)] internal static partial byte* ERR_reason_error_string(nint error);
}
