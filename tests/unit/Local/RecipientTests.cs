using System;
using System.Collections.Generic;
using Qmta.Local;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Local;

public sealed class RecipientTests
{
    private static readonly Dictionary<string, User> Database = new()
    {
        ["root"] = new("root", 0, 0, "/root", ""),
        ["joe"] = new("joe", 1, 1, "/home/joe", ""),
        ["joe-list"] = new("joe-list", 2, 2, "/home/list", ""),
        ["gone"] = new("gone", 3, 3, "/home/gone", ""),
        ["thief"] = new("thief", 4, 4, "/home/joe", ""),
        ["folded"] = new("Folded", 5, 5, "/home/folded", ""),
        ["rel"] = new("rel", 6, 6, "home", ""),
        [new('a', 32)] = new(new('a', 32), 7, 7, "/home/a", ""),
        [new('b', 33)] = new(new('b', 33), 8, 8, "/home/b", ""),
        ["hidden"] = new("hidden", 9, 9, "/home/hidden", ""),
        ["stale"] = new("stale", 10, 10, "/net/stale", ""),
    };

    private static long Home(string path) => path switch
    {
        "/home/joe" => 1, "/home/list" => 2, "/home/folded" => 5, "/home/a" => 7, "/home/b" => 8, "/root" => 0, "home" => 6,
        "/home/hidden" => -Errno.EACCES,
        "/net/stale" => -Errno.EIO,
        _ => -Errno.ENOENT,
    };

    private static Recipient? Find(string local) =>
        Recipient.Find(local, name => Database.GetValueOrDefault(name), Home);

    [Theory]
    [InlineData("joe", "joe", "", "")]
    [InlineData("JOE", "joe", "", "")]
    [InlineData("joe-", "joe", "-", "")]
    [InlineData("Joe-Foo-Bar", "joe", "-", "Foo-Bar")]
    [InlineData("joe-list", "joe-list", "", "")]
    [InlineData("joe-list-x", "joe-list", "-", "x")]
    [InlineData("joe-lists", "joe", "-", "lists")]
    [InlineData("joe--x", "joe", "-", "-x")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "-", "x")]
    public void TheLongestAccountNameInFrontWins(string local, string name, string dash, string ext)
    {
        Recipient? recipient = Find(local);
        Assert.Equal((name, dash, ext), (recipient?.Account.Name, recipient?.Dash, recipient?.Ext));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("-joe")]
    [InlineData("nobody")]
    [InlineData("joes")]
    [InlineData("root")]
    [InlineData("root-x")]
    [InlineData("gone")]
    [InlineData("thief")]
    [InlineData("hidden")]
    [InlineData("folded")]
    [InlineData("rel")]
    [InlineData("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")]
    [InlineData("../joe")]
    [InlineData("joe\n")]
    public void EverythingElseIsForTheAliasAccount(string local) => Assert.Null(Find(local));

    [Fact]
    public void ATroubledDatabaseIsNotANo()
    {
        Assert.Throws<PosixException>(() => Recipient.Find("joe", _ => throw new PosixException(Errno.EIO, "x"), Home));
        Assert.Throws<PosixException>(() => Find("stale"));
    }

    [Fact]
    public void ALongAddressIsLookedUpOnlyWhereANameCouldEnd()
    {
        List<string> asked = [];
        Recipient.Find("a-b-" + new string('x', 5000), name => { asked.Add(name); return null; }, Home);
        Assert.Equal(["a-b", "a"], asked);
    }
}
