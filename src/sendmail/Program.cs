// One executable, several names: the name it is called by decides which program it is.
using Qmta.Posix;

namespace Qmta.Inject;

internal static class Program
{
    private static int Main()
    {
        int closed = Standard.FillGaps();
        bool noInput = (closed & 1) != 0;
        // Whatever else it is called, a link that somebody made: it sends mail.
        return Programs.CalledAs switch
        {
            "qmail-inject" => QmailInject.Run(Programs.Arguments, noInput),
            "mailsubj" => MailSubject.Run(Programs.Arguments, noInput),
            "irmail" => UucpMail.Run(Programs.Arguments, noInput),
            "mailq" or "datemail" => Sendmail.Run(Programs.Arguments, noInput, Programs.CalledAs),
            _ => Sendmail.Run(Programs.Arguments, noInput, "sendmail"),
        };
    }
}
