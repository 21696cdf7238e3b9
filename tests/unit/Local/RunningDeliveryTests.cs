// Deliveries as qmail-lspawn sees them: real processes, with the clock in the test's hand.
using System;
using Qmta.Local;
using Qmta.Posix;
using Qmta.Queue;
using Xunit;

namespace Qmta.Tests.Local;

[Collection("alone")]
public sealed class RunningDeliveryTests
{
    private const long Start = 1_000_000, Limit = 60_000;
    private readonly byte[] buffer = new byte[4096];

    private static RunningDelivery Run(string command)
    {
        Assert.Equal(0, Files.Pipe(out int read, out int write));
        int pid = Processes.Start("/bin/sh", ["sh", "-c", command], [new(write, 1)], ownGroup: true);
        Assert.True(pid > 0);
        Files.Close(write);
        return new RunningDelivery(7, pid, read, Start, Limit);
    }

    private void ReadAll(RunningDelivery delivery)
    {
        while (delivery.Pipe >= 0) delivery.ReadOutput(buffer);
    }

    private static void Collect(RunningDelivery delivery, long now)
    {
        Assert.Equal(0, Processes.Wait(delivery.Pid, out ExitStatus status));
        delivery.End(status, now);
    }

    [Fact]
    public void TheReportIsWhatItPrinted()
    {
        RunningDelivery delivery = Run("echo full; exit 111");
        Assert.Equal(Start + Limit, delivery.Deadline);
        ReadAll(delivery);
        Assert.False(delivery.IsOver);
        Collect(delivery, Start);
        Assert.True(delivery.IsOver);
        Assert.Equal("Zfull\n", delivery.Report(Start));
    }

    [Fact]
    public void AFloodIsReadAndCut()
    {
        RunningDelivery delivery = Run("head -c 1000000 /dev/zero | tr '\\0' x");
        ReadAll(delivery);
        Collect(delivery, Start);
        Assert.Equal("K" + new string('x', DeliveryProtocol.LongestReport), delivery.Report(Start));
    }

    [Fact]
    public void APipeInOtherHandsIsWaitedForOnlySoLong()
    {
        RunningDelivery delivery = Run("sleep 1000 & echo started");
        delivery.ReadOutput(buffer);
        Collect(delivery, Start + 5);
        Assert.False(delivery.IsOver);
        Assert.Equal(Start + 5 + RunningDelivery.Grace, delivery.Deadline);
        delivery.MeetDeadline(delivery.Deadline);
        Assert.True(delivery.IsOver);
        Assert.Equal("Kstarted\n", delivery.Report(Start));
        Processes.KillGroup(delivery.Pid, Signals.KILL);
    }

    [Fact]
    public void OutOfTimeItIsAskedToStop()
    {
        RunningDelivery delivery = Run("echo begun; sleep 1000");
        delivery.MeetDeadline(Start + Limit);
        ReadAll(delivery);
        Collect(delivery, Start + Limit);
        Assert.Equal("ZThe delivery had not ended after 60 seconds and was stopped. (#4.3.0)\n", delivery.Report(Start + Limit));
    }

    [Fact]
    public void WhatDoesNotListenIsKilledWithItsChildren()
    {
        RunningDelivery delivery = Run("trap '' TERM; echo ready; sleep 1000; sleep 1000");
        delivery.ReadOutput(buffer); // the trap is set
        delivery.MeetDeadline(Start + Limit);
        Assert.Equal(Start + Limit + RunningDelivery.Patience, delivery.Deadline);
        delivery.MeetDeadline(delivery.Deadline);
        Collect(delivery, delivery.Deadline);
        ReadAll(delivery); // would wait for ever if the second sleep held it
        Assert.StartsWith("ZThe delivery had not ended", delivery.Report(Start + Limit), StringComparison.Ordinal);
    }

    [Fact]
    public void ACrashTakesItsProgramsAlong()
    {
        RunningDelivery delivery = Run("sleep 1000 & kill -9 $$");
        Collect(delivery, Start);
        ReadAll(delivery);
        Assert.Equal("Zqmail-local crashed.\n", delivery.Report(Start));
    }

    [Fact]
    public void AStartRequestThatIsNoneIsAnsweredWithASentence()
    {
        Assert.Equal(0, DescriptorSocket.Pair(out int scheduler, out int helper));
        Assert.Equal(0, DescriptorSocket.Send(scheduler, RoleRequests.StartRemote, []));
        Assert.True(RoleRequests.Answer(helper));
        int n = Files.Read(scheduler, buffer);
        Assert.Equal(1, buffer[0]);
        Assert.Equal("start request not understood", Qmta.Text.Latin1.String(buffer.AsSpan(1, n - 1)));
        Files.Close(scheduler);
        Assert.False(RoleRequests.Answer(helper));
        Files.Close(helper);
    }
}
