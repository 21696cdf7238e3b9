// What qmta doctor finds.
namespace Qmta.Admin;

internal enum Severity
{
    Good = 0,
    /// <summary>Mail goes, but something deserves a look.</summary>
    Warning = 1,
    /// <summary>Mail does not go, or will not for long.</summary>
    Error = 2,
}

/// <param name="Topic">What was looked at, in a word or two.</param>
/// <param name="Text">What is the case.</param>
/// <param name="Remedy">What to do about it; "" when it is good.</param>
internal sealed record Finding(Severity Severity, string Topic, string Text, string Remedy = "");
