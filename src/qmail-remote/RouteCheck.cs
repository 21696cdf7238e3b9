// qmail-remote --check: whether mail for a domain could go now, told without sending any (qmail-remote(8)).
using System;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Smtp;

namespace Qmta.Remote;

internal static class RouteCheck
{
    // Milliseconds: a person waits.
    private const int Patience = 45_000;

    /// <summary>Prints a line or more that begin with K when there would be a session, else with Z or D as a delivery's report.</summary>
    /// <param name="arguments">Host, and sender and recipient when they matter to the route.</param>
    /// <returns>0 for K, 111 for Z, 100 for D and for a wrong command line.</returns>
    internal static int Run(string[] arguments)
    {
        if (arguments.Length is 0 or > 3)
        {
            Standard.Error("qmail-remote: usage: qmail-remote --check host [sender [recipient]]");
            return 100;
        }
        string sender = arguments.Length > 1 ? arguments[1] : "";
        string recipient = arguments.Length > 2 ? arguments[2] : "postmaster@" + arguments[0];
        string result;
        try
        {
            // With the rights that a delivery would have: a file that root can read may be closed to it.
            SpawnHelper.BecomeQmailr();
            RemoteSettings settings = RemoteSettings.Read(ControlFiles.FromEnvironment());
            // What is remembered about hosts is no part of the question.
            RemoteDelivery delivery = new(settings, new Dns.Resolver(), new SmtpBuffers(), new Queue.TcpTimeouts("/dev/null/none"));
            RemoteReport? failure = delivery.Check(new RemoteMessage(arguments[0], sender, [recipient], 0, -1), Patience, out string facts);
            result = failure == null ? "K" + facts + "\n" : failure.Merge();
        }
        catch (Exception e) when (e is PosixException or FormatException)
        {
            result = "ZUnable to read control files. (#4.3.0)\n" + e.Message + "\n";
        }
        if (!Standard.Output(result.TrimEnd('\0', '\n') + "\n")) return 111;
        return result[0] switch { 'K' => 0, 'D' => 100, _ => 111 };
    }
}
