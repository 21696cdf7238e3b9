// The message being delivered: a seekable file that every instruction reads from its beginning.
using System;
using Qmta.Posix;

namespace Qmta.Local;

/// <summary>The message on a descriptor, read in pieces through one buffer.</summary>
internal sealed class MessageFile(int fd)
{
    private readonly byte[] buffer = new byte[32768];
    private long position;
    private int length;
    // The buffer has all of it: it was short, and need not be read again.
    private bool whole;

    internal int Fd { get; private set; } = fd;

    /// <summary>
    /// The filesystem from which the message is removed as soon as this delivery is done; null when that is not sure.
    /// </summary>
    internal ulong? RemovedFrom(Delivery delivery) =>
        delivery.IsLast && Files.Status(Fd, out FileStatus status) >= 0 ? status.Device : null;

    /// <summary>Goes on with another message, on this descriptor.</summary>
    internal void Open(int fd)
    {
        Fd = fd;
        position = 0;
        whole = false;
    }

    /// <summary>Goes back to the beginning, the descriptor for those who read from it, too.</summary>
    /// <exception cref="DeliveryFailure">The descriptor cannot seek.</exception>
    internal void Rewind()
    {
        if (Files.Seek(Fd, 0) < 0) throw DeliveryFailure.TryLater("Unable to rewind message. (#4.3.0)");
        position = 0;
    }

    /// <summary>The next piece, valid until the next call; empty at the end.</summary>
    /// <exception cref="DeliveryFailure">The file cannot be read.</exception>
    internal ReadOnlySpan<byte> Read()
    {
        if (!whole)
        {
            length = ReadAt(0);
            if (position == 0)
                while (length < buffer.Length && !whole)
                {
                    int more = ReadAt(length);
                    whole = more == 0;
                    length += more;
                }
        }
        else if (position > 0) return [];
        position += length;
        return buffer.AsSpan(0, length);
    }

    private int ReadAt(int start)
    {
        int n = Files.ReadAt(Fd, buffer.AsSpan(start), position + start);
        return n >= 0 ? n : throw DeliveryFailure.TryLater("Unable to read message", n);
    }
}
