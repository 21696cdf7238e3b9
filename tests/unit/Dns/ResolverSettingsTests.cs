using System.Linq;
using Qmta.Dns;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Dns;

[Collection("alone")]
public class ResolverSettingsTests
{
    [Fact]
    public void ReadsTheFile()
    {
        ResolverSettings settings = ResolverSettings.Parse(
            "# comment\n; another\nnameserver 192.0.2.53\r\nnameserver\tfe80::1%lo\nnameserver nonsense\ndomain old.example\n"
            + "search a.example B.example.\noptions rotate timeout:2 attempts:3 ndots:1\n");
        Assert.Equal(["192.0.2.53", "fe80::1"], settings.Servers.Select(s => s.ToString()));
        Assert.Equal([0u, 1u], settings.Servers.Select(s => s.Zone));
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

    [Fact]
    public void ReadsTheOptions()
    {
        ResolverSettings settings = ResolverSettings.Parse("options use-vc edns0 trust-ad ndots:99 unknown\n");
        Assert.Equal((true, true, 15), (settings.AlwaysTcp, settings.TrustAuthenticated, settings.Dots));
        settings = ResolverSettings.Parse("");
        Assert.Equal((false, false, 1), (settings.AlwaysTcp, settings.TrustAuthenticated, settings.Dots));
    }

    [Fact]
    public void TheEnvironmentChangesWhatTheFileSays()
    {
        try
        {
            Variables.Set("DNSCACHEIP", "127.0.0.1:5353 nonsense [::1]:53530 192.0.2.9:0 192.0.2.8");
            Variables.Set("RES_OPTIONS", "trust-ad timeout:3\nnameserver 192.0.2.66");
            Variables.Set("LOCALDOMAIN", "here.example");
            ResolverSettings settings = ResolverSettings.FromEnvironment("nameserver 192.0.2.1\nsearch there.example\noptions timeout:7");
            Assert.Equal(["127.0.0.1 port 5353", "::1 port 53530", "192.0.2.8"], settings.Servers.Select(s => s.ToString()));
            Assert.Equal(["here.example"], settings.Suffixes);
            Assert.Equal((true, 3), (settings.TrustAuthenticated, settings.Timeout));
        }
        finally
        {
            foreach (string name in (string[])["DNSCACHEIP", "RES_OPTIONS", "LOCALDOMAIN"]) Variables.Set(name, null);
        }
    }
}
