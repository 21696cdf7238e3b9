// An SMTP server on loopback that plays the part a test writes for it.
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Qmta.Tests.Remote;

/// <summary>One connection of the server, seen from its part.</summary>
internal sealed class FakeSession : IDisposable
{
    private readonly NetworkStream plain;
    private readonly ConcurrentQueue<string> heard = [];
    private Stream stream;

    internal FakeSession(Socket socket, bool isFirst)
    {
        stream = plain = new NetworkStream(socket, ownsSocket: true);
        IsFirst = isFirst;
    }

    /// <summary>Begins TLS, as after a 220 to STARTTLS.</summary>
    internal void Secure(X509Certificate2 certificate)
    {
        SslStream secure = new(plain);
        stream = secure;
        secure.AuthenticateAsServer(certificate);
    }

    /// <summary>It is the first session of its server.</summary>
    internal bool IsFirst { get; }

    /// <summary>The server's side is closed.</summary>
    internal bool IsOver { get; private set; }

    /// <summary>Everything the client has said so far, line by line, without line ends.</summary>
    internal List<string> Heard => [.. heard];

    /// <summary>Bytes that came together with the last line heard.</summary>
    internal bool MoreAtHand => plain.DataAvailable;

    internal void Say(string text) => stream.Write(Encoding.Latin1.GetBytes(text));

    /// <summary>The next line; null at the end.</summary>
    internal string? Hear()
    {
        StringBuilder line = new();
        int b;
        while ((b = stream.ReadByte()) >= 0)
        {
            line.Append((char)b);
            if (!line.ToString().EndsWith("\r\n", StringComparison.Ordinal)) continue;
            line.Length -= 2;
            heard.Enqueue(line.ToString());
            return line.ToString();
        }
        return null;
    }

    /// <summary>So many bytes; fewer at the end, and null when there are none.</summary>
    internal string? HearBytes(int count)
    {
        byte[] bytes = new byte[count];
        int n = stream.ReadAtLeast(bytes, count, throwOnEndOfStream: false);
        return n == 0 ? null : Encoding.Latin1.GetString(bytes, 0, n);
    }

    /// <summary>Hears a line and answers it.</summary>
    internal void Answer(string reply)
    {
        if (Hear() != null) Say(reply);
    }

    /// <summary>Hears the message up to its lone dot.</summary>
    internal void HearMessage()
    {
        while (Hear() is not (null or "."))
        {
        }
    }

    public void Dispose()
    {
        stream.Dispose();
        IsOver = true;
    }
}

internal sealed class FakeMailServer : IDisposable
{
    private readonly TcpListener listener;
    private readonly ConcurrentQueue<FakeSession> sessions = [];

    /// <param name="many">Serves several sessions at a time.</param>
    internal FakeMailServer(Action<FakeSession> part, string address = "127.0.0.1", int port = 0, bool many = false)
    {
        listener = new TcpListener(IPAddress.Parse(address), port);
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        Aside.Run(() => Serve(part, many));
    }

    internal int Port { get; }

    /// <summary>Those so far.</summary>
    internal List<FakeSession> Sessions => [.. sessions];

    /// <summary>What was heard in the first session.</summary>
    internal List<string> Heard => Sessions[0].Heard;

    public void Dispose() => listener.Dispose();

    private void Serve(Action<FakeSession> part, bool many)
    {
        try
        {
            while (true)
            {
                FakeSession session = new(listener.AcceptSocket(), sessions.IsEmpty);
                sessions.Enqueue(session);
                if (many) Aside.Run(() => Play(session, part));
                else Play(session, part);
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // disposed
        }
    }

    private static void Play(FakeSession session, Action<FakeSession> part)
    {
        using (session)
        {
            try
            {
                part(session);
            }
            catch (Exception e) when (e is IOException or AuthenticationException or ObjectDisposedException or Xunit.Sdk.XunitException)
            {
                // The client left; or it did what it must not, and will be surprised by the end and report that.
            }
        }
    }
}
