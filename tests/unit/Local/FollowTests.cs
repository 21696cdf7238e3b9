// Deliveries that really happen, into a directory of their own.
using System;
using System.IO;
using System.Linq;
using Qmta.Local;
using Qmta.Posix;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Local;

[Collection("alone")]
public sealed class FollowTests
{
    private const string Trace = "Return-Path: <sue@example.net>\nDelivered-To: joe-list@example.org\n";

    private static string Follow(Scratch scratch, string instructions, string message = "Subject: x\n\nbody\n", bool forwardsOnly = false,
        Delivery? delivery = null)
    {
        string done = "";
        scratch.Message(message, file => done = LocalDelivery.Follow(Latin1.Bytes(instructions.Replace("./", scratch.Path + "/", StringComparison.Ordinal)),
            forwardsOnly, file, delivery ?? Scratch.Delivery));
        return done;
    }

    private static void Fails(int code, string sentence, Action deliver)
    {
        DeliveryFailure failure = Assert.Throws<DeliveryFailure>(deliver);
        Assert.Equal((code, sentence), (failure.Code, failure.Message));
    }

    [Theory]
    [InlineData("Subject: x\n\nbody\n")]
    [InlineData("")]
    [InlineData("no header, no end\0\xFF\r")]
    public void AMaildirGetsTheMessageByteForByte(string message)
    {
        using Scratch scratch = new();
        string maildir = scratch.Maildir("Maildir");
        Assert.Equal("did 2+0+0\n", Follow(scratch, "./Maildir/\n./Maildir/\n", message));
        string[] files = Directory.GetFiles(maildir + "new");
        Assert.Equal(2, files.Length);
        Assert.Empty(Directory.GetFiles(maildir + "tmp"));
        foreach (string file in files)
        {
            Assert.Equal(Trace + message, Latin1.String(File.ReadAllBytes(file)));
            Assert.EndsWith(",S=" + (Trace.Length + message.Length), file, StringComparison.Ordinal);
            Assert.Equal(0, Files.Status(file, out FileStatus status));
            Assert.Equal((0x180, 1u), (status.Mode & ~0x3F, status.Links));
        }
    }

    [Fact]
    public void AMaildirThatIsNone()
    {
        using Scratch scratch = new();
        string[] sentences = new string[2];
        sentences[0] = Assert.Throws<DeliveryFailure>(() => Follow(scratch, "./Maildir/\n")).Message;
        Directory.CreateDirectory(scratch.At("Maildir"));
        sentences[1] = Assert.Throws<DeliveryFailure>(() => Follow(scratch, "./Maildir/\n")).Message;
        Assert.Equal(["Unable to chdir to maildir. (#4.2.1)", "Temporary error on maildir delivery. (#4.3.0)"],
            sentences.Select(sentence => sentence.Split('\n')[0]));
        // new is missing: nothing may stay behind in tmp
        Directory.CreateDirectory(scratch.At("Maildir/tmp"));
        Assert.Throws<DeliveryFailure>(() => Follow(scratch, "./Maildir/\n"));
        Assert.Empty(Directory.GetFiles(scratch.At("Maildir/tmp")));
    }

    [Fact]
    public void AnMboxGrowsByTheQuotedMessage()
    {
        using Scratch scratch = new();
        scratch.Write("mbox", "From a\n\nold\n\n");
        Assert.Equal("did 1+0+0\n", Follow(scratch, "./mbox\n", "From b\n>From c", delivery: Scratch.Delivery with { ExtraHeader = "X-Q: q" }));
        string[] parts = scratch.Read("mbox").Split("From sue@example.net ");
        Assert.Equal("From a\n\nold\n\n", parts[0]);
        Assert.Equal(Trace + "X-Q: q\n>From b\n>>From c\n\n", parts[1][(parts[1].IndexOf('\n') + 1)..]);
    }

    [Fact]
    public void AnMboxThatCannotBe()
    {
        using Scratch scratch = new();
        Directory.CreateDirectory(scratch.At("mbox"));
        Fails(111, $"Unable to open {scratch.At("mbox")}: Is a directory. (#4.2.1)", () => Follow(scratch, "./mbox\n"));
        Files.MakeFifo(scratch.At("fifo"), 0x180);
        Fails(111, $"Unable to open {scratch.At("fifo")}: No such device or address. (#4.2.1)", () => Follow(scratch, "./fifo\n"));
        Fails(111, "Unable to write /dev/full: No space left on device. (#4.3.0)", () => Follow(scratch, "/dev/full\n"));
        Assert.Equal("did 1+0+0\n", Follow(scratch, "/dev/null\n"));
    }

    [Fact]
    public void AMessageThatCannotBeReadLeavesTheMboxAsItWas()
    {
        using Scratch scratch = new();
        scratch.Write("mbox", "old");
        int directory = Files.Open(scratch.Path, OpenMode.Read); // can be rewound, but not read
        Fails(111, "Unable to read message: Is a directory. (#4.3.0)",
            () => LocalDelivery.Follow(Latin1.Bytes(scratch.At("mbox")), false, new MessageFile(directory), Scratch.Delivery));
        Files.Close(directory);
        Assert.Equal("old", scratch.Read("mbox"));
    }

    [Fact]
    public void ALockedMboxIsWaitedForUntilTheLimit()
    {
        using Scratch scratch = new();
        scratch.Write("mbox", "");
        int holder = Files.Open(scratch.At("mbox"), OpenMode.Read), waiter = Files.Open(scratch.At("mbox"), OpenMode.Read);
        Assert.True(Mbox.Lock(holder, 0));
        Fails(111, "File has been locked for 30 seconds straight. (#4.3.0)", () => Mbox.Lock(waiter, 20));
        Files.Close(holder);
        Assert.True(Mbox.Lock(waiter, 0));
        Files.Close(waiter);
    }

    [Fact]
    public async System.Threading.Tasks.Task AnMboxThatIsReplacedWhileItIsLockedGetsTheMessage()
    {
        using Scratch scratch = new();
        int holder = Files.Open(scratch.Write("mbox", "old"), OpenMode.Read);
        Assert.True(Mbox.Lock(holder, 0));
        System.Threading.Tasks.Task<string> delivery = System.Threading.Tasks.Task.Run(() => Follow(scratch, "./mbox\n"));
        await System.Threading.Tasks.Task.Delay(30); // long enough, usually, for the delivery to wait; nothing fails when it is not
        File.Move(scratch.Write("rewritten", "new"), scratch.At("mbox"), overwrite: true);
        Files.Close(holder);
        Assert.Equal("did 1+0+0\n", await delivery);
        Assert.StartsWith("new\n\nFrom sue@example.net ", scratch.Read("mbox"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\n./mbox\n", false, "Uh-oh: first line of .qmail file is blank. (#4.2.1)")]
    [InlineData(" \t\n./mbox\n", false, "Uh-oh: first line of .qmail file is blank. (#4.2.1)")]
    [InlineData("", false, "Uh-oh: first line of .qmail file is blank. (#4.2.1)")]
    [InlineData("# x\n./mbox\n", true, "Uh-oh: .qmail has file delivery but has x bit set. (#4.7.0)")]
    [InlineData("./Maildir/\n", true, "Uh-oh: .qmail has file delivery but has x bit set. (#4.7.0)")]
    [InlineData("&a@b\n|true\n", true, "Uh-oh: .qmail has prog delivery but has x bit set. (#4.7.0)")]
    [InlineData("./mbox\n+list\n|true\n", false, "Uh-oh: .qmail has prog delivery but has x bit set. (#4.7.0)")]
    [InlineData("./mbox\n?a b\n", true, "Uh-oh: .qmail has file delivery but has x bit set. (#4.7.0)")]
    [InlineData("#\n?a b\n", true, "Uh-oh: .qmail has prog delivery but has x bit set. (#4.7.0)")]
    [InlineData("./mbox\n+a\n", false, "Uh-oh: .qmail has a line that is no delivery instruction: +a (#4.3.5)")]
    public void AnUnusableFileDeliversNothing(string instructions, bool forwardsOnly, string sentence)
    {
        using Scratch scratch = new();
        scratch.Maildir("Maildir");
        Fails(111, sentence, () => Follow(scratch, instructions, forwardsOnly: forwardsOnly));
        Assert.False(File.Exists(scratch.At("mbox")));
        Assert.Empty(Directory.GetFiles(scratch.At("Maildir/new")));
    }

    [Theory]
    [InlineData("#\n\n\n# b\n", "did 0+0+0\n")]
    [InlineData("|exit 0\n./a\n|exit 99\n./b\n|exit 100", "did 1+0+2\n")]
    [InlineData("|cat >./a", "did 0+0+1\n")]
    public void Done(string instructions, string done)
    {
        using Scratch scratch = new();
        Assert.Equal(done, Follow(scratch, instructions));
        Assert.False(File.Exists(scratch.At("b")));
    }

    [Fact]
    public void EveryProgramReadsTheWholeMessage()
    {
        using Scratch scratch = new();
        Assert.Equal("did 0+0+3\n", Follow(scratch, "|head -c 3 >/dev/null\n|cat >./a\n|cat >./b\n", "S: x\n\nbody"));
        Assert.Equal("S: x\n\nbody", scratch.Read("a"));
        Assert.Equal("S: x\n\nbody", scratch.Read("b"));
    }

    [Fact]
    public void AFailedInstructionStopsTheRest()
    {
        using Scratch scratch = new();
        Fails(100, "", () => Follow(scratch, "./a\n|exit 100\n./b\n"));
        Fails(111, "", () => Follow(scratch, "|exit 3\n./b\n"));
        Fails(111, "Aack, child crashed. (#4.3.0)", () => Follow(scratch, "|kill -9 $$\n./b\n"));
        Assert.True(File.Exists(scratch.At("a")));
        Assert.False(File.Exists(scratch.At("b")));
    }
}
