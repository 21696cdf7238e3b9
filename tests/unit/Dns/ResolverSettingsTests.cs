using System.Linq;
using Qmta.Dns;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Dns;

public class ResolverSettingsTests
{
    [Fact]
    public void ReadsTheFile()
    {
        ResolverSettings settings = ResolverSettings.Parse(
            "# comment\n; another\nnameserver 192.0.2.53\r\nnameserver\tfe80::1%eth0\nnameserver nonsense\ndomain old.example\n"
            + "search a.example B.example.\noptions rotate timeout:2 attempts:3 ndots:1\n");
        Assert.Equal(["192.0.2.53", "fe80::1"], settings.Servers.Select(s => s.ToString()));
        Assert.Equal(["a.example", "b.example"], settings.Suffixes);
        Assert.Equal((2, 3, true), (settings.Timeout, settings.Attempts, settings.Rotate));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("garbage\0\xFF\nnameserver\noptions timeout:x attempts:-1\n")]
    public void WithoutServersThisHostIsAsked(string? text)
    {
        ResolverSettings settings = ResolverSettings.Parse(text);
        Assert.Equal([new NameServer(IpAddress.LoopbackV4, 53)], settings.Servers);
        Assert.Equal((5, 2, false), (settings.Timeout, settings.Attempts, settings.Rotate));
    }

    [Fact]
    public void NumbersHaveLimits()
    {
        ResolverSettings settings = ResolverSettings.Parse("options timeout:999 attempts:0\n" + string.Concat(Enumerable.Repeat("nameserver 192.0.2.1\n", 9)));
        Assert.Equal((30, 1, 3), (settings.Timeout, settings.Attempts, settings.Servers.Count));
    }
}
