// One message by the socket lock/submit: what goes out, and that it takes the other way as long as nobody has taken it.
using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Qmta.Posix;
using Qmta.Queue;
using Xunit;

namespace Qmta.Tests.Queue;

[Collection("alone")]
public sealed class QueueWriterTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-qw-").FullName;
    private readonly Dictionary<string, string?> before = [];
    private readonly int listening;

    public QueueWriterTests()
    {
        foreach (string name in (string[])["QUEUEDIR", "PATH", "QMAILQUEUE", .. QueueWriter.OwnVariables]) before[name] = Variables.Get(name);
        foreach (string name in before.Keys) Variables.Set(name, null);
        Variables.Set("QUEUEDIR", directory);
        Variables.Set("PATH", directory + ":/usr/bin:/bin");
        Directory.CreateDirectory(directory + "/lock");
        // qmail-queue of this test
        File.WriteAllText(directory + "/qmail-queue", $"#!/bin/sh\ncat >{directory}/message\ncat <&1 >{directory}/envelope\n");
        Assert.Equal(0, Files.ChangeMode(directory + "/qmail-queue", 0x1ED));
        listening = PosixException.Check(LocalSocket.Listen(directory + "/lock/submit", 4), "unable to listen");
    }

    public void Dispose()
    {
        foreach ((string name, string? value) in before) Variables.Set(name, value);
        _ = Files.Close(listening);
        Directory.Delete(directory, recursive: true);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(100_000)]
    public void WhatNobodyTakesGoesToAProcess(int length)
    {
        using Server server = new(listening, ready: false, code: 0);
        Assert.Equal(new QueueResult(0, ""), Send(length, null));
        Assert.Equal(Content(length), File.ReadAllText(directory + "/message"));
        Assert.Equal("Fs@a\0Tr@b\0\0", File.ReadAllText(directory + "/envelope"));
    }

    [Fact]
    public void WithoutAProcessEitherItIsNotAccepted()
    {
        using Server server = new(listening, ready: false, code: 0);
        File.Delete(directory + "/qmail-queue");
        Variables.Set("PATH", directory);
        QueueResult result = Send(100, null);
        Assert.False(result.Accepted);
        Assert.Equal('Z', result.Text[0]);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(100, 0)]
    [InlineData(100_000, 0)]
    [InlineData(100, 53)]
    public void WhatIsTakenArrives(int length, byte code)
    {
        using Server server = new(listening, ready: true, code);
        Assert.Equal(code, Send(length, null).Code);
        Assert.Equal(Content(length), server.Message.ToString());
        Assert.Equal("Fs@a\0Tr@b\0\0", server.Envelope.ToString());
        Assert.False(File.Exists(directory + "/message"));
    }

    [Theory]
    [InlineData("QQEH=X-Test: yes")]
    [InlineData("QUEUEDIR=/elsewhere")]
    [InlineData("NULLQUEUE=1")]
    public void AVariableOfOneMessageTakesAProcess(string variable)
    {
        using Server server = new(listening, ready: true, code: 0);
        Assert.True(Send(10, ["PATH=" + Variables.Get("PATH"), "QUEUEDIR=" + directory, variable]).Accepted);
        Assert.True(File.Exists(directory + "/message"));
        Assert.Equal("", server.Message.ToString());
    }

    [Fact]
    public void TheSameVariablesDoNot()
    {
        using Server server = new(listening, ready: true, code: 0);
        Assert.True(Send(10, ["OTHER=1", "QUEUEDIR=" + directory]).Accepted);
        Assert.Equal(Content(10), server.Message.ToString());
    }

    [Fact]
    public void NothingGoesOutOfAMessageThatIsGivenUp()
    {
        using Server server = new(listening, ready: true, code: 0);
        QueueProgram program = QueueProgram.Start(out _)!;
        program.Put("Subject: half");
        program.Fail();
        Assert.False(program.Close().Accepted);
        server.Dispose();
        Assert.Equal("", server.Message.ToString());
        Assert.False(File.Exists(directory + "/message"));
    }

    private static string Content(int length) => new('x', length);

    private static QueueResult Send(int length, IReadOnlyList<string>? environment)
    {
        QueueProgram program = QueueProgram.Start(out _, environment: environment)!;
        for (int at = 0; at < length; at += 1000) program.Put(Content(Math.Min(1000, length - at)));
        program.From("s@a");
        program.To("r@b");
        return program.Close();
    }

    /// <summary>Takes one connection, or closes it at once.</summary>
    private sealed class Server : IDisposable
    {
        private readonly Task part;
        private int over;

        internal StringBuilder Message { get; } = new();
        internal StringBuilder Envelope { get; } = new();

        internal Server(int listening, bool ready, byte code)
        {
            part = Aside.Run(() => Serve(listening, ready, code));
        }

        private void Serve(int listening, bool ready, byte code)
        {
            while (!Poll.WaitFor(listening, false, 20))
                if (Volatile.Read(ref over) != 0) return;
            int connection = LocalSocket.Accept(listening, out _);
            byte[] packet = new byte[QueuePacket.Longest];
            if (ready && DescriptorSocket.Send(connection, QueuePacket.Ready, []) >= 0)
                while (DescriptorSocket.Receive(connection, packet, [], out _) is int n and > 0)
                {
                    (packet[0] == QueuePacket.Message ? Message : Envelope).Append(Encoding.Latin1.GetString(packet, 1, n - 1));
                    if (packet[0] != QueuePacket.LastEnvelope) continue;
                    _ = DescriptorSocket.Send(connection, code, []);
                    break;
                }
            _ = Files.Close(connection);
        }

        public void Dispose()
        {
            Volatile.Write(ref over, 1);
            part.Wait();
        }
    }
}
