// Messages that come into Maildirs together.
using System;
using System.IO;
using System.Linq;
using Qmta.Mailbox;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Mailbox;

public sealed class MaildirBatchTests : IDisposable
{
    private readonly string top = Path.Combine(Path.GetTempPath(), "qmta-maildir-" + Guid.NewGuid().ToString("N"));

    public void Dispose() => Directory.Delete(top, recursive: true);

    private string Maildir(string name)
    {
        foreach (string part in new[] { "tmp", "new", "cur" }) Directory.CreateDirectory(Path.Combine(top, name, part));
        return Path.Combine(top, name) + "/";
    }

    private static MaildirFile Message(string directory, string text, byte[]? buffer = null)
    {
        MaildirFile file = MaildirFile.Create(directory, buffer);
        file.Writer.Put(text);
        return file;
    }

    private static string[] Messages(string directory) =>
        [.. Directory.GetFiles(directory + "new").Select(File.ReadAllText).Order(StringComparer.Ordinal)];

    [Fact]
    public void TheyAreInNewWhenItIsPublishedAndNotBefore()
    {
        string one = Maildir("one"), two = Maildir("two");
        byte[] shared = new byte[MaildirFile.BufferSize];
        MaildirBatch batch = new();
        MaildirFile[] files = new MaildirFile[5];
        for (int i = 0; i < files.Length; i++)
        {
            files[i] = Message(i == 3 ? two : one, "message " + i, shared);
            batch.Add(files[i]);
        }
        Assert.Empty(Messages(one));
        batch.Publish();
        foreach (MaildirFile file in files)
        {
            Assert.Null(batch.Failure(file));
            file.Dispose();
        }
        Assert.Equal(["message 0", "message 1", "message 2", "message 4"], Messages(one));
        Assert.Equal(["message 3"], Messages(two));
        Assert.Empty(Directory.GetFiles(one + "tmp"));
        Assert.All(Directory.GetFiles(one + "new"), path => Assert.EndsWith(",S=9", path));
    }

    [Fact]
    public void OneThatFailsTakesNoOtherWithIt()
    {
        string good = Maildir("good"), bad = Maildir("bad");
        MaildirBatch batch = new();
        MaildirFile[] files = [Message(good, "a"), Message(bad, "b"), Message(good, "c")];
        foreach (MaildirFile file in files) batch.Add(file);
        Directory.Delete(bad + "new");
        batch.Publish();
        Assert.Null(batch.Failure(files[0]));
        Assert.Equal(Errno.ENOENT, batch.Failure(files[1])!.Errno);
        Assert.Null(batch.Failure(files[2]));
        foreach (MaildirFile file in files) file.Dispose();
        Assert.Equal(["a", "c"], Messages(good));
        Assert.Empty(Directory.GetFiles(bad + "tmp"));
    }

    [Fact]
    public void WhatIsNotPublishedLeavesNothing()
    {
        string directory = Maildir("one");
        MaildirBatch batch = new();
        using (MaildirFile added = Message(directory, "added"), begun = Message(directory, "begun")) batch.Add(added);
        Assert.Empty(Directory.GetFiles(directory + "tmp"));
        Assert.Empty(Directory.GetFiles(directory + "new"));
    }

    [Fact]
    public void OneAloneIsPublishedOrSaysWhyNot()
    {
        string directory = Maildir("one");
        using (MaildirFile file = Message(directory, "alone")) file.Publish();
        Assert.Equal(["alone"], Messages(directory));
        using MaildirFile next = Message(directory, "next");
        Directory.Delete(directory + "tmp", recursive: true);
        Assert.Equal(Errno.ENOENT, Assert.Throws<PosixException>(next.Publish).Errno);
    }
}
