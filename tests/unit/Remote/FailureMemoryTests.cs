using System;
using System.IO;
using Qmta.Dns;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Remote;
using Qmta.Smtp;
using Xunit;

namespace Qmta.Tests.Remote;

public sealed class FailureMemoryTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    private string Deliver(int port, string tail = "")
    {
        RemoteSettings settings = new("me.test", new SmtpRoutes([$":[127.0.0.1]:{port}{tail}"]), 1000, 1000, false);
        int empty = Files.Open("/dev/null", OpenMode.Read);
        string report = new RemoteDelivery(settings, new Resolver(), new SmtpBuffers(), new TcpTimeouts(path))
            .Deliver(new RemoteMessage("there", "joe@here", ["a@there"], 0, empty)).Merge();
        _ = Files.Close(empty);
        return report;
    }

    private void HasFailed(int count)
    {
        byte[] table = new byte[1024];
        table[0] = 127;
        table[3] = 1;
        table[4] = (byte)count;
        BitConverter.TryWriteBytes(table.AsSpan(8), (uint)Clocks.Realtime - 500);
        File.WriteAllBytes(path, table);
    }

    private static void Accept(FakeSession s)
    {
        s.Say("220 hi\r\n");
        foreach (string reply in (string[])["250 hi", "250 ok", "250 ok", "354 go"]) s.Answer(reply + "\r\n");
        s.HearMessage();
        s.Say("250 ok\r\n");
    }

    [Fact]
    public void AHostThatFailedTwiceIsNotTried()
    {
        using FakeMailServer server = new(Accept);
        HasFailed(2);
        Assert.Contains("not tried, as it timed out more than once lately", Deliver(server.Port));
        Assert.Empty(server.Sessions);
        Assert.StartsWith("K", Deliver(server.Port, ":0")); // without a penalty
        Assert.Contains("not tried", Deliver(server.Port));
        Assert.StartsWith("K", Deliver(server.Port, ":-100"));
    }

    [Fact]
    public void ASuccessIsRemembered()
    {
        using FakeMailServer server = new(Accept);
        HasFailed(1);
        Assert.StartsWith("K", Deliver(server.Port));
        Assert.Empty(new TcpTimeouts(path).All());
    }

    [Theory]
    [InlineData("421 too busy\r\n", 2)]
    [InlineData("", 2)]                     // it closes without a word
    [InlineData("554 go away\r\n", 1)]    // it is there, and means it
    public void AGreetingThatFailsIsRemembered(string greeting, int count)
    {
        using FakeMailServer server = new(s => s.Say(greeting));
        HasFailed(1);
        Assert.StartsWith("Z", Deliver(server.Port));
        Assert.Equal(count, Assert.Single(new TcpTimeouts(path).All()).Count);
    }

    [Fact]
    public void ARefusedConnectionIsNot()
    {
        int port;
        using (FakeMailServer gone = new(_ => { })) port = gone.Port;
        HasFailed(1);
        Assert.Contains("Connection refused", Deliver(port));
        Assert.Equal(1, Assert.Single(new TcpTimeouts(path).All()).Count);
    }
}
