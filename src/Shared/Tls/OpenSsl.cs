// OpenSSL as a whole: whether it is there, and its words for what went wrong.
using System.Runtime.InteropServices;
using Qmta.Posix;

namespace Qmta.Tls;

internal static unsafe class OpenSsl
{
    private static bool cryptoFound;

    /// <summary>Makes sure that libcrypto is there: called before anything of it is.</summary>
    /// <exception cref="TlsException">It is not.</exception>
    internal static void NeedCrypto() => Need(LibCrypto.Name, ref cryptoFound);

    /// <summary>
    /// The reason of the oldest error of this thread, and no error is left; <paramref name="otherwise"/> when there
    /// is none.
    /// </summary>
    internal static string TakeError(string otherwise)
    {
        nint error = LibCrypto.ERR_get_error();
        LibCrypto.ERR_clear_error();
        if (error == 0) return otherwise;
        byte* reason = LibCrypto.ERR_reason_error_string(error);
        return reason == null ? otherwise : CString.From(reason);
    }

    private static void Need(string library, ref bool found)
    {
        if (found) return;
        if (!NativeLibrary.TryLoad(library, typeof(OpenSsl).Assembly, null, out _))
            throw new TlsException($"OpenSSL 3 is needed and {library} cannot be loaded (Debian has it in the package libssl3)");
        found = true;
    }
}
