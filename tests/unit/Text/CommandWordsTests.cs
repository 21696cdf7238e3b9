using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Text;

public sealed class CommandWordsTests
{
    [Theory]
    [InlineData("qmail-queue", "qmail-queue")]
    [InlineData("  filter\t-x  qmail-queue ", "filter|-x|qmail-queue")]
    [InlineData("a \"b c\" 'd \"e'", "a|b c|d \"e")]
    [InlineData("a '' b", "a||b")]
    [InlineData("a \"b c", "a|\"b|c")]
    [InlineData("a b\"c d\"", "a|b\"c|d\"")]
    [InlineData("$FILTER $NONE qmail-queue", "/my filter|qmail-queue")]
    [InlineData("a $ '$FILTER'", "a|$|$FILTER")]
    [InlineData("", "")]
    [InlineData(" \t", "")]
    public void Words(string command, string words) =>
        Assert.Equal(words, string.Join('|', CommandWords.Split(command, name => name == "FILTER" ? "/my filter" : null)));
}
