using System;
using System.IO;
using System.Linq;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Control;

public sealed class CdbSourceTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-cdbsource-").FullName;

    private string Source => directory + "/source";

    public void Dispose() => Directory.Delete(directory, recursive: true);

    private CdbReader Compiled(string text)
    {
        File.WriteAllBytes(Source, Latin1.Bytes(text));
        CdbSource.Compile(Source);
        return CdbReader.Open(Source + ".cdb")!;
    }

    [Fact]
    public void LinesBecomeRecords()
    {
        using CdbReader reader = Compiled("# routes\n\nExample.ORG:[192.0.2.1]:2525\r\n:relay.example user pass:word\n.sub:");
        Assert.Equal("[192.0.2.1]:2525", reader.Find("example.org"));
        Assert.Equal("relay.example user pass:word", reader.Find(""));
        Assert.Equal("", reader.Find(".sub"));
        Assert.Equal(3, reader.Records().Count());
    }

    [Fact]
    public void AssignmentsBecomeTheRecordsOfCdbDatabase()
    {
        using CdbReader reader = Compiled("=Ann@example.org:ann secret:\n+joe-:x:\n+jim+:y:\n.\nrubbish\n");
        Assert.Equal("ann secret", reader.Find("!ann@example.org\0"));
        Assert.Equal("x", reader.Find("!joe-"));
        Assert.Equal("-+", reader.Find(""));
    }

    [Theory]
    [InlineData("no colon\n", "line 1")]
    [InlineData("a:b\nnul\0:c\n", "line 2")]
    [InlineData("=a:b:\n", "line 2")]
    [InlineData("=a:b\n.\n", "line 1")]
    [InlineData("=a:b:\na:b:\n.\n", "line 2")]
    public void WhatMakesNoSenseIsNamed(string text, string line)
    {
        FormatException e = Assert.Throws<FormatException>(() => Compiled(text));
        Assert.StartsWith(line + " of " + Source, e.Message);
        Assert.False(File.Exists(Source + ".cdb"));
    }

    [Fact]
    public void PasswordsStayAsHiddenAsTheyWere()
    {
        File.WriteAllText(Source, "a:b c\n");
        Files.ChangeMode(Source, 0x180);
        CdbSource.Compile(Source);
        Files.Status(Source + ".cdb", out FileStatus status);
        Assert.Equal(0x180, status.Mode);
    }
}
