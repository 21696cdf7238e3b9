// Writing control files: whole or not at all, with the modes that those who read them need.
using Qmta.Control;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Admin;

internal sealed class ControlWriter
{
    private const int Readable = 0x1A4 /* 0644 */, Secret = 0x180 /* 0600 */;

    private readonly ControlFiles control;

    /// <exception cref="PosixException">The directory is missing and cannot be made.</exception>
    internal ControlWriter(ControlFiles control)
    {
        this.control = control;
        for (int slash = control.Directory.IndexOf('/', 1); slash > 0; slash = control.Directory.IndexOf('/', slash + 1))
            Make(control.Directory[..slash]);
        Make(control.Directory);
    }

    /// <summary>Writes a file that everybody may read.</summary>
    /// <exception cref="PosixException">It cannot be written; the old one is as it was.</exception>
    internal void Write(string name, string text) => Write(name, text, Readable, null);

    /// <summary>Writes a file with a password: for its owner alone, who is qmailr where there is one and this is root.</summary>
    /// <exception cref="PosixException">It cannot be written; the old one is as it was.</exception>
    internal void WriteSecret(string name, string text) => Write(name, text, Secret, OwnerFor("qmailr"));

    /// <summary>
    /// Changes a file with passwords, which keeps its owner and group, and their rights; a new one is its owner's alone,
    /// who is this user where there is one and this is root.
    /// </summary>
    /// <exception cref="PosixException">It cannot be written; the old one is as it was.</exception>
    internal void ChangeSecret(string name, string text, string user)
    {
        if (Files.Status(control.PathOf(name), out FileStatus old) < 0) Write(name, text, Secret, OwnerFor(user));
        else Write(name, text, old.Mode & 0x1A0 /* 0640 */, Users.EffectiveUid == 0 ? (old.Uid, old.Gid) : null);
    }

    private static (uint, uint)? OwnerFor(string user) =>
        Users.EffectiveUid == 0 && Users.ByName(user) is User owner ? (owner.Uid, owner.Gid) : null;

    /// <summary>Makes a directory in the control directory.</summary>
    internal void MakeDirectory(string name) => Make(control.PathOf(name));

    private void Write(string name, string text, int mode, (uint Uid, uint Gid)? owner)
    {
        string path = control.PathOf(name), next = path + ".new";
        _ = Files.Unlink(next);
        int fd = PosixException.Check(
            Files.Open(next, OpenMode.Write | OpenMode.Create | OpenMode.Exclusive | OpenMode.NoFollow, Secret), "unable to create " + next);
        int error = Files.WriteAll(fd, Latin1.Bytes(text));
        if (error >= 0 && owner is (uint uid, uint gid)) error = Files.ChangeOwner(fd, uid, gid);
        if (error >= 0) error = Files.ChangeMode(fd, mode);
        if (error >= 0) error = Files.Sync(fd);
        _ = Files.Close(fd);
        if (error >= 0) error = Files.Rename(next, path);
        if (error < 0) _ = Files.Unlink(next);
        PosixException.Check(error, "unable to write " + path);
        PosixException.Check(Files.SyncDirectory(control.PathOf(name)[..path.LastIndexOf('/')]), "unable to sync " + control.Directory);
    }

    private static void Make(string directory)
    {
        int made = Files.MakeDirectory(directory, 0x1ED /* 0755 */);
        if (made < 0 && made != -Errno.EEXIST) PosixException.Check(made, "unable to create " + directory);
    }
}
