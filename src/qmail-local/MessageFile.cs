// The message being delivered: a seekable file that every instruction reads from its beginning.
using System;
using Qmta.Posix;

namespace Qmta.Local;

/// <summary>The message on a descriptor, read in pieces through one buffer.</summary>
internal sealed class MessageFile(int fd)
{
    private readonly byte[] buffer = new byte[32768];

    internal int Fd => fd;

    /// <summary>Goes back to the beginning.</summary>
    /// <exception cref="DeliveryFailure">The descriptor cannot seek.</exception>
    internal void Rewind()
    {
        if (Files.Seek(fd, 0) < 0) throw DeliveryFailure.TryLater("Unable to rewind message. (#4.3.0)");
    }

    /// <summary>The next piece, valid until the next call; empty at the end.</summary>
    /// <exception cref="DeliveryFailure">The file cannot be read.</exception>
    internal ReadOnlySpan<byte> Read()
    {
        int n = Files.Read(fd, buffer);
        return n >= 0 ? buffer.AsSpan(0, n) : throw DeliveryFailure.TryLater("Unable to read message", n);
    }
}
