// Where the finished message goes: the queue program or, for -n, standard output; with the limit on its size.
using System;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Inject;

/// <summary>Takes the finished message.</summary>
/// <param name="queue">The queue program, or null when there is none, yet.</param>
/// <param name="print">Where the message is printed instead, or null.</param>
/// <param name="limit">Most bytes a message may have; 0 for no limit.</param>
internal sealed class MessageOutput(QueueProgram? queue, ByteWriter? print, long limit)
{
    private QueueProgram? queue = queue;
    private long limit = limit;
    private long length;

    /// <summary>Names the queue program and the limit before anything is put, when the envelope decides about them.</summary>
    internal void Begin(QueueProgram program, long most)
    {
        queue = program;
        limit = most;
    }

    /// <exception cref="InjectException">The message is too long.</exception>
    /// <exception cref="PosixException">Standard output cannot be written.</exception>
    internal void Put(ReadOnlySpan<byte> bytes)
    {
        Count(bytes.Length);
        queue?.Put(bytes);
        print?.Put(bytes);
    }

    /// <summary>Puts Latin-1 text.</summary>
    /// <exception cref="InjectException">The message is too long.</exception>
    /// <exception cref="PosixException">Standard output cannot be written.</exception>
    internal void Put(ReadOnlySpan<char> text)
    {
        Count(text.Length);
        queue?.Put(text);
        print?.Put(text);
    }

    internal void Flush() => print?.Flush();

    private void Count(int more)
    {
        length += more;
        if (limit > 0 && length > limit)
            throw new InjectException(Failure.Data, "the message is longer than the limit of " + limit + " bytes (databytes)");
    }
}
