using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Qmta.Filter;
using Qmta.Posix;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Filter;

public sealed class AliasExpansionTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-alias-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    // The database goes through its file, as it does in life.
    private AliasExpansion Expansion(string aliases, string recipient, out bool found)
    {
        string path = directory + "/aliases.cdb";
        Dictionary<string, List<string>> all = [];
        foreach (Alias alias in AliasSource.Parse(aliases.Replace("DIR", directory), "aliases")) all.TryAdd(alias.Name, alias.Instructions);
        CdbWriter.Replace(path, 0x1A4, writer => NewAliases.Fill(writer, all));
        using CdbReader database = CdbReader.Open(path)!;
        AliasExpansion expansion = new(key => database.Find(Latin1.Bytes(key)));
        found = expansion.Expand(recipient);
        return expansion;
    }

    private string Leads(string aliases, string recipient = "root@pi.example")
    {
        AliasExpansion e = Expansion(aliases, recipient, out bool found);
        return found ? string.Join(" ", e.Forwards.Concat(e.Commands.Select(c => "|" + c))) + (e.Owner == null ? "" : " from " + e.Owner[..e.Owner.IndexOf('@')]) : "nowhere";
    }

    private void Write(string name, string text) => File.WriteAllBytes(directory + "/" + name, Latin1.Bytes(text));

    [Theory]
    [InlineData("root: pi", "pi")]
    [InlineData("other: pi", "nowhere")]
    [InlineData("postmaster: root\nroot: pi", "pi")]
    [InlineData("root: a\na: b, c\nb: d, e\n", "c d e")]
    [InlineData("root: a, b\na: x\nb: x", "x")]
    [InlineData("root: a, A", "a")]
    [InlineData("root: pi@far.example, |log", "pi@far.example |log")]
    [InlineData("root: root, pi", "pi")]
    [InlineData("root: \\root, pi", "root pi")]
    [InlineData("root: pi, \\pi", "pi")]
    [InlineData("root: \\pi, pi", "pi")]
    [InlineData("root: a\na: root, pi", "pi")]
    [InlineData("root: nobody\nnobody: /dev/null", "")]
    [InlineData("@pi.example: all\nroot: any", "all")]
    [InlineData("@pi.example: all\nroot@pi.example: one\nroot: any", "one")]
    [InlineData("@far.example: all\nroot@far.example: one", "nowhere")]
    [InlineData("root: a@far.example\na: b", "a@far.example")]
    [InlineData("root: a@far.example\na@far.example: b", "b")]
    [InlineData("root: a, b\nowner-root: c", "a b from owner-root")]
    [InlineData("root: list\nlist: a, b\nowner-list: c", "list")]
    [InlineData("ROOT: Pi", "Pi")]
    public void LeadsTo(string aliases, string expected) => Assert.Equal(expected, Leads(aliases));

    [Fact]
    public void ACaseOfItsOwnIsFound() => Assert.Equal("pi", Leads("root: pi", "ROOT@Pi.Example"));

    [Theory]
    [InlineData("root: root")]
    [InlineData("root: a\na: root")]
    [InlineData("root: a, b\na: b\nb: a, root")]
    [InlineData("root: root@pi.example")]
    public void Circles(string aliases)
    {
        Failure failure = Assert.Throws<Failure>(() => Leads(aliases));
        Assert.Equal(100, failure.Code);
        Assert.Contains("circle", failure.Message);
    }

    [Theory]
    [InlineData("ann\nbob\n", "ann bob")]
    [InlineData("ann\nbob", "ann bob")]
    [InlineData("# friends\nann, bob\n\n  Carl <carl@example.org>\r\n", "ann bob carl@example.org")]
    [InlineData("list\nann\n", "ann x")]
    [InlineData(":include:DIR/list\nann\n", "ann")]
    [InlineData(":include:DIR/second\nann\n", "ann second")]
    public void IncludedLists(string text, string expected)
    {
        Write("list", text.Replace("DIR", directory));
        Write("second", "second\n:include:" + directory + "/list\n");
        Assert.Equal(expected, Leads("root: :include:DIR/list\nlist: x"));
    }

    [Theory]
    [InlineData("|cat\n", "programs")]
    [InlineData("/etc/passwd\n", "into a file")]
    [InlineData("a b>\n", "makes no sense")]
    public void IncludedListsThatMakeNoSense(string text, string why)
    {
        Write("list", text);
        Failure failure = Assert.Throws<Failure>(() => Leads("root: :include:DIR/list"));
        Assert.Equal(111, failure.Code);
        Assert.Contains(why, failure.Message);
    }

    [Fact]
    public void AListThatNotEverybodyMayReadIsRefused()
    {
        Write("list", "ann\n");
        Files.ChangeMode(directory + "/list", 0x180);
        Assert.Contains("everybody", Assert.Throws<Failure>(() => Leads("root: :include:DIR/list")).Message);
        Files.Unlink(directory + "/list");
        Files.MakeFifo(directory + "/list", 0x1B6);
        Assert.Contains("everybody", Assert.Throws<Failure>(() => Leads("root: :include:DIR/list")).Message);
        Files.Unlink(directory + "/list");
        Assert.Throws<PosixException>(() => Leads("root: :include:DIR/list"));
    }

    [Fact]
    public void ALongLineIsRefusedAndALongListIsNot()
    {
        Write("list", new string('x', 70_000));
        Assert.Contains("64 KiB", Assert.Throws<Failure>(() => Leads("root: :include:DIR/list")).Message);
        Write("list", string.Concat(Enumerable.Range(0, 50_000).Select(i => $"user{i}@far.example\n")));
        Assert.Equal(50_000, Expansion("root: :include:DIR/list", "root@x", out _).ForwardCount);
    }

    [Fact]
    public void AnotherProgramsDatabaseIsUnderstoodAsFarAsItGoes()
    {
        AliasExpansion known = new(key => key == ":root@" ? "&a\0|b\0"u8.ToArray() : null);
        Assert.True(known.Expand("root@x"));
        Assert.Equal(["a"], known.Forwards);
        AliasExpansion unknown = new(key => key == ":root@" ? "!b\0"u8.ToArray() : null);
        Assert.Equal(111, Assert.Throws<Failure>(() => unknown.Expand("root@x")).Code);
    }
}
