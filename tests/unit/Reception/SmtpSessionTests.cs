using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Reception;
using Qmta.Smtp;
using Xunit;

namespace Qmta.Tests.Reception;

[Collection("alone")]
public sealed class SmtpSessionTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-smtpd-").FullName;

    public SmtpSessionTests()
    {
        File.WriteAllText(directory + "/me", "host.example\n");
        File.WriteAllText(directory + "/queue", "#!/bin/sh\ncat >" + directory + "/message\ncat <&1 >" + directory + "/envelope\n");
        _ = Files.ChangeMode(directory + "/queue", 0x1ED /* 0755 */);
    }

    public void Dispose() => Directory.Delete(directory, true);

    // A client on a real connection: the kernel's, in this process.
    private List<string> Talk(byte[][] packets, Action<Peer>? prepare = null)
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        using TcpClient client = new();
        client.Connect((IPEndPoint)listener.LocalEndpoint);
        using Socket accepted = listener.AcceptSocket();
        int fd = Files.Duplicate((int)accepted.Handle, 3);
        Peer peer = Peer.OfConnection(fd, new TcpEnd(IpAddress.LoopbackV4, 1));
        peer.Set("QMAILQUEUE", directory + "/queue");
        prepare?.Invoke(peer);
        SmtpService service = new(new CurrentSettings<SmtpSettings>(SmtpSettings.Read, directory), [],
            new Handshakes("mini-smtpd", ServerTls.Read(new ControlFiles(directory), new CertificateFiles(directory))));
        Conversation conversation = new(new ClientConnection(fd, fd), peer,
            (connection, who) => new SmtpSession(service, connection, who), null);
        Assert.True(conversation.Greet());
        Thread server = new(() => conversation.Serve(new ConnectionBuffers(), Hold.ForEver));
        server.Start();
        NetworkStream stream = client.GetStream();
        foreach (byte[] packet in packets) stream.Write(packet);
        client.Client.Shutdown(SocketShutdown.Send);
        accepted.Close(); // the session's own descriptor keeps the connection
        stream.ReadTimeout = 20_000;
        MemoryStream replies = new();
        try
        {
            stream.CopyTo(replies);
        }
        catch (IOException)
        {
            // closed with something unread
        }
        Assert.True(server.Join(20_000));
        List<string> codes = [];
        foreach (string line in Encoding.Latin1.GetString(replies.ToArray()).Split("\r\n"))
            if (line.Length > 3 && line[3] == ' ') codes.Add(line[..3]);
        return codes;
    }

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    private const string Begin = "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@host.example>\r\n";

    [Fact]
    public void TakesAMessageInOnePacket()
    {
        List<string> codes = Talk([Bytes(Begin + "DATA\r\nSubject: x\r\n\r\n..\r\n.\r\nQUIT\r\n")]);
        Assert.Equal(["220", "250", "250", "250", "354", "250", "221"], codes);
        Assert.EndsWith("\nSubject: x\n\n.\n", File.ReadAllText(directory + "/message", Encoding.Latin1));
        Assert.Equal("Fa@b\0Tc@host.example\0\0", File.ReadAllText(directory + "/envelope", Encoding.Latin1));
    }

    [Fact]
    public void TakesAMessageByteByByte()
    {
        List<byte[]> packets = [];
        foreach (byte b in Bytes(Begin + "DATA\r\nSubject: x\r\n\r\n..\r\n.\r\nQUIT\r\n")) packets.Add([b]);
        Assert.Equal(["220", "250", "250", "250", "354", "250", "221"], Talk([.. packets]));
        Assert.EndsWith("\nSubject: x\n\n.\n", File.ReadAllText(directory + "/message", Encoding.Latin1));
    }

    [Fact]
    public void QueuesNothingWithoutTheEnd()
    {
        Assert.Equal(["220", "250", "250", "250", "354"], Talk([Bytes(Begin + "DATA\r\nSubject: x\r\n\r\nhalf")]));
        Assert.Equal("", File.ReadAllText(directory + "/envelope"));
    }

    [Fact]
    public void SurvivesWhatIsNotSmtp()
    {
        Random random = new(4711);
        for (int i = 0; i < 30; i++)
        {
            byte[] noise = new byte[random.Next(1, 40_000)];
            random.NextBytes(noise);
            Assert.Equal("220", Talk([noise])[0]);
        }
    }

    [Fact]
    public void RelaysForThoseItShall()
    {
        byte[] packet = Bytes("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@far.example>\r\n");
        Assert.Equal("553", Talk([packet])[^1]);
        Assert.Equal("250", Talk([packet], peer => peer.Set("RELAYCLIENT", ""))[^1]);
        File.WriteAllText(directory + "/relayclients", "127.0.0.:\n");
        Assert.Equal("250", Talk([packet])[^1]);
    }
}
