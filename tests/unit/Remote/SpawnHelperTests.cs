using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Remote;
using Xunit;

namespace Qmta.Tests.Remote;

/// <summary>Runs the helper in a thread, at the end of two pipes. It reads its settings from the environment.</summary>
[Collection("environment")]
public sealed class SpawnHelperTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("rspawn").FullName;
    private readonly string? oldControl = Variables.Get("CONTROLDIR");
    private readonly int commands, reports;
    private readonly Thread thread;
    private readonly DeliveryStream stream = DeliveryStream.OfReports(wide: true);
    private readonly Queue<DeliveryReport> received = [];
    private int exitCode = -1;

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
        thread = new Thread(() =>
        {
            exitCode = helper.Serve();
            _ = Files.Close(input);
            _ = Files.Close(output);
        });
        thread.Start();
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
        Command(65535, "5/28", "a@there");
        Dictionary<int, string> texts = Reports(5).ToDictionary(r => r.Number, r => r.Text);
        Assert.Equal("DInternal error: messid has nonnumerics. (#5.3.5)\n", texts[1]);
        Assert.Equal("DSorry, address must include host name. (#5.1.3)\n", texts[2]);
        Assert.Equal($"Zqmail-spawn unable to open message. (#4.3.0)\n{root}/queue/mess/5/51: No such file or directory\n", texts[3]);
        Assert.Equal("ZInternal error: delnum too big. (#4.3.5)\n", texts[500]);
        Assert.Equal("ZInternal error: delnum too big. (#4.3.5)\n", texts[65535]);
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
        Assert.StartsWith("ZSorry, the route for fast has credentials", first[30]);
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

    private bool commandsClosed;

    private void CloseCommands()
    {
        if (!commandsClosed) _ = Files.Close(commands);
        commandsClosed = true;
    }

    private int End()
    {
        CloseCommands();
        Assert.True(thread.Join(10_000));
        return exitCode;
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
