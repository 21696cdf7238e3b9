// Times for people: "3 hours" rather than seconds.
namespace Qmta.Admin;

internal static class Spans
{
    /// <summary>A number of seconds in its largest fitting unit.</summary>
    internal static string Of(long seconds) => seconds switch
    {
        < 0 => "0 seconds",
        < 120 => Count(seconds, "second"),
        < 7200 => Count(seconds / 60, "minute"),
        < 172800 => Count(seconds / 3600, "hour"),
        _ => Count(seconds / 86400, "day"),
    };

    internal static string Count(long number, string unit) => number + " " + unit + (number == 1 ? "" : "s");
}
