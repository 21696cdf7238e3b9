// What a daemon that sleeps has to remember: its descriptors, its times, and what the control files said when it read
// them. The queue itself is on disk.
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Send;

/// <summary>The state of a sleeping qmta-send (<see cref="Sleep"/>).</summary>
internal sealed record Slumber
{
    // ---- descriptors; -1 for one that it has not

    /// <summary>lock/sendmutex: nobody else may work on the queue meanwhile.</summary>
    internal required int Lock { get; init; }
    internal required int Signals { get; init; }
    internal required int Trigger { get; init; }
    internal required int ClockWatch { get; init; }
    /// <summary>lock/submit.</summary>
    internal required int Listening { get; init; }
    internal required int Log { get; init; }
    /// <summary>Where the root helper is asked for programs.</summary>
    internal required int RootHelper { get; init; }
    /// <summary>The root helper's commands and reports.</summary>
    internal required int Commands { get; init; }
    internal required int Reports { get; init; }
    /// <summary>The service manager's.</summary>
    internal required int Notices { get; init; }

    // ---- the rest

    /// <summary>Deliveries the root helper runs at once, and whether their numbers have two bytes.</summary>
    internal required int Capacity { get; init; }
    internal required bool Wide { get; init; }
    /// <summary>The watchdog's interval and the last sign of life, in milliseconds.</summary>
    internal required long WatchdogInterval { get; init; }
    internal required long WatchdogSign { get; init; }
    /// <summary>Milliseconds since boot.</summary>
    internal required long NextScan { get; init; }
    internal required long NextCleanup { get; init; }
    internal required long ClockSaved { get; init; }
    internal required long QuietSince { get; init; }
    /// <summary>When it wakes at the latest.</summary>
    internal required long Until { get; init; }
    internal required long Deliveries { get; init; }
    /// <summary>Whether there are messages in the queue.</summary>
    internal required bool Messages { get; init; }
    /// <summary>The clocks when it fell asleep.</summary>
    internal required ClockReading Clock { get; init; }
    /// <summary>The control files as they were read (<see cref="Settings"/>).</summary>
    internal required Dictionary<string, string?> Controls { get; init; }

    /// <summary>What wakes it, apart from time.</summary>
    internal int[] Wakers => [Signals, Trigger, ClockWatch, Listening, Reports];

    /// <summary>What it holds on to.</summary>
    internal int[] Kept => [Lock, RootHelper, Commands, Notices, Log];

    internal SleepNote Write()
    {
        SleepNote note = new();
        note.Put(Programs.Version);
        foreach (long number in (ReadOnlySpan<long>)[Lock, Signals, Trigger, ClockWatch, Listening, Log, RootHelper, Commands, Reports, Notices,
            Capacity, Wide ? 1 : 0, WatchdogInterval, WatchdogSign, NextScan, NextCleanup, ClockSaved, QuietSince, Until, Deliveries, Messages ? 1 : 0, Clock.Wall,
            Clock.SinceBoot]) note.Put(number);
        note.Put(Clock.Boot);
        foreach ((string name, string? text) in Controls)
        {
            note.Put(name);
            note.Put(text == null ? 0 : 1);
            note.Put(text ?? "");
        }
        return note;
    }

    /// <exception cref="FormatException">It is not a note of this program's.</exception>
    internal static Slumber Read(SleepNote note)
    {
        if (note.TakeText() != Programs.Version) throw new FormatException("it is another version's");
        // In the order in which they were written.
        Slumber slumber = new()
        {
            Lock = (int)note.TakeNumber(),
            Signals = (int)note.TakeNumber(),
            Trigger = (int)note.TakeNumber(),
            ClockWatch = (int)note.TakeNumber(),
            Listening = (int)note.TakeNumber(),
            Log = (int)note.TakeNumber(),
            RootHelper = (int)note.TakeNumber(),
            Commands = (int)note.TakeNumber(),
            Reports = (int)note.TakeNumber(),
            Notices = (int)note.TakeNumber(),
            Capacity = (int)note.TakeNumber(),
            Wide = note.TakeNumber() != 0,
            WatchdogInterval = note.TakeNumber(),
            WatchdogSign = note.TakeNumber(),
            NextScan = note.TakeNumber(),
            NextCleanup = note.TakeNumber(),
            ClockSaved = note.TakeNumber(),
            QuietSince = note.TakeNumber(),
            Until = note.TakeNumber(),
            Deliveries = note.TakeNumber(),
            Messages = note.TakeNumber() != 0,
            Clock = new ClockReading(note.TakeNumber(), note.TakeNumber(), note.TakeText()),
            Controls = [],
        };
        while (note.HasMore)
        {
            string name = note.TakeText();
            bool there = note.TakeNumber() != 0;
            string text = note.TakeText();
            slumber.Controls[name] = there ? text : null;
        }
        return slumber;
    }
}
