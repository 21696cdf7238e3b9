using System;
using System.IO;
using Qmta.Control;
using Qmta.Srs;
using Xunit;

namespace Qmta.Tests.Srs;

public sealed class SettingsTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-srs-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    private SenderRewriting? Read(params string[] files)
    {
        foreach (string file in files)
        {
            int colon = file.IndexOf(':');
            File.WriteAllText(directory + "/" + file[..colon], file[(colon + 1)..] + "\n");
        }
        return SenderRewriting.FromControl(new ControlFiles(directory));
    }

    [Fact]
    public void WithoutADomainNothingIsRewritten() => Assert.Null(Read("srs_secrets:x", "srs_maxage:nonsense"));

    [Fact]
    public void Defaults()
    {
        SenderRewriting srs = Read("srs_domain:srs.example", "srs_secrets:one\ntwo", "me:host.example")!;
        Assert.Equal(("srs.example", 21L, 4, 4, '=', false), (srs.Domain, srs.MaxAge, srs.HashLength, srs.HashMin, srs.Separator, srs.AlwaysRewrites));
        Assert.Equal(["one", "two"], srs.Secrets);
        Assert.Equal(["host.example"], srs.OwnDomains);
    }

    [Fact]
    public void OwnDomainsAreThoseOfTheFirstFileThereIs()
    {
        Assert.Equal(["a", "b"], Read("srs_domain:d", "srs_secrets:s", "me:m", "locals:a\nb")!.OwnDomains);
        Assert.Equal([".c"], Read("rcpthosts:.c")!.OwnDomains);
    }

    [Fact]
    public void TheMinimumFollowsAShorterHash() => Assert.Equal(2, Read("srs_domain:d", "srs_secrets:s", "srs_hashlength:2")!.HashMin);

    [Theory]
    [InlineData("srs_maxage:1024")]
    [InlineData("srs_maxage:-1")]
    [InlineData("srs_maxage:7 days")]
    [InlineData("srs_hashlength:0")]
    [InlineData("srs_hashlength:27")]
    [InlineData("srs_hashmin:5")]
    [InlineData("srs_separator:==")]
    [InlineData("srs_separator:*")]
    [InlineData("srs_alwaysrewrite:yes")]
    [InlineData("srs_secrets:")]
    public void SettingsThatMakeNoSense(string file) =>
        Assert.Throws<FormatException>(() => Read("srs_domain:d", "srs_secrets:s", file));
}
