using System.IO;
using Qmta.Local;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Local;

public sealed class AccountsTests
{
    // A home directory counts only when it is its account's: the account is ours, or one that owns ours.
    private static User Self(Scratch scratch)
    {
        Directory.CreateDirectory(scratch.At("home"));
        Files.Status(scratch.At("home"), out FileStatus status);
        if (status.Uid == 0)
        {
            int fd = Files.Open(scratch.At("home"), OpenMode.Read | OpenMode.Directory);
            Assert.Equal(0, Files.ChangeOwner(fd, 4711, 4711));
            Files.Close(fd);
        }
        return new User("joe", status.Uid == 0 ? 4711 : status.Uid, status.Gid, scratch.At("home"), "");
    }

    [Theory]
    [InlineData("joe", "joe", "home", "", "")]
    [InlineData("Joe-X", "joe", "home", "-", "X")]
    [InlineData("sue-x", "alias", "alias", "-", "sue-x")]
    [InlineData("alias", "alias", "alias", "-", "alias")]
    public void OneUserIsAlsoAlias(string local, string name, string home, string dash, string ext)
    {
        using Scratch scratch = new();
        Directory.CreateDirectory(scratch.At("alias"));
        User self = Self(scratch);
        Recipient? found = Accounts.OfOne(self, scratch.At("alias")).Find(local, out string report);
        Assert.Equal("", report);
        Assert.Equal(new Recipient(self with { Name = name, Home = scratch.At(home) }, dash, ext), found);
    }

    [Theory]
    [InlineData("none", "DSorry, no mailbox here by that name. (#5.1.1)\n")]
    [InlineData("message", "DSorry, no mailbox here by that name. (#5.1.1)\n")]
    [InlineData("message/none", "DSorry, no mailbox here by that name. (#5.1.1)\n")]
    public void WithoutAliasOthersDoNotExist(string directory, string expected)
    {
        using Scratch scratch = new();
        scratch.Write("message", "");
        Assert.Null(Accounts.OfOne(Self(scratch), scratch.At(directory)).Find("sue", out string report));
        Assert.Equal(expected, report);
    }

    [Fact]
    public void AnAliasDirectoryThatCannotBeNamedDefers()
    {
        using Scratch scratch = new();
        Assert.Null(Accounts.OfOne(Self(scratch), "alias").Find("sue", out string report));
        Assert.Equal("ZALIASDIR does not begin with a slash: alias (#4.3.5)\n", report);
        Assert.Null(Accounts.OfOne(Self(scratch), "/" + new string('x', 5000)).Find("sue", out report));
        Assert.StartsWith("ZTemporary failure in qmail-lspawn: unable to stat /xxx", report, System.StringComparison.Ordinal);
    }
}
