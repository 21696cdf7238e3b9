// One local delivery (qmail-local), or the helper that starts it for each of them (qmail-lspawn).
using Qmta.Posix;

namespace Qmta.Local;

internal static class Program
{
    private static int Main() => Programs.CalledAs == "qmail-lspawn"
        ? LocalSpawner.Execute(Programs.Arguments)
        : LocalDelivery.Execute(Programs.Arguments);
}
