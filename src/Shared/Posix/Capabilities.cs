// Linux capabilities: what root's powers are made of, and giving all of them up.
using System.Runtime.InteropServices;

namespace Qmta.Posix;

/// <summary>The capabilities of this process (capabilities(7)).</summary>
public static unsafe class Capabilities
{
    /// <summary>
    /// Gives up every capability for good. Becoming another user does so already, unless the securebits this process
    /// was started with say otherwise, and it leaves the inheritable ones.
    /// </summary>
    /// <exception cref="PosixException">The kernel refused; the caller must exit.</exception>
    public static void Drop()
    {
        // capset(2), version 3: the version and a process, 0 for this one; two times effective, permitted, inheritable
        uint* header = stackalloc uint[2] { 0x20080522, 0 };
        uint* none = stackalloc uint[6] { 0, 0, 0, 0, 0, 0 };
        if (Libc.capset(header, none) != 0)
            throw new PosixException(Marshal.GetLastPInvokeError(), "unable to drop capabilities");
    }
}
