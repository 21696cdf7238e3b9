// Every way qmail-queue can end (qmail-queue(8), EXIT CODES). 11 to 40 are permanent, the others mean "try again".
using System;

namespace Qmta.Enqueue;

internal static class ExitCode
{
    internal const int Queued = 0, AddressTooLong = 11, ExtraHeader = 12, OutOfMemory = 51, Timeout = 52, Write = 53, Read = 54,
        QueueDirectory = 62, Pid = 63, Mess = 64, Todo = 66, EnvelopeFormat = 91;
}

/// <summary>The message cannot be queued.</summary>
internal sealed class QueueingException(int exitCode) : Exception
{
    /// <summary>What the program exits with.</summary>
    internal int ExitCode { get; } = exitCode;
}
