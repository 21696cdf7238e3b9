using System;
using System.Collections.Generic;
using System.IO;
using Qmta.Posix;
using Qmta.Queue;
using Xunit;

namespace Qmta.Tests.Queue;

public sealed class TcpTimeoutsTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();
    private readonly TcpTimeouts timeouts;

    public TcpTimeoutsTests()
    {
        File.WriteAllBytes(path, new byte[1024]);
        timeouts = new TcpTimeouts(path);
    }

    public void Dispose() => File.Delete(path);

    private static IpAddress Address(string text)
    {
        Assert.True(IpAddress.TryParse(text, out IpAddress address));
        return address;
    }

    // What tcpto.c writes: address, count, time.
    private static byte[] Record(string address, int count, long when)
    {
        byte[] record = new byte[16];
        Address(address).Write(record);
        record[4] = (byte)count;
        BitConverter.TryWriteBytes(record.AsSpan(8), (uint)when);
        return record;
    }

    [Fact]
    public void AFailureIsWrittenAsQmailWritesIt()
    {
        long before = Clocks.Realtime;
        timeouts.Failed(Address("192.0.2.7"), 120);
        byte[] file = File.ReadAllBytes(path);
        Assert.Equal(1024, file.Length);
        Assert.Equal(new byte[] { 192, 0, 2, 7, 1, 0, 0, 0 }, file[..8]);
        Assert.InRange(BitConverter.ToUInt32(file, 8), before, Clocks.Realtime);
        Assert.All(file[12..], b => Assert.Equal(0, b));
    }

    [Fact]
    public void OneFailureAvoidsNothingAndTwoWithinTheToleranceAreOne()
    {
        IpAddress address = Address("192.0.2.7");
        timeouts.Failed(address, 120);
        timeouts.Failed(address, 120);
        Assert.False(timeouts.Avoids(address, 3600, out bool known));
        Assert.True(known);
        Assert.Equal(1, Assert.Single(timeouts.All()).Count);
    }

    [Theory]
    [InlineData("192.0.2.7")]
    [InlineData("2001:db8::7")]
    public void TwoFailuresAvoidAndASuccessForgets(string text)
    {
        IpAddress address = Address(text);
        timeouts.Failed(Address("192.0.2.1"), 0);
        timeouts.Failed(Address("2001:db8::1"), 0);
        timeouts.Failed(address, 0);
        timeouts.Failed(address, 0);
        Assert.True(timeouts.Avoids(address, 3600, out _));
        Assert.False(timeouts.Avoids(address, 0, out _));
        Assert.Contains(timeouts.All(), t => t.Address == address && t.Count == 2);
        timeouts.Succeeded(address);
        Assert.False(timeouts.Avoids(address, 3600, out bool known));
        Assert.False(known);
        Assert.Equal(2, timeouts.All().Count);
    }

    [Theory]
    [InlineData(2, 3600 + 200, true)] // an hour, and 4 minutes at least on top
    [InlineData(2, 3600 + 240 + 32 * 64, false)]
    [InlineData(1, 5, false)]
    [InlineData(2, -100_000, false)] // a clock that was wrong
    public void AnAddressIsAvoidedForItsPenalty(int count, int age, bool avoided)
    {
        File.WriteAllBytes(path, Record("192.0.2.7", count, Clocks.Realtime - age));
        Assert.Equal(avoided, timeouts.Avoids(Address("192.0.2.7"), 3600, out _));
    }

    [Fact]
    public void ANegativePenaltyIsExact()
    {
        File.WriteAllBytes(path, Record("192.0.2.7", 3, Clocks.Realtime - 50));
        Assert.True(timeouts.Avoids(Address("192.0.2.7"), -100, out _));
        Assert.False(timeouts.Avoids(Address("192.0.2.7"), -40, out _));
    }

    [Fact]
    public void AFullTableGivesUpItsOldestEntry()
    {
        List<byte> table = [];
        for (int i = 0; i < 64; i++) table.AddRange(Record("192.0.2." + i, i == 9 ? 1 : 2, Clocks.Realtime - 100));
        File.WriteAllBytes(path, [.. table]);
        timeouts.Failed(Address("198.51.100.1"), 120);
        byte[] file = File.ReadAllBytes(path);
        Assert.Equal(new byte[] { 198, 51, 100, 1, 1 }, file[(9 * 16)..(9 * 16 + 5)]);
        Assert.Equal(64, timeouts.All().Count);
    }

    [Fact]
    public void TheTableHasItsLimits()
    {
        for (int i = 0; i < 100; i++)
        {
            timeouts.Failed(Address("192.0.2." + i), 120);
            timeouts.Failed(Address("2001:db8::" + i), 120);
        }
        Assert.Equal(2048, new FileInfo(path).Length);
        Assert.Equal(64 + 32, timeouts.All().Count);
    }

    [Fact]
    public void ClearingLeavesWhatQueueFixMakes()
    {
        timeouts.Failed(Address("192.0.2.7"), 120);
        timeouts.Failed(Address("2001:db8::7"), 120);
        timeouts.Clear();
        Assert.Equal(new byte[1024], File.ReadAllBytes(path));
        Assert.Empty(timeouts.All());
    }

    [Fact]
    public void WithoutAFileNothingIsRemembered()
    {
        TcpTimeouts none = new(path + ".none");
        none.Failed(Address("192.0.2.7"), 0);
        none.Failed(Address("192.0.2.7"), 0);
        Assert.False(none.Avoids(Address("192.0.2.7"), 3600, out _));
        Assert.Throws<PosixException>(none.All);
        Assert.False(File.Exists(path + ".none"));
    }

    [Fact]
    public void RubbishIsHarmless()
    {
        byte[] rubbish = new byte[2999];
        new Random(1).NextBytes(rubbish);
        File.WriteAllBytes(path, rubbish);
        _ = timeouts.All();
        timeouts.Failed(Address("192.0.2.7"), 120);
        timeouts.Failed(Address("2001:db8::7"), 120);
        timeouts.Succeeded(Address("192.0.2.7"));
        Assert.Equal(2999, new FileInfo(path).Length);
    }
}
