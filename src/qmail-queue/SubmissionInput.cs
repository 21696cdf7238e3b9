// Where a message and its envelope come from: two descriptors, as qmail-queue(8) has it, or packets.
using System;

namespace Qmta.Enqueue;

/// <summary>A message, then its envelope.</summary>
internal abstract class SubmissionInput
{
    /// <summary>The next bytes of the message; 0 at its end.</summary>
    /// <exception cref="QueueingException">Time is up, the read failed or the submission was given up.</exception>
    internal abstract int ReadMessage(Span<byte> buffer);

    /// <summary>The next bytes of the envelope; 0 at its end.</summary>
    /// <exception cref="QueueingException">Time is up, the read failed or the submission was given up.</exception>
    internal abstract int ReadEnvelope(Span<byte> buffer);

    /// <summary>NULLQUEUE: takes everything and keeps nothing. Returns the exit code.</summary>
    /// <exception cref="QueueingException">As when reading.</exception>
    internal int Discard()
    {
        byte[] buffer = new byte[16384];
        while (ReadMessage(buffer) > 0) { }
        while (ReadEnvelope(buffer) > 0) { }
        return ExitCode.Queued;
    }
}

/// <summary>The message on descriptor 0, the envelope on descriptor 1.</summary>
internal sealed class DescriptorInput(Deadline deadline) : SubmissionInput
{
    internal override int ReadMessage(Span<byte> buffer) => deadline.Read(0, buffer);

    internal override int ReadEnvelope(Span<byte> buffer) => deadline.Read(1, buffer);
}
