// The programs that learn how each delivery ended: ONSUCCESS_REMOTE, ONTEMPORARY_REMOTE and ONFAILURE_REMOTE.
using System;
using System.Collections.Generic;
using Qmta.Posix;

namespace Qmta.Remote;

/// <summary>Runs them (qmail-remote(8), ENVIRONMENT).</summary>
internal static class DeliveryHooks
{
    /// <summary>Longest time for such a program, in milliseconds: it holds the place of a delivery meanwhile.</summary>
    internal const int LongestMilliseconds = 60_000;

    private static readonly string[] Facts = ["SMTPTEXT", "SMTPCODE", "SMTPHOST", "SMTPSTATUS"];

    /// <summary>The program for a result, which is K, Z or D; null when there is none.</summary>
    internal static string? ProgramFor(char result)
    {
        string name = result switch
        {
            'K' => "ONSUCCESS_REMOTE",
            'Z' => "ONTEMPORARY_REMOTE",
            _ => "ONFAILURE_REMOTE",
        };
        return Variables.Get(name) is { Length: > 0 } path ? path : null;
    }

    /// <summary>
    /// Runs the program for how a delivery ended, if there is one, and waits for it. What it prints is dropped.
    /// </summary>
    /// <param name="message">The message with the recipients it is about.</param>
    /// <param name="result">The report: K, Z or D and a text.</param>
    /// <param name="code">The server's reply code; 0 when it said nothing.</param>
    /// <param name="host">The server; null when there was none.</param>
    /// <returns>Its exit code; 0 when there is none, 111 when it could not run or did not end by itself.</returns>
    internal static int Run(RemoteMessage message, string result, int code, IpAddress? host)
    {
        if (ProgramFor(result[0]) is not string program) return 0;
        List<string> environment = [];
        foreach (string variable in Variables.All())
            if (Array.IndexOf(Facts, variable[..Math.Max(0, variable.IndexOf('='))]) < 0) environment.Add(variable);
        environment.Add("SMTPTEXT=" + result[1..].TrimEnd('\n'));
        environment.Add("SMTPCODE=" + (code == 0 ? "" : code.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        environment.Add("SMTPHOST=" + host);
        environment.Add("SMTPSTATUS=" + result[0]);
        ProgramResult end = OutsideProgram.Run(program, message, environment, Sockets.In(LongestMilliseconds));
        if (end.Error == 0 && !end.Late && !end.Status.Crashed) return end.Status.Code;
        string why = end.Error < 0 ? "unable to run it: " + Errno.Text(end.Error)
            : end.Late ? "it took too long and was stopped" : "it crashed";
        Standard.Error($"qmail-remote: warning: {program}: {why}");
        return 111;
    }
}
