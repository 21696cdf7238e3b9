// Whose message it is, as the envelope and the trace line say.
using Qmta.Posix;

namespace Qmta.Enqueue;

/// <summary>The program that submits a message.</summary>
/// <param name="Pid">The process that the log calls qp: this one, or one that connected.</param>
/// <param name="Uid">Its user.</param>
internal readonly record struct Submitter(int Pid, uint Uid)
{
    /// <summary>Who started this program.</summary>
    internal static Submitter Caller => new(Processes.Id, Users.RealUid);
}
