// A server on loopback for the clients: it says what it was told to say, when the client has said what it has to.
using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using Qmta.Posix;
using Qmta.Smtp;
using Qmta.Text;

namespace Qmta.Tests.Fuzz;

/// <summary>One such server; a conversation at a time.</summary>
internal sealed class ScriptedServer
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly SemaphoreSlim start = new(0), done = new(0);
    private Func<string, int> wanted = _ => 0;
    private List<byte[]> script = [];

    internal ScriptedServer()
    {
        listener.Start();
        new Thread(Serve) { IsBackground = true }.Start();
    }

    /// <summary>What the client said.</summary>
    internal string Heard { get; private set; } = "";

    /// <summary>How many pieces of the script were said.</summary>
    internal int Said { get; private set; }

    /// <summary>How much had been heard when a piece was said.</summary>
    internal List<int> HeardBefore { get; } = [];

    /// <summary>Begins a conversation and opens the client's end.</summary>
    /// <param name="pieces">What is said, piece by piece; then the connection is closed.</param>
    /// <param name="until">Where in what was heard the next piece is due; -1 while it is not.</param>
    internal Connection Open(List<byte[]> pieces, Func<string, int> until, SmtpBuffers buffers)
    {
        script = pieces;
        wanted = until;
        start.Release();
        Connection connection = Connection.Open(IpAddress.LoopbackV4, ((IPEndPoint)listener.LocalEndpoint).Port, null, Sockets.In(60_000),
            buffers.Received, out int error) ?? throw new InvalidOperationException("unable to connect: " + Errno.Text(error));
        connection.Patience = 30_000;
        return connection;
    }

    /// <summary>Waits for the end, after the client's end was closed.</summary>
    internal void Finish() => done.Wait();

    private void Serve()
    {
        while (true)
        {
            start.Wait();
            Heard = "";
            Said = 0;
            HeardBefore.Clear();
            using (Socket socket = listener.AcceptSocket())
            {
                try
                {
                    Converse(socket);
                }
                catch (SocketException)
                {
                    // the client has gone in the middle
                }
            }
            done.Release();
        }
    }

    private void Converse(Socket socket)
    {
        byte[] buffer = new byte[65536];
        List<byte> heard = [];
        int at = 0;
        bool open = true;
        void Hear()
        {
            int n = socket.Receive(buffer);
            open = n > 0;
            heard.AddRange(buffer.AsSpan(0, n));
            Heard = Latin1.String([.. heard]);
        }

        foreach (byte[] piece in script)
        {
            int end;
            // A client that waits for more of a reply gets the next piece after all.
            while ((end = wanted(Heard[at..])) < 0 && open && socket.Poll(100_000, SelectMode.SelectRead)) Hear();
            if (!open) break;
            at += Math.Max(end, 0);
            HeardBefore.Add(at);
            Said++;
            socket.Send(piece);
        }
        socket.Shutdown(SocketShutdown.Send);
        while (open) Hear();
    }
}
