// A TCP connection to a mail server that can neither stall nor drag on: every wait has an end.
using System;
using Qmta.Posix;
using Qmta.Tls;

namespace Qmta.Smtp;

/// <summary>The conversation cannot go on; the message says why, as a sentence without its full stop.</summary>
public sealed class ConnectionException : Exception
{
    public ConnectionException(string reason) : base(reason) { }
}

/// <summary>
/// Bytes to and from one peer, received through a buffer, in the clear or, after <see cref="Secure"/>, through TLS.
/// </summary>
public sealed class Connection : IDisposable
{
    private byte[] received;
    private int fd;
    private int start, end;

    private Connection(int fd, IpAddress peer, int port, byte[] buffer)
    {
        this.fd = fd;
        Peer = peer;
        Port = port;
        received = buffer;
    }

    public IpAddress Peer { get; }
    public int Port { get; }

    /// <summary>The secure channel; null while everything goes in the clear.</summary>
    public TlsStream? Tls { get; private set; }

    /// <summary>Longest wait for one reply, and longest time the peer may take no byte, in milliseconds.</summary>
    public int Patience { get; set; } = 1_200_000;

    /// <summary>When everything must be over (<see cref="Sockets.In"/>).</summary>
    public long Deadline { get; set; } = long.MaxValue;

    /// <summary>Connects; null when that fails, with -errno in <paramref name="error"/>.</summary>
    /// <param name="from">The local address, or null for the system's choice.</param>
    /// <param name="limit">When to give up.</param>
    /// <param name="buffer">Receives; it is the caller's again after <see cref="Dispose"/>.</param>
    public static Connection? Open(IpAddress to, int port, IpAddress? from, long limit, byte[] buffer, out int error)
    {
        error = Sockets.Connect(to, port, from, limit);
        return error < 0 ? null : new Connection(error, to, port, buffer);
    }

    /// <summary>
    /// Whether nothing has come that was not consumed, the end included.
    /// </summary>
    public bool IsQuiet => start == end && (Tls == null ? !Poll.WaitFor(fd, false, 0) : Tls.IsQuiet);

    /// <summary>Receives into another buffer from now on; only while nothing is in the present one.</summary>
    public void UseBuffer(byte[] buffer)
    {
        if (start != end) throw new InvalidOperationException("received bytes would be lost");
        received = buffer;
        start = end = 0;
    }

    /// <summary>
    /// Does the TLS handshake; everything from now on is secure. What was received before and not consumed is thrown
    /// away: anybody on the way could have put it there, to be taken for the server's word (RFC 3207 4.2).
    /// </summary>
    /// <param name="limit">When the handshake must be over.</param>
    /// <exception cref="TlsException">It failed; the connection is of no more use.</exception>
    public void Secure(TlsContext context, TlsPeer peer, long limit)
    {
        start = end = 0;
        Tls = TlsStream.Connect(context, fd, peer, Math.Min(limit, Deadline));
    }

    /// <summary>Sends everything.</summary>
    /// <exception cref="ConnectionException">The peer is gone or takes nothing.</exception>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        int r;
        try
        {
            r = Tls == null ? Sockets.SendAll(fd, bytes, Deadline, Patience) : Tls.SendAll(bytes, Deadline, Patience);
        }
        catch (TlsException e)
        {
            throw new ConnectionException("Sending through TLS failed: " + e.Message);
        }
        if (r == -Errno.ETIMEDOUT) throw new ConnectionException("The server took no data in time");
        if (r < 0) throw new ConnectionException("Sending failed: " + Errno.Text(r));
    }

    /// <summary>When a reply that is awaited from now on must be complete.</summary>
    public long ReplyLimit() => Math.Min(Deadline, Sockets.In(Patience));

    /// <summary>What was received and not consumed; waits for more when that is nothing.</summary>
    /// <exception cref="ConnectionException">Nothing came in time, or the peer is gone.</exception>
    public ReadOnlySpan<byte> Fill(long limit)
    {
        if (start == end)
        {
            start = end = 0;
            int n;
            try
            {
                n = Tls == null ? Sockets.Receive(fd, received, limit) : Tls.Receive(received, limit);
            }
            catch (TlsException e)
            {
                throw new ConnectionException("Receiving through TLS failed: " + e.Message);
            }
            if (n == -Errno.ETIMEDOUT) throw new ConnectionException("The server did not reply in time");
            if (n < 0) throw new ConnectionException("Receiving failed: " + Errno.Text(n));
            if (n == 0) throw new ConnectionException("The server closed the connection");
            end = n;
        }
        return received.AsSpan(start, end - start);
    }

    /// <summary>Marks bytes of <see cref="Fill"/> as consumed.</summary>
    public void Consume(int count) => start += count;

    public void Dispose()
    {
        Tls?.Dispose();
        _ = Files.Close(fd);
        fd = -1;
    }
}
