// A TLS server on loopback whose connections a test writes the part for.
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Threading;

namespace Qmta.Tests.Tls;

internal sealed class TlsServer : IDisposable
{
    private readonly TcpListener listener;
    private readonly Action<SslStream> part;
    private readonly SslServerAuthenticationOptions options;
    private readonly ConcurrentQueue<string> clientNames = [];
    private int accepted;

    /// <param name="part">What the server does in each connection after the handshake.</param>
    internal TlsServer(X509Certificate2 certificate, Action<SslStream> part, SslProtocols protocols = SslProtocols.None,
        bool wantsCertificate = false)
    {
        this.part = part;
        options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true),
            EnabledSslProtocols = protocols,
            ClientCertificateRequired = wantsCertificate,
            RemoteCertificateValidationCallback = (_, presented, _, _) =>
            {
                clientNames.Enqueue(presented?.Subject ?? "none");
                return !clientNames.IsEmpty; // whoever it is
            },
        };
        listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        Aside.Run(Serve);
    }

    internal int Port { get; }
    internal int Accepted => accepted;

    /// <summary>Who the clients said they are.</summary>
    internal List<string> ClientNames => [.. clientNames];

    /// <summary>Sends everything back until the client closes.</summary>
    internal static void Echo(SslStream stream)
    {
        byte[] buffer = new byte[10_000];
        int n;
        while ((n = stream.Read(buffer)) > 0) stream.Write(buffer, 0, n);
    }

    public void Dispose() => listener.Dispose();

    private void Serve()
    {
        try
        {
            while (true)
            {
                Socket socket = listener.AcceptSocket();
                Interlocked.Increment(ref accepted);
                Aside.Run(() => Converse(socket));
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // disposed
        }
    }

    private void Converse(Socket socket)
    {
        try
        {
            using SslStream stream = new(new NetworkStream(socket, ownsSocket: true));
            stream.AuthenticateAsServer(options);
            part(stream);
        }
        catch (Exception e) when (e is IOException or AuthenticationException or ObjectDisposedException)
        {
            // the client left, which is its right
        }
    }
}
