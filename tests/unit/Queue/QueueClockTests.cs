using System;
using System.IO;
using System.Linq;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Queue;
using Xunit;

namespace Qmta.Tests.Queue;

public sealed class QueueClockTests : IDisposable
{
    private const long Today = 1_795_154_000, Year = 31_536_000;

    private readonly string path = Path.Combine(Path.GetTempPath(), "qmta-clock-" + Guid.NewGuid().ToString("N"));
    private ClockReading machine = new(Today, 5_000_000, "boot-a");

    public void Dispose() => File.Delete(path);

    private QueueClock Start() => new(path, () => machine);

    private void Pass(long seconds) => machine = machine with { Wall = machine.Wall + seconds, SinceBoot = machine.SinceBoot + seconds * 1000 };

    private void Set(long seconds) => machine = machine with { Wall = machine.Wall + seconds };

    private void Reboot(long wall) => machine = new(wall, 20_000, machine.Boot + "'");

    [Fact]
    public void TimePassesAndSleepCounts()
    {
        QueueClock clock = Start();
        Pass(86_400); // suspended: both clocks run on
        Assert.True(clock.Update().IsNone);
        Assert.Equal(Today + 86_400, clock.Now);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    [InlineData(QueueClock.Tolerance)]
    [InlineData(-QueueClock.Tolerance)]
    public void LeapSecondsAndSlewingAreNoSteps(int seconds)
    {
        QueueClock clock = Start();
        Pass(3600);
        Set(seconds);
        Assert.True(clock.Update().IsNone);
    }

    [Theory]
    [InlineData(QueueClock.Tolerance + 1)]
    [InlineData(-QueueClock.Tolerance - 1)]
    [InlineData(-Year)]
    [InlineData(56 * Year)]
    public void AStepIsToldOnceWithTheTimeBeforeIt(long seconds)
    {
        QueueClock clock = Start();
        Pass(100);
        Set(seconds);
        Assert.Equal(new ClockStep(seconds, Today + 100), clock.Update());
        Assert.True(clock.Update().IsNone);
    }

    [Fact]
    public void AMessageOfABoardThatStartsIn1970KeepsItsAge()
    {
        machine = new(40, 40_000, "boot-a");
        QueueClock clock = Start();
        Pass(60);
        Set(Today - 100);
        ClockStep step = clock.Update();
        Assert.Equal(Today - 50, step.Apply(50, clock.Now)); // born 50 seconds before the step
        Assert.Equal(Today, step.Apply(Today, clock.Now)); // born after it
    }

    [Fact]
    public void ABirthInTheFutureCountsAsNow()
    {
        Assert.Equal(1000, default(ClockStep).Apply(5000, 1000));
        Assert.Equal(900, new ClockStep(-Year, Year + 1000).Apply(Year + 900, 1000));
    }

    [Fact]
    public void AStepBetweenTwoRunsIsNoticed()
    {
        Start().Save();
        Pass(600);
        Set(-Year);
        Assert.Equal(new ClockStep(-Year, Today + 600), Start().SinceSaved());
    }

    [Fact]
    public void ARebootWithAGoodClockIsNoStep()
    {
        Start().Save();
        Reboot(Today + 5 * 86_400); // off for five days: that is age
        Assert.True(Start().SinceSaved().IsNone);
    }

    [Fact]
    public void ARebootOfABoardWithoutClockIsAStepBackAndOneForward()
    {
        Start().Save();
        Reboot(30);
        QueueClock clock = Start();
        ClockStep back = clock.SinceSaved();
        Assert.Equal(new ClockStep(30 - Today, Today), back);
        long birth = back.Apply(Today - 1000, clock.Now);
        Assert.Equal(1000, clock.Now - birth);
        clock.Save();
        Pass(10);
        Set(Today);
        ClockStep forward = clock.Update();
        Assert.Equal(1010, clock.Now - forward.Apply(birth, clock.Now));
    }

    [Fact]
    public void AClockSetBeforeTheNextStartIsAStepForward()
    {
        machine = new(30, 30_000, "boot-a");
        Start().Save();
        Reboot(Today);
        Assert.Equal(new ClockStep(Today - 30, 30), Start().SinceSaved());
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("boot-a 12\n")]
    [InlineData("boot-a x 5\n")]
    [InlineData("boot-a -5 5\n")]
    [InlineData("boot-a 99999999999999999999999 5\n")]
    [InlineData("boot-a 5 5 5\n")]
    [InlineData("\0\0\0\0\0\0\0\0")]
    public void ADamagedNoteIsNoNote(string note)
    {
        File.WriteAllText(path, note);
        Assert.True(Start().SinceSaved().IsNone);
        Start().Save();
        Set(Year);
        Assert.Equal(Year, Start().SinceSaved().Seconds);
    }

    [Fact]
    public void WithoutANoteThereIsNoStep()
    {
        Assert.True(Start().SinceSaved().IsNone);
        File.WriteAllText(path, new string('9', 100_000));
        Assert.True(Start().SinceSaved().IsNone);
    }

    [Fact]
    public void AShorterNoteLeavesNothingOfALongerOne()
    {
        Start().Save();
        machine = new(7, 8, "b");
        Start().Save();
        Assert.Equal("b 7 8\n", File.ReadAllText(path));
    }

    [Fact]
    public void NoSequenceOfStepsMakesAMessageOlder()
    {
        Gen<(int Passes, int Step)> move = Gen.Zip(Gen.Choose(0, 100_000),
            Gen.Frequency((3, Gen.Constant(0)), (2, Gen.Choose(-40, 40)), (2, Gen.Choose(-2_000_000_000, 2_000_000_000))));
        Prop.ForAll(Arb.From(Gen.Zip(move.ArrayOf(), Gen.Choose(0, 500_000))), given =>
        {
            machine = new(Today + 4_000_000_000, 0, "boot");
            QueueClock clock = Start();
            long trueAge = given.Item2, birth = clock.Now - trueAge, slack = 0;
            foreach ((int passes, int step) in given.Item1)
            {
                if (machine.Wall + step < 2_000_000) continue; // before 1970 there is no clock
                Pass(passes);
                Set(step);
                trueAge += passes;
                birth = clock.Update().Apply(birth, clock.Now);
                slack += QueueClock.Tolerance;
                if (Math.Abs(clock.Now - birth - trueAge) > slack) return false;
            }
            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
    }
}
