// A program that takes qmail-local's place (QMAILLOCAL), or looks up accounts (QMAILGETPW): started like qmail-local,
// under the uid that the root helper said.
using System;
using Qmta.Posix;

namespace Qmta.Local;

/// <summary>Becomes another program after the privileges have been dropped.</summary>
internal static class Replacement
{
    internal const string Option = "--exec";

    /// <summary>Becomes the program; returns an exit code only when that is not possible.</summary>
    /// <param name="arguments">The program, and its arguments.</param>
    internal static int Run(ReadOnlySpan<string> arguments)
    {
        _ = Files.Umask(0x3F /* 077 */);
        Signals.DefaultPipe();
        int r = Processes.Replace(Programs.Find(arguments[0]), arguments);
        Standard.Error("Unable to run " + arguments[0] + ": " + Errno.Text(r) + ". (#4.3.0)");
        return DeliveryFailure.Temporary;
    }
}
