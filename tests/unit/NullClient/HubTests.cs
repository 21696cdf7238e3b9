using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Qmta.Control;
using Qmta.NullClient;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.NullClient;

public sealed class HubTests : IDisposable
{
    private readonly string control = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(control, recursive: true);

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", 628)]
    [InlineData("192.0.2.1:10628", "192.0.2.1", 10628)]
    [InlineData("2001:db8::1", "2001:db8::1", 628)]
    [InlineData("[2001:db8::1]", "2001:db8::1", 628)]
    [InlineData("[2001:db8::1]:10628", "2001:db8::1", 10628)]
    [InlineData("hub.example.org", "hub.example.org", 628)]
    [InlineData("hub:10628", "hub", 10628)]
    public void AddressesAndNamesAreRead(string text, string host, int port) =>
        Assert.Equal(new Hub(host, port), Hub.Parse(text, 628));

    [Theory]
    [InlineData("")]
    [InlineData(":628")]
    [InlineData("hub:")]
    [InlineData("hub:0")]
    [InlineData("hub:65536")]
    [InlineData("hub:-1")]
    [InlineData("[hub]")]
    [InlineData("two words")]
    [InlineData("2001:db8::g")]
    [InlineData("a/b")]
    public void OthersAreMistakes(string text) => Assert.Throws<FormatException>(() => Hub.Parse(text, 628));

    [Fact]
    public void WithTheStickyBitAllHubsAreThereAndTheTimeChoosesTheFirst()
    {
        string file = control + "/qmqpservers";
        File.WriteAllText(file, "# the hubs\n10.0.0.1\n\n10.0.0.2:10628\n10.0.0.3\n");
        string[] all = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
        Assert.Equal(all, Hosts());
        Assert.Equal(0, Files.ChangeMode(file, 0x3A4 /* 01644 */));
        List<string> hosts = Hosts();
        Assert.Equal(all, hosts.Order());
        Assert.Equal(all.Except([hosts[0]]), hosts.Skip(1));
        Assert.Equal(["10.0.0.9"], Hub.List(["10.0.0.9"], new ControlFiles(control), "qmqpservers", 628).Select(hub => hub.Host));
    }

    [Fact]
    public void AHostWithoutHubsIsTold() =>
        Assert.Contains("names no server", Assert.Throws<FormatException>(() => Hosts()).Message);

    private List<string> Hosts() => [.. Hub.List([], new ControlFiles(control), "qmqpservers", 628).Select(hub => hub.Host)];
}
