// Netstrings as a client sends them: read piece by piece, of any length, within the one they are part of.
using System;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Reception;

/// <summary>
/// Reads what QMQP and QMTP are made of. What is no netstring, or does not fit into the one around it, is a
/// <see cref="FormatException"/>; after that nothing that comes makes sense.
/// </summary>
internal sealed class NetstringInput
{
    // qmqp.html and the time limit of qmail's servers: nobody is served for longer than an hour.
    private const long LongestSession = 3_600_000;
    private const int LongestSilence = 1_200_000;
    private const int MostDigits = 18;
    private const long NoLimit = long.MaxValue;

    private readonly ClientConnection connection;
    private readonly long end = Sockets.In(LongestSession);

    internal NetstringInput(ClientConnection connection)
    {
        this.connection = connection;
        connection.Patience = LongestSilence;
    }

    /// <summary>How many bytes are left of the netstring that was entered.</summary>
    internal long Left { get; private set; } = NoLimit;

    /// <summary>Reads a length and its colon; so many bytes and a comma follow.</summary>
    /// <exception cref="FormatException">It is none, or more than is left.</exception>
    /// <exception cref="ClientGoneException">The client is gone, or too slow.</exception>
    internal long Length()
    {
        long length = 0;
        for (int digits = 0; ; digits++)
        {
            byte b = Next();
            if (b == ':' && digits > 0) break;
            if (b is < (byte)'0' or > (byte)'9') throw new FormatException("something that is no netstring");
            // Only "0" itself begins with a zero.
            if (digits > 0 && length == 0) throw new FormatException("a netstring whose length begins with zero");
            if (digits == MostDigits) throw new FormatException("a netstring of absurd length");
            length = 10 * length + (b - '0');
        }
        return length < Left ? length : throw new FormatException("a netstring longer than the one around it");
    }

    /// <summary>From now on only so many bytes may be read, the contents of the netstring that was just begun.</summary>
    internal void Enter(long length) => Left = length;

    /// <summary>The netstring that was entered has been read; its comma follows.</summary>
    /// <inheritdoc cref="Length"/>
    internal void Leave()
    {
        Left = NoLimit;
        Comma();
    }

    /// <summary>The comma after a netstring.</summary>
    /// <inheritdoc cref="Length"/>
    internal void Comma()
    {
        if (Next() != Netstring.End) throw new FormatException("a netstring that does not end with a comma");
    }

    /// <summary>Some of the bytes that come next, at least one; they are valid until the next call.</summary>
    /// <param name="most">So many are wanted.</param>
    /// <inheritdoc cref="Length"/>
    internal ReadOnlySpan<byte> Take(long most)
    {
        if (most > Left) throw new FormatException("a netstring that is cut short");
        ReadOnlySpan<byte> bytes = Await();
        if (bytes.Length > most) bytes = bytes[..(int)most];
        connection.Consume(bytes.Length);
        if (Left != NoLimit) Left -= bytes.Length;
        return bytes;
    }

    /// <summary>Waits until there is something to take; takes nothing.</summary>
    /// <exception cref="ClientGoneException">The client is gone, or too slow.</exception>
    internal ReadOnlySpan<byte> Await()
    {
        long left = end - Clocks.BoottimeMilliseconds;
        if (left <= 0) throw new ClientGoneException("the session took more than an hour", timedOut: true);
        connection.Patience = (int)Math.Min(left, LongestSilence);
        return connection.Fill();
    }

    /// <summary>One whole netstring as text; null when it is longer than <paramref name="most"/> bytes.</summary>
    /// <inheritdoc cref="Length"/>
    internal string? Text(int most)
    {
        long length = Length();
        string text = "";
        for (long rest = length; rest > 0;)
        {
            ReadOnlySpan<byte> piece = Take(rest);
            rest -= piece.Length;
            if (length <= most) text += Latin1.String(piece);
        }
        Comma();
        return length <= most ? text : null;
    }

    private byte Next() => Take(1)[0];
}
