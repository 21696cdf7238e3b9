// OpenSSL as a whole: whether it is there, and its words for what went wrong.
using System.Runtime.InteropServices;
using Qmta.Posix;

namespace Qmta.Tls;

internal static unsafe class OpenSsl
{
    // OPENSSL_INIT_NO_ATEXIT: a program that ends must not tear down what its other threads may still use.
    private const ulong NoCleanUp = 0x00080000;

    private static bool cryptoFound, sslFound;

    /// <summary>Makes sure that libcrypto is there: called before anything of it is.</summary>
    /// <exception cref="TlsException">It is not.</exception>
    internal static void NeedCrypto()
    {
        if (cryptoFound) return;
        Find(LibCrypto.Name);
        _ = LibCrypto.OPENSSL_init_crypto(NoCleanUp, 0);
        cryptoFound = true;
    }

    /// <summary>Makes sure that libssl and libcrypto are there: called before anything of them is.</summary>
    /// <exception cref="TlsException">One is not.</exception>
    internal static void NeedSsl()
    {
        if (sslFound) return;
        NeedCrypto();
        Find(LibSsl.Name);
        sslFound = true;
    }

    /// <summary>
    /// The reason of the oldest error of this thread, and no error is left; <paramref name="otherwise"/> when there
    /// is none.
    /// </summary>
    internal static string TakeError(string otherwise)
    {
        nint error = LibCrypto.ERR_get_error();
        LibCrypto.ERR_clear_error();
        if (error == 0) return otherwise;
        // A failed system call is in the queue with its errno, for which OpenSSL has no reason text (ERR_SYSTEM_FLAG).
        if ((error & 0x80000000) != 0) return Errno.Text((int)(error & 0x7fffffff));
        byte* reason = LibCrypto.ERR_reason_error_string(error);
        return reason == null ? otherwise : CString.From(reason);
    }

    private static void Find(string library)
    {
        if (!NativeLibrary.TryLoad(library, out _))
            throw new TlsException($"OpenSSL 3 is needed and {library} cannot be loaded (Debian has it in the package libssl3)")
            {
                IsMissing = true,
            };
    }
}
