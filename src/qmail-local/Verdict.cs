// What the end of a qmail-local process means for the recipient: delivered, try again, or give up.
using System;
using Qmta.Posix;

namespace Qmta.Local;

/// <summary>Turns exit codes and output into the texts of reports.</summary>
internal static class Verdict
{
    /// <summary>The report of a process: K, Z or D and what it printed, up to a NUL.</summary>
    internal static string Of(ExitStatus status, string output)
    {
        if (status.Crashed) return "Zqmail-local crashed.\n";
        int end = output.IndexOf('\0');
        if (end >= 0) output = output[..end];
        return status.Code switch
        {
            0 or 99 => "K" + output,
            // sysexits(3): EX_OSERR, EX_IOERR, EX_TEMPFAIL
            111 or 71 or 74 or 75 => "Z" + output,
            // what a shell or the dynamic linker says of a program that cannot run
            126 or 127 => "ZUnable to run qmail-local.\n" + output,
            _ => "D" + output,
        };
    }

    /// <summary>What is wrong with a delivery command, as the report says it; null when nothing is.</summary>
    /// <param name="number">The delivery's number.</param>
    /// <param name="inUse">Whether a delivery of that number is running.</param>
    internal static string? OfCommand(int number, bool inUse, string message, string recipient)
    {
        if (number < 0) return "ZInternal error: delnum negative. (#4.3.5)\n";
        if (number >= Queue.DeliveryProtocol.MostDeliveries) return "ZInternal error: delnum too big. (#4.3.5)\n";
        if (inUse) return "ZInternal error: delnum in use. (#4.3.5)\n";
        for (int i = 0; i < message.Length; i++)
            if (!char.IsAsciiDigit(message[i]) && (i == 0 || message[i] != '/'))
                return "DInternal error: messid has nonnumerics. (#5.3.5)\n";
        if (message.Length > 100) return "DInternal error: messid too long. (#5.3.5)\n";
        if (message.Length == 0) return "DInternal error: messid too short. (#5.3.5)\n";
        return recipient.Contains('@') ? null : "DSorry, address must include host name. (#5.1.3)\n";
    }
}
