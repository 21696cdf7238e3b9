// Descriptors that came with this process and are nobody's business below it.
using System.Globalization;

namespace Qmta.Posix;

/// <summary>All descriptors of this process.</summary>
public static class Descriptors
{
    /// <summary>
    /// Makes every open descriptor from a number on close-on-exec: programs started later inherit none of what this
    /// process was started with. Returns 0 or -errno.
    /// </summary>
    public static int CloseOnExecFrom(int first)
    {
        int result = 0;
        try
        {
            foreach (string name in Files.List("/proc/self/fd"))
                if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int fd) && fd >= first
                    && Libc.fcntl(fd, 2 /* F_SETFD */, 1 /* FD_CLOEXEC */) < 0)
                {
                    int error = System.Runtime.InteropServices.Marshal.GetLastPInvokeError();
                    if (error != Errno.EBADF) result = -error;
                }
        }
        catch (PosixException failure)
        {
            result = -failure.Errno;
        }
        return result;
    }
}
