// What a command line asks for: who sends a message to whom, and how it is read.
using System.Collections.Generic;

namespace Qmta.Inject;

/// <summary>A message's submission as its caller describes it, the same for every calling convention.</summary>
internal sealed class Submission
{
    /// <summary>Recipients from the command line: envelope addresses that may lack a host.</summary>
    internal List<string> Recipients { get; } = [];

    /// <summary>Whether the message may have CR LF for line ends, which become the system's (<see cref="LineEnds"/>).</summary>
    internal bool LineEndsMayBeCrLf { get; init; }

    /// <summary>Header lines that go before the message; null for none.</summary>
    internal byte[]? Head { get; init; }

    /// <summary>Whether a Date field that has to be made is in local time.</summary>
    internal bool HasLocalDate { get; init; }

    /// <summary>Whether the recipients of the command line count.</summary>
    internal bool UsesArguments { get; set; } = true;

    /// <summary>Whether the header's recipients count.</summary>
    internal bool UsesHeader { get; set; }

    /// <summary>Envelope sender from the command line, "" for the null sender; null when there was none.</summary>
    internal string? Sender { get; set; }

    /// <summary>Whether <see cref="Sender"/> is also the address of a From field that has to be made.</summary>
    internal bool SenderIsAuthor { get; set; }

    /// <summary>Personal name from the command line, or null.</summary>
    internal string? Name { get; set; }

    /// <summary>Whether a line of a single dot ends the message.</summary>
    internal bool DotEnds { get; set; }

    /// <summary>Whether the message goes to standard output instead of the queue program; null when the command line does not say.</summary>
    internal bool? Print { get; set; }

    /// <summary>Whether a Return-Path field does not set the envelope sender.</summary>
    internal bool IgnoresReturnPath { get; set; }
}
