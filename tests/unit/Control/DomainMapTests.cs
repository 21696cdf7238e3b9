using Qmta.Control;
using Xunit;

namespace Qmta.Tests.Control;

public sealed class DomainMapTests
{
    private readonly DomainMap map = new(
    [
        "a.example:own", "A.EXAMPLE:second", ".example:wild", ".b.example:nearer", "exception.example:", "no colon",
        "joe@x.org:joe", "host:relay:25",
    ]);

    [Theory]
    [InlineData("a.example", "own")]
    [InlineData("A.Example", "own")]
    [InlineData("c.example", "wild")]
    [InlineData("d.c.example", "wild")]
    [InlineData("c.b.example", "nearer")]
    [InlineData("b.example", "wild")]
    [InlineData("exception.example", "")]
    [InlineData("example", null)]
    [InlineData("notexample", null)]
    [InlineData("host", "relay:25")]
    [InlineData("no colon", null)]
    [InlineData("", null)]
    [InlineData(".", null)]
    [InlineData("..", null)]
    public void OwnEntryThenNearestWildcard(string domain, string? value) => Assert.Equal(value, map.Find(domain));

    [Fact]
    public void TheEmptyKeyCatchesTheRest()
    {
        DomainMap all = new([":rest", "a:own"]);
        Assert.Equal("own", all.Find("a"));
        Assert.Equal("rest", all.Find("b"));
        Assert.Equal("rest", all.Find(""));
    }

    [Fact]
    public void ExactKnowsNoWildcards()
    {
        Assert.Equal("joe", map.Exact("Joe@X.org"));
        Assert.Null(map.Exact("c.example"));
    }

    [Fact]
    public void EmptyMaps()
    {
        Assert.True(new DomainMap(null).IsEmpty);
        Assert.True(new DomainMap([]).IsEmpty);
        Assert.True(new DomainMap(["nothing"]).IsEmpty);
        Assert.Null(new DomainMap(null).Find("a"));
        Assert.False(map.IsEmpty);
    }
}
