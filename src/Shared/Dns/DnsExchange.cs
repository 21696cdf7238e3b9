// One question to one name server, by UDP and, when the answer does not fit, by TCP.
using System;
using System.Buffers.Binary;
using Qmta.Posix;

namespace Qmta.Dns;

/// <summary>Asks a server and takes only the answer to the question (RFC 5452 9.1).</summary>
internal static class DnsExchange
{
    // Bigger than what is welcome: some servers do not count.
    private const int ReceiveSize = 4096;

    /// <summary>The server's response, or null with the reason, a sentence part.</summary>
    /// <param name="extended">With EDNS0.</param>
    /// <param name="settings">Whether to ask for authentication, and by TCP at once.</param>
    /// <param name="end">When to give up.</param>
    internal static DnsMessage? Ask(NameServer server, string name, DnsType type, bool extended,
        ResolverSettings settings, long end, out string reason)
    {
        Span<byte> query = stackalloc byte[DnsMessage.LongestQuery];
        int id = RandomId();
        query = query[..DnsMessage.Query(query, id, name, type, extended, settings.TrustAuthenticated)];
        if (settings.AlwaysTcp) return ByStream(server, query, id, name, type, end, out reason);
        DnsMessage? message = ByDatagram(server, query, id, name, type, end, out reason);
        return message is { Truncated: true } ? ByStream(server, query, id, name, type, end, out reason) : message;
    }

    private static DnsMessage? ByDatagram(NameServer server, ReadOnlySpan<byte> query, int id, string name,
        DnsType type, long end, out string reason)
    {
        int fd = Sockets.ConnectDatagram(server.Address, server.Port, server.Zone);
        if (fd < 0)
        {
            reason = Errno.Text(fd);
            return null;
        }
        try
        {
            int r = Sockets.SendAll(fd, query, end);
            Span<byte> packet = stackalloc byte[ReceiveSize];
            while (r >= 0)
            {
                r = Sockets.Receive(fd, packet, end);
                // Whatever is not the answer may be somebody's attempt to be faster than the server: wait on.
                if (r >= 0 && DnsMessage.Parse(packet[..r], id, name, type) is DnsMessage message)
                {
                    reason = "";
                    return message;
                }
            }
            reason = r == -Errno.ETIMEDOUT ? "no answer" : Errno.Text(r);
            return null;
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    private static DnsMessage? ByStream(NameServer server, ReadOnlySpan<byte> query, int id, string name, DnsType type,
        long end, out string reason)
    {
        int fd = Sockets.Connect(server.Address, server.Port, null, end, server.Zone);
        if (fd < 0)
        {
            reason = "by TCP: " + Errno.Text(fd);
            return null;
        }
        try
        {
            // RFC 1035 4.2.2: two bytes of length before each message
            byte[] framed = new byte[query.Length + 2];
            BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)query.Length);
            query.CopyTo(framed.AsSpan(2));
            byte[] length = new byte[2];
            int r = Sockets.SendAll(fd, framed, end);
            if (r >= 0) r = ReceiveAll(fd, length, end);
            if (r >= 0)
            {
                byte[] packet = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
                r = ReceiveAll(fd, packet, end);
                if (r >= 0)
                {
                    DnsMessage? message = DnsMessage.Parse(packet, id, name, type);
                    if (message is { Truncated: true }) message = null;
                    reason = message == null ? "a malformed answer by TCP" : "";
                    return message;
                }
            }
            reason = "by TCP: " + (r == -Errno.ETIMEDOUT ? "no answer" : Errno.Text(r));
            return null;
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    private static int ReceiveAll(int fd, Span<byte> buffer, long end)
    {
        while (!buffer.IsEmpty)
        {
            int n = Sockets.Receive(fd, buffer, end);
            if (n < 0) return n;
            if (n == 0) return -Errno.ECONNRESET;
            buffer = buffer[n..];
        }
        return 0;
    }

    // Ids must not be guessable; the source port is the kernel's random choice.
    private static int RandomId()
    {
        Span<byte> bytes = stackalloc byte[2];
        int fd = Files.Open("/dev/urandom", OpenMode.Read);
        int n = fd < 0 ? fd : Files.Read(fd, bytes);
        _ = Files.Close(fd);
        return n == 2 ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : Random.Shared.Next(65536);
    }
}
