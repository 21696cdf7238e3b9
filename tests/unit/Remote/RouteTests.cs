using System;
using Qmta.Remote;
using Xunit;

namespace Qmta.Tests.Remote;

public class RouteTests
{
    private static readonly string[] Lines =
    [
        "example.org:relay.example:2525", ".example.org:wild.example", "direct.example:", "four.example:[192.0.2.1]:26",
        "six.example:[2001:db8::1]", "six-port.example:[2001:db8::1]:27", "port.example:host:", "!@:bounces.example:28", ":default.example",
    ];

    [Theory]
    [InlineData("example.org", "relay.example", 2525)]
    [InlineData("EXAMPLE.ORG", "relay.example", 2525)]
    [InlineData("a.b.example.org", "wild.example", 25)]
    [InlineData("direct.example", "", 25)]
    [InlineData("four.example", "[192.0.2.1]", 26)]
    [InlineData("six.example", "[2001:db8::1]", 25)]
    [InlineData("six-port.example", "[2001:db8::1]", 27)]
    [InlineData("port.example", "host", 25)]
    [InlineData("other", "default.example", 25)]
    [InlineData("[192.0.2.9]", "default.example", 25)]
    public void Finds(string host, string relay, int port) => Assert.Equal(new Route(relay, port), new SmtpRoutes(Lines).Find(host, "joe@here"));

    [Fact]
    public void BouncesHaveTheirOwnRoute() => Assert.Equal(new Route("bounces.example", 28), new SmtpRoutes(Lines).Find("example.org", ""));

    [Fact]
    public void WithoutFileEverythingGoesDirectly() => Assert.Equal(Route.Direct, new SmtpRoutes(null).Find("example.org", ""));

    [Theory]
    [InlineData(":relay:25 joe secret")]
    [InlineData(":relay joe secret")]
    [InlineData(":relay:25:3600:120")]
    [InlineData(":2001:db8::1")]
    [InlineData(":relay:0")]
    [InlineData(":relay:65536")]
    [InlineData(":relay:smtp")]
    [InlineData(":relay:465")]
    [InlineData(":[192.0.2.1")]
    [InlineData(":[192.0.2.1]25")]
    public void RefusesWhatItCannotFollow(string line)
    {
        FormatException e = Assert.Throws<FormatException>(() => new SmtpRoutes([line]).Find("example.org", ""));
        Assert.Contains("example.org", e.Message);
        Assert.DoesNotContain("secret", e.Message);
    }
}
