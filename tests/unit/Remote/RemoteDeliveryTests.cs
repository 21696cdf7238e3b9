using System;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using Qmta.Dns;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Remote;
using Qmta.Smtp;
using Qmta.Tests.Dns;
using Xunit;

namespace Qmta.Tests.Remote;

public class RemoteDeliveryTests
{
    private const string EhloReply = "250-fake\r\n250-PIPELINING\r\n250-SIZE 100000000\r\n250 8bitmime\r\n";

    [Fact]
    public void DeliversWithPipelining()
    {
        using FakeMailServer server = new(s =>
        {
            s.Say("220-hello\r\n220 there\r\n");
            s.Answer(EhloReply);
            _ = s.Hear();
            _ = s.Hear();
            Assert.True(s.MoreAtHand); // DATA came with them
            _ = s.Hear();
            s.Say("250 ok\r\n250 ok\r\n354 go\r\n");
            s.HearMessage();
            s.Say("250 ok 123 qp 9\r\n");
            _ = s.Hear();
        });
        Assert.Equal("r\0K127.0.0.1 accepted message.\nRemote host said: 250 ok 123 qp 9\n\0", Deliver(server, "Subject: x\n\n.\n..\nend").Encode());
        Aside.WaitFor(() => server.Heard.Count == 11);
        Assert.Equal(["EHLO me.test", "MAIL FROM:<joe@here> BODY=8BITMIME SIZE=20", "RCPT TO:<to0@there>", "DATA",
            "Subject: x", "", "..", "...", "end", ".", "QUIT"], server.Heard);
    }

    [Fact]
    public void SpeaksPlainSmtpToOldServers()
    {
        using FakeMailServer server = new(s =>
        {
            s.Say("220 old\r\n");
            s.Answer("500 what?\r\n");
            foreach (string reply in (string[])["250 hi", "250 ok", "250 ok", "550 no", "450 later", "354 go"])
            {
                _ = s.Hear();
                Assert.False(s.MoreAtHand); // one command at a time
                s.Say(reply + "\r\n");
            }
            s.HearMessage();
            s.Say("250 ok\r\n");
        });
        Assert.Equal("r\0h127.0.0.1 does not like recipient.\nRemote host said: 550 no\n\0"
            + "s127.0.0.1 does not like recipient.\nRemote host said: 450 later\n\0"
            + "K127.0.0.1 accepted message.\nRemote host said: 250 ok\n\0", Deliver(server, "x\n", recipients: 3).Encode());
        Assert.Equal(["EHLO me.test", "HELO me.test", "MAIL FROM:<joe@here>", "RCPT TO:<to0@there>", "RCPT TO:<to1@there>", "RCPT TO:<to2@there>", "DATA",
            "x", "."], server.Heard.Take(9));
    }

    [Theory]
    [InlineData("MAIL", "550 no", "DConnected to 127.0.0.1 but sender was rejected.\nRemote host said: 550 no\n")]
    [InlineData("MAIL", "451 no", "ZConnected to 127.0.0.1 but sender was rejected.\nRemote host said: 451 no\n")]
    [InlineData("RCPT", "550 no", "D127.0.0.1 does not like recipient.\nRemote host said: 550 no\nGiving up on 127.0.0.1.\n")]
    [InlineData("RCPT", "451 no", "Z127.0.0.1 does not like recipient.\nRemote host said: 451 no\nGiving up on 127.0.0.1.\n")]
    [InlineData("DATA", "554 no", "D127.0.0.1 failed on DATA command.\nRemote host said: 554 no\n")]
    [InlineData("DATA", "451 no", "Z127.0.0.1 failed on DATA command.\nRemote host said: 451 no\n")]
    [InlineData("DATA", "250 no", "Z127.0.0.1 failed on DATA command.\nRemote host said: 250 no\n")]
    [InlineData(".", "554 no", "D127.0.0.1 failed after I sent the message.\nRemote host said: 554 no\n")]
    [InlineData(".", "452 no", "Z127.0.0.1 failed after I sent the message.\nRemote host said: 452 no\n")]
    [InlineData("EHLO", "421 no", "ZConnected to 127.0.0.1 but my name was rejected.\nRemote host said: 421 no\n")]
    [InlineData("HELO", "550 no", "ZConnected to 127.0.0.1 but my name was rejected.\nRemote host said: 550 no\n")]
    [InlineData("", "421 no", "ZConnected to 127.0.0.1 but greeting failed.\nRemote host said: 421 no\n")]
    [InlineData("", "554 no", "ZConnected to 127.0.0.1 but greeting failed.\nRemote host said: 554 no\n")]
    public void RefusalsAreReported(string at, string reply, string expected)
    {
        foreach (bool pipelining in (bool[])[true, false])
        {
            using FakeMailServer server = new(s => Play(s, pipelining, at, () => s.Say(reply + "\r\n")));
            Assert.Equal(expected, Deliver(server, "x\n").Merge());
        }
    }

    [Theory]
    [InlineData("", "but greeting failed. (#4.4.2)")]
    [InlineData("EHLO", "but connection died. (#4.4.2)")]
    [InlineData("MAIL", "but connection died. (#4.4.2)")]
    [InlineData("RCPT", "but connection died. (#4.4.2)")]
    [InlineData("DATA", "but connection died. (#4.4.2)")]
    [InlineData(".", "but connection died. Possible duplicate! (#4.4.2)")]
    public void DisconnectsAreReported(string at, string expected)
    {
        foreach (bool pipelining in (bool[])[true, false])
        {
            using FakeMailServer server = new(s => Play(s, pipelining, at, s.Dispose));
            string report = Deliver(server, "x\n").Merge();
            Assert.StartsWith("ZConnected to 127.0.0.1 " + expected + "\n", report);
        }
    }

    [Theory]
    [InlineData("", "did not reply in time")]
    [InlineData("EHLO", "did not reply in time")]
    [InlineData("DATA", "did not reply in time")]
    [InlineData(".", "Possible duplicate! (#4.4.2)\nThe server did not reply in time")]
    public void SilenceEnds(string at, string expected)
    {
        using ManualResetEventSlim over = new();
        using FakeMailServer server = new(s => Play(s, true, at, over.Wait));
        long start = Clocks.BoottimeMilliseconds;
        string report = Deliver(server, "x\n", patience: 300).Merge();
        over.Set();
        Assert.InRange(Clocks.BoottimeMilliseconds - start, 250, 30_000);
        Assert.StartsWith("Z", report);
        Assert.Contains(expected, report);
    }

    [Theory]
    [InlineData("MAIL", "ZConnected to 127.0.0.1 but sender was rejected.\nRemote host said: 421 closing\n")]
    [InlineData("RCPT", "ZConnected to 127.0.0.1 but connection died. (#4.4.2)\nRemote host said: 421 closing.\n")]
    [InlineData("DATA", "Z127.0.0.1 failed on DATA command.\nRemote host said: 421 closing\n")]
    public void AServerThatClosesIsHeard(string at, string expected)
    {
        using FakeMailServer server = new(s => Play(s, true, at, () =>
        {
            s.Say("421 closing\r\n");
            while (s.MoreAtHand) _ = s.Hear(); // unread commands would make the system throw the reply away
            s.Dispose();
        }));
        Assert.Equal(expected, Deliver(server, "x\n").Merge());
    }

    [Fact]
    public void ManySlowRepliesEndToo()
    {
        using FakeMailServer server = new(s => Play(s, false, "never", () => { }, delay: 100));
        long start = Clocks.BoottimeMilliseconds;
        string report = Deliver(server, "x\n", recipients: 100, patience: 500).Merge();
        Assert.InRange(Clocks.BoottimeMilliseconds - start, 2500, 9000); // six times the patience
        Assert.StartsWith("ZConnected to 127.0.0.1 but connection died. (#4.4.2)\nThe server did not reply in time", report);
    }

    [Fact]
    public void AReplyByteByByteEndsToo()
    {
        using FakeMailServer server = new(s =>
        {
            while (true)
            {
                s.Say("2");
                Thread.Sleep(50);
            }
        });
        long start = Clocks.BoottimeMilliseconds;
        Assert.StartsWith("Z", Deliver(server, "x\n", patience: 300).Merge());
        Assert.InRange(Clocks.BoottimeMilliseconds - start, 100, 30_000);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("EHLO", false)]
    [InlineData("RCPT", false)]
    [InlineData(".", false)]
    [InlineData("", true)]
    [InlineData(".", true)]
    public void RepliesWithoutEndAreRefused(string at, bool oneLine)
    {
        using FakeMailServer server = new(s => Play(s, false, at, () =>
        {
            for (int i = 0; i < 10_000; i++) s.Say(oneLine ? "250 endless " : "250-x\r\n");
        }));
        string report = Deliver(server, "x\n").Merge();
        Assert.StartsWith("Z", report);
        Assert.Contains("a reply", report);
        Assert.True(report.Length < 500);
    }

    [Fact]
    public void AServerThatTakesNothingIsLeft()
    {
        using ManualResetEventSlim over = new();
        using FakeMailServer server = new(s => Play(s, true, "body", over.Wait));
        string report = Deliver(server, new string('x', 30_000_000), patience: 500).Merge();
        over.Set();
        Assert.Contains("took no data in time", report);
        Assert.DoesNotContain("duplicate", report);
    }

    [Fact]
    public void LastWordsDuringTheMessageAreHeard()
    {
        using FakeMailServer server = new(s => Play(s, true, "body", () =>
        {
            s.Say("552 too big\r\n");
            Thread.Sleep(100);
        }));
        string report = Deliver(server, new string('x', 30_000_000)).Merge();
        Assert.StartsWith("D127.0.0.1 failed after I sent the message.\nRemote host said: 552 too big", report);
    }

    [Fact]
    public void WhenAllRecipientsAreRefusedNothingIsSent()
    {
        // A server that accepts DATA all the same (RFC 2920 3.1).
        using FakeMailServer server = new(s =>
        {
            s.Say("220 x\r\n");
            s.Answer(EhloReply);
            s.Answer("250 ok\r\n");
            s.Answer("550 no\r\n");
            s.Answer("354 go\r\n");
            s.HearMessage();
            s.Say("554 no recipients\r\n");
            _ = s.Hear();
        });
        Assert.StartsWith("D127.0.0.1 does not like recipient.", Deliver(server, "secret\n").Merge());
        Aside.WaitFor(() => server.Heard.Count == 6);
        Assert.Equal(["DATA", ".", "QUIT"], server.Heard.Skip(3));
    }

    [Fact]
    public void ManyRecipientsGoInGroups()
    {
        int most = 0;
        using FakeMailServer server = new(s =>
        {
            s.Say("220 x\r\n");
            s.Answer(EhloReply);
            int waiting = 0;
            while (s.Hear() is string line && line != "DATA")
            {
                most = Math.Max(most, ++waiting);
                if (s.MoreAtHand) continue;
                s.Say(string.Concat(Enumerable.Repeat("250 ok\r\n", waiting)));
                waiting = 0;
            }
            s.Say(string.Concat(Enumerable.Repeat("250 ok\r\n", waiting)) + "354 go\r\n");
            s.HearMessage();
            s.Say("250 ok\r\n");
        });
        string reports = Deliver(server, "x\n", recipients: 1000).Encode();
        Assert.StartsWith(string.Concat(Enumerable.Repeat("r\0", 1000)) + "K", reports);
        Assert.InRange(most, 1, 60);
    }

    // The relay has three addresses: nobody listens at the first, the second has its own ideas, the third accepts.
    [Theory]
    [InlineData("", "421 busy", false, "K127.0.0.4 accepted")]
    [InlineData("", "554 never", false, "K127.0.0.4 accepted")]
    [InlineData("", null, false, "K127.0.0.4 accepted")]
    [InlineData("EHLO", "421 busy", true, "K127.0.0.4 accepted")]
    [InlineData("EHLO", "421 busy", false, "ZConnected to 127.0.0.3 but my name was rejected.\n")]
    [InlineData("MAIL", "451 busy", true, "ZConnected to 127.0.0.3 but sender was rejected.\n")]
    [InlineData("RCPT", "550 no", true, "D127.0.0.3 does not like recipient.\n")]
    [InlineData("EHLO", null, true, "ZConnected to 127.0.0.3 but connection died.")]
    public void TheNextHostIsTriedUntilOneHasGreeted(string at, string? reply, bool afterHello, string expected)
    {
        using FakeMailServer second = new(s => Play(s, false, at, () =>
        {
            if (reply == null) s.Dispose();
            else s.Say(reply + "\r\n");
        }), "127.0.0.3");
        using FakeMailServer third = new(s => Play(s, false, "never", () => { }), "127.0.0.4", second.Port);
        using FakeNameServer names = new(q => [Packets.Response(q.Id, q.Name, q.Type, answers: q.Type == Packets.A
            ? [.. Enumerable.Range(2, 3).Select(i => Packets.Record(q.Name, Packets.A, 60, [127, 0, 0, (byte)i]))] : [])]);
        RemoteSettings settings = new("me.test", new SmtpRoutes([$":relay.example:{second.Port}"]), 5000, 5000, afterHello);
        int empty = Files.Open("/dev/null", OpenMode.Read);
        string report = new RemoteDelivery(settings, names.Resolver(), new SmtpBuffers(), new TcpTimeouts("/nonexistent"))
            .Deliver(new RemoteMessage("there", "joe@here", ["a@there"], 0, empty)).Merge();
        _ = Files.Close(empty);
        Assert.StartsWith(expected, report);
    }

    [Fact]
    public void AnUnreachableHostIsNamed()
    {
        int port;
        using (FakeMailServer gone = new(_ => { })) port = gone.Port;
        Assert.Equal($"ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n127.0.0.1 port {port}: Connection refused\n",
            DeliverTo(port, "x\n").Merge());
    }

    [Fact]
    public void AddressesThatWouldBeCommandsAreRefused()
    {
        using FakeMailServer server = new(s => s.Say("220 x\r\n"));
        RemoteDelivery delivery = Delivery(server.Port, 1000);
        Assert.StartsWith("DSorry, SMTP cannot carry", delivery.Deliver(new RemoteMessage("there", "a\r\nDATA@b", ["c@there"], 1, 0)).Merge());
        Assert.StartsWith("DSorry, SMTP cannot carry", delivery.Deliver(new RemoteMessage("there", "", ["c@there", "d\n@there"], 1, 0)).Merge());
        Assert.Empty(server.Sessions);
    }

    [Fact]
    public void AMessageThatCannotBeReadIsNotEnded()
    {
        using FakeMailServer server = new(s => Play(s, true, "never", () => { }));
        int directory = Files.Open("/", OpenMode.Read); // read(2) says EISDIR
        string report = Delivery(server.Port, 2000).Deliver(new RemoteMessage("there", "", ["c@there"], 1, directory)).Merge();
        _ = Files.Close(directory);
        Assert.StartsWith("ZUnable to read message. (#4.3.0)\nIs a directory", report);
        Assert.DoesNotContain(".", server.Heard);
    }

    // A well-behaved server up to one step, which it replaces. "" is the greeting, "." the end of the message.
    private static void Play(FakeSession session, bool pipelining, string at, Action instead, int delay = 0)
    {
        void Step(string verb, string reply)
        {
            if (at == verb)
            {
                instead();
                throw new IOException("the part is over");
            }
            if (delay > 0) Thread.Sleep(delay);
            session.Say(reply);
        }

        try
        {
            Step("", "220 fake\r\n");
            while (session.Hear() is string line)
            {
                string verb = line.Split(' ')[0];
                if (verb == "DATA")
                {
                    Step("DATA", "354 go\r\n");
                    if (at == "body") Step("body", "");
                    session.HearMessage();
                    Step(".", "250 ok\r\n");
                }
                else if (verb == "EHLO" && at == "HELO") session.Say("502 no\r\n");
                else if (verb == "EHLO") Step("EHLO", pipelining ? EhloReply : "250 fake\r\n");
                else if (verb == "QUIT") return;
                else Step(verb, "250 ok\r\n");
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // What the client sends further, or had sent already, is refused.
            if (at is "body" or "") return;
            try
            {
                while (session.Hear() is string line && line != "QUIT") session.Say("503 no\r\n");
            }
            catch (Exception last) when (last is IOException or ObjectDisposedException)
            {
                // gone
            }
        }
    }

    [Fact]
    public void TheExtraHeaderGoesInFront()
    {
        string header = "X-Long: " + new string('x', 20_000) + "\n ..\nX-Short: .\n";
        using FakeMailServer server = new(s => Play(s, true, "never", () => { }));
        Assert.StartsWith("K", DeliverTo(server.Port, "Subject: x\n\n.\n", extraHeader: header).Merge());
        Aside.WaitFor(() => server.Heard.Contains("QUIT"));
        Assert.Contains("MAIL FROM:<joe@here> BODY=8BITMIME SIZE=" + (header.Length + 14), server.Heard);
        Assert.Equal([.. header.TrimEnd('\n').Split('\n'), "Subject: x", "", "..", "."],
            server.Heard.SkipWhile(line => line != "DATA").Skip(1).TakeWhile(line => line != "QUIT"));
    }

    private static RemoteReport Deliver(FakeMailServer server, string message, int recipients = 1, int patience = 10_000) =>
        DeliverTo(server.Port, message, recipients, patience);

    private static RemoteReport DeliverTo(int port, string message, int recipients = 1, int patience = 10_000, string extraHeader = "")
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, message, Encoding.Latin1);
        int fd = Files.Open(path, OpenMode.Read);
        try
        {
            return Delivery(port, patience).Deliver(new RemoteMessage("there", "joe@here",
                [.. Enumerable.Range(0, recipients).Select(i => $"to{i}@there")], message.Length, fd) { ExtraHeader = extraHeader });
        }
        finally
        {
            _ = Files.Close(fd);
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("SIZE 10", "D:127.0.0.1 does not take a message of 11 bytes: its limit is 10. (#5.3.4)\n")]
    [InlineData("SIZE 11", null)]
    [InlineData("SIZE 0", null)]
    [InlineData("SIZE", null)]
    [InlineData("SIZE 99999999999999999999", null)]
    public void AMessageThatIsTooLargeIsNotSent(string offer, string? report)
    {
        using FakeMailServer server = new(s => Accept(s, offer));
        string got = Deliver(server, "0123456789\n").Merge();
        if (report == null) Assert.StartsWith("K", got);
        else Assert.Equal("D" + report[2..], got);
        if (report != null) Aside.WaitFor(() => server.Heard.Count == 2 && server.Heard[1] == "QUIT");
    }

    [Theory]
    [InlineData("j\u00C3\u00B6@here", "to@there", "SMTPUTF8", "MAIL FROM:<j\u00C3\u00B6@here> SMTPUTF8")]
    [InlineData("joe@here", "t\u00C3\u00B6@there", "SMTPUTF8", "MAIL FROM:<joe@here> SMTPUTF8")]
    [InlineData("joe@here", "to@there", "SMTPUTF8", "MAIL FROM:<joe@here>")]
    [InlineData("joe@here", "t\u00C3\u00B6@there", "8BITMIME", null)]
    [InlineData("j\u00C3\u00B6@here", "to@there", "8BITMIME", null)]
    public void AddressesBeyondAsciiNeedAServerForThem(string sender, string recipient, string offer, string? mail)
    {
        using FakeMailServer server = new(s => Accept(s, offer));
        int empty = Files.Open("/dev/null", OpenMode.Read);
        string report = Delivery(server.Port, 2000).Deliver(new RemoteMessage("there", sender, [recipient], -1, empty)).Merge();
        _ = Files.Close(empty);
        if (mail != null)
        {
            Assert.StartsWith("K", report);
            Assert.Equal(mail, server.Heard[1]);
            return;
        }
        Assert.Equal("D127.0.0.1 does not take addresses with other than ASCII characters: it does not offer SMTPUTF8. (#5.6.7)\n", report);
        Aside.WaitFor(() => server.Heard.Count == 2 && server.Heard[1] == "QUIT");
    }

    private static void Accept(FakeSession s, string offer)
    {
        s.Say("220 hi\r\n");
        s.Answer("250-hi\r\n250 " + offer + "\r\n");
        foreach (string reply in (string[])["250 ok", "250 ok", "354 go"])
        {
            if (s.Hear() is null or "QUIT") return;
            s.Say(reply + "\r\n");
        }
        s.HearMessage();
        s.Say("250 ok\r\n");
    }

    private static RemoteDelivery Delivery(int port, int patience) =>
        new(new RemoteSettings("me.test", new SmtpRoutes([$":[127.0.0.1]:{port}"]), patience, patience, false), new Resolver(), new SmtpBuffers(),
            new TcpTimeouts("/nonexistent"));
}
