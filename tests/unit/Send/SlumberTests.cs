using System;
using System.Collections.Generic;
using System.IO;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Send;
using Xunit;

namespace Qmta.Tests.Send;

/// <summary>What a sleeping qmta-send remembers.</summary>
public sealed class SlumberTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-control-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    private void Write(string name, string text) => File.WriteAllText(directory + "/" + name, text);

    private static Slumber Example(Dictionary<string, string?> controls) => new()
    {
        Lock = 3, Signals = 4, Trigger = 5, ClockWatch = -1, Listening = 7, Log = 2, RootHelper = 9, Commands = 10, Reports = 11,
        Notices = -1, Capacity = 500, Wide = true, WatchdogInterval = 12, WatchdogSign = 13, NextScan = 14, NextCleanup = 15,
        ClockSaved = -600000, QuietSince = 17, Until = 18, Deliveries = 19, Messages = true, Clock = new ClockReading(20, 21, "boot id"), Controls = controls,
    };

    [Fact]
    public void EverythingIsRemembered()
    {
        Slumber before = Example(new() { ["locals"] = "a\nb\n", ["me"] = "", ["virtualdomains"] = null });
        Slumber after = Slumber.Read(new SleepNote(before.Write().Bytes));
        Assert.Equal(before with { Controls = after.Controls }, after);
        Assert.Equal(before.Controls, after.Controls);
    }

    [Fact]
    public void AnotherVersionsNoteIsRefused()
    {
        SleepNote note = new();
        note.Put("0.0.0");
        Assert.Throws<FormatException>(() => Slumber.Read(new SleepNote(note.Bytes)));
        Assert.Throws<FormatException>(() => Slumber.Read(new SleepNote([])));
    }

    [Fact]
    public void ControlFilesCountAsTheyWereRead()
    {
        QueueLayout queue = new("/nowhere/queue", 23, false);
        Write("me", "host.example\n");
        Write("locals", "one.example\n");
        Write("concurrencylocal", "3\n");
        Settings awake = new(new ControlFiles(directory), queue);
        Slumber slumber = Example(awake.Texts);
        Write("locals", "two.example\n");
        Write("bouncefrom", "somebody\n");
        Write("concurrencylocal", "nonsense\n");
        File.Delete(directory + "/me");
        slumber = Slumber.Read(new SleepNote(slumber.Write().Bytes));
        Settings woken = new(new ControlFiles(directory), queue, slumber.Controls);
        Assert.Equal(ChannelKind.Local, woken.Routing.Route("x@one.example").Channel);
        Assert.Equal(("MAILER-DAEMON", 3), (woken.BounceFrom, woken.ConcurrencyLocal));

        // Read again, all or nothing, and what was read is what is remembered next time.
        Assert.Throws<FormatException>(woken.Reread);
        Assert.Equal("one.example\n", woken.Texts["locals"]);
        Write("me", "host.example\n");
        Write("concurrencylocal", "4\n");
        woken.Reread();
        Assert.Equal(ChannelKind.Remote, woken.Routing.Route("x@one.example").Channel);
        Assert.Equal(("two.example\n", 4), (woken.Texts["locals"], woken.ConcurrencyLocal));
        Assert.Equal("MAILER-DAEMON", new Settings(new ControlFiles(directory), queue, woken.Texts).BounceFrom);
    }
}
