using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using Qmta.Dns;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Remote;
using Qmta.Smtp;
using Xunit;

namespace Qmta.Tests.Remote;

public sealed class SessionTests : IDisposable
{
    private readonly SessionCache cache = new();
    private readonly string path = Path.GetTempFileName();

    public void Dispose()
    {
        cache.Close();
        File.Delete(path);
    }

    [Fact]
    public void OneSessionCarriesManyMessages()
    {
        using FakeMailServer server = new(s => Play(s));
        for (int i = 0; i < 5; i++) Assert.StartsWith("K", Deliver(server.Port, "a@there"));
        Assert.Single(server.Sessions);
        Assert.Equal(1, cache.Count);
        cache.Close();
        Aside.WaitFor(() => server.Heard.Count > 0 && server.Heard[^1] == "QUIT");
        Assert.Equal(5, server.Heard.Count(l => l.StartsWith("MAIL ", StringComparison.Ordinal)));
        Assert.DoesNotContain("RSET", server.Heard);
    }

    [Fact]
    public void ASessionEndsAfterItsMostTransactions()
    {
        using FakeMailServer server = new(s => Play(s));
        for (int i = 0; i <= Session.MostTransactions; i++) Assert.StartsWith("K", Deliver(server.Port, "a@there"));
        Assert.Equal(2, server.Sessions.Count);
        Assert.Equal(Session.MostTransactions, server.Heard.Count(l => l.StartsWith("MAIL ", StringComparison.Ordinal)));
        Aside.WaitFor(() => server.Heard[^1] == "QUIT");
    }

    [Fact]
    public void AnIdleSessionEndsInTime()
    {
        using FakeMailServer server = new(s => Play(s));
        _ = Deliver(server.Port, "a@there");
        long start = Clocks.BoottimeMilliseconds;
        Aside.WaitFor(() => server.Heard[^1] == "QUIT");
        Assert.InRange(Clocks.BoottimeMilliseconds - start, SessionCache.LongestIdle - 500, SessionCache.LongestIdle + 20_000);
        Assert.Equal(0, cache.Count);
    }

    [Fact]
    public void SessionsBelongToOneDestination()
    {
        using FakeMailServer server = new(s => Play(s), many: true);
        string[] routes = [$"one:[127.0.0.1]:{server.Port}", $"two:127.0.0.1:{server.Port}", $"three:[127.0.0.1]:{server.Port}"];
        _ = Deliver(routes, "a@one");
        _ = Deliver(routes, "a@two"); // another relay's name
        Assert.Equal(2, server.Sessions.Count);
        _ = Deliver(routes, "a@three"); // the same relay
        _ = Deliver(routes, "a@ONE");
        Assert.Equal(2, server.Sessions.Count);
        _ = Deliver(routes, "a@one", helo: "other.test");
        Assert.Equal(3, server.Sessions.Count);
        _ = Deliver(routes, "a@one", from: ["127.0.0.9"]);
        Assert.Equal(4, server.Sessions.Count);
        _ = Deliver(routes, "a@one", from: ["127.0.0.9"]);
        Assert.Equal(4, server.Sessions.Count);
    }

    // What a session looks like to the client when its server is tired of it, and the next server session accepts.
    [Theory]
    [InlineData("idle", null)]
    [InlineData("idle", "421 idle too long")]
    [InlineData("MAIL", null)]
    [InlineData("MAIL", "421 enough")]
    [InlineData("MAIL", "452 4.3.2 too many messages in this session")]
    [InlineData("RCPT", null)]
    [InlineData("RCPT", "421 enough")]
    [InlineData("DATA", null)]
    public void AWornOutSessionIsReplaced(string at, string? reply)
    {
        using FakeMailServer server = new(s => Play(s, second: at, reply), many: true);
        Assert.StartsWith("K", Deliver(server.Port, "a@there"));
        if (at == "idle") Aside.WaitFor(() => server.Sessions[0].IsOver);
        Assert.StartsWith("K", Deliver(server.Port, "b@there"));
        Assert.Equal(2, server.Sessions.Count);
        Assert.Contains("RCPT TO:<b@there>", server.Sessions[1].Heard);
        Assert.Contains("body", server.Sessions[1].Heard);
    }

    [Fact]
    public void AMessageInDoubtIsNotRepeated()
    {
        using FakeMailServer server = new(s => Play(s, second: ".", null), many: true);
        Assert.StartsWith("K", Deliver(server.Port, "a@there"));
        string report = Deliver(server.Port, "b@there");
        Assert.StartsWith("ZConnected to 127.0.0.1 but connection died. Possible duplicate! (#4.4.2)\n", report);
        Assert.Single(server.Sessions);
    }

    [Theory]
    [InlineData("MAIL", "550 not you", "D", false)]
    [InlineData("RCPT", "550 not you", "D", true)]
    [InlineData("DATA", "554 not that", "D", true)]
    [InlineData(".", "554 not that", "D", false)]
    [InlineData(".", "452 not now", "Z", false)]
    public void ARefusalDoesNotEndTheSession(string at, string reply, string result, bool reset)
    {
        using FakeMailServer server = new(s => Play(s, at, reply));
        Assert.StartsWith("K", Deliver(server.Port, "a@there"));
        Assert.StartsWith(result, Deliver(server.Port, "b@there"));
        Assert.StartsWith("K", Deliver(server.Port, "c@there"));
        Assert.Single(server.Sessions);
        Assert.Equal(reset, server.Heard.Contains("RSET"));
    }

    [Fact]
    public void IdleSessionsAreFew()
    {
        List<FakeMailServer> servers = [.. Enumerable.Range(0, SessionCache.MostIdle + 3).Select(_ => new FakeMailServer(s => Play(s)))];
        foreach (FakeMailServer server in servers) Assert.StartsWith("K", Deliver(server.Port, "a@there"));
        Assert.InRange(cache.Count, 1, SessionCache.MostIdle);
        Aside.WaitFor(() => servers[0].Heard[^1] == "QUIT");
        foreach (FakeMailServer server in servers) server.Dispose();
    }

    [Fact]
    public void NothingIsKeptAfterTheEnd()
    {
        using FakeMailServer server = new(s => Play(s));
        cache.Close();
        Assert.StartsWith("K", Deliver(server.Port, "a@there"));
        Assert.Equal(0, cache.Count);
        Aside.WaitFor(() => server.Heard[^1] == "QUIT");
    }

    // A server that accepts everything; in its first session the step named has another reply (null: none, and the
    // end) in the second transaction.
    private static void Play(FakeSession s, string second = "", string? reply = null)
    {
        int transactions = 0;
        bool Step(string step, string good)
        {
            if (step != second || transactions != 2 || !s.IsFirst)
            {
                s.Say(good + "\r\n");
                return good[0] is '2' or '3';
            }
            if (reply == null) s.Dispose();
            else s.Say(reply + "\r\n");
            if (reply?.StartsWith("421", StringComparison.Ordinal) == true) s.Dispose();
            return false;
        }

        bool sender = false, recipient = false;
        s.Say("220 fake\r\n");
        while (s.Hear() is string line && line != "QUIT")
        {
            string verb = line.Split(' ')[0];
            switch (verb)
            {
                case "EHLO":
                    s.Say("250-fake\r\n250 PIPELINING\r\n");
                    break;
                case "MAIL":
                    transactions++;
                    if (sender) s.Say("503 nested MAIL\r\n");
                    else sender = Step(verb, "250 ok");
                    break;
                case "RCPT" when sender:
                    recipient = Step(verb, "250 ok");
                    break;
                case "DATA" when recipient:
                    recipient = false;
                    if (!Step(verb, "354 go")) break;
                    sender = false;
                    s.HearMessage();
                    Step(".", "250 ok");
                    break;
                case "RSET":
                    sender = recipient = false;
                    s.Say("250 ok\r\n");
                    break;
                default:
                    s.Say("503 no\r\n");
                    break;
            }
            if (second != "idle" || verb != "DATA" || !s.IsFirst) continue;
            if (reply != null) s.Say(reply + "\r\n");
            return;
        }
    }

    private string Deliver(int port, string recipient) => Deliver([$":[127.0.0.1]:{port}"], recipient);

    private string Deliver(string[] routes, string recipient, string helo = "me.test", string[]? from = null)
    {
        File.WriteAllText(path, "Subject: x\n\nbody\n", Encoding.Latin1);
        int fd = Files.Open(path, OpenMode.Read);
        try
        {
            RemoteSettings settings = new(helo, new SmtpRoutes(routes), 5000, 5000, false) { Origins = Origins.Of([.. from ?? []]) };
            return new RemoteDelivery(settings, new Resolver(), new SmtpBuffers(), new TcpTimeouts("/nonexistent"), cache).Deliver(
                new RemoteMessage(recipient[(recipient.IndexOf('@') + 1)..], "joe@here", [recipient], 17, fd)).Merge();
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }
}
