using System;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Posix;

/// <summary>Notes of sleepers; the environment is the process's, so these run one after the other.</summary>
[Collection("alone")]
public sealed class SleepTests : IDisposable
{
    public void Dispose() => Variables.Set("QMTA_ASLEEP", null);

    [Fact]
    public void ANoteSaysWhatWasWritten()
    {
        SleepNote written = new();
        written.Put(-1);
        written.Put("a\0b\n,\u00ff");
        written.Put("");
        written.Put(long.MaxValue);
        SleepNote read = new(written.Bytes);
        Assert.Equal(-1, read.TakeNumber());
        Assert.Equal("a\0b\n,\u00ff", read.TakeText());
        Assert.Equal("", read.TakeText());
        Assert.True(read.HasMore);
        Assert.Equal(long.MaxValue, read.TakeNumber());
        Assert.False(read.HasMore);
        Assert.Throws<FormatException>(() => read.TakeText());
    }

    [Fact]
    public void AnotherNoteIsNone()
    {
        SleepNote written = new();
        written.Put("word");
        Assert.Throws<FormatException>(() => new SleepNote(written.Bytes).TakeNumber());
        Assert.Throws<FormatException>(() => new SleepNote(written.Bytes[..^1]).TakeText());
        Assert.Throws<FormatException>(() => new SleepNote([1, 2, 3]).TakeText());
    }

    [Fact]
    public void OnlyAProgramWithTheCodeThatWaitsCanSleep() => Assert.False(Sleep.IsPossible("dotnet"));

    [Fact]
    public void WhoIsStartedHasNotSlept()
    {
        Assert.Null(Sleep.Woken());
        Variables.Set("QMTA_ASLEEP", "1 60000 0 7 3"); // a parent's
        Assert.Null(Sleep.Woken());
        Assert.Null(Variables.Get("QMTA_ASLEEP"));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" 1 0")]
    [InlineData(" 1 0 x")]
    [InlineData(" 1 0 -1")]
    [InlineData(" 1 0 1")]
    public void AStateThatMakesNoSenseIsRefused(string rest)
    {
        Variables.Set("QMTA_ASLEEP", Processes.Id + rest);
        Assert.Throws<FormatException>(() => Sleep.Woken());
    }

    [Fact]
    public void WhoCannotFallAsleepIsAsBefore()
    {
        Assert.Equal(-Errno.ENOENT, Sleep.Begin("no-such-program", new SleepNote(), 60000, false, [-1], [-1]));
        Assert.Null(Variables.Get("QMTA_ASLEEP"));
        Assert.Equal(-Errno.EBADF, Sleep.Begin("no-such-program", new SleepNote(), 60000, false, [1000000], []));
    }

    [Fact]
    public void ANoteThatIsGoneIsRefused()
    {
        Variables.Set("QMTA_ASLEEP", Processes.Id + " 1 0 1000000");
        Assert.Throws<PosixException>(() => Sleep.Woken());
    }
}
