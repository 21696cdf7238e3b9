// Every way these programs can end: qmail-queue's exit codes, as those who call them know them (qmail-qmqpc(8)).
using System;

namespace Qmta.NullClient;

/// <summary>11 to 40 are permanent, the others mean "try again".</summary>
internal static class ExitCode
{
    internal const int Accepted = 0, AddressTooLong = 11, Rejected = 31, OutOfMemory = 51, Write = 53, Read = 54,
        Configuration = 55, Network = 56, Deferred = 71, Home = 61, TimedOut = 72, Refused = 73, Broken = 74,
        EnvelopeFormat = 91;
}

/// <summary>The message is not handed over: the exit code and a sentence without its full stop.</summary>
internal sealed class HandoverException(int exitCode, string sentence) : Exception(sentence)
{
    internal int ExitCode { get; } = exitCode;
}
