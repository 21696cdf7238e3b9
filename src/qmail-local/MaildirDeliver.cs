// maildirdeliver: a Maildir delivery for programs of .qmail files that have another program deliver (maildirdeliver(1)).
using Qmta.Posix;

namespace Qmta.Local;

/// <summary>Delivers the message on descriptor 0 to a Maildir, with the lines that the delivery's variables ask for.</summary>
internal static class MaildirDeliver
{
    internal const string Name = "maildirdeliver";
    internal const string Usage = "usage: maildirdeliver maildir";

    internal static int Execute(string[] arguments)
    {
        if (arguments.Length != 1 || arguments[0].Length == 0)
        {
            Standard.Error(Name + ": fatal: " + Usage);
            return DeliveryFailure.Permanent;
        }
        try
        {
            if ((Standard.FillGaps() & 1) != 0) throw DeliveryFailure.TryLater("Unable to read message", Errno.EBADF);
            _ = Files.Umask(0x3F /* 077 */);
            string recipient = Variables.Get("RECIPIENT")
                ?? throw DeliveryFailure.Bounce("RECIPIENT is not set: this program is run by qmail-local, from a .qmail file");
            int at = recipient.LastIndexOf('@');
            Delivery delivery = new("", "", recipient[..System.Math.Max(0, at)], "", "", recipient[(at + 1)..],
                Variables.Get("SENDER") ?? "", "", Variables.Get("QQEH") ?? "");
            Maildir.Deliver(arguments[0].TrimEnd('/') + "/", new MessageFile(0), delivery);
            return 0;
        }
        catch (DeliveryFailure failure)
        {
            Standard.Error(Name + ": fatal: " + failure.Message);
            return failure.Code;
        }
    }
}
