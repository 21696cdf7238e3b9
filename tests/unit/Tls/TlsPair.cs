// Both ends of TLS in one test: qmta's server talks to qmta's client.
using System;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks;
using Qmta.Posix;
using Qmta.Tls;
using Xunit;

namespace Qmta.Tests.Tls;

internal static class TlsPair
{
    private const string Host = "mx.test";

    internal static (Socket Client, Socket Server) Connect()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Socket client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndpoint);
        Socket server = listener.AcceptSocket();
        client.Blocking = server.Blocking = false;
        return (client, server);
    }

    /// <summary>Both sides' handshakes and one exchange; then looks at the client's and the server's end.</summary>
    internal static void Converse(TlsServerContext context, TlsContext clients, Action<TlsStream, TlsStream>? look = null)
    {
        (Socket near, Socket far) = Connect();
        using (near)
        using (far)
        {
            Task<TlsStream> accepting = Accept(context, far);
            try
            {
                using TlsStream client = TlsStream.Connect(clients, (int)near.Handle, new TlsPeer(Host, false, "k"), Sockets.In(60_000));
                using TlsStream server = Result(accepting);
                Exchange(client, server);
                Exchange(server, client);
                look?.Invoke(client, server);
            }
            finally
            {
                try
                {
                    Result(accepting).Dispose();
                }
                catch (TlsException)
                {
                    // the client has said why
                }
            }
        }
    }

    /// <summary>The server's handshake.</summary>
    internal static Task<TlsStream> Accept(TlsServerContext context, Socket socket) =>
        Aside.Run(() => TlsStream.Accept(context, (int)socket.Handle, Sockets.In(60_000)));

    internal static TlsStream Result(Task<TlsStream> accepting) => accepting.GetAwaiter().GetResult();

    private static void Exchange(TlsStream from, TlsStream to)
    {
        Assert.Equal(0, from.SendAll("hello"u8, Sockets.In(30_000), 30_000));
        byte[] buffer = new byte[5];
        for (int n = 0; n < 5;)
        {
            int r = to.Receive(buffer.AsSpan(n), Sockets.In(30_000));
            Assert.True(r > 0, Errno.Text(r));
            n += r;
        }
        Assert.Equal("hello"u8.ToArray(), buffer);
    }
}
