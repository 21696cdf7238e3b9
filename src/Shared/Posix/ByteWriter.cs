// Buffered writing to a descriptor.
using System;

namespace Qmta.Posix;

/// <summary>Writes bytes to a descriptor through one buffer. It does not own the descriptor; call <see cref="Flush"/> at the end.</summary>
public sealed class ByteWriter
{
    private readonly byte[] buffer;
    private readonly string name;
    private int used;

    /// <param name="fd">The descriptor.</param>
    /// <param name="name">What it is, for error messages: "standard output", a path.</param>
    /// <param name="size">Size of the buffer in bytes.</param>
    public ByteWriter(int fd, string name, int size = 8192) : this(fd, name, GC.AllocateUninitializedArray<byte>(size)) { }

    /// <summary>Writes through a buffer the caller lends.</summary>
    public ByteWriter(int fd, string name, byte[] buffer)
    {
        Fd = fd;
        this.name = name;
        this.buffer = buffer;
    }

    public int Fd { get; }

    /// <summary>Number of bytes put so far, flushed or not.</summary>
    public long Length { get; private set; }

    /// <exception cref="PosixException">The buffer was full and writing it failed.</exception>
    public void Put(ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
        if (bytes.Length > buffer.Length - used)
        {
            Flush();
            if (bytes.Length >= buffer.Length)
            {
                PosixException.Check(Files.WriteAll(Fd, bytes), "unable to write " + name);
                return;
            }
        }
        bytes.CopyTo(buffer.AsSpan(used));
        used += bytes.Length;
    }

    /// <exception cref="PosixException">The buffer was full and writing it failed.</exception>
    public void Put(byte b)
    {
        if (used == buffer.Length) Flush();
        buffer[used++] = b;
        Length++;
    }

    /// <summary>Puts a Latin-1 string.</summary>
    /// <exception cref="PosixException">The buffer was full and writing it failed.</exception>
    public void Put(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            if (used == buffer.Length) Flush();
            int n = Math.Min(text.Length, buffer.Length - used);
            Text.Latin1.Bytes(text[..n], buffer.AsSpan(used));
            used += n;
            Length += n;
            text = text[n..];
        }
    }

    /// <summary>Writes what is buffered.</summary>
    /// <exception cref="PosixException">The write failed.</exception>
    public void Flush()
    {
        int n = used;
        used = 0;
        PosixException.Check(Files.WriteAll(Fd, buffer.AsSpan(0, n)), "unable to write " + name);
    }
}
