using System;
using System.Collections.Generic;
using System.IO;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Remote;
using Xunit;

namespace Qmta.Tests.Remote;

public class OriginsTests
{
    private static IpAddress Address(string text)
    {
        Assert.True(IpAddress.TryParse(text, out IpAddress address));
        return address;
    }

    [Theory]
    [InlineData("user1@example.com", "6.5.4.3", "example.com")]
    [InlineData("joe@Example.COM", "5.6.7.8", "Example.COM")]
    [InlineData("joe@a.b.example.com", "5.6.7.9", "a.b.example.com")]
    [InlineData("joe@free.example", null, "free.example")]  // the system's choice
    [InlineData("joe@elsewhere", "1.2.3.5", null)]
    [InlineData("", "1.2.3.5", null)]
    public void TheSenderDecides(string sender, string? local, string? name)
    {
        Origin origin = Origins.Of(["9.9.9.9"], domainBindings:
            ["user1@example.com:6.5.4.3", "example.com:5.6.7.8", ".example.com:5.6.7.9", "free.example:", ":1.2.3.5"]).For("there", sender);
        Assert.Equal(local, origin.AddressFor(Address("192.0.2.1"))?.ToString());
        Assert.Equal(name ?? "me", origin.NameFrom(null, "me"));
    }

    [Theory]
    [InlineData("10.1.2.3", "10.0.0.1")]
    [InlineData("10.9.0.1", null)]
    [InlineData("192.0.2.1", "9.9.9.1")]
    [InlineData("2001:db8:1::1", "2001:db8::9")]
    [InlineData("2001:db8::7", "2001:db8::8")]
    public void ThePeerDecidesBeforeTheSender(string peer, string? local)
    {
        Origin origin = Origins.Of(["9.9.9.9"], [":8.8.8.8"],
            ["10.:10.0.0.1", "10.9.:", ":9.9.9.1", "[2001:db8:]:[2001:db8::9]", "[2001:db8:0:0::7]:[2001:db8::8]"]).For("there", "joe@here");
        Assert.Equal(local, origin.AddressFor(Address(peer))?.ToString());
    }

    [Fact]
    public void APeerBoundToNoAddressIsNotReached()
    {
        Origin origin = Origins.Of(bindRoutes: ["192.0.2.1:this-isnt-an-ip-address"]).For("there", "joe@here");
        Assert.Contains("bindroutes", Assert.Throws<FormatException>(() => origin.AddressFor(Address("192.0.2.1"))).Message);
        Assert.Null(origin.AddressFor(Address("192.0.2.2")));
    }

    [Fact]
    public void SeveralAddressesTakeTurnsWithinTheirKind()
    {
        Origin origin = Origins.Of(["127.0.0.2", "127.0.0.3", "::1"]).For("there", "joe@here");
        Assert.StartsWith("127.0.0.", origin.AddressFor(Address("192.0.2.1"))!.ToString(), StringComparison.Ordinal);
        Assert.Equal("::1", origin.AddressFor(Address("2001:db8::1"))!.ToString());
        Assert.Null(Origins.Of(["0.0.0.0"]).For("there", "joe@here").AddressFor(Address("192.0.2.1")));
        Assert.Null(Origins.Of(["::1"]).For("there", "joe@here").AddressFor(Address("192.0.2.1")));
    }

    [Fact]
    public void AnAddressMayHaveItsOwnName()
    {
        Origin origin = Origins.Of(heloHostByIp: ["192.0.2.1:one.example", "2001:db8::2:two.example"]).For("there", "joe@here");
        Assert.Equal("one.example", origin.NameFrom(Address("192.0.2.1"), "me"));
        Assert.Equal("two.example", origin.NameFrom(Address("2001:db8::2"), "me"));
        Assert.Equal("me", origin.NameFrom(Address("192.0.2.3"), "me"));
        Assert.Equal("me", origin.NameFrom(null, "me"));
    }

    [Fact]
    public void ADestinationMayHaveItsOwnFile()
    {
        string directory = Directory.CreateTempSubdirectory("qmta-origins-").FullName;
        try
        {
            File.WriteAllText(directory + "/outgoingip", "192.0.2.1\n");
            File.WriteAllText(directory + "/outgoingip.there.example", "192.0.2.2\n");
            Origins origins = Origins.Read(new ControlFiles(directory));
            string? From(string host) => origins.For(host, "joe@here").AddressFor(Address("198.51.100.1"))?.ToString();
            Assert.Equal("192.0.2.2", From("There.example"));
            Assert.Equal("192.0.2.1", From("elsewhere"));
            Assert.Equal("192.0.2.1", From("../../etc/passwd"));
            File.WriteAllText(directory + "/outgoingip", "rubbish\n");
            Assert.Contains("rubbish", Assert.Throws<FormatException>(() => Origins.Read(new ControlFiles(directory))).Message);
        }
        finally
        {
            Directory.Delete(directory, true);
        }
    }
}
