using System;
using System.IO;
using System.Linq;
using Qmta.Control;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Control;

public sealed class EnvironmentDirectoryTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-envdir-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    private string Read(string name = "") => string.Join(';', EnvironmentDirectory.Read(directory + name)
        .Order().Select(variable => variable.Name + (variable.Value == null ? "" : "=" + variable.Value)));

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(directory + "/" + name)!);
        File.WriteAllText(directory + "/" + name, text);
    }

    [Theory]
    [InlineData("", "A")]
    [InlineData("x", "A=x")]
    [InlineData("x y \t\nmore\n", "A=x y")]
    [InlineData(" x\n", "A= x")]
    [InlineData("\n", "A=")]
    [InlineData("x\0y", "A=x\ny")]
    public void TheFirstLineIsTheValue(string text, string expected)
    {
        Write("A", text);
        Assert.Equal(expected, Read());
    }

    [Fact]
    public void NamesThatAreNoVariables()
    {
        Write("A=B", "x");
        Write(".hidden", "x");
        Assert.Equal("", Read());
    }

    [Fact]
    public void FilesOfLinesAndFurtherDirectoriesEachOnce()
    {
        Write("a/.envfile", "# x\nA=1 \nB=\nnothing\n=x\n");
        Write("a/.envdir", $"{directory}/b\n{directory}/a\n\n");
        Write("b/C", "2");
        Directory.CreateSymbolicLink(directory + "/b/.envdir", "../a");
        Assert.Equal("A=1;B=;C=2;nothing", Read("/a"));
        Assert.Equal("A=1;B=;C=2;nothing", Read("/b/"));
    }

    [Fact]
    public void TheDirectorysOwnFilesHaveTheLastWord()
    {
        Write("a/A", "own");
        Write("a/.envfile", "A=file\nB=file\nC=file\n");
        Write("a/.envdir", "../b\n");
        Write("b/A", "further");
        Write("b/B", "further");
        Assert.Equal("A=own;B=further;C=file", string.Join(';', EnvironmentDirectory.Read(directory + "/a")
            .GroupBy(variable => variable.Name).Select(same => same.Key + "=" + same.Last().Value).Order()));
    }

    [Fact]
    public void FilesThatOthersMayReadAreSkippedOnlyWhenAsked()
    {
        Write("A", "x");
        Write("B", "y");
        Files.ChangeMode(directory + "/B", 0);
        // Root reads everything.
        if (Users.EffectiveUid == 0) return;
        Assert.Equal([("A", (string?)"x")], EnvironmentDirectory.Read(directory, skipUnreadable: true));
        Assert.Throws<PosixException>(() => Read());
    }

    [Fact]
    public void OddBytes()
    {
        Write(".envfile", "A=x\0y\n=z\n");
        Assert.Equal("A=x\ny", Read());
        Write(".envfile", "A\0B=x\n");
        Assert.Throws<FormatException>(() => Read());
    }

    [Fact]
    public void ValuesThatNoProgramCouldGetAreRefused()
    {
        for (int i = 0; i < 20; i++) Write("V" + i, new string('x', EnvironmentDirectory.LongestFile));
        Assert.Throws<FormatException>(() => Read());
    }

    [Fact]
    public void WhatCannotBeRead()
    {
        Assert.Throws<PosixException>(() => Read("/none"));
        Directory.CreateDirectory(directory + "/sub");
        Assert.Throws<FormatException>(() => Read());
        Directory.Delete(directory + "/sub");
        Files.MakeFifo(directory + "/F", 0x180);
        Assert.Throws<FormatException>(() => Read());
        File.Delete(directory + "/F");
        Write("A", new string('x', EnvironmentDirectory.LongestFile + 1));
        Assert.Throws<PosixException>(() => Read());
    }

    [Fact]
    public void TooManyVariablesAreRefused()
    {
        for (int i = 0; i <= EnvironmentDirectory.MostVariables + 1; i++) Write("V" + i, "");
        Assert.Throws<FormatException>(() => Read());
    }
}
