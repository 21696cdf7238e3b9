// The envelope: F sender NUL, T recipient NUL for each recipient, and a last NUL (qmail-queue(8)).
using System;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Enqueue;

/// <summary>Checks an envelope while copying it, so that any number of recipients costs one buffer.</summary>
internal sealed class EnvelopeParser(SubmissionInput input, byte[] buffer)
{
    private int start, end;

    /// <summary>Copies the sender and the recipients, terminating NULs included.</summary>
    /// <exception cref="QueueingException">The envelope is malformed or truncated, or an address is too long.</exception>
    /// <exception cref="PosixException">Writing failed.</exception>
    internal void CopyTo(ByteWriter writer)
    {
        if (Next() != 'F') throw new QueueingException(ExitCode.EnvelopeFormat);
        CopyAddress('F', writer);
        while (true)
        {
            byte kind = Next();
            if (kind == 0) return;
            if (kind != 'T') throw new QueueingException(ExitCode.EnvelopeFormat);
            CopyAddress('T', writer);
        }
    }

    private void CopyAddress(char kind, ByteWriter writer)
    {
        writer.Put((byte)kind);
        for (int length = 0; ; length++)
        {
            byte b = Next();
            writer.Put(b);
            if (b == 0) return;
            if (length == QueueLayout.LongestAddress) throw new QueueingException(ExitCode.AddressTooLong);
        }
    }

    private byte Next()
    {
        if (start == end)
        {
            start = 0;
            end = input.ReadEnvelope(buffer);
            if (end == 0) throw new QueueingException(ExitCode.Read);
        }
        return buffer[start++];
    }
}
