// A doorbell wakes one waiting thread for each ring, keeps rings for later, and never makes the one who rings wait; with
// a kernel that cannot limit a read, too.
using System.Threading;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Posix;

public class DoorbellTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void NobodyRings(bool old) => Assert.False(new Doorbell(10, old).Wait());

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void RingsAreKept(bool old)
    {
        Doorbell bell = new(10, old);
        bell.Ring();
        bell.Ring();
        Assert.True(bell.Wait());
        Assert.True(bell.Wait());
        Assert.False(bell.Wait());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void EveryRingWakesOne(bool old)
    {
        const int threads = 5;
        Doorbell bell = new(60_000, old);
        using SemaphoreSlim woken = new(0);
        for (int i = 0; i < threads; i++)
            Aside.Run(() =>
            {
                if (bell.Wait()) woken.Release();
            });
        for (int i = 0; i < threads; i++)
        {
            bell.Ring();
            Assert.True(woken.Wait(60_000));
        }
        Assert.Equal(0, woken.CurrentCount);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void RingingNeverWaits(bool old)
    {
        Doorbell bell = new(10, old);
        for (int i = 0; i < 100_000; i++) bell.Ring();
        Assert.True(bell.Wait());
    }
}
