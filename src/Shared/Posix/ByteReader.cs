// Buffered reading from a descriptor.
using System;

namespace Qmta.Posix;

/// <summary>Reads bytes from a descriptor through one buffer. It does not own the descriptor.</summary>
public sealed class ByteReader
{
    private readonly byte[] buffer;
    private readonly string name;
    private int start, end;

    /// <param name="fd">The descriptor.</param>
    /// <param name="name">What it is, for error messages: "standard input", a path.</param>
    /// <param name="size">Size of the buffer in bytes.</param>
    public ByteReader(int fd, string name, int size = 16384) : this(fd, name, GC.AllocateUninitializedArray<byte>(size)) { }

    /// <summary>Reads through a buffer the caller lends.</summary>
    public ByteReader(int fd, string name, byte[] buffer)
    {
        Fd = fd;
        this.name = name;
        this.buffer = buffer;
    }

    public int Fd { get; }

    /// <summary>What is buffered and not yet consumed.</summary>
    public ReadOnlySpan<byte> Buffered => buffer.AsSpan(start, end - start);

    /// <summary>The buffered bytes; reads when there are none. Empty at the end of the file.</summary>
    /// <exception cref="PosixException">The read failed.</exception>
    public ReadOnlySpan<byte> Fill()
    {
        if (start == end)
        {
            start = 0;
            end = PosixException.Check(Files.Read(Fd, buffer), "unable to read " + name);
        }
        return buffer.AsSpan(start, end - start);
    }

    /// <summary>Marks bytes of <see cref="Buffered"/> as consumed.</summary>
    public void Consume(int count) => start += count;

    /// <summary>The next byte, or -1 at the end of the file.</summary>
    /// <exception cref="PosixException">The read failed.</exception>
    public int ReadByte()
    {
        if (start == end && Fill().IsEmpty) return -1;
        return buffer[start++];
    }

    /// <summary>
    /// The bytes up to a terminator, which is consumed and not returned; null when the file ends before one.
    /// </summary>
    /// <param name="terminator">The byte that ends the piece.</param>
    /// <param name="limit">Longest piece accepted.</param>
    /// <param name="tooLong">Set when the piece is longer; it has then been read and dropped up to the terminator.</param>
    /// <exception cref="PosixException">The read failed.</exception>
    public byte[]? ReadUntil(byte terminator, int limit, out bool tooLong)
    {
        tooLong = false;
        byte[] piece = [];
        while (true)
        {
            ReadOnlySpan<byte> available = Fill();
            if (available.IsEmpty) return null;
            int at = available.IndexOf(terminator);
            ReadOnlySpan<byte> part = at < 0 ? available : available[..at];
            if (piece.Length + part.Length > limit) tooLong = true;
            if (!tooLong)
            {
                int old = piece.Length;
                Array.Resize(ref piece, old + part.Length);
                part.CopyTo(piece.AsSpan(old));
            }
            Consume(part.Length + (at < 0 ? 0 : 1));
            if (at >= 0) return piece;
        }
    }
}
