// The error numbers of Linux that qmta tells apart, and the system's words for all of them.
using System.Runtime.InteropServices;

namespace Qmta.Posix;

/// <summary>Error numbers (errno(3)); the values are the same on x86, arm and arm64.</summary>
public static class Errno
{
    public const int EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, EIO = 5, ENXIO = 6, E2BIG = 7, EBADF = 9, ECHILD = 10, EAGAIN = 11,
        ENOMEM = 12, EACCES = 13, EEXIST = 17, EXDEV = 18, ENOTDIR = 20, EISDIR = 21, EINVAL = 22, ENFILE = 23,
        EMFILE = 24, EFBIG = 27, ENOSPC = 28, ESPIPE = 29, EROFS = 30, EMLINK = 31, EPIPE = 32, ENAMETOOLONG = 36,
        ENOSYS = 38, ENOTEMPTY = 39,
        ELOOP = 40, EPROTO = 71, EMSGSIZE = 90, EOPNOTSUPP = 95, EADDRINUSE = 98, ECONNABORTED = 103, ENETUNREACH = 101, ECONNRESET = 104,
        ETIMEDOUT = 110, ECONNREFUSED = 111, EHOSTUNREACH = 113, EINPROGRESS = 115, ECANCELED = 125, EDQUOT = 122;

    /// <summary>The system's words for an error number, as strerror(3) says them in the C locale.</summary>
    public static unsafe string Text(int errno)
    {
        byte* text = Libc.strerror(errno < 0 ? -errno : errno);
        return text == null ? "unknown error" : Marshal.PtrToStringUTF8((nint)text) ?? "unknown error";
    }
}
