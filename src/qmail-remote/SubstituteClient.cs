// QMAILREMOTE: a program that stands in the place of the built-in client, as it does in qmail-rspawn.
using System;
using Qmta.Posix;

namespace Qmta.Remote;

/// <summary>Delivers by running a program for each recipient (qmail-rspawn(8), QMAILREMOTE).</summary>
internal static class SubstituteClient
{
    /// <summary>The program; null when the built-in client is to be used.</summary>
    internal static string? Program => Variables.Get("QMAILREMOTE") is { Length: > 0 } path ? path : null;

    /// <summary>Runs it for a message with one recipient, and makes the report of what it printed.</summary>
    /// <param name="deadline">When it is killed.</param>
    internal static string Deliver(string program, RemoteMessage message, long deadline)
    {
        ProgramResult result = OutsideProgram.Run(program, message, null, deadline);
        if (result.Error < 0)
            return $"ZUnable to run qmail-remote. (#4.3.0)\n{program}: {Errno.Text(result.Error)}\n";
        if (result.Late) return $"Zqmail-remote took too long and was stopped. (#4.3.0)\n{program}\n";
        if (result.Status.Crashed) return "Zqmail-remote crashed.\n";
        switch (result.Status.Code)
        {
            case 0: break;
            case 111: return "ZUnable to run qmail-remote.\n";
            default: return "DUnable to run qmail-remote.\n";
        }
        // A filter that says nothing and is content has thrown the message away, as it may.
        if (result.Output.Length == 0) return $"KDiscarded by {program}.\n";
        return RemoteReport.Decode(result.Output)?.Merge() ?? "Zqmail-remote produced no report. (#4.3.0)\n";
    }
}
