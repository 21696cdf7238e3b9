// The variables with which programs that send mail begin: $HOME/.defaultqueue and control/defaultqueue (qmail-control(5)).
using System;
using System.Collections.Generic;
using Qmta.Posix;

namespace Qmta.Control;

/// <summary>
/// Two directories (<see cref="EnvironmentDirectory"/>), read in this order, the first the user's, the second the
/// system's. QUEUE_BASE, which the first may set, keeps the second from being read. No program that runs with more
/// rights than its caller's may call this.
/// </summary>
public static class MailEnvironment
{
    /// <summary>Sets the variables for this process and those it starts.</summary>
    /// <param name="program">The program's name, for the warning that the user's directory is not used.</param>
    /// <param name="rootToo">Whether root's own directory counts when root runs the program.</param>
    /// <exception cref="PosixException">control/defaultqueue cannot be read.</exception>
    /// <exception cref="FormatException">control/defaultqueue makes no sense.</exception>
    public static void Apply(string program, bool rootToo)
    {
        if ((rootToo || Users.RealUid != 0) && Variables.Get("SKIP_LOCAL_ENVIRONMENT") == null
            && Variables.Get("HOME") is { Length: > 0 } home)
            ApplyLocal(program, home + "/.defaultqueue");
        if (Variables.Get("QUEUE_BASE") != null) return;
        string directory = ControlFiles.FromEnvironment().PathOf("defaultqueue");
        if (Files.Status(directory, out _) is -Errno.ENOENT or -Errno.ENOTDIR) return;
        // A variable in a file that not everybody may read is one for those who may.
        Set(EnvironmentDirectory.Read(directory, skipUnreadable: true));
    }

    // All of it or nothing: whatever is wrong with a user's directory must not keep his mail from being sent.
    private static void ApplyLocal(string program, string directory)
    {
        int r = Files.Status(directory, out FileStatus status);
        if (r is -Errno.ENOENT or -Errno.ENOTDIR or -Errno.EACCES) return;
        try
        {
            PosixException.Check(r, "unable to open directory " + directory);
            // HOME may be anybody's: sudo and su can leave it as it was. Whoever sets QMAILQUEUE there runs a program here.
            if (status.Uid != Users.RealUid && status.Uid != 0) throw new FormatException(directory + " belongs to somebody else");
            if ((status.Mode & 0x12 /* 022 */) != 0) throw new FormatException(directory + " can be written by others");
            Set(EnvironmentDirectory.Read(directory));
        }
        catch (Exception failure) when (failure is PosixException or FormatException)
        {
            Standard.Error(program + ": warning: variables are not taken from there: " + failure.Message);
        }
    }

    private static void Set(List<(string Name, string? Value)> variables)
    {
        foreach ((string name, string? value) in variables) Variables.Set(name, value);
    }
}
