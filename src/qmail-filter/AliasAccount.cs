// The account that gets mail for names that are no user's: its .qmail-default is what makes aliases work.
using System;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Filter;

internal static class AliasAccount
{
    private const string FileName = ".qmail-default";
    private const int Readable = 0x1A4; // 0644

    /// <summary>
    /// Makes the account's .qmail-default run fastforward when there is no such file yet; says so, and says what is
    /// missing when there is another.
    /// </summary>
    /// <param name="database">The absolute path of the database.</param>
    /// <exception cref="PosixException">The file cannot be written.</exception>
    internal static void Connect(string database)
    {
        string line = "| fastforward -d " + database;
        (string? home, User? owner) = Find();
        if (home == null)
        {
            Standard.Error("newaliases: warning: there is no home directory of the user alias; aliases work when its "
                + FileName + " has the line: " + line);
            return;
        }
        string path = home + "/" + FileName;
        byte[]? old = Files.ReadWhole(path, 1 << 20, out int error);
        if (old != null)
        {
            if (!Latin1.String(old).Contains("fastforward", StringComparison.Ordinal))
                Standard.Error("newaliases: warning: aliases have no effect before " + path + " has the line: " + line);
            return;
        }
        // The shell is to see one word.
        bool plain = true;
        foreach (char c in database) plain &= char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '_' or '-' or '+';
        if (error != -Errno.ENOENT || !plain)
        {
            Standard.Error("newaliases: warning: unable to write " + path + "; aliases work when it has the line: " + line);
            return;
        }
        int fd = PosixException.Check(Files.Open(path, OpenMode.Write | OpenMode.Create | OpenMode.Exclusive | OpenMode.NoFollow, Readable),
            "unable to create " + path);
        try
        {
            PosixException.Check(Files.WriteAll(fd, Latin1.Bytes(line + "\n")), "unable to write " + path);
            if (owner != null) PosixException.Check(Files.ChangeOwner(fd, owner.Uid, owner.Gid), "unable to give away " + path);
            PosixException.Check(Files.ChangeMode(fd, Readable), "unable to set the mode of " + path);
            if (owner != null)
                PosixException.Check(Files.ChangeOwner(fd, owner.Uid, owner.Gid), "unable to give away " + path);
            PosixException.Check(Files.Sync(fd), "unable to write " + path);
        }
        finally
        {
            _ = Files.Close(fd);
        }
        _ = Standard.Output(path + " now has the line: " + line + "\n");
    }

    // As qmail-lspawn finds it: the user's home for root, else the directory that plays its part.
    private static (string? Home, User? Owner) Find()
    {
        if (Users.EffectiveUid == 0)
        {
            User? alias = Users.ByName("alias");
            return (alias != null && IsDirectory(alias.Home) ? alias.Home : null, alias);
        }
        string control = ControlFiles.FromEnvironment().Directory;
        string directory = Variables.Get("ALIASDIR") is { Length: > 0 } named ? named
            : control[..Math.Max(0, control.LastIndexOf('/'))] + "/alias";
        return (IsDirectory(directory) ? directory : null, null);
    }

    private static bool IsDirectory(string path) => Files.Status(path, out FileStatus status) == 0 && status.IsDirectory;
}
