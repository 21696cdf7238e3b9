// users/assign through qmail-newu's compiler to the look-up of qmail-lspawn.
using System;
using System.IO;
using Qmta.Admin;
using Qmta.Local;
using Qmta.Posix;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Local;

public sealed class AssignmentsTests : IDisposable
{
    private const string Assign = """
        +:alias:7790:2108:/var/alias:-::
        +joe-:joe:507:100:/home/joe:-::
        =joe:joe:507:100:/home/joe:::
        =joe:second:1:1:/home/second:::
        =Joe.Shmoe:joe:507:100:/home/joe:-:shmoe:
        +joe-list-:list:600:100:/home/list:-:l-:a remark
        +example.com-:vm:555:555:/home/vm:-::
        +X:x:9:9:/home/x:-/:p:

        """;

    private readonly Scratch scratch = new();

    private string Compile(string assign)
    {
        scratch.Write("assign", assign);
        AssignmentFile.Compile(scratch.Path);
        return scratch.At("cdb");
    }

    public void Dispose() => scratch.Dispose();

    [Theory]
    [InlineData("joe", "joe", "", "")]
    [InlineData("JOE", "joe", "", "")]
    [InlineData("joe-", "joe", "-", "")]
    [InlineData("Joe-Direct", "joe", "-", "Direct")]
    [InlineData("joe-list", "joe", "-", "list")]
    [InlineData("joe-list-", "list", "-", "l-")]
    [InlineData("joe-List-Sub", "list", "-", "l-Sub")]
    [InlineData("joes", "alias", "-", "joes")]
    [InlineData("joe.SHMOE", "joe", "-", "shmoe")]
    [InlineData("joe.shmoe-x", "alias", "-", "joe.shmoe-x")]
    [InlineData("bill", "alias", "-", "bill")]
    [InlineData("example.com-a-b", "vm", "-", "a-b")]
    [InlineData("xyz", "x", "-/", "pyz")]
    [InlineData("x", "x", "-/", "p")]
    [InlineData("../../etc", "alias", "-", "../../etc")]
    [InlineData("\xE9", "alias", "-", "\xE9")]
    [InlineData("", "alias", "-", "")]
    public void TheMostSpecificAssignmentWins(string local, string user, string dash, string ext)
    {
        Recipient? found = Assignments.Find(Compile(Assign + ".\n"), local);
        Assert.Equal((user, dash, ext), (found?.Account.Name, found?.Dash, found?.Ext));
    }

    [Fact]
    public void TheDatabaseIsQmails()
    {
        using CdbReader cdb = CdbReader.Open(Compile("=Joe:joe:5:6:/h:-:x:\n+a-:b:7:8:/b:-:p:rest\n+:c:1:2:/c:::\n+B_:c:1:2:/c:::\n.\nignored\n"))!;
        Assert.Equal([("!joe\0", "joe\x00005\x00006\0/h\0-\0x"), ("!a-", "b\x00007\x00008\0/b\0-\0p"), ("!", "c\x00001\x00002\0/c\0\0"),
            ("!b_", "c\x00001\x00002\0/c\0\0"), ("", "-_")],
            System.Linq.Enumerable.Select(cdb.Records(), record => (Latin1.String(record.Key), Latin1.String(record.Data))));
    }

    [Theory]
    [InlineData("joe:joe:1:1:/h:::\n.\n", "line 1")]
    [InlineData("=joe:joe:1:1:/h:::\n\n.\n", "line 2")]
    [InlineData("=joe:joe:1:1:/h::\n.\n", "line 1")]
    [InlineData("=joe:joe:x:1:/h:::\n.\n", "line 1")]
    [InlineData("=joe:joe:1:-1:/h:::\n.\n", "line 1")]
    [InlineData("=j\0e:joe:1:1:/h:::\n.\n", "line 1")]
    [InlineData("=joe:joe:1:1:/h:::\n", "does not end with")]
    [InlineData("", "does not end with")]
    public void WrongAssignmentsLeaveTheOldDatabase(string assign, string complaint)
    {
        byte[] before = File.ReadAllBytes(Compile(Assign + ".\n"));
        Assert.Contains(complaint, Assert.Throws<FormatException>(() => Compile(assign)).Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(scratch.At("cdb")));
        Assert.Equal(["assign", "cdb"], System.Linq.Enumerable.Order(System.Linq.Enumerable.Select(Directory.GetFiles(scratch.Path), Path.GetFileName)));
    }

    [Fact]
    public void NoDatabaseAssignsNothing() => Assert.Null(Assignments.Find(scratch.At("cdb"), "joe"));

    [Fact]
    public void AnAddressLongerThanEverythingIsLookedUpOnlyWhereAPrefixCanEnd() =>
        Assert.Equal("alias", Assignments.Find(Compile(Assign + ".\n"), new string('-', 4000))?.Account.Name);

    [Fact]
    public void ADamagedDatabaseDefers()
    {
        Compile(Assign + ".\n");
        scratch.Write("cdb", "short");
        Accounts accounts = Accounts.OfOne(new User("joe", 4711, 4711, scratch.Path, ""), scratch.Path, scratch.At("cdb"));
        Assert.Null(accounts.FindAssigned("joe", out string report));
        Assert.StartsWith("ZTrouble reading users/cdb in qmail-lspawn: ", report, StringComparison.Ordinal);
        CdbWriter.Replace(scratch.At("cdb"), 0x1A4, cdb => cdb.Add("!joe\0", "joe\0x"));
        Assert.Null(accounts.FindAssigned("joe", out report));
        Assert.StartsWith("ZTrouble reading users/cdb", report, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("joe\x00005\x00006\0/h\0-\0ext\0", "joe", 5u, "-", "ext")]
    [InlineData("joe\x00005\x00006\0/h\0\0\0", "joe", 5u, "", "")]
    [InlineData("joe\x00005\x00006\0/h\0-\0ext", null, 0u, "", "")]
    [InlineData("joe\0x\x00006\0/h\0-\0ext\0", null, 0u, "", "")]
    [InlineData("joe\x00005\x00006\0h\0-\0ext\0", null, 0u, "", "")]
    [InlineData("", null, 0u, "", "")]
    [InlineData("joe:5:6:/h:-:ext\n", null, 0u, "", "")]
    public void WhatAProgramSaysForQmailGetpw(string output, string? user, uint uid, string dash, string ext)
    {
        Recipient? found = PasswordLookup.Decode(output);
        Assert.Equal(user, found?.Account.Name);
        if (found == null) return;
        Assert.Equal((uid, dash, ext), (found.Account.Uid, found.Dash, found.Ext));
        Assert.Equal(output, PasswordLookup.Encode(found));
    }
}
