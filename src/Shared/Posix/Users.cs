// Users and groups: who runs this, who somebody is, and becoming somebody else for good.
using System.Runtime.InteropServices;

namespace Qmta.Posix;

/// <summary>An entry of the password database (passwd(5)).</summary>
public sealed record User(string Name, uint Uid, uint Gid, string Home, string Shell);

/// <summary>The user database and this process's identity.</summary>
public static unsafe class Users
{
    public static uint RealUid => Libc.getuid();
    public static uint EffectiveUid => Libc.geteuid();
    public static uint EffectiveGid => Libc.getegid();

    /// <summary>The entry of a user name, or null when there is none.</summary>
    /// <exception cref="PosixException">The database could not be asked: this is not a "no".</exception>
    public static User? ByName(string name)
    {
        fixed (byte* p = CString.Of(name, stackalloc byte[CString.Inline])) return Entry(Libc.getpwnam(p), name);
    }

    /// <summary>The entry of a user number, or null when there is none.</summary>
    /// <exception cref="PosixException">The database could not be asked.</exception>
    public static User? ByUid(uint uid) => Entry(Libc.getpwuid(uid), "uid " + uid);

    /// <summary>The number of a group, or null when there is none.</summary>
    public static uint? GroupByName(string name)
    {
        fixed (byte* p = CString.Of(name, stackalloc byte[CString.Inline]))
        {
            // struct group: char *name, *password; gid_t
            nint group = Libc.getgrnam(p);
            return group == 0 ? null : *(uint*)(group + 2 * sizeof(nint));
        }
    }

    /// <summary>
    /// Becomes a user for good: supplementary groups, group, user, in that order, and proves that there is no way back
    /// to root. With <paramref name="user"/> the supplementary groups are that user's, else none.
    /// </summary>
    /// <exception cref="PosixException">Any step failed; the caller must exit.</exception>
    public static void Become(uint uid, uint gid, string? user = null)
    {
        if (user == null) PosixException.Check(Checked(Libc.setgroups(0, null)), "unable to drop groups");
        else
            fixed (byte* p = CString.Of(user, stackalloc byte[CString.Inline]))
                PosixException.Check(Checked(Libc.initgroups(p, gid)), "unable to set groups of " + user);
        PosixException.Check(Checked(Libc.setgid(gid)), "unable to set gid " + gid);
        PosixException.Check(Checked(Libc.setuid(uid)), "unable to set uid " + uid);
        if (uid != 0 && Libc.setuid(0) == 0) throw new PosixException(Errno.EPERM, "root privileges were not dropped");
    }

    private static int Checked(int r) => r < 0 ? -Marshal.GetLastPInvokeError() : r;

    private static User? Entry(nint entry, string who)
    {
        if (entry == 0)
        {
            int error = Marshal.GetLastPInvokeError();
            // getpwnam(3): "not found" comes with 0, ENOENT, ESRCH, EBADF or EPERM, depending on the name service
            if (error is 0 or Errno.ENOENT or Errno.ESRCH or Errno.EBADF or Errno.EPERM) return null;
            throw new PosixException(error, "unable to look up " + who);
        }
        // struct passwd: char *name, *password; uid_t; gid_t; char *gecos, *home, *shell
        nint* pointers = (nint*)entry;
        uint* ids = (uint*)(entry + 2 * sizeof(nint));
        nint* rest = (nint*)(entry + 2 * sizeof(nint) + 2 * sizeof(uint));
        return new User(CString.From((byte*)pointers[0]), ids[0], ids[1], CString.From((byte*)rest[1]), CString.From((byte*)rest[2]));
    }
}
