// Files with passwords: they are used only when nobody can get at them who is not meant to.
using System;
using Qmta.Posix;

namespace Qmta.Control;

/// <summary>The check that stands before every password from a file.</summary>
public static class SecretFiles
{
    private const int GroupAndOthers = 0x36; // 066: group and others may read or write
    private const int GroupWritesOrOthers = 0x16; // 026

    /// <summary>Refuses a file that group or others can read or write.</summary>
    /// <exception cref="FormatException">They can; the message is a sentence's part that says what to do.</exception>
    /// <exception cref="PosixException">The file cannot be looked at.</exception>
    public static void Check(string path)
    {
        if ((Mode(path) & GroupAndOthers) != 0)
            throw new FormatException($"{path} holds a password and is not its owner's alone: chmod 600 {path}");
    }

    /// <summary>Refuses a file that others can read or write, or that its group can write.</summary>
    /// <exception cref="FormatException">They can; the message is a sentence's part that says what to do.</exception>
    /// <exception cref="PosixException">The file cannot be looked at.</exception>
    public static void CheckOthers(string path)
    {
        if ((Mode(path) & GroupWritesOrOthers) != 0)
            throw new FormatException($"{path} holds passwords and is not its owner's and group's alone: chmod 640 {path}");
    }

    private static int Mode(string path)
    {
        PosixException.Check(Files.Status(path, out FileStatus status), "unable to look at " + path);
        return status.Mode;
    }
}
