using System;
using Qmta.Send;
using Xunit;

namespace Qmta.Tests.Send;

public sealed class OptionsTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("-d", "d")]
    [InlineData("-dlrcfb", "dlrcfb")]
    [InlineData("-l -r", "lr")]
    [InlineData("-s 7", "s=7")]
    [InlineData("-s7 -d", "ds=7")]
    [InlineData("-ds 7", "ds=7")]
    [InlineData("-bs151 -f", "fbs=151")]
    [InlineData("--help", "h")]
    [InlineData("--version", "v")]
    [InlineData("./Maildir/", "'./Maildir/'")]
    [InlineData("-d ./Mailbox splogger qmail -d", "d'./Mailbox'splogger,qmail,-d")]
    [InlineData("-d -- -x y", "d'-x'y")]
    [InlineData("- x", "'-'x")]
    public void Understood(string line, string expected)
    {
        Options options = Options.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(expected, (options.Daemon ? "d" : "") + (options.ForeignLocal ? "l" : "") + (options.ForeignRemote ? "r" : "")
            + (options.ForeignClean ? "c" : "") + (options.Fix ? "f" : "") + (options.BigTodo ? "b" : "")
            + (options.Split is int split ? "s=" + split : "") + (options.Help ? "h" : "") + (options.Version ? "v" : "")
            + (options.DefaultDelivery is string delivery ? $"'{delivery}'" : "") + string.Join(',', options.Logger));
    }

    [Theory]
    [InlineData("-x")]
    [InlineData("-dx")]
    [InlineData("-s")]
    [InlineData("-s 0")]
    [InlineData("-s x")]
    [InlineData("-s10001")]
    [InlineData("--daemon")]
    public void Refused(string line) => Assert.Throws<FormatException>(() => Options.Parse(line.Split(' ')));

    [Fact]
    public void AnEmptyDefaultDeliveryIsOne() => Assert.Equal("", Options.Parse(["-d", ""]).DefaultDelivery);
}
