using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Remote;
using Xunit;

namespace Qmta.Tests.Remote;

/// <summary>Runs the helper in a thread, at the end of two pipes. It reads its settings from the environment.</summary>
[Collection("alone")]
public sealed class SpawnHelperTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("rspawn").FullName;
    private readonly string? oldControl = Variables.Get("CONTROLDIR");
    private readonly int commands, reports;
    private readonly Task<int> exitCode;
    private readonly DeliveryStream stream = DeliveryStream.OfReports(wide: true);
    private readonly Queue<DeliveryReport> received = [];

    public SpawnHelperTests()
    {
        Directory.CreateDirectory(root + "/queue/mess/5");
        Directory.CreateDirectory(root + "/control");
        File.WriteAllText(root + "/control/me", "me.test\n");
        File.WriteAllText(root + "/queue/mess/5/28", "Subject: x\n\nbody\n");
        Variables.Set("CONTROLDIR", root + "/control");
        Assert.Equal(0, Files.Pipe(out int input, out commands));
        Assert.Equal(0, Files.Pipe(out reports, out int output));
        SpawnHelper helper = new(new QueueLayout(root + "/queue"), input, output);
        exitCode = Aside.Run(() =>
        {
            int code = helper.Serve();
            _ = Files.Close(input);
            _ = Files.Close(output);
            return code;
        });
        byte[] announcement = new byte[3];
        Assert.Equal(3, Files.Read(reports, announcement));
        Assert.Equal(DeliveryProtocol.Announcement(500), announcement);
    }

    public void Dispose()
    {
        Assert.Equal(0, End());
        _ = Files.Close(reports);
        Variables.Set("CONTROLDIR", oldControl);
        Directory.Delete(root, true);
    }

    [Fact]
    public void CommandsWithoutSenseAreReported()
    {
        Command(1, "../../etc/passwd", "a@there");
        Command(2, "5/28", "nobody");
        Command(3, "5/51", "a@there");
        Command(500, "5/28", "a@there");
        Command(16383, "5/28", "a@there");
        Dictionary<int, string> texts = Reports(5).ToDictionary(r => r.Number, r => r.Text);
        Assert.Equal("DInternal error: messid has nonnumerics. (#5.3.5)\n", texts[1]);
        Assert.Equal("DSorry, address must include host name. (#5.1.3)\n", texts[2]);
        Assert.Equal($"Zqmail-spawn unable to open message. (#4.3.0)\n{root}/queue/mess/5/51: No such file or directory\n", texts[3]);
        Assert.Equal("ZInternal error: delnum too big. (#4.3.5)\n", texts[500]);
        Assert.Equal("ZInternal error: delnum too big. (#4.3.5)\n", texts[16383]);
    }

    [Fact]
    public void OnlyRegularFilesAreSent()
    {
        Directory.CreateDirectory(root + "/queue/mess/5/74");
        File.CreateSymbolicLink(root + "/queue/mess/5/97", "/etc/hostname");
        Files.MakeFifo(root + "/queue/mess/5/120", 0x180);
        Command(1, "5/74", "a@there");
        Command(2, "5/97", "a@there");
        Command(3, "5/120", "a@there");
        Dictionary<int, string> texts = Reports(3).ToDictionary(r => r.Number, r => r.Text);
        Assert.Equal("ZSorry, message has wrong type. (#4.3.5)\n", texts[1]);
        Assert.StartsWith("Zqmail-spawn unable to open message. (#4.3.0)\n", texts[2]);
        Assert.Equal("ZSorry, message has wrong type. (#4.3.5)\n", texts[3]);
    }

    [Fact]
    public void DeliveriesRunSideBySideAndAreFinishedAfterTheEnd()
    {
        using ManualResetEventSlim go = new();
        using FakeMailServer server = new(s =>
        {
            go.Wait(10_000);
            s.Say("554 not today\r\n");
        });
        File.WriteAllText(root + "/control/smtproutes", $"slow:[127.0.0.1]:{server.Port}\n:[127.0.0.1]:1 user secret\n");
        for (int i = 0; i < 20; i++) Command(i, "5/28", "a@slow");
        Command(5, "5/28", "b@slow");
        Command(30, "5/28", "a@fast");
        Dictionary<int, string> first = Reports(2).ToDictionary(r => r.Number, r => r.Text);
        Assert.Equal("ZInternal error: delnum in use. (#4.3.5)\n", first[5]);
        Assert.Contains("holds a password and is not its owner's alone: chmod 600 ", first[30]);
        Assert.DoesNotContain("secret", first[30]);
        CloseCommands();
        go.Set();
        List<DeliveryReport> rest = Reports(20);
        Assert.Equal(Enumerable.Range(0, 20), rest.Select(r => r.Number).Order());
        Assert.All(rest, r => Assert.Equal("ZConnected to 127.0.0.1 but greeting failed.\nRemote host said: 554 not today\n", r.Text));
    }

    [Fact]
    public void ControlFilesThatMakeNoSenseDeferTheMail()
    {
        File.WriteAllText(root + "/control/timeoutremote", "soon\n");
        Command(1, "5/28", "a@there");
        Assert.StartsWith("ZUnable to read control files. (#4.3.0)\n" + root + "/control/timeoutremote", Reports(1)[0].Text);
    }

    [Fact]
    public void RecipientsOfOneMessageShareATransaction()
    {
        using FakeMailServer server = new(s => PlayServer(s, line => line.Contains("bad") ? "550 no such" : line.Contains("later") ? "450 later" : "250 ok"));
        File.WriteAllText(root + "/control/smtproutes", $":[127.0.0.1]:{server.Port}\n");
        Commands(("5/28", "a@there"), ("5/28", "bad@there"), ("5/28", "later@There"), ("5/28", "b@there"), ("5/28", "c@other"));
        Dictionary<int, string> texts = Reports(5).ToDictionary(r => r.Number, r => r.Text);
        Assert.StartsWith("K127.0.0.1 accepted message.\n", texts[0]);
        Assert.Equal("D127.0.0.1 does not like recipient.\nRemote host said: 550 no such\n", texts[1]);
        Assert.Equal("Z127.0.0.1 does not like recipient.\nRemote host said: 450 later\n", texts[2]);
        Assert.StartsWith("K127.0.0.1 accepted message.\n", texts[3]);
        Assert.StartsWith("K127.0.0.1 accepted message.\n", texts[4]);
        string[] said = [.. server.Sessions.SelectMany(s => s.Heard)];
        Assert.Equal(2, said.Count(l => l == "DATA"));
        Assert.Equal(5, said.Count(l => l.StartsWith("RCPT", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("452 too many recipients")]
    [InlineData("552 too many recipients")]
    public void RecipientsThatAreTooManyGetAnotherTransaction(string reply)
    {
        int inTransaction = 0;
        using FakeMailServer server = new(s => PlayServer(s, line => ++inTransaction <= 2 ? "250 ok" : reply, () => inTransaction = 0));
        File.WriteAllText(root + "/control/smtproutes", $":[127.0.0.1]:{server.Port}\n");
        Commands([.. Enumerable.Range(0, 7).Select(i => ("5/28", $"to{i}@there"))]);
        Assert.All(Reports(7), r => Assert.StartsWith("K127.0.0.1 accepted message.\n", r.Text));
        Assert.Equal(4, server.Sessions.SelectMany(s => s.Heard).Count(l => l == "body"));
    }

    [Fact]
    public void AProgramCanStandInForTheClient()
    {
        string program = root + "/program";
        File.WriteAllText(program, $$"""
            #!/bin/sh
            case "$5" in
                good@*) printf 'r\0Ksaid %s %s %s %s %s %s\n\0' "$1" "$2" "$3" "$4" "$5" "$(tail -n 1)" ;;
                bad@*) printf 'hno such\n\0DGiving up\n\0' ;;
                quiet@*) ;;
                garbage@*) echo hello ;;
                later@*) exit 111 ;;
                never@*) exit 100 ;;
                crash@*) kill -9 $$ ;;
            esac
            """);
        Assert.Equal(0, Files.ChangeMode(program, 0x140));
        Variables.Set("QMAILREMOTE", program);
        try
        {
            string[] names = ["good", "bad", "quiet", "garbage", "later", "never", "crash"];
            Commands([.. names.Select(n => ("5/28", n + "@there"))]);
            Dictionary<int, string> texts = Reports(names.Length).ToDictionary(r => r.Number, r => r.Text);
            Assert.Equal("Ksaid there joe@here  17 good@there body\n", texts[0]);
            Assert.Equal("Dno such\nGiving up\n", texts[1]);
            Assert.Equal($"KDiscarded by {program}.\n", texts[2]);
            Assert.Equal("Zqmail-remote produced no report. (#4.3.0)\n", texts[3]);
            Assert.Equal("ZUnable to run qmail-remote.\n", texts[4]);
            Assert.Equal("DUnable to run qmail-remote.\n", texts[5]);
            Assert.Equal("Zqmail-remote crashed.\n", texts[6]);
            Variables.Set("QMAILREMOTE", root + "/none");
            Commands(("5/28", "good@there"));
            Assert.StartsWith($"ZUnable to run qmail-remote. (#4.3.0)\n{root}/none: No such file", Reports(1)[0].Text);
        }
        finally
        {
            Variables.Set("QMAILREMOTE", null);
        }
    }

    [Fact]
    public void ProgramsLearnHowDeliveriesEnd()
    {
        using FakeMailServer server = new(s => PlayServer(s, line => line.Contains("bad") ? "550 no such" : line.Contains("later") ? "450 later" : "250 ok"));
        File.WriteAllText(root + "/control/smtproutes", $":[127.0.0.1]:{server.Port}\n");
        string program = root + "/program";
        File.WriteAllText(program, $"#!/bin/sh\n(echo \"$SMTPSTATUS $SMTPCODE $SMTPHOST $1 $2 $5 $6\"; echo \"$SMTPTEXT\" | tail -n 1; tail -n 1) >{root}/$SMTPSTATUS\nexit 1\n");
        Assert.Equal(0, Files.ChangeMode(program, 0x140));
        string[] variables = ["ONSUCCESS_REMOTE", "ONFAILURE_REMOTE", "ONTEMPORARY_REMOTE"];
        foreach (string variable in variables) Variables.Set(variable, program);
        try
        {
            Commands(("5/28", "a@there"), ("5/28", "bad@there"), ("5/28", "later@there"));
            Assert.Equal(["D", "K", "Z"], Reports(3).Select(r => r.Text[..1]).Order());
        }
        finally
        {
            foreach (string variable in variables) Variables.Set(variable, null);
        }
        Assert.Equal("K 250 127.0.0.1 there joe@here a@there \nRemote host said: 250 ok\nbody\n", File.ReadAllText(root + "/K"));
        Assert.Equal("D 550 127.0.0.1 there joe@here bad@there \nRemote host said: 550 no such\nbody\n", File.ReadAllText(root + "/D"));
        Assert.Equal("Z 450 127.0.0.1 there joe@here later@there \nRemote host said: 450 later\nbody\n", File.ReadAllText(root + "/Z"));
    }

    [Fact]
    public void IdleSessionsDoNotDelayTheEnd()
    {
        using FakeMailServer server = new(s => PlayServer(s, _ => "250 ok"));
        File.WriteAllText(root + "/control/smtproutes", $":[127.0.0.1]:{server.Port}\n");
        Commands(("5/28", "a@there"));
        Assert.StartsWith("K", Reports(1)[0].Text);
        long start = Clocks.BoottimeMilliseconds;
        Assert.Equal(0, End());
        Assert.InRange(Clocks.BoottimeMilliseconds - start, 0, SessionCache.LongestIdle - 500);
        Aside.WaitFor(() => server.Heard[^1] == "QUIT");
    }

    // A server without pipelining whose replies to RCPT a function gives; another is called after each transaction.
    private static void PlayServer(FakeSession s, Func<string, string> recipient, Action? next = null)
    {
        s.Say("220 fake\r\n");
        while (s.Hear() is string line && line != "QUIT")
        {
            if (line.StartsWith("RCPT", StringComparison.Ordinal)) s.Say(recipient(line) + "\r\n");
            else if (line != "DATA") s.Say("250 ok\r\n");
            else
            {
                s.Say("354 go\r\n");
                s.HearMessage();
                next?.Invoke();
                s.Say("250 ok\r\n");
            }
        }
    }

    private void Commands(params (string Message, string Recipient)[] commands) => Assert.Equal(0, Files.WriteAll(this.commands,
        [.. commands.SelectMany((c, i) => new DeliveryCommand(i, c.Message, "joe@here", c.Recipient).Encode(wide: true))]));

    private bool commandsClosed;

    private void CloseCommands()
    {
        if (!commandsClosed) _ = Files.Close(commands);
        commandsClosed = true;
    }

    private int End()
    {
        CloseCommands();
        Assert.True(exitCode.Wait(10_000));
        return exitCode.Result;
    }

    private void Command(int number, string message, string recipient) =>
        Assert.Equal(0, Files.WriteAll(commands, new DeliveryCommand(number, message, "joe@here", recipient).Encode(wide: true)));

    private List<DeliveryReport> Reports(int count)
    {
        byte[] buffer = new byte[4096];
        while (received.Count < count)
        {
            Assert.True(Poll.WaitFor(reports, false, 10_000));
            int n = Files.Read(reports, buffer);
            Assert.True(n > 0);
            ReadOnlySpan<byte> bytes = buffer.AsSpan(0, n);
            while (stream.Take(ref bytes)) received.Enqueue(stream.Report());
        }
        return [.. Enumerable.Range(0, count).Select(_ => received.Dequeue())];
    }
}
