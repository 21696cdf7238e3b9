// Sleeping with next to no memory: a daemon without work executes its own file again, under the same process id, and a
// few lines of C that run before the runtime starts (asleep.c) wait in its place. What happens then starts the runtime,
// and the daemon goes on from the note that it left. Descriptors, locks, blocked and pending signals stay as they are.
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Text;

namespace Qmta.Posix;

/// <summary>What a sleeper needs to remember, item by item, in the order in which it was written.</summary>
public sealed class SleepNote
{
    private const int LongestItem = 128 << 20;

    private readonly List<byte> written = [];
    private readonly byte[] read;
    private int at;

    /// <summary>A note to write.</summary>
    public SleepNote() => read = [];

    /// <summary>A note to read.</summary>
    public SleepNote(byte[] bytes) => read = bytes;

    /// <summary>The whole note.</summary>
    public byte[] Bytes => [.. written];

    /// <summary>Whether there is something to take.</summary>
    public bool HasMore => at < read.Length;

    public void Put(string text) => written.AddRange(Netstring.Of(Latin1.Bytes(text)));

    public void Put(long number) => Put(number.ToString(CultureInfo.InvariantCulture));

    /// <exception cref="FormatException">There is no further item.</exception>
    public string TakeText()
    {
        ReadOnlySpan<byte> rest = read.AsSpan(at);
        if (new NetstringReader(LongestItem).Take(ref rest) is not byte[] item) throw new FormatException("it ends too early");
        at = read.Length - rest.Length;
        return Latin1.String(item);
    }

    /// <exception cref="FormatException">The next item is not a number.</exception>
    public long TakeNumber() => long.TryParse(TakeText(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
        ? number : throw new FormatException("it has something else in the place of a number");
}

/// <summary>Falling asleep, and finding out after a start that it was a sleep.</summary>
public static unsafe class Sleep
{
    /// <summary>Most descriptors that can wake a sleeper; the array in asleep.c has as many.</summary>
    public const int MostWakers = 8;

    // "pid time private note waker waker ...": who sleeps; for how long, in milliseconds, -1 for no limit; 1 for a process
    // that has given up root, and that others of its uid may not look into; the note's descriptor.
    private const string Variable = "QMTA_ASLEEP";

    // For tests: milliseconds without work after which a daemon sleeps and lets helpers go.
    private const string IdleVariable = "QMTA_IDLE";

    private const int LongestNote = 128 << 20;

    /// <summary>Milliseconds without work after which a daemon lets its helpers go, and sleeps.</summary>
    public static int Idle { get; } =
        int.TryParse(Variables.Get(IdleVariable), NumberStyles.None, CultureInfo.InvariantCulture, out int milliseconds)
        && milliseconds > 0 ? milliseconds : 60_000;

    /// <summary>
    /// Whether this program can sleep: it has the code that waits, and its file is still the one that runs. After an upgrade
    /// it is not.
    /// </summary>
    /// <param name="program">The name of this program.</param>
    public static bool IsPossible(string program)
    {
        try
        {
            if (Libc.qmta_can_sleep() == 0) return false;
        }
        catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
        return Files.Status("/proc/self/exe", out FileStatus running) == 0 && Files.Status(Programs.Find(program), out FileStatus there) == 0
            && running.Inode == there.Inode && running.Device == there.Device;
    }

    /// <summary>Falls asleep; returns only when that is not possible, with -errno, and everything is as it was.</summary>
    /// <param name="program">The name of this program.</param>
    /// <param name="note">What it wants to know when it wakes.</param>
    /// <param name="milliseconds">Longest sleep; negative for no limit.</param>
    /// <param name="isPrivate">Whether others of the same uid may not look into this process, as when it was root.</param>
    /// <param name="wakers">Descriptors that wake it by having something to read; negative ones do not count.</param>
    /// <param name="kept">Other descriptors that it needs then.</param>
    public static int Begin(string program, SleepNote note, int milliseconds, bool isPrivate, ReadOnlySpan<int> wakers, ReadOnlySpan<int> kept)
    {
        int paper = Files.InMemory();
        if (paper < 0) return paper;
        int error = Files.WriteAll(paper, note.Bytes);
        string state = Processes.Id + " " + milliseconds + (isPrivate ? " 1 " : " 0 ") + paper;
        foreach (int fd in wakers)
            if (fd >= 0) state += " " + fd;
        if (error >= 0) error = Inherit([paper, .. wakers, .. kept]);
        if (error >= 0)
        {
            Variables.Set(Variable, state);
            error = Processes.Replace(Programs.Find(program), [program, .. Programs.Arguments]);
            Variables.Set(Variable, null);
        }
        _ = Files.Close(paper);
        PosixException.Check(Descriptors.CloseOnExecFrom(3), "unable to close descriptors for programs");
        return error;
    }

    /// <summary>The note of a program that was asleep; null for one that has just been started.</summary>
    /// <exception cref="PosixException">It was asleep, and the note cannot be read.</exception>
    /// <exception cref="FormatException">It was asleep, and the note cannot be found.</exception>
    public static SleepNote? Woken()
    {
        string? state = Variables.Get(Variable);
        if (state == null) return null;
        // What is started from here has not slept.
        Variables.Set(Variable, null);
        string[] parts = state.Split(' ');
        if (parts[0] != Processes.Id.ToString(CultureInfo.InvariantCulture)) return null;
        if (parts.Length < 4 || !int.TryParse(parts[3], NumberStyles.None, CultureInfo.InvariantCulture, out int paper) || paper < 3)
            throw new FormatException(Variable + " does not say what it should");
        byte[]? bytes = Files.ReadWhole("/proc/self/fd/" + parts[3], LongestNote, out int error);
        PosixException.Check(error, "unable to read the note that was left before sleeping");
        _ = Files.Close(paper);
        return new SleepNote(bytes!);
    }

    private static int Inherit(ReadOnlySpan<int> descriptors)
    {
        foreach (int fd in descriptors)
        {
            int error = fd < 0 ? 0 : Files.DuplicateTo(fd, fd);
            if (error < 0) return error;
        }
        return 0;
    }
}
