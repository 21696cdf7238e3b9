using System;
using System.IO;
using System.Net.Sockets;
using System.Text;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Posix;

/// <summary>What a service tells systemd; the environment is the process's, so these run one after the other.</summary>
[Collection("alone")]
public sealed class ServiceNoticesTests : IDisposable
{
    private readonly string path = Path.Combine(Path.GetTempPath(), "qmta-notify-" + Guid.NewGuid().ToString("N"));
    private readonly Socket manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 5000 };

    public ServiceNoticesTests() => manager.Bind(new UnixDomainSocketEndPoint(path));

    public void Dispose()
    {
        manager.Dispose();
        File.Delete(path);
        foreach (string name in new[] { "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID" }) Variables.Set(name, null);
    }

    private string Heard()
    {
        byte[] buffer = new byte[256];
        return Encoding.ASCII.GetString(buffer, 0, manager.Receive(buffer));
    }

    [Fact]
    public void SaysAndTakesTheVariablesAway()
    {
        Variables.Set("NOTIFY_SOCKET", path);
        Variables.Set("WATCHDOG_USEC", "400000");
        ServiceNotices notices = new();
        Assert.Null(Variables.Get("NOTIFY_SOCKET"));
        Assert.Null(Variables.Get("WATCHDOG_USEC"));
        notices.Say("READY=1");
        Assert.Equal("READY=1", Heard());
        long due = notices.NextSign;
        Assert.InRange(due - Clocks.BoottimeMilliseconds, -30_000, 200);
        notices.StillAlive(); // too early, unless this machine is slow
        while (Clocks.BoottimeMilliseconds < due) System.Threading.Thread.Sleep(10);
        notices.StillAlive();
        Assert.Equal("WATCHDOG=1", Heard());
        Assert.True(notices.NextSign > due);
    }

    [Fact]
    public void NobodyListensAndNothingHappens()
    {
        ServiceNotices none = new();
        none.Say("READY=1");
        Assert.Equal(long.MaxValue, none.NextSign);
        Variables.Set("NOTIFY_SOCKET", path + ".gone");
        Variables.Set("WATCHDOG_USEC", "1");
        ServiceNotices gone = new();
        gone.Say("READY=1");
        gone.StillAlive();
        Assert.Equal(long.MaxValue, gone.NextSign);
    }

    [Fact]
    public void AnotherProcesssWatchdogIsNotOurs()
    {
        Variables.Set("NOTIFY_SOCKET", path);
        Variables.Set("WATCHDOG_USEC", "1000000");
        Variables.Set("WATCHDOG_PID", "1");
        Assert.Equal(long.MaxValue, new ServiceNotices().NextSign);
    }
}
