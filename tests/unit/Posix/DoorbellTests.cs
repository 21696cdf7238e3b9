// A doorbell wakes one waiting thread for each ring, keeps rings for later, and never makes the one who rings wait.
using System.Threading;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Posix;

public class DoorbellTests
{
    [Fact]
    public void NobodyRings() => Assert.False(new Doorbell(10).Wait());

    [Fact]
    public void RingsAreKept()
    {
        Doorbell bell = new(10);
        bell.Ring();
        bell.Ring();
        Assert.True(bell.Wait());
        Assert.True(bell.Wait());
        Assert.False(bell.Wait());
    }

    [Fact]
    public void EveryRingWakesOne()
    {
        const int threads = 5;
        Doorbell bell = new(60_000);
        using SemaphoreSlim woken = new(0);
        for (int i = 0; i < threads; i++)
            new Thread(() =>
            {
                if (bell.Wait()) woken.Release();
            })
            { IsBackground = true }.Start();
        for (int i = 0; i < threads; i++)
        {
            bell.Ring();
            Assert.True(woken.Wait(60_000));
        }
        Assert.Equal(0, woken.CurrentCount);
    }

    [Fact]
    public void RingingNeverWaits()
    {
        Doorbell bell = new(10);
        for (int i = 0; i < 100_000; i++) bell.Ring();
        Assert.True(bell.Wait());
    }
}
