// The one exception for a failed system call: what was attempted, on what, and the system's words.
using System.IO;

namespace Qmta.Posix;

/// <summary>A system call failed. The message is a sentence part such as "unable to open /x: No such file or directory".</summary>
public sealed class PosixException : IOException
{
    /// <summary>The positive error number (errno(3)).</summary>
    public int Errno { get; }

    /// <param name="errno">The error number; its sign does not matter.</param>
    /// <param name="attempt">What was attempted, as in "unable to open /x".</param>
    public PosixException(int errno, string attempt)
        : base(attempt + ": " + Posix.Errno.Text(errno)) => Errno = errno < 0 ? -errno : errno;

    /// <summary>Passes a successful result through and turns a negative one (-errno) into an exception.</summary>
    /// <exception cref="PosixException"><paramref name="result"/> is negative.</exception>
    public static int Check(int result, string attempt) => result >= 0 ? result : throw new PosixException(result, attempt);
}
