using System;
using System.IO;
using System.Linq;
using Qmta.Local;
using Xunit;

namespace Qmta.Tests.Local;

public sealed class DotQmailTests
{
    [Theory]
    [InlineData("", "", ".qmail", ".qmaildefault")]
    [InlineData("-", "foo", ".qmail-foo", ".qmail-default")]
    [InlineData("-", "foo-bar", ".qmail-foo-bar", ".qmail-foo-default", ".qmail-default")]
    [InlineData("-", "list-qmail-sub", ".qmail-list-qmail-sub", ".qmail-list-qmail-default", ".qmail-list-default", ".qmail-default")]
    [InlineData("-", "foo-", ".qmail-foo-", ".qmail-foo-default", ".qmail-default")]
    [InlineData("-", "", ".qmail-", ".qmail-default")]
    [InlineData("-", "Foo.Bar", ".qmail-foo:bar", ".qmail-default")]
    [InlineData("-", "../../etc", ".qmail-::/::/etc", ".qmail-default")]
    [InlineData("-", "\u00C4B", ".qmail-\u00C4b", ".qmail-default")]
    public void NamesAreTriedFromTheClosestToTheWidest(string dash, string ext, params string[] names) =>
        Assert.Equal(names, DotQmail.Names(dash, ext).Select(name => name.File));

    [Theory]
    [InlineData("foo-Bar", null, "Bar", "foo-Bar")]
    [InlineData("foo", null, "foo")]
    [InlineData("foo-default", "default", "default", "foo-default")]
    [InlineData("X-DEFAULT", "DEFAULT", "DEFAULT", "X-DEFAULT")]
    [InlineData("default", "default", "default")]
    public void DefaultIsWhatTheSenderWrote(string ext, params string?[] values) =>
        Assert.Equal(values, DotQmail.Names("-", ext).Select(name => name.Default));

    // .qmail files there, extension, file that is used (or null), DEFAULT
    [Theory]
    [InlineData("-foo -foo-default -default", "foo", "-foo", null)]
    [InlineData("-foo-default -default", "foo", "-default", "foo")]
    [InlineData("-foo-default -default", "foo-bar", "-foo-default", "bar")]
    [InlineData("-foo-default", "foo-bar-baz", "-foo-default", "bar-baz")]
    [InlineData("-foo-default", "foo", null, null)]
    [InlineData("-foo:bar", "FOO.bar", "-foo:bar", null)]
    [InlineData("-Foo", "Foo", null, null)]
    [InlineData("", "foo", null, null)]
    public void TheFirstFileThatExistsIsUsed(string files, string ext, string? used, string? wanted)
    {
        using Scratch scratch = new();
        foreach (string file in files.Split(' ', StringSplitOptions.RemoveEmptyEntries)) scratch.Write(".qmail" + file, file + "\n");
        DotQmail? found = Find(scratch, ext);
        Assert.Equal(used == null ? null : used + "\n", found == null ? null : Qmta.Text.Latin1.String(found.Text));
        Assert.Equal(wanted, found?.Default);
    }

    [Fact]
    public void AFifoOrADirectoryIsNoFile()
    {
        using Scratch scratch = new();
        Qmta.Posix.Files.MakeFifo(scratch.At(".qmail-foo"), 0x1A4);
        Directory.CreateDirectory(scratch.At(".qmail-default"));
        Assert.Null(Find(scratch, "foo"));
    }

    [Theory]
    [InlineData(0x1B4, "Uh-oh: .qmail file is writable. (#4.7.0)")] // 0664
    [InlineData(0x1A6, "Uh-oh: .qmail file is writable. (#4.7.0)")] // 0646
    public void AFileOthersCanWriteIsNotFollowed(int mode, string sentence)
    {
        using Scratch scratch = new();
        Qmta.Posix.Files.ChangeMode(scratch.Write(".qmail-foo", "#\n"), mode);
        DeliveryFailure failure = Assert.Throws<DeliveryFailure>(() => Find(scratch, "foo"));
        Assert.Equal((111, sentence), (failure.Code, failure.Message));
    }

    [Fact]
    public void TheExecuteBitIsSeen()
    {
        using Scratch scratch = new();
        Qmta.Posix.Files.ChangeMode(scratch.Write(".qmail-foo", "#\n"), 0x1E4); // 0744
        Assert.True(Find(scratch, "foo")!.ForwardsOnly);
    }

    [Fact]
    public void AFileBeyondTheLimitIsRefusedAndALongOneIsWhole()
    {
        using Scratch scratch = new();
        string text = new('x', DotQmail.LongestFile);
        scratch.Write(".qmail-foo", text);
        Assert.Equal(text.Length, Find(scratch, "foo")!.Text.Length);
        scratch.Write(".qmail-foo", text + "x");
        Assert.Equal(111, Assert.Throws<DeliveryFailure>(() => Find(scratch, "foo")).Code);
    }

    private static DotQmail? Find(Scratch scratch, string ext) => DotQmail.Find("-", ext, scratch.Path + "/");
}
