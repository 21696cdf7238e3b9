// The trace line that qmail-queue puts on top of every message (RFC 5321 4.4; qmail-queue(8)).
using System.Globalization;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Enqueue;

internal static class Received
{
    /// <summary>
    /// "Received: qmta queue PID by host NAME (invoked by uid N); DATE"; HIDE_HOST, when not empty, leaves the host out.
    /// </summary>
    /// <param name="submitter">Whose message it is.</param>
    /// <param name="now">Seconds since 1970.</param>
    internal static string Line(Submitter submitter, long now)
    {
        string host = string.IsNullOrEmpty(Variables.Get("HIDE_HOST")) ? " by host " + Programs.HostName : "";
        return "Received: qmta queue " + submitter.Pid.ToString(CultureInfo.InvariantCulture) + host
            + " (" + Invoker(submitter.Uid) + "); " + Dates.Rfc5322(now) + "\n";
    }

    private static string Invoker(uint caller)
    {
        // Names would cost a look-up in the user database for every message; owners of well-known files tell as much.
        // The queue's owner itself calls only to send a bounce; where everything runs under one uid, that says nothing.
        if (caller == Users.EffectiveUid && Files.Status("lock/tcpto", out FileStatus remote) == 0 && remote.Uid != caller
            && Files.Status(".", out FileStatus queue) == 0 && queue.Uid == caller)
            return "invoked for bounce";
        return "invoked by uid " + caller.ToString(CultureInfo.InvariantCulture);
    }
}
