using Qmta.Queue;
using Xunit;

namespace Qmta.Tests.Queue;

public sealed class QueueLayoutTests
{
    [Fact]
    public void FilesAreWhereQmailHasThem()
    {
        QueueLayout queue = new("/q/");
        Assert.Equal("/q/mess/5/28", queue.Mess(28));
        Assert.Equal("/q/info/5/28", queue.Info(28));
        Assert.Equal("/q/local/5/28", queue.Local(28));
        Assert.Equal("/q/remote/5/28", queue.Remote(28));
        Assert.Equal("/q/todo/28", queue.Todo(28));
        Assert.Equal("/q/intd/28", queue.Intd(28));
        Assert.Equal("/q/bounce/28", queue.Bounce(28));
        Assert.Equal("5/28", queue.MessName(28));
        Assert.Equal("/q/lock/trigger", queue.Trigger);
        Assert.Equal("/q/lock/sendmutex", queue.SendMutex);
    }

    [Fact]
    public void ASplitTodoIsSplitLikeTheMessages()
    {
        QueueLayout queue = new("/q", 7, bigTodo: true);
        Assert.Equal("/q/todo/0/28", queue.Todo(28));
        Assert.Equal("/q/intd/0/28", queue.Intd(28));
        Assert.Equal("/q/bounce/28", queue.Bounce(28));
    }

    [Theory]
    [InlineData("0", true)]
    [InlineData("12", true)]
    [InlineData("18446744073709551615", true)]
    [InlineData("18446744073709551616", false)]
    [InlineData("012", false)]
    [InlineData("00", false)]
    [InlineData("", false)]
    [InlineData("-1", false)]
    [InlineData("+1", false)]
    [InlineData(" 1", false)]
    [InlineData("1 ", false)]
    [InlineData("1e3", false)]
    [InlineData(".", false)]
    public void OnlyOneNameIsANumber(string name, bool isNumber) => Assert.Equal(isNumber, QueueLayout.TryParseId(name, out _));

    [Theory]
    [InlineData("1", 1)]
    [InlineData("10000", 10000)]
    [InlineData("10001", null)]
    [InlineData("0", null)]
    [InlineData("-5", null)]
    [InlineData("x", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    [InlineData("99999999999999999999", null)]
    public void SplitsAreSmallNumbers(string? text, int? split) => Assert.Equal(split, QueueLayout.ParseSplit(text));
}
