using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Qmta.Dns;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Remote;
using Qmta.Smtp;
using Qmta.Tests.Remote;
using Xunit;

namespace Qmta.Tests.Qmtp;

public sealed class QmtpDeliveryTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();
    private readonly SessionCache cache = new();

    public void Dispose()
    {
        cache.Close();
        File.Delete(path);
    }

    [Fact]
    public void APackageArrivesByteForByte()
    {
        const string message = "Subject: x\n\n.\r\n\0no line end\xFF";
        string package = "";
        using FakeMailServer server = new(s =>
        {
            package = HearPackage(s);
            s.Say("10:Kok 1 qp 2,10:Kok 1 qp 2,");
        });
        Assert.Equal("r\0r\0K127.0.0.1 accepted message.\nRemote host said: ok 1 qp 2\n\0", Deliver(server.Port, message, ["a@there", "b@there"]).Encode());
        Assert.Equal((message.Length + 1) + ":\n" + message + ",8:joe@here,20:7:a@there,7:b@there,,", package);
    }

    [Fact]
    public void TheExtraHeaderGoesInFront()
    {
        string header = "X-Long: " + new string('x', 20_000) + "\n";
        string package = "";
        using FakeMailServer server = new(s =>
        {
            package = HearPackage(s);
            s.Say("1:K,");
        });
        Assert.StartsWith("K", Deliver(server.Port, "\nbody\n", ["a@there"], extraHeader: header).Merge());
        Assert.Equal((header.Length + 7) + ":\n" + header + "\nbody\n,8:joe@here,10:7:a@there,,", package);
    }

    [Fact]
    public void BigMessagesAndNoSenderArrive()
    {
        string message = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"line {i}\n"));
        string package = "";
        using FakeMailServer server = new(s =>
        {
            package = HearPackage(s);
            s.Say("1:K,");
        });
        Assert.StartsWith("K", Deliver(server.Port, message, ["a@there"], sender: "").Merge());
        Assert.Equal((message.Length + 1) + ":\n" + message + ",0:,10:7:a@there,,", package);
    }

    [Fact]
    public void EachRecipientHasItsResult()
    {
        using FakeMailServer server = new(s =>
        {
            _ = HearPackage(s);
            s.Say("3:Kok,9:Dno such.,6:Zlater,");
        });
        RemoteReport report = Deliver(server.Port, "x\n", ["a@there", "b@there", "c@there"]);
        Assert.Equal("K127.0.0.1 accepted message.\nRemote host said: ok\n", report.Merge(0));
        Assert.Equal("D127.0.0.1 does not like recipient.\nRemote host said: no such.\n", report.Merge(1));
        Assert.Equal("Z127.0.0.1 does not like recipient.\nRemote host said: later\n", report.Merge(2));
    }

    [Theory]
    [InlineData("4:Dbad,", "D127.0.0.1 does not like recipient.\nRemote host said: bad\nGiving up on 127.0.0.1.\n")]
    [InlineData("4:Zbad,", "Z127.0.0.1 does not like recipient.\nRemote host said: bad\nGiving up on 127.0.0.1.\n")]
    [InlineData("", "ZConnected to 127.0.0.1 but connection died. Possible duplicate! (#4.4.2)\nThe server closed the connection.\n")]
    [InlineData("4:Kba", "ZConnected to 127.0.0.1 but connection died. Possible duplicate! (#4.4.2)\nThe server closed the connection.\n")]
    [InlineData("0:,", "ZConnected to 127.0.0.1 but connection died. Possible duplicate! (#4.4.2)\nThe server sent a response that is not K, Z or D.\n")]
    [InlineData("2:Xx,", "ZConnected to 127.0.0.1 but connection died. Possible duplicate! (#4.4.2)\nThe server sent a response that is not K, Z or D.\n")]
    [InlineData("220 smtp\r\n", "ZConnected to 127.0.0.1 but connection died. Possible duplicate! (#4.4.2)\nThe server sent something that is no netstring.\n")]
    [InlineData("99999:K", "ZConnected to 127.0.0.1 but connection died. Possible duplicate! (#4.4.2)\nThe server sent a netstring of more than 10000 bytes.\n")]
    public void OddResponsesAreReported(string response, string expected)
    {
        using FakeMailServer server = new(s =>
        {
            _ = HearPackage(s);
            s.Say(response);
        });
        Assert.Equal(expected, Deliver(server.Port, "x\n", ["a@there"]).Merge());
    }

    [Fact]
    public void AServerThatLeavesEarlyHasNothing()
    {
        using FakeMailServer server = new(s => _ = s.HearBytes(10));
        string report = Deliver(server.Port, new string('x', 30_000_000), ["a@there"]).Merge();
        Assert.StartsWith("ZConnected to 127.0.0.1 but connection died. (#4.4.2)\n", report);
    }

    [Fact]
    public void ASessionIsUsedAgain()
    {
        using FakeMailServer server = new(s =>
        {
            for (int i = 0; i < 3; i++)
            {
                _ = HearPackage(s);
                s.Say("3:Kok,");
            }
        });
        for (int i = 0; i < 3; i++) Assert.StartsWith("K", Deliver(server.Port, "x\n", ["a@there"], keep: true).Merge());
        Assert.Single(server.Sessions);
        Assert.StartsWith("K", Deliver(server.Port, "x\n", ["a@there"], keep: true).Merge()); // it has left by now
        Assert.Equal(2, server.Sessions.Count);
    }

    [Fact]
    public void NobodyThere()
    {
        int port;
        using (FakeMailServer gone = new(_ => { })) port = gone.Port;
        Assert.StartsWith("ZSorry, I wasn't able to establish a QMTP connection. (#4.4.1)\n", Deliver(port, "x\n", ["a@there"]).Merge());
    }

    [Fact]
    public void APasswordIsOfNoUse()
    {
        int none = Files.Open("/dev/null", OpenMode.Read);
        RemoteSettings settings = new("me.test", new SmtpRoutes(null, [":[127.0.0.1]:1 user secret"]), 1000, 1000, false);
        string report = new RemoteDelivery(settings, new Resolver(), new SmtpBuffers(), new TcpTimeouts("/nonexistent"))
            .Deliver(new RemoteMessage("there", "", ["a@there"], 0, none)).Merge();
        _ = Files.Close(none);
        Assert.StartsWith("ZSorry, the route for there has a password, and QMTP has no way to log in. (#4.3.5)", report);
        Assert.DoesNotContain("secret", report);
    }

    [Fact]
    public void AMessageOfUnknownSizeWaits()
    {
        using FakeMailServer server = new(s => _ = HearPackage(s));
        int none = Files.Open("/dev/null", OpenMode.Read);
        RemoteReport report = Delivery(server.Port, false).Deliver(new RemoteMessage("there", "", ["a@there"], 0, none));
        _ = Files.Close(none);
        Assert.StartsWith("ZQMTP needs to know the message's size", report.Merge());
    }

    // Three netstrings, as they came.
    private static string HearPackage(FakeSession session)
    {
        StringBuilder package = new();
        for (int i = 0; i < 3; i++)
        {
            string length = "";
            while (session.HearBytes(1) is string digit && digit != ":") length += digit;
            if (length.Length == 0) throw new IOException("the client left");
            package.Append(length).Append(':').Append(session.HearBytes(int.Parse(length) + 1));
        }
        return package.ToString();
    }

    private RemoteReport Deliver(int port, string message, List<string> recipients, string sender = "joe@here", bool keep = false,
        string extraHeader = "")
    {
        File.WriteAllText(path, message, Encoding.Latin1);
        int fd = Files.Open(path, OpenMode.Read);
        try
        {
            return Delivery(port, keep).Deliver(new RemoteMessage("there", sender, recipients, message.Length, fd)
            {
                ExtraHeader = extraHeader,
            });
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    private RemoteDelivery Delivery(int port, bool keep) =>
        new(new RemoteSettings("me.test", new SmtpRoutes(null, [$":[127.0.0.1]:{port}"]), 5000, 5000, false),
            new Resolver(), new SmtpBuffers(), new TcpTimeouts("/nonexistent"), keep ? cache : null);
}
