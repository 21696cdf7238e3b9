// The time by which messages age: the wall clock, with its jumps taken out.
//
// Boards without a battery-backed clock start in the past and jump forward, by years perhaps, when a time server
// answers. A jump is not elapsed time: it must neither expire a message nor keep it for ever. So the wall clock is
// compared with the time since boot, which never jumps. When the difference between the two changes by more than clocks
// drift, all times of the queue are shifted by that step: ages stay what they were. What is needed to notice a step that
// happened while qmta-send was not running is kept in lock/clock.
using System;
using System.Globalization;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Queue;

/// <summary>One reading of both clocks.</summary>
/// <param name="Wall">Seconds since 1970.</param>
/// <param name="SinceBoot">Milliseconds since boot, time asleep included.</param>
/// <param name="Boot">Identifies the boot.</param>
public readonly record struct ClockReading(long Wall, long SinceBoot, string Boot)
{
    /// <summary>The clocks now.</summary>
    public static ClockReading Take(string boot) => new(Clocks.Realtime, Clocks.BoottimeMilliseconds, boot);
}

/// <summary>A jump of the wall clock, as the queue's times must follow it.</summary>
/// <param name="Seconds">By how much; negative for a jump back.</param>
/// <param name="Before">The wall clock's time just before it; later times belong to another time line already.</param>
public readonly record struct ClockStep(long Seconds, long Before)
{
    /// <summary>Nothing happened.</summary>
    public bool IsNone => Seconds == 0;

    /// <summary>A time of the queue after the step. A time in the future of <paramref name="now"/> counts as now.</summary>
    public long Apply(long time, long now) => Math.Min(time <= Before ? time + Seconds : time, now);
}

/// <summary>The clock that retry times and ages are computed with.</summary>
public sealed class QueueClock
{
    /// <summary>A change of up to so many seconds is drift or slewing, not a step.</summary>
    public const int Tolerance = 30;

    /// <summary>1 January 2026: a clock before the first release of this program is certainly wrong.</summary>
    public const long FirstPlausible = 1767225600;

    private readonly string path;
    private readonly Func<ClockReading> read;
    private ClockReading last;

    /// <param name="path">The file that remembers the clock across restarts.</param>
    /// <param name="read">Reads the clocks; the machine's own when null.</param>
    /// <param name="before">The last reading of this process, when it has read them before.</param>
    public QueueClock(string path, Func<ClockReading>? read = null, ClockReading? before = null)
    {
        this.path = path;
        if (read == null)
        {
            string boot = BootId();
            read = () => ClockReading.Take(boot);
        }
        this.read = read;
        last = before ?? read();
    }

    /// <summary>The clocks as of the last <see cref="Update"/>.</summary>
    public ClockReading Last => last;

    /// <summary>Seconds since 1970 as of the last <see cref="Update"/>.</summary>
    public long Now => last.Wall;

    /// <summary>Milliseconds since boot as of the last <see cref="Update"/>, for intervals.</summary>
    public long SinceBoot => last.SinceBoot;

    /// <summary>Reads the clocks; tells whether the wall clock was set since the last time.</summary>
    public ClockStep Update()
    {
        ClockReading before = last;
        last = read();
        return Between(before, last);
    }

    /// <summary>The step since the last <see cref="Save"/>, by this or an earlier process.</summary>
    public ClockStep SinceSaved() => Saved() is ClockReading saved ? Between(saved, last) : default;

    /// <summary>
    /// Remembers the clocks as of the last <see cref="Update"/>. Failure is not reported: without the file, a step that
    /// happens while qmta-send is not running goes unnoticed.
    /// </summary>
    public void Save()
    {
        int fd = Files.Open(path, OpenMode.Write | OpenMode.Create, 0x180 /* 0600 */);
        if (fd < 0) return;
        byte[] record = Latin1.Bytes($"{last.Boot} {last.Wall} {last.SinceBoot}\n");
        if (Files.WriteAt(fd, record, 0) == record.Length) _ = Files.Truncate(fd, record.Length);
        _ = Files.Sync(fd); // a power cut is when it will be needed
        _ = Files.Close(fd);
    }

    /// <summary>The step between two readings.</summary>
    public static ClockStep Between(ClockReading then, ClockReading now)
    {
        long elapsed, step;
        if (then.Boot == now.Boot)
        {
            elapsed = (now.SinceBoot - then.SinceBoot) / 1000;
            step = now.Wall - then.Wall - elapsed;
        }
        else
        {
            // How long the machine was off, only a clock that ran meanwhile can tell. One that went back did not, and
            // one that was not yet set cannot be compared with one that is.
            elapsed = 0;
            step = now.Wall < then.Wall || (then.Wall < FirstPlausible && now.Wall >= FirstPlausible) ? now.Wall - then.Wall : 0;
        }
        return Math.Abs(step) <= Tolerance ? default : new ClockStep(step, then.Wall + elapsed);
    }

    private ClockReading? Saved()
    {
        byte[]? record = Files.ReadWhole(path, 256, out _);
        string[] parts = record == null ? [] : Latin1.String(record).TrimEnd().Split(' ');
        return parts.Length == 3 && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long wall)
            && long.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out long sinceBoot)
            ? new ClockReading(wall, sinceBoot, parts[0])
            : null;
    }

    private static string BootId()
    {
        byte[]? id = Files.ReadWhole("/proc/sys/kernel/random/boot_id", 256, out _);
        return id == null ? "unknown" : Latin1.String(id).Trim();
    }
}
