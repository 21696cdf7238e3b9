// Owner and mode of a file, set through a descriptor: a path could lead elsewhere by the time of the second call.
using System;
using Qmta.Posix;

namespace Qmta.Admin;

internal static class Owned
{
    /// <summary>As root, gives a file the owner and group of another, and a mode; otherwise it has them already.</summary>
    /// <exception cref="PosixException">One cannot be looked at or the other not be changed.</exception>
    internal static void Like(string model, string path, int mode)
    {
        if (Users.EffectiveUid != 0) return;
        PosixException.Check(Files.Status(model, out FileStatus status), "unable to look at " + model);
        Set(path, status.Uid, status.Gid, mode);
    }

    /// <summary>Gives the file owner, group and mode unless it has them; a symbolic link is refused.</summary>
    /// <exception cref="PosixException">It cannot be opened or changed.</exception>
    /// <param name="path">The file.</param>
    /// <param name="owner">Its owner from now on.</param>
    /// <param name="group">Its group from now on.</param>
    /// <param name="mode">Its mode from now on.</param>
    /// <param name="repairs">Asked first; null for just doing it.</param>
    internal static void Set(string path, uint owner, uint group, int mode, Repairs? repairs = null)
    {
        if (repairs != null && Files.Status(path, out FileStatus now, followLinks: false) == 0)
        {
            bool right = now.Uid == owner && now.Gid == group && now.Mode == mode;
            if (right || !repairs.May($"give {path} the owner {owner}:{group} and the mode {Convert.ToString(mode, 8)}")) return;
        }
        int fd = Files.Open(path, OpenMode.Read | OpenMode.NonBlocking | OpenMode.NoFollow);
        // One's own file without permissions for oneself; only root is to be afraid of other people's paths.
        if (fd == -Errno.EACCES && Users.EffectiveUid != 0 && Files.ChangeMode(path, mode) == 0) return;
        PosixException.Check(fd, "unable to open " + path);
        try
        {
            PosixException.Check(Files.Status(fd, out FileStatus status), "unable to look at " + path);
            bool ownerChanges = status.Uid != owner || status.Gid != group;
            if (ownerChanges) PosixException.Check(Files.ChangeOwner(fd, owner, group), "unable to change the owner of " + path);
            // Changing the owner clears the set-id bits.
            if (ownerChanges || status.Mode != mode) PosixException.Check(Files.ChangeMode(fd, mode), "unable to change the mode of " + path);
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }
}
