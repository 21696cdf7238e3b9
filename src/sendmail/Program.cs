// One executable, several names: the name it is called by decides which program it is.
using Qmta.Posix;

namespace Qmta.Inject;

internal static class Program
{
    private static int Main()
    {
        int closed = Standard.FillGaps();
        bool noInput = (closed & 1) != 0;
        return Programs.CalledAs switch
        {
            "sendmail" or "" => Sendmail.Run(Programs.Arguments, noInput),
            "qmail-inject" => QmailInject.Run(Programs.Arguments, noInput),
            _ => Unknown(Programs.CalledAs),
        };
    }

    private static int Unknown(string name)
    {
        Standard.Error(name + ": fatal: this program can be called as sendmail or qmail-inject, not as " + name);
        return 100;
    }
}
