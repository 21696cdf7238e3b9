using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Qmta.Posix;
using Qmta.Queue;
using Xunit;

namespace Qmta.Tests.Queue;

public sealed class QueueListingTests : IDisposable
{
    private const long Now = 1795200000;
    private readonly TempQueue temp = new();

    public void Dispose() => temp.Dispose();

    private QueueListing Listing => new(temp.Layout, Now);

    private ListedMessage Only() => Assert.Single(Listing.Messages().ToList());

    // A message as it is after it was taken in.
    private ulong TakenIn(string local, string remote, long birth = Now - 500, string sender = "ann@host.example")
    {
        ulong id = temp.Accept("u1!p2!F" + sender + "!Tx@y!");
        File.Delete(temp.Layout.Todo(id));
        File.Delete(temp.Layout.Intd(id));
        temp.Write(temp.Layout.Info(id), "F" + sender + "\0");
        if (local.Length > 0) temp.Write(temp.Layout.Local(id), local.Replace('!', '\0'));
        if (remote.Length > 0) temp.Write(temp.Layout.Remote(id), remote.Replace('!', '\0'));
        foreach (string path in new[] { temp.Layout.Info(id), temp.Layout.Local(id), temp.Layout.Remote(id) })
            _ = Files.SetModified(path, birth);
        return id;
    }

    [Fact]
    public void AnEmptyQueueListsNothing()
    {
        Assert.Empty(Listing.Messages());
        Assert.Empty(Listing.OldestFirst());
        Assert.Equal((0, 0), Listing.Count());
    }

    [Fact]
    public void AMissingQueueIsAnError()
    {
        QueueListing listing = new(new QueueLayout("/nonexistent/queue"), Now);
        Assert.Equal(Errno.ENOENT, Assert.Throws<PosixException>(() => listing.Messages().ToList()).Errno);
    }

    [Fact]
    public void ANewMessageHasItsEnvelopeAndNoChannelYet()
    {
        ulong id = temp.Accept("u1000!p77!Fann@host.example!Tjoe@a.example!Tjane@b.example!", "Subject: x\n\nfour\n");
        ListedMessage message = Only();
        Assert.Equal(id, message.Id);
        Assert.Equal("ann@host.example", message.Sender);
        Assert.Equal(17, message.Size);
        Assert.True(message.IsNew);
        Assert.Null(message.Problem);
        Assert.Equal([new ListedRecipient("joe@a.example", null, false, Now, null), new("jane@b.example", null, false, Now, null)],
            message.Recipients());
        Assert.Equal((1, 1), Listing.Count());
    }

    [Fact]
    public void AMessageThatWaitsSaysForWhomAndWhy()
    {
        ulong id = TakenIn("Droot@host.example!Tann@host.example!", "Tjoe@a.example!");
        Assert.Equal(0, DeferralNotes.Add(temp.Layout, id, "joe@a.example", new Deferral(Now - 90, "Connection refused.\n")));
        ListedMessage message = Only();
        Assert.False(message.IsNew);
        Assert.Equal(Now - 500, message.Arrival);
        // 500 seconds old: 22 is the root; local mail goes again at (22 + 10) squared, remote mail at (22 + 20) squared
        Assert.Equal(
        [
            new ListedRecipient("root@host.example", ChannelKind.Local, true, Now - 500 + 1024, null),
            new("ann@host.example", ChannelKind.Local, false, Now - 500 + 1024, null),
            new("joe@a.example", ChannelKind.Remote, false, Now - 500 + 1764, new Deferral(Now - 90, "Connection refused.")),
        ], message.Recipients());
        Assert.Equal((1, 0), Listing.Count());
    }

    [Fact]
    public void AFilesTimeInTheFutureIsTheNextAttempt()
    {
        ulong id = TakenIn("", "Tjoe@a.example!");
        _ = Files.SetModified(temp.Layout.Remote(id), Now + 17);
        Assert.Equal(Now + 17, Only().Recipients().Single().NextAttempt);
        // A clock that was wrong may have left anything.
        _ = Files.SetModified(temp.Layout.Remote(id), Now + 999999);
        Assert.Equal(Now - 500 + 1764, Only().Recipients().Single().NextAttempt);
    }

    [Fact]
    public void WhatIsOnlyBeingWrittenOrRemovedIsNotListed()
    {
        ulong id = temp.Accept("u1!p2!Fa@b!Tc@d!");
        File.Delete(temp.Layout.Todo(id)); // S3
        Assert.Empty(Listing.Messages());
        File.Delete(temp.Layout.Intd(id)); // S2
        Assert.Empty(Listing.Messages());
        Assert.Empty(Listing.OldestFirst());
        ulong gone = TakenIn("", "Tjoe@a.example!");
        File.Delete(temp.Layout.Mess(gone));
        Assert.Null(Listing.Find(gone));
    }

    [Fact]
    public void InfoDoesNotCountBeforeTheMessageIsOutOfTodo()
    {
        ulong id = temp.Accept("u1!p2!Fnew@b!Tc@d!");
        temp.Write(temp.Layout.Info(id), "Fold@b\0");
        temp.Write(temp.Layout.Remote(id), "Told@d\0");
        ListedMessage message = Only();
        Assert.Equal("new@b", message.Sender);
        Assert.Equal("c@d", Assert.Single(message.Recipients()).Address);
    }

    [Fact]
    public void AMessageTakenInBetweenTwoLooksIsReadFromWhereItIs()
    {
        ulong id = temp.Accept("u1!p2!Fa@b!Tc@d!");
        ListedMessage message = Only();
        temp.Write(temp.Layout.Info(id), "Fa@b\0");
        temp.Write(temp.Layout.Remote(id), "Tc@d\0");
        File.Delete(temp.Layout.Todo(id));
        ListedRecipient recipient = Assert.Single(message.Recipients());
        Assert.Equal(("c@d", ChannelKind.Remote), (recipient.Address, recipient.Channel));
        Assert.Null(message.Problem);
        // and when everything is gone there is nothing to tell
        File.Delete(temp.Layout.Remote(id));
        Assert.Empty(message.Recipients());
        Assert.Null(message.Problem);
    }

    [Theory]
    [InlineData("", "has no sender")]
    [InlineData("u1!p2!", "has no sender")]
    [InlineData("u1!p2!Fa@b", "ends inside a record")]
    [InlineData("!!", "empty")]
    public void AnEnvelopeThatMakesNoSenseIsShownAsAProblem(string envelope, string words)
    {
        ulong id = temp.Accept(envelope);
        ListedMessage message = Only();
        Assert.Equal(id, message.Id);
        Assert.Contains(words, message.Problem);
    }

    [Fact]
    public void ARecipientListThatMakesNoSenseEndsWithAProblem()
    {
        TakenIn("", "Tjoe@a.example!Tcut");
        ListedMessage message = Only();
        Assert.Equal("joe@a.example", Assert.Single(message.Recipients()).Address);
        Assert.Contains("ends inside a record", message.Problem);
    }

    [Fact]
    public void WhatIsNoFileHoldsNobodyUp()
    {
        ulong id = TakenIn("", "");
        _ = Files.MakeFifo(temp.Layout.Todo(id), 0x180);
        Assert.Contains("is not a file", Only().Problem);
        temp.Write("mess/0/notanumber", "");
        Directory.CreateDirectory(temp.At("mess/lost+found"));
        temp.Write("mess/lost+found/12", "");
        Assert.Single(Listing.Messages());
    }

    [Fact]
    public void FailuresAreToldOfWhileOtherRecipientsWait()
    {
        ulong id = TakenIn("", "Tjoe@a.example!");
        Assert.False(Only().HasFailures);
        temp.Write(temp.Layout.Bounce(id), "<x@y>:\nno\n\n");
        Assert.True(Only().HasFailures);
    }

    [Fact]
    public void TheLongestWaitingComesFirst()
    {
        List<long> births = [Now - 50, Now - 7000, Now - 300, Now - 1];
        foreach (long birth in births) TakenIn("", "Tjoe@a.example!", birth);
        births.Sort();
        Assert.Equal(births, Listing.OldestFirst().Select(m => m.Arrival));
        Assert.Equal(4, Listing.Messages().Count());
    }

    [Fact]
    public void ABirthInTheFutureCountsAsNow()
    {
        TakenIn("", "Tjoe@a.example!", Now + 86400);
        Assert.Equal(Now, Only().Arrival);
    }

    [Fact]
    public void AMessageOfAQueueMadeWithAnotherSplitIsFoundInMess()
    {
        ulong id = temp.Accept("u1!p2!Fa@b!Tc@d!");
        QueueListing other = new(new QueueLayout(temp.Layout.Directory, 3), Now);
        // Its mess file may be where this split does not have it; then it is not listed rather than shown wrongly.
        foreach (ListedMessage message in other.Messages()) Assert.Equal(id, message.Id);
        Assert.Equal(1, other.Count().Messages);
    }

    [Fact]
    public void ManyRecipientsAreReadOneAtATime()
    {
        StringBuilder remote = new();
        for (int i = 0; i < 100_000; i++) remote.Append("Tsubscriber").Append(i).Append("@lists.example!");
        TakenIn("", remote.ToString());
        ListedMessage message = Only();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal("subscriber0@lists.example", message.Recipients().First().Address);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 100_000);
        Assert.Equal(100_000, message.Recipients().Count());
    }
}
