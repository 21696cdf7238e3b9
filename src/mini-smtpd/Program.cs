// mini-smtpd: mail by SMTP; by name also qmail-qmqpd and qmail-qmtpd. Never writes the queue: qmail-queue does.
using Qmta.Posix;

namespace Qmta.Reception;

internal static class Program
{
    private static int Main()
    {
        _ = Standard.FillGaps();
        Signals.IgnorePipe();
        Processes.LeaveNoCore(); // it holds mail, passwords and a key
        return ServerCommand.Run(Programs.CalledAs, Programs.Arguments);
    }
}
