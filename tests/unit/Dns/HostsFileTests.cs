using System;
using System.IO;
using System.Linq;
using Qmta.Dns;
using Xunit;

namespace Qmta.Tests.Dns;

public sealed class HostsFileTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    [Theory]
    [InlineData("mail.example", "192.0.2.7")]
    [InlineData("MAIL", "192.0.2.7")]
    [InlineData("localhost", "127.0.0.1 ::1")]
    [InlineData("last", "192.0.2.10")]
    [InlineData("192.0.2.7", "")]
    [InlineData("commented", "")]
    [InlineData("other", "")]
    [InlineData("#", "")]
    [InlineData("", "")]
    public void KnowsNames(string name, string addresses)
    {
        File.WriteAllText(path, "::1 localhost ip6-localhost # x\n127.0.0.1 localhost\n192.0.2.7\tMail.Example mail\r\n192.0.2.7 mail\n"
            + "#192.0.2.8 mail\n192.0.2.9 x # commented\nbad line\n192.0.2.10 last");
        Assert.Equal(addresses, Find(new HostsFile(path), name));
    }

    [Fact]
    public void LocalhostNeedsNoFile()
    {
        File.Delete(path);
        Assert.Equal("127.0.0.1 ::1", Find(new HostsFile(path), "LocalHost"));
        Assert.Equal("", Find(new HostsFile(path), "mail"));
    }

    [Fact]
    public void LongFilesAndLinesAreNoProblem()
    {
        File.WriteAllText(path, "192.0.2.1 first\n" + string.Concat(Enumerable.Range(0, 50_000).Select(i => $"0.0.0.0 ads{i}.example\n"))
            + new string('x', 100_000) + " mail\n192.0.2.2 mail\n");
        HostsFile hosts = new(path);
        Assert.Equal("192.0.2.1", Find(hosts, "first"));
        Assert.Equal("192.0.2.2", Find(hosts, "mail"));
        Assert.Equal("0.0.0.0", Find(hosts, "ads49999.example"));
    }

    [Fact]
    public void ChangesAreSeen()
    {
        File.WriteAllText(path, "192.0.2.1 mail\n");
        HostsFile hosts = new(path);
        Assert.Equal("192.0.2.1", Find(hosts, "mail"));
        File.WriteAllText(path, "192.0.2.20 mail\n");
        Assert.Equal("192.0.2.20", Find(hosts, "mail"));
    }

    private static string Find(HostsFile hosts, string name) => string.Join(' ', hosts.Find(name));
}
