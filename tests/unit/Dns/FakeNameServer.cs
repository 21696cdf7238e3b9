// A name server on loopback that answers as a test tells it, by UDP and TCP on one port.
using System;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using Qmta.Dns;
using Qmta.Posix;

namespace Qmta.Tests.Dns;

/// <summary>A question as it arrived.</summary>
internal sealed record Question(int Id, string Name, int Type, bool Extended, bool Tcp, bool Authenticated);

internal sealed class FakeNameServer : IDisposable
{
    private readonly Func<Question, byte[][]> answer;
    private readonly ConcurrentQueue<Question> asked = [];
    private readonly Socket udp;
    private readonly TcpListener tcp;

    /// <param name="answer">The packets that answer a question; none for silence.</param>
    internal FakeNameServer(Func<Question, byte[][]> answer, IPAddress? address = null)
    {
        this.answer = answer;
        address ??= IPAddress.Loopback;
        for (int attempt = 1; ; attempt++)
        {
            udp = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            udp.Bind(new IPEndPoint(address, 0));
            Port = ((IPEndPoint)udp.LocalEndPoint!).Port;
            tcp = new TcpListener(address, Port);
            try
            {
                tcp.Start();
                break;
            }
            catch (SocketException) when (attempt < 50)
            {
                // The same number is taken for TCP, by another test perhaps.
                udp.Dispose();
                tcp.Dispose();
            }
        }
        Aside.Run(ServeDatagrams);
        Aside.Run(ServeStreams);
    }

    internal int Port { get; }

    /// <summary>The questions so far.</summary>
    internal List<Question> Asked => [.. asked];

    internal Resolver Resolver(int timeout = 1, int attempts = 1) => new(new ResolverSettings
    {
        Servers = [new NameServer(IpAddress.LoopbackV4, Port)],
        Timeout = timeout,
        Attempts = attempts,
    });

    public void Dispose()
    {
        udp.Dispose();
        tcp.Dispose();
    }

    private byte[][] Answer(ReadOnlySpan<byte> packet, bool isTcp)
    {
        int at = 12;
        Assert(DnsName.TryDecode(packet, ref at, out string name));
        Question question = new(BinaryPrimitives.ReadUInt16BigEndian(packet), name, packet[at + 1], packet[11] == 1, isTcp, (packet[3] & 0x20) != 0);
        asked.Enqueue(question);
        return answer(question);
    }

    private static void Assert(bool good)
    {
        if (!good) throw new InvalidOperationException("the question is malformed");
    }

    private void ServeDatagrams()
    {
        byte[] buffer = new byte[65536];
        try
        {
            while (true)
            {
                EndPoint from = new IPEndPoint(udp.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
                int n = udp.ReceiveFrom(buffer, ref from);
                foreach (byte[] packet in Answer(buffer.AsSpan(0, n), false)) udp.SendTo(packet, from);
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // disposed
        }
    }

    private void ServeStreams()
    {
        try
        {
            while (true)
            {
                using Socket socket = tcp.AcceptSocket();
                byte[] buffer = new byte[1024];
                int n = 0, received = 1;
                while (received > 0 && (n < 2 || n < 2 + BinaryPrimitives.ReadUInt16BigEndian(buffer)))
                    n += received = socket.Receive(buffer, n, buffer.Length - n, SocketFlags.None);
                if (received == 0) continue; // the client has changed its mind
                foreach (byte[] packet in Answer(buffer.AsSpan(2, n - 2), true))
                {
                    byte[] length = new byte[2];
                    BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)packet.Length);
                    socket.Send(length);
                    socket.Send(packet);
                }
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // disposed
        }
    }
}
