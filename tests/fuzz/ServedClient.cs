// A client in memory, for the servers: it has said all it will say, and the server hears it in pieces.
using System;
using System.IO;
using System.Runtime.InteropServices;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Reception;
using Qmta.Smtp;
using Qmta.Text;

namespace Qmta.Tests.Fuzz;

/// <summary>Runs a server's session against bytes.</summary>
internal static class ServedClient
{
    private const int Packets = 0x4000, PacketsOnArm = 0x10000; // O_DIRECT makes a pipe one of packets (pipe(2))
    private const int SetFlags = 4, SetPipeSize = 1031, PipeSize = 1 << 20, MostPieces = 250;

    [DllImport("libc", EntryPoint = "fcntl"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Control(int fd, int command, int argument);

    private static readonly ConnectionBuffers Buffers = new();

    /// <summary>Serves a client that says the input and goes; returns what it was told.</summary>
    internal static string Serve(byte[] input, Random chance, SessionFactory begin)
    {
        int fd = PipeOf(input, chance);
        string outPath = Scratch.Path + "/said";
        int output = Files.Open(outPath, OpenMode.Write | OpenMode.Create | OpenMode.Truncate, 0x180);
        using ClientConnection connection = new(fd, output);
        Peer peer = Peer.OfConnection(fd, new TcpEnd(IpAddress.LoopbackV4, 12345));
        peer.Set("RELAYCLIENT", "");
        peer.Set("QMAILQUEUE", QueuedMessages.Program);
        ISession session = begin(connection, peer);
        connection.Lend(Buffers);
        try
        {
            connection.Write(session.Greeting);
            while (session.Serve()) connection.Flush();
            connection.Flush();
        }
        catch (ClientGoneException)
        {
            // the client has said all
        }
        return Latin1.String(File.ReadAllBytes(outPath));
    }

    // A pipe that holds all the client says and ends then; each read gets one piece.
    private static int PipeOf(byte[] input, Random chance)
    {
        _ = Files.Pipe(out int readEnd, out int writeEnd);
        bool arm = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;
        _ = Control(writeEnd, SetPipeSize, PipeSize);
        _ = Control(writeEnd, SetFlags, arm ? PacketsOnArm : Packets);
        for (int at = 0, pieces = 0; at < input.Length; pieces++)
        {
            int left = Math.Min(input.Length - at, 4096);
            int n = pieces >= MostPieces - 1 - (input.Length - at) / 4096 ? left : Math.Min(left, chance.Next(3) switch { 0 => 1 + chance.Next(8), 1 => 1 + chance.Next(500), _ => left });
            _ = Files.WriteAll(writeEnd, input.AsSpan(at, n));
            at += n;
        }
        _ = Files.Close(writeEnd);
        return readEnd;
    }

    /// <summary>Makes a service ready, with control files that say no more than the host's name.</summary>
    internal static SessionFactory Prepare(Service service)
    {
        string directory = Scratch.Folder("servers");
        File.WriteAllText(directory + "/me", "here.example\n");
        Variables.Set("CONTROLDIR", directory);
        Variables.Set("DATABYTES", null);
        return service.Prepare([], new Handshakes(service.Program, ServerTls.Read(new ControlFiles(directory))));
    }
}
