// predate: puts a Date field in local time in front of a message (predate(1)).
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Filter;

internal static class Predate
{
    internal const string Usage = "predate program [argument ...]";

    internal static int Run(string[] arguments)
    {
        if (arguments.Length == 0 || arguments[0].Length == 0) throw Program.UsageError(Usage);
        long now = Clocks.Realtime;
        return Child.RunWith("Date: " + Dates.Rfc5322(now, LocalTime.Offset(now)) + "\n", arguments);
    }
}
