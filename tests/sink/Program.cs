// mailsink: a small SMTP server on loopback that keeps what it receives, and that can play broken servers.
using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using System.Threading;

namespace Qmta.Tests.Sink;

internal static class Program
{
    private static int Main(string[] args)
    {
        Options options;
        try
        {
            options = Options.Parse(args);
        }
        catch (FormatException e)
        {
            Console.Error.WriteLine("mailsink: " + e.Message + "\n" + Options.Usage);
            return 100;
        }
        if (options.Help)
        {
            Console.Out.WriteLine(Options.Usage);
            return 0;
        }
        Store store;
        TcpListener listener = new(options.Address, options.Port);
        try
        {
            store = new Store(options.Directory);
            listener.Start(1024);
            // Renamed into place, so that who waits for the file finds it whole.
            File.WriteAllText(options.PortFile + ".new", ((IPEndPoint)listener.LocalEndpoint).Port + "\n");
            File.Move(options.PortFile + ".new", options.PortFile, true);
        }
        catch (Exception e) when (e is IOException or SocketException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine("mailsink: " + e.Message);
            return 111;
        }
        using ManualResetEventSlim ended = new();
        void End(PosixSignalContext context)
        {
            context.Cancel = true;
            ended.Set();
        }
        using PosixSignalRegistration term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        new Thread(() => Accept(listener, options, store)) { IsBackground = true }.Start();
        ended.Wait();
        return 0;
    }

    private static void Accept(TcpListener listener, Options options, Store store)
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = listener.AcceptSocket();
            }
            catch (SocketException)
            {
                Thread.Sleep(50); // out of descriptors: some will be closed
                continue;
            }
            new Thread(() => Converse(socket, options, store), 256 * 1024) { IsBackground = true }.Start();
        }
    }

    private static void Converse(Socket socket, Options options, Store store)
    {
        using (socket)
        {
            try
            {
                if (options.LogConnections) Console.Error.WriteLine("connection from " + socket.RemoteEndPoint);
                if (options.Qmtp)
                {
                    using QmtpSession session = new(socket, options, store);
                    session.Run();
                }
                else
                {
                    using Session session = new(socket, options, store);
                    session.Run();
                }
            }
            catch (Exception e) when (e is IOException or SocketException or AuthenticationException)
            {
                // The client left; what it had not finished sending is not a message.
            }
        }
    }
}
