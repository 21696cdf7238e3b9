using Qmta.Enqueue;
using Qmta.Posix;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Enqueue;

[Collection("alone")]
public sealed class EnqueueTests
{
    [Fact]
    public void TheDeadlineReadsAndTellsTheEnd()
    {
        Assert.Equal(0, Files.Pipe(out int read, out int write));
        Deadline deadline = Deadline.OfProcess();
        Signals.KillAfter(0);
        byte[] buffer = new byte[10];
        Files.WriteAll(write, "abc"u8);
        Assert.Equal(3, deadline.Read(read, buffer));
        Files.Close(write);
        Assert.Equal(0, deadline.Read(read, buffer));
        Files.Close(read);
        int directory = Files.Open("/", OpenMode.Read | OpenMode.Directory);
        Assert.Equal(ExitCode.Read, Assert.Throws<QueueingException>(() => deadline.Read(directory, buffer)).ExitCode);
        Files.Close(directory);
    }

    [Fact]
    public void AfterTheDeadlineNothingIsReadAnyMore()
    {
        Assert.Equal(0, Files.Pipe(out int read, out int write));
        Variables.Set("DEATH", "1");
        Deadline deadline = Deadline.OfProcess();
        Variables.Set("DEATH", null);
        Signals.KillAfter(0);
        long start = Clocks.BoottimeMilliseconds;
        Assert.Equal(ExitCode.Timeout, Assert.Throws<QueueingException>(() => deadline.Read(read, new byte[10])).ExitCode);
        Assert.InRange(Clocks.BoottimeMilliseconds - start, 900, 20_000);
        Files.WriteAll(write, "late"u8);
        Assert.Equal(ExitCode.Timeout, Assert.Throws<QueueingException>(() => deadline.Read(read, new byte[10])).ExitCode);
        Files.Close(read);
        Files.Close(write);
    }

    [Fact]
    public void TheTraceLineIsOneLine()
    {
        string line = Received.Line(Submitter.Caller, 1_795_154_000);
        Assert.Matches($"^Received: qmta queue {Processes.Id} by host [^ ]+ \\(invoked by uid {Users.RealUid}\\); .* -0000\n$", line);
        Assert.EndsWith(Dates.Rfc5322(1_795_154_000) + "\n", line);
    }
}
