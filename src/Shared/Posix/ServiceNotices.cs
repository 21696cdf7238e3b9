// Telling systemd how a service is doing: datagrams to the socket that NOTIFY_SOCKET names (sd_notify(3)).
using System;
using System.Globalization;
using Qmta.Text;

namespace Qmta.Posix;

/// <summary>
/// The service manager's ear; where there is none, nothing happens. The variables are taken out of the environment, so
/// that programs started later are not taken for the service.
/// </summary>
public sealed unsafe class ServiceNotices
{
    private const int UnixFamily = 1, Datagrams = 2, CloseOnExec = 0x80000, PathRoom = 108;

    /// <summary>Takes what the environment says.</summary>
    public ServiceNotices()
    {
        string? path = Variables.Get("NOTIFY_SOCKET");
        if (string.IsNullOrEmpty(path)) return;
        bool mine = Variables.Get("WATCHDOG_PID") is not string pid || pid == Processes.Id.ToString(CultureInfo.InvariantCulture);
        if (mine && long.TryParse(Variables.Get("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out long microseconds))
            Interval = microseconds / 1000;
        foreach (string name in (ReadOnlySpan<string>)["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) Variables.Set(name, null);
        Fd = Connect(path);
        LastSign = Clocks.BoottimeMilliseconds;
    }

    /// <summary>Goes on with what an earlier one of this process had.</summary>
    public ServiceNotices(int fd, long interval, long lastSign) => (Fd, Interval, LastSign) = (fd, interval, lastSign);

    /// <summary>The socket; -1 when there is none.</summary>
    public int Fd { get; } = -1;

    /// <summary>The watchdog's, in milliseconds; 0 for none.</summary>
    public long Interval { get; }

    /// <summary>When it was given a sign of life, in milliseconds since boot.</summary>
    public long LastSign { get; private set; }

    /// <summary>Says something: "READY=1", "STOPPING=1", "STATUS=...".</summary>
    public void Say(string text)
    {
        if (Fd < 0) return;
        byte[] bytes = Latin1.Bytes(text);
        fixed (byte* p = bytes) _ = Libc.send(Fd, p, bytes.Length, 0x4000 /* MSG_NOSIGNAL */);
    }

    /// <summary>
    /// Gives the watchdog its sign of life when a quarter of its interval is over. A program that is awake anyway calls
    /// this and hardly ever has to wake for it.
    /// </summary>
    public void StillAlive()
    {
        if (Interval == 0 || Fd < 0) return;
        long now = Clocks.BoottimeMilliseconds;
        if (now - LastSign < Interval / 4) return;
        LastSign = now;
        Say("WATCHDOG=1");
    }

    /// <summary>When to wake for the watchdog at the latest, in milliseconds since boot.</summary>
    public long NextSign => Interval == 0 || Fd < 0 ? long.MaxValue : LastSign + Interval / 2;

    private static int Connect(string path)
    {
        byte[] name = Latin1.Bytes(path);
        if (name.Length is < 2 or >= PathRoom || name[0] is not ((byte)'/' or (byte)'@')) return -1;
        int made = Libc.socket(UnixFamily, Datagrams | CloseOnExec, 0);
        if (made < 0) return -1;
        // struct sockaddr_un: two bytes of family, the path; a NUL in front of the abstract ones, which @ stands for.
        byte* address = stackalloc byte[2 + PathRoom];
        new Span<byte>(address, 2 + PathRoom).Clear();
        *(ushort*)address = UnixFamily;
        name.CopyTo(new Span<byte>(address + 2, PathRoom));
        if (name[0] == '@') address[2] = 0;
        if (Libc.connect(made, address, (uint)(2 + name.Length)) == 0) return made;
        _ = Files.Close(made);
        return -1;
    }
}
