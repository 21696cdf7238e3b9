// One local delivery (qmail-local), or the helper that starts it for each of them (qmail-lspawn).
using Qmta.Posix;

namespace Qmta.Local;

internal static class Program
{
    private static int Main()
    {
        string[] arguments = Programs.Arguments;
        bool helper = Programs.CalledAs == LocalSpawner.Name;
        if (arguments is ["--help"])
            return Say((helper ? LocalSpawner.Usage : CommandLine.Usage) + "\nSee dot-qmail(5).\n");
        if (arguments is ["--version"])
            return Say($"{(helper ? LocalSpawner.Name : "qmail-local")} {Programs.Version}\n");
        return helper ? LocalSpawner.Execute(arguments) : LocalDelivery.Execute(arguments);
    }

    private static int Say(string text) => Standard.Output(text) ? 0 : DeliveryFailure.Temporary;
}
