// qmail-remote: one delivery by SMTP from the command line; as qmail-rspawn: the helper that runs them for qmta-send.
using Qmta.Posix;

namespace Qmta.Remote;

internal static class Program
{
    private static int Main()
    {
        _ = Standard.FillGaps();
        Signals.IgnorePipe();
        string[] arguments = Programs.Arguments;
        return Programs.CalledAs == "qmail-rspawn" ? SpawnHelper.Run(arguments) : RemoteCommand.Run(arguments);
    }
}
