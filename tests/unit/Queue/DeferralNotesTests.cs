using System;
using System.Collections.Generic;
using System.IO;
using Qmta.Queue;
using Xunit;

namespace Qmta.Tests.Queue;

public sealed class DeferralNotesTests : IDisposable
{
    private readonly TempQueue queue = new();

    public void Dispose() => queue.Dispose();

    [Fact]
    public void The_last_deferral_of_each_recipient_is_read_back()
    {
        Add("joe@far.example", 100, "Connected to 192.0.2.1 but greeting failed.\nRemote host said: 421 busy\n");
        Add("ann@far.example", 110, "no answer");
        Add("joe@far.example", 120, "CNAME lookup failed temporarily.\n");

        Dictionary<string, Deferral> notes = DeferralNotes.Read(queue.Layout, 17);

        Assert.Equal(2, notes.Count);
        Assert.Equal(new Deferral(120, "CNAME lookup failed temporarily."), notes["joe@far.example"]);
        Assert.Equal(new Deferral(110, "no answer"), notes["ann@far.example"]);
    }

    [Fact]
    public void The_same_words_again_write_nothing()
    {
        Add("joe@far.example", 100, "busy\n");
        string before = TempQueue.Read(queue.Layout.Defer(17))!;
        Add("joe@far.example", 400, "busy\n");
        Assert.Equal(before, TempQueue.Read(queue.Layout.Defer(17)));
    }

    [Fact]
    public void Without_notes_there_is_nothing_to_read() => Assert.Empty(DeferralNotes.Read(queue.Layout, 17));

    [Fact]
    public void The_file_stays_small_and_keeps_the_latest()
    {
        for (int i = 0; i < 200; i++) Add($"user{i}@far.example", i, new string('x', 2000));
        Assert.InRange(new FileInfo(queue.Layout.Defer(17)).Length, 1, 16384);
        Assert.Equal(199, DeferralNotes.Read(queue.Layout, 17)["user199@far.example"].Time);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Tjoe!")]
    [InlineData("Tjoe!Z12 hal")]
    [InlineData("Tjoe!Zx y!")]
    [InlineData("Tjoe!Z!")]
    [InlineData("!!!")]
    public void What_a_crash_left_is_skipped(string left)
    {
        Directory.CreateDirectory(queue.At("defer"));
        queue.Write("defer/17", left.Replace('!', '\0'));
        Add("ann@x", 5, "why");
        Assert.Equal("why", DeferralNotes.Read(queue.Layout, 17)["ann@x"].Reason);
        queue.Write("defer/17", "Tann@x\0Z5 why\0" + left.Replace('!', '\0'));
        Assert.Equal("why", DeferralNotes.Read(queue.Layout, 17)["ann@x"].Reason);
    }

    private void Add(string recipient, long time, string reason) =>
        Assert.Equal(0, DeferralNotes.Add(queue.Layout, 17, recipient, new Deferral(time, reason)));
}
