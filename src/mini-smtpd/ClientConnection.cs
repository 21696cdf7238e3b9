// The bytes to and from one client: two descriptors, or one, or what TLS makes of them; every wait has an end.
using System;
using Qmta.Posix;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.Reception;

/// <summary>The client is gone, or was waited for in vain. The message is a sentence part for the log.</summary>
internal sealed class ClientGoneException(string reason, bool timedOut = false) : Exception(reason)
{
    /// <summary>It may still be there, and did nothing.</summary>
    internal bool TimedOut { get; } = timedOut;
}

/// <summary>The buffers of a conversation while somebody serves it; a silent client needs none.</summary>
internal sealed class ConnectionBuffers
{
    internal readonly byte[] Input = GC.AllocateUninitializedArray<byte>(ClientConnection.LongestLine, pinned: true);
    internal readonly byte[] Converted = GC.AllocateUninitializedArray<byte>(Smtp.DotUnstuffing.Room(ClientConnection.LongestLine), pinned: true);
    internal readonly byte[] Output = GC.AllocateUninitializedArray<byte>(4096, pinned: true);
}

/// <summary>
/// Reads through one buffer and writes through another; what was written leaves with <see cref="Flush"/>, and always
/// before a wait for the client.
/// </summary>
internal sealed class ClientConnection : IDisposable
{
    // A pipe that has room for a byte has room for a page (pipe(7), PIPE_BUF).
    private const int LargestPipeWrite = 4096;

    private readonly int input, output;
    private readonly bool isSocket;
    private ConnectionBuffers? buffers;
    private int start, end, written;
    private TlsStream? secure;

    /// <summary>A connection of <see cref="ServerSockets.Accept"/>; closed with this.</summary>
    internal ClientConnection(int socket)
    {
        input = output = socket;
        isSocket = true;
    }

    /// <param name="input">Read from; closed with this.</param>
    /// <param name="output">Written to; may be the same.</param>
    internal ClientConnection(int input, int output)
    {
        this.input = input;
        this.output = output;
        isSocket = ServerSockets.IsSocket(input) && ServerSockets.IsSocket(output);
        if (!isSocket) return;
        ServerSockets.Prepare(input);
        ServerSockets.Prepare(output);
    }

    /// <summary>The descriptor to wait at for the client.</summary>
    internal int Fd => input;

    /// <summary>Longest wait for the client to send or to take something, in milliseconds.</summary>
    internal int Patience { get; set; } = 1_200_000;

    /// <summary>The secure channel, or null.</summary>
    internal TlsStream? Tls => secure;

    /// <summary>Lends buffers; they stay until <see cref="TakeBuffers"/>.</summary>
    internal void Lend(ConnectionBuffers lent) => buffers = lent;

    /// <summary>Takes the buffers back; nothing may be left in them.</summary>
    internal void TakeBuffers()
    {
        if (start != end || written > 0) throw new InvalidOperationException("the buffers are not empty");
        buffers = null;
    }

    /// <summary>Room for what becomes of one <see cref="Fill"/> of a message.</summary>
    internal byte[] Spare => buffers!.Converted;

    /// <summary>Whether bytes are here already that nobody has consumed.</summary>
    internal bool HasBuffered => start < end || secure is { HasPending: true };

    /// <summary>
    /// Whether the client's next bytes, or its end, are there or come in a moment (<see cref="ServerSockets.ReadMilliseconds"/>).
    /// </summary>
    /// <param name="wait">Whether to wait that moment.</param>
    /// <param name="take">Whether they may be received now; not when they belong to a handshake.</param>
    /// <exception cref="ClientGoneException">The client is gone.</exception>
    internal bool Continues(bool wait, bool take)
    {
        if (HasBuffered) return true;
        if (!isSocket || secure != null || !take) return Poll.WaitFor(input, false, wait ? ServerSockets.ReadMilliseconds : 0);
        int n = Sockets.ReceiveSoon(input, buffers!.Input, wait);
        if (n == -Errno.EAGAIN) return false;
        start = 0;
        end = Some(n);
        return true;
    }

    /// <summary>What was received and not consumed; waits when that is nothing.</summary>
    /// <param name="until">When a wait ends at the latest, on the clock of <see cref="Clocks.BoottimeMilliseconds"/>.</param>
    /// <exception cref="ClientGoneException">The client is gone, or nothing came in time.</exception>
    internal ReadOnlySpan<byte> Fill(long until = long.MaxValue)
    {
        if (start == end)
        {
            if (!HasBuffered) Flush();
            start = end = 0;
            end = Received(buffers!.Input, Math.Min(Sockets.In(Patience), until));
        }
        return buffers!.Input.AsSpan(start, end - start);
    }

    /// <summary>Marks bytes of <see cref="Fill"/> as consumed.</summary>
    internal void Consume(int count) => start += count;

    /// <summary>Longest line of <see cref="ReadLine"/> in bytes, its end included.</summary>
    internal const int LongestLine = 16384;

    /// <summary>
    /// A line without its end, in Latin-1; null when it is too long, and then the rest of it is still to come.
    /// </summary>
    /// <param name="bare">Whether it ended with LF alone.</param>
    /// <exception cref="ClientGoneException">The client is gone, or too slow.</exception>
    internal string? ReadLine(out bool bare)
    {
        bare = false;
        _ = Fill();
        long limit = Sockets.In(Patience);
        for (int searched = 0; ;)
        {
            ReadOnlySpan<byte> line = buffers!.Input.AsSpan(start, end - start);
            int length = line[searched..].IndexOf((byte)'\n') + searched;
            if (length >= searched)
            {
                Consume(length + 1);
                bare = length == 0 || line[length - 1] != '\r';
                return Latin1.String(line[..(bare ? length : length - 1)]);
            }
            searched = line.Length;
            if (searched == LongestLine)
            {
                Discard();
                return null;
            }
            if (start > 0)
            {
                line.CopyTo(buffers.Input);
                (start, end) = (0, searched);
            }
            if (secure is not { HasPending: true }) Flush();
            end += Received(buffers.Input.AsSpan(end), limit);
        }
    }

    /// <summary>
    /// Throws away what was received and not consumed: what came in the clear says nothing once TLS has begun (RFC 3207 4.2).
    /// </summary>
    internal void Discard() => start = end = 0;

    /// <summary>Does the TLS handshake; everything from now on is secure.</summary>
    /// <exception cref="TlsException">It failed; the connection is of no more use.</exception>
    /// <exception cref="ClientGoneException">The client is gone, or takes nothing.</exception>
    internal void Secure(TlsServerContext context, int milliseconds)
    {
        Flush();
        Discard();
        _ = Files.SetNonBlocking(input, true);
        secure = TlsStream.Accept(context, input, Sockets.In(Math.Min(milliseconds, Patience)));
    }

    /// <summary>Whether TLS is possible: both directions are one socket.</summary>
    internal bool CanBeSecured => isSocket;

    /// <summary>Writes Latin-1 text.</summary>
    /// <exception cref="ClientGoneException">The client is gone, or takes nothing.</exception>
    internal void Write(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            if (written == buffers!.Output.Length) Flush();
            int n = Math.Min(text.Length, buffers.Output.Length - written);
            written += Latin1.Bytes(text[..n], buffers.Output.AsSpan(written));
            text = text[n..];
        }
    }

    /// <summary>Sends what was written.</summary>
    /// <exception cref="ClientGoneException">The client is gone, or takes nothing.</exception>
    internal void Flush()
    {
        int n = written;
        written = 0;
        if (n > 0) Send(buffers!.Output.AsSpan(0, n));
    }

    private void Send(ReadOnlySpan<byte> bytes)
    {
        int r = secure != null ? SendSecurely(bytes)
            : isSocket ? Sockets.SendAll(output, bytes, Sockets.In(Patience)) : SendToFile(bytes);
        if (r == -Errno.ETIMEDOUT) throw new ClientGoneException("timeout", timedOut: true);
        if (r < 0) throw new ClientGoneException(Errno.Text(r));
    }

    /// <summary>
    /// Sends a few bytes without a buffer and without waiting; false when the client would have to be waited for.
    /// </summary>
    internal bool TrySend(string text)
    {
        byte[] bytes = Latin1.Bytes(text);
        if (secure == null) return (isSocket ? Sockets.SendNow(output, bytes) : Files.Write(output, bytes)) == bytes.Length;
        try
        {
            return secure.SendAll(bytes, Sockets.In(0), 0) == 0;
        }
        catch (TlsException)
        {
            return false;
        }
    }

    private int SendSecurely(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return secure!.SendAll(bytes, Sockets.In(Patience), Patience);
        }
        catch (TlsException e)
        {
            throw new ClientGoneException(e.Message);
        }
    }

    private int ReceiveSecurely(Span<byte> buffer, long limit)
    {
        try
        {
            return secure!.Receive(buffer, limit);
        }
        catch (TlsException e)
        {
            throw new ClientGoneException(e.Message);
        }
    }

    private int SendToFile(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (!Poll.WaitFor(output, true, Patience)) return -Errno.ETIMEDOUT;
            int n = Files.Write(output, bytes[..Math.Min(bytes.Length, LargestPipeWrite)]);
            if (n == -Errno.EAGAIN) continue;
            if (n < 0) return n;
            bytes = bytes[n..];
        }
        return 0;
    }

    private int Received(Span<byte> buffer, long limit)
    {
        return Some(secure != null ? ReceiveSecurely(buffer, limit) : Receive(buffer, limit));
    }

    // A number of bytes, when it is one.
    private static int Some(int n)
    {
        if (n == -Errno.ETIMEDOUT) throw new ClientGoneException("timeout", timedOut: true);
        if (n <= 0) throw new ClientGoneException(n == 0 ? "connection closed" : Errno.Text(n));
        return n;
    }

    private int Receive(Span<byte> buffer, long limit)
    {
        for (bool ready = isSocket; ; ready = true)
        {
            if (ready)
            {
                int n = isSocket ? Sockets.ReceiveSoon(input, buffer, wait: true) : Files.Read(input, buffer);
                if (n != -Errno.EAGAIN) return n;
            }
            if (!Poll.WaitFor(input, false, (int)Math.Max(0, limit - Clocks.BoottimeMilliseconds))) return -Errno.ETIMEDOUT;
        }
    }

    public void Dispose()
    {
        secure?.Dispose();
        _ = Files.Close(input);
        if (output != input) _ = Files.Close(output);
    }
}
