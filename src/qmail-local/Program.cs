// One local delivery (qmail-local), the helper that has them done (qmail-lspawn), the look-up of who gets an address's
// mail (qmail-getpw), or a delivery to a Maildir alone (maildirdeliver).
using System;
using Qmta.Posix;

namespace Qmta.Local;

internal static class Program
{
    private static int Main()
    {
        string[] arguments = Programs.Arguments;
        string name = Programs.CalledAs is LocalSpawner.Name or PasswordLookup.Name or MaildirDeliver.Name ? Programs.CalledAs : "qmail-local";
        if (arguments is ["--help"]) return Say(Usage(name) + "\nSee dot-qmail(5).\n");
        if (arguments is ["--version"]) return Say(name + " " + Programs.Version + "\n");
        return name switch
        {
            LocalSpawner.Name => LocalSpawner.Execute(arguments),
            PasswordLookup.Name => PasswordLookup.Execute(arguments),
            MaildirDeliver.Name => MaildirDeliver.Execute(arguments),
            _ => Deliver(arguments),
        };
    }

    // The option --as comes first, and before anything of the recipient's is looked at.
    private static int Deliver(ReadOnlySpan<string> arguments)
    {
        try
        {
            if (CommandLine.TakeIdentity(ref arguments, out (uint Uid, uint Gid)? identity)
                && identity is (uint uid, uint gid))
            {
                Users.Become(uid, gid);
                Capabilities.Drop();
            }
        }
        catch (PosixException failure)
        {
            Standard.Error(failure.Message + ". (#4.3.0)");
            return DeliveryFailure.Temporary;
        }
        return arguments switch
        {
            [Worker.Option, string defaultDelivery] => Worker.Run(defaultDelivery),
            [Replacement.Option, _, ..] => Replacement.Run(arguments[1..]),
            _ => LocalDelivery.Execute(arguments),
        };
    }

    private static string Usage(string name) => name switch
    {
        LocalSpawner.Name => LocalSpawner.Usage,
        PasswordLookup.Name => PasswordLookup.Usage,
        MaildirDeliver.Name => MaildirDeliver.Usage,
        _ => CommandLine.Usage,
    };

    private static int Say(string text) => Standard.Output(text) ? 0 : DeliveryFailure.Temporary;
}
