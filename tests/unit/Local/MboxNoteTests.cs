// What a delivery that never ended left at the end of an mbox is taken back by the next, and nothing else is.
using System;
using System.IO;
using System.Text;
using Qmta.Local;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Local;

public sealed class MboxNoteTests : IDisposable
{
    private const string Earlier = "From a@b Thu Jan  1 00:00:00 1970\nSubject: earlier\n\nbody\n\n";
    private const string FromLine = "From sender@far.example Fri Jan  2 00:00:00 1970\n";

    // On the checkout's filesystem: one in memory may not have attributes.
    private readonly string path = Path.Combine(AppContext.BaseDirectory, "mbox." + Guid.NewGuid().ToString("N"));

    public void Dispose() => File.Delete(path);

    private int Open() => Files.Open(path, OpenMode.Write | OpenMode.Append | OpenMode.Create, 0x180);

    /// <summary>A delivery that is killed after it wrote so much; false where files have no attributes.</summary>
    private bool Die(string written, bool whole = false)
    {
        File.WriteAllText(path, Earlier, Encoding.Latin1);
        int fd = Open();
        MboxNote note = new(fd, Earlier.Length);
        Assert.Equal("", note.Begin(FromLine));
        Assert.True(Files.WriteAll(fd, Encoding.Latin1.GetBytes(written)) >= 0);
        if (whole) note.Whole();
        bool noted = Files.Attribute(fd, "user.qmta.append", new byte[100]) > 0;
        _ = Files.Close(fd);
        return noted;
    }

    private string AfterNext()
    {
        int fd = Open();
        MboxNote note = new(fd, new FileInfo(path).Length);
        note.TakeBackHalf();
        string before = note.Begin(FromLine);
        Assert.True(Files.WriteAll(fd, Encoding.Latin1.GetBytes(before + FromLine + "\nnext\n\n")) >= 0);
        note.Whole();
        note.Remove();
        Assert.True(Files.Attribute(fd, "user.qmta.append", new byte[100]) < 0);
        _ = Files.Close(fd);
        return File.ReadAllText(path, Encoding.Latin1);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Fr")]
    [InlineData("From sender@far.example Fri")]
    [InlineData(FromLine)]
    [InlineData(FromLine + "Return-Path: <sender@far.example>\nSubject: half\n\nbo")]
    public void HalfAMessageIsTakenBack(string half)
    {
        if (!Die(half)) return; // the filesystem has no attributes
        Assert.Equal(Earlier + FromLine + "\nnext\n\n", AfterNext());
    }

    [Fact]
    public void ALongHalfIsTakenBack()
    {
        if (!Die(FromLine + new string('x', 100_000))) return;
        Assert.Equal(Earlier + FromLine + "\nnext\n\n", AfterNext());
    }

    [Fact]
    public void AWholeMessageStaysThoughItsNoteDoes()
    {
        const string message = FromLine + "\nbody\n\n";
        _ = Die(message, whole: true);
        Assert.Equal(Earlier + message + FromLine + "\nnext\n\n", AfterNext());
    }

    [Theory]
    [InlineData("From another@program Sat Jan  3 00:00:00 1970\n\nits message\n\n")]
    [InlineData("xFrom another@program Sat Jan  3 00:00:00 1970\n\nits message\n\n")]
    public void WhatAnotherProgramPutBehindStays(string other)
    {
        _ = Die(FromLine + "\nhal" + other);
        string after = AfterNext();
        Assert.StartsWith(Earlier + FromLine + "\nhal" + other, after);
        Assert.EndsWith("\n\n" + FromLine + "\nnext\n\n", after);
    }

    [Fact]
    public void AnMboxThatWasRewrittenSinceIsLeftAlone()
    {
        if (!Die(FromLine + "\nhal")) return;
        string rewritten = Earlier + "From c@d Thu Jan  1 00:00:00 1970\n\nmoved here by a mail reader\n\n";
        using (FileStream stream = File.Open(path, FileMode.Open)) // the same file: its attribute stays
        {
            stream.SetLength(0);
            stream.Write(Encoding.Latin1.GetBytes(rewritten));
        }
        Assert.StartsWith(rewritten, AfterNext());
    }

    [Fact]
    public void WhatEndsWithoutALineEndIsKeptApart()
    {
        File.WriteAllText(path, "no end", Encoding.Latin1);
        Assert.Equal("no end\n\n" + FromLine + "\nnext\n\n", AfterNext());
    }
}
