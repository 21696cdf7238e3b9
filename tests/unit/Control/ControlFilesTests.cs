using System;
using System.IO;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Control;

public sealed class ControlFilesTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-control-").FullName;

    private ControlFiles Control => new(directory);

    public void Dispose() => Directory.Delete(directory, recursive: true);

    private void Write(string name, string text) => File.WriteAllBytes(directory + "/" + name, Latin1.Bytes(text));

    [Theory]
    [InlineData("mail.example.org\n", "mail.example.org")]
    [InlineData("mail.example.org", "mail.example.org")]
    [InlineData("mail.example.org \t\r\nsecond\r\n", "mail.example.org")]
    [InlineData("h\u00f6st\n", "h\u00f6st")]
    [InlineData("a\0\n", "a")]
    [InlineData("", null)]
    [InlineData("\n", null)]
    [InlineData("\r\n", null)]
    [InlineData("  \nsecond\n", null)]
    public void TheFirstLineWithoutItsTrailingBlanks(string text, string? line)
    {
        Write("me", text);
        Assert.Equal(line, Control.Line("me"));
        Assert.Equal(line, Control.Me);
    }

    [Fact]
    public void MissingFilesHaveDefaults()
    {
        Assert.Null(Control.Line("helohost"));
        Assert.Null(Control.LineOrMe("helohost"));
        Assert.Null(Control.Lines("locals"));
        Assert.Null(Control.Text("bouncemessage"));
        Assert.Equal(7, Control.Number("queuelifetime", 7));
        Write("me", "here\n");
        Assert.Equal("here", Control.LineOrMe("helohost"));
        Write("helohost", "");
        Assert.Equal("here", Control.LineOrMe("helohost"));
    }

    [Fact]
    public void ListsHaveNeitherCommentsNorEmptyLines()
    {
        Write("locals", "# mine\r\n\r\na.example\r\n \t\nb.example # no comment \n#c\n d");
        Assert.Equal(["a.example", "b.example # no comment", " d"], Control.Lines("locals"));
        Write("locals", "");
        Assert.Equal([], Control.Lines("locals"));
    }

    [Theory]
    [InlineData("604800\n", 604800)]
    [InlineData(" 5 \r\n", 5)]
    [InlineData("0", 0)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("", 42)]
    [InlineData("\n", 42)]
    public void Numbers(string text, long number)
    {
        Write("n", text);
        Assert.Equal(number, Control.Number("n", 42));
    }

    [Theory]
    [InlineData("a week")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("0x10")]
    [InlineData("9223372036854775808")]
    public void WhatIsNoNumberIsSaid(string text)
    {
        Write("n", text);
        FormatException wrong = Assert.Throws<FormatException>(() => Control.Number("n", 42));
        Assert.Contains(directory + "/n", wrong.Message);
        Assert.Contains(text, wrong.Message);
    }

    [Fact]
    public void AFileThatCannotBeReadIsNotADefault()
    {
        Directory.CreateDirectory(directory + "/locals");
        PosixException failure = Assert.Throws<PosixException>(() => Control.Lines("locals"));
        Assert.Equal(Errno.EISDIR, failure.Errno);
        Assert.Contains(directory + "/locals", failure.Message);
        File.CreateSymbolicLink(directory + "/loop", directory + "/loop");
        Assert.Equal(Errno.ELOOP, Assert.Throws<PosixException>(() => Control.Line("loop")).Errno);
    }

    [Fact]
    public void AnAbsurdSizeIsRefused()
    {
        using (FileStream file = File.Create(directory + "/locals")) file.SetLength(ControlFiles.LongestFile + 1L);
        Assert.Equal(Errno.EFBIG, Assert.Throws<PosixException>(() => Control.Lines("locals")).Errno);
    }
}
