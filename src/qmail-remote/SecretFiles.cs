// Files with passwords: they are used only when nobody but their owner can get at them.
using System;
using Qmta.Posix;

namespace Qmta.Remote;

/// <summary>The check that stands before every password from a file.</summary>
internal static class SecretFiles
{
    private const int Others = 0x36; // 066: group and others may read or write

    /// <summary>Refuses a file that group or others can read or write.</summary>
    /// <exception cref="FormatException">They can; the message is a sentence's part that says what to do.</exception>
    /// <exception cref="PosixException">The file cannot be looked at.</exception>
    internal static void Check(string path)
    {
        PosixException.Check(Files.Status(path, out FileStatus status), "unable to look at " + path);
        if ((status.Mode & Others) != 0)
            throw new FormatException($"{path} holds a password and is not its owner's alone: chmod 600 {path}");
    }
}
