// Why a message is not injected, in terms that every calling convention has an exit code for.
using System;

namespace Qmta.Inject;

/// <summary>The kinds of failure that callers tell apart by the exit code.</summary>
internal enum Failure
{
    /// <summary>The command line is wrong.</summary>
    Usage,
    /// <summary>The message is wrong.</summary>
    Data,
    /// <summary>There is no input.</summary>
    NoInput,
    /// <summary>What was asked for is not provided, or the queue refuses the message for good.</summary>
    Unavailable,
    /// <summary>This user may not do that.</summary>
    NotAllowed,
    /// <summary>A control file cannot be understood.</summary>
    Configuration,
    /// <summary>Trying again later may help.</summary>
    Temporary,
}

/// <summary>A message that is not injected: the kind of failure and a sentence.</summary>
internal sealed class InjectException(Failure failure, string sentence) : Exception(sentence)
{
    internal Failure Failure { get; } = failure;
}
