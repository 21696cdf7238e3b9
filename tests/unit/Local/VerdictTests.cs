using Qmta.Local;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Local;

public sealed class VerdictTests
{
    [Theory]
    [InlineData(0, "Kdid 1+0+0\n")]
    [InlineData(99, "Kdid 1+0+0\n")]
    [InlineData(100, "Ddid 1+0+0\n")]
    [InlineData(111, "Zdid 1+0+0\n")]
    [InlineData(75, "Zdid 1+0+0\n")]
    [InlineData(1, "Ddid 1+0+0\n")]
    [InlineData(127, "ZUnable to run qmail-local.\ndid 1+0+0\n")]
    public void ExitCodes(int code, string report) =>
        Assert.Equal(report, Verdict.Of(new ExitStatus(code << 8), "did 1+0+0\n\0x"));

    [Fact]
    public void ASignalIsNoVerdict() =>
        Assert.Equal("Zqmail-local crashed.\n", Verdict.Of(new ExitStatus(9), "did 1+0+0\n"));

    [Theory]
    [InlineData(0, false, "5/28", "joe@x", null)]
    [InlineData(499, false, "28", "@", null)]
    [InlineData(-1, false, "5/28", "joe@x", "ZInternal error: delnum negative. (#4.3.5)\n")]
    [InlineData(500, false, "5/28", "joe@x", "ZInternal error: delnum too big. (#4.3.5)\n")]
    [InlineData(1, true, "5/28", "joe@x", "ZInternal error: delnum in use. (#4.3.5)\n")]
    [InlineData(1, false, "../28", "joe@x", "DInternal error: messid has nonnumerics. (#5.3.5)\n")]
    [InlineData(1, false, "/5/28", "joe@x", "DInternal error: messid has nonnumerics. (#5.3.5)\n")]
    [InlineData(1, false, "", "joe@x", "DInternal error: messid too short. (#5.3.5)\n")]
    [InlineData(1, false, "5/28", "joe", "DSorry, address must include host name. (#5.1.3)\n")]
    public void Commands(int number, bool inUse, string message, string recipient, string? report) =>
        Assert.Equal(report, Verdict.OfCommand(number, inUse, message, recipient));

    [Fact]
    public void AMessageNumberHasALimit() =>
        Assert.Equal("DInternal error: messid too long. (#5.3.5)\n", Verdict.OfCommand(1, false, new string('1', 101), "a@b"));

    [Theory]
    [InlineData(0, true)]
    [InlineData(99, false)]
    public void ProgramSuccess(int code, bool goOn) => Assert.Equal(goOn, Command.Judge(code));

    [Theory]
    [InlineData(100, 100)]
    [InlineData(112, 100)]
    [InlineData(64, 100)]
    [InlineData(65, 100)]
    [InlineData(70, 100)]
    [InlineData(76, 100)]
    [InlineData(77, 100)]
    [InlineData(78, 100)]
    [InlineData(111, 111)]
    [InlineData(1, 111)]
    [InlineData(2, 111)]
    [InlineData(75, 111)]
    [InlineData(127, 111)]
    [InlineData(255, 111)]
    public void ProgramFailure(int code, int exit) =>
        Assert.Equal(exit, Assert.Throws<DeliveryFailure>(() => Command.Judge(code)).Code);
}
