// qmail-pw2u: assignments out of a password file.
using System;
using System.IO;
using Qmta.Admin;
using Qmta.Posix;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Admin;

public sealed class PasswordAssignmentsTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-pw2u-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    // HOME is a directory that exists; UID its owner's number, which cannot be root's.
    private string Print(PasswordRules rules, string passwords)
    {
        string home = directory + "/home", output = directory + "/output", input = directory + "/input";
        Directory.CreateDirectory(home);
        Files.Status(home, out FileStatus status);
        uint uid = status.Uid;
        if (uid == 0)
        {
            int opened = Files.Open(home, OpenMode.Read | OpenMode.Directory);
            Files.ChangeOwner(opened, uid = 4711, 4711);
            Files.Close(opened);
        }
        File.WriteAllBytes(input, Latin1.Bytes(passwords.Replace("HOME", home).Replace("UID", "" + uid)));
        int from = Files.Open(input, OpenMode.Read);
        int to = Files.Open(output, OpenMode.Write | OpenMode.Create | OpenMode.Truncate, 0x180);
        try
        {
            new PasswordAssignments(rules, directory, new ByteWriter(to, "output")).Print(new ByteReader(from, "input"));
        }
        finally
        {
            Files.Close(from);
            Files.Close(to);
        }
        return Latin1.String(File.ReadAllBytes(output)).Replace(home, "HOME").Replace(":" + uid + ":", ":UID:");
    }

    private static readonly PasswordRules NoHomes = new() { Home = HomeRule.Ignore };
    private const string Alias = "alias:x:10:20::/alias:/bin/false\n";
    private const string AliasLines = "+:alias:10:20:/alias:-::\n=alias:alias:10:20:/alias:::\n+alias-:alias:10:20:/alias:-::\n";

    [Fact]
    public void AUserGetsHisNameAndAllExtensions() => Assert.Equal(
        AliasLines + "=joe:joe:5:6:/home/joe:::\n+joe-:joe:5:6:/home/joe:-::\n.\n",
        Print(NoHomes, Alias + "joe:x:5:6:Joe:/home/joe:/bin/sh\n"));

    [Theory]
    [InlineData("root:x:0:0::/root:/bin/sh\n")]
    [InlineData("Joe:x:5:6::/home/joe:/bin/sh\n")]
    [InlineData("joe:x:5:6:/home/joe:/bin/sh\n")]
    [InlineData("joe:x:five:6::/home/joe:/bin/sh\n")]
    [InlineData("j\0e:x:5:6::/home/joe:/bin/sh\n")]
    [InlineData(":x:5:6::/home/joe:/bin/sh\n")]
    [InlineData("\n")]
    public void WhatIsNoUser(string line) => Assert.Equal(AliasLines + ".\n", Print(NoHomes, Alias + line));

    [Fact]
    public void Switches()
    {
        const string joe = "Joe:x:5:6::/h:\n";
        Assert.Contains("=Joe:Joe:5:6:/h:::\n", Print(NoHomes with { Capitals = true }, Alias + joe), StringComparison.Ordinal);
        Assert.Equal("+:alias:10:20:/alias:-::\n=alias:alias:10:20:/alias:::\n.\n", Print(NoHomes with { Break = "" }, Alias));
        Assert.Contains("+alias+:alias:10:20:/alias:-::\n", Print(NoHomes with { Break = "+" }, Alias), StringComparison.Ordinal);
        Assert.Contains("+alias-:alias:10:20:/alias:-/::\n", Print(NoHomes with { Slash = true }, Alias), StringComparison.Ordinal);
    }

    [Fact]
    public void HomeDirectories()
    {
        const string alias = "alias:x:UID:20::HOME:\n", gone = "gone:x:5:6::/nonexistent:\n", thief = "thief:x:5:6::HOME:\n";
        string lines = "+:alias:UID:20:HOME:-::\n=alias:alias:UID:20:HOME:::\n+alias-:alias:UID:20:HOME:-::\n.\n";
        Assert.Equal(lines, Print(new PasswordRules(), alias + gone + thief));
        Assert.Equal(lines, Print(new PasswordRules { Home = HomeRule.Require }, alias + thief));
        Assert.Contains("/nonexistent", Assert.Throws<PosixException>(
            () => Print(new PasswordRules { Home = HomeRule.Require }, alias + gone)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FilesThatChangeTheRules()
    {
        File.WriteAllText(directory + "/include", "joe\nsue\nalias\n");
        File.WriteAllText(directory + "/exclude", "# not her\nsue\n");
        File.WriteAllText(directory + "/mailnames", "joe:joe.shmoe:j:\n");
        File.WriteAllText(directory + "/subusers", "list:joe:l:\n");
        File.WriteAllText(directory + "/append", "=x:joe:5:6:/h::y:");
        Assert.Equal(AliasLines + "=joe.shmoe:joe:5:6:/h:::\n+joe.shmoe-:joe:5:6:/h:-::\n=j:joe:5:6:/h:::\n+j-:joe:5:6:/h:-::\n"
            + "=list:joe:5:6:/h:-:l:\n+list-:joe:5:6:/h:-:l-:\n=x:joe:5:6:/h::y:\n.\n",
            Print(NoHomes, Alias + "joe:x:5:6::/h:\nsue:x:6:6::/s:\nbob:x:7:7::/b:\n"));
    }

    [Fact]
    public void WithoutAliasOrWithASubuserOfNobodyThereIsNoEnd()
    {
        Assert.Equal("unable to find alias user", Assert.Throws<FormatException>(() => Print(NoHomes, "joe:x:5:6::/h:\n")).Message);
        File.WriteAllText(directory + "/subusers", "list:nobody:l:\n");
        Assert.Equal("unable to find nobody user for subuser", Assert.Throws<FormatException>(() => Print(NoHomes, Alias)).Message);
    }

    [Fact]
    public void WhatIsPrintedCanBeCompiled()
    {
        File.WriteAllText(directory + "/assign", Print(NoHomes, Alias));
        AssignmentFile.Compile(directory);
        using CdbReader cdb = CdbReader.Open(directory + "/cdb")!;
        Assert.Equal("alias\x000010\x000020\0/alias\0-\0", cdb.Find("!"));
    }
}
