// Who gets the mail of a local part: qmail-getpw's rules over the password file, then the alias account.
using System;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Local;

/// <summary>An account and what is left of the address for it to interpret.</summary>
/// <param name="Account">Whose uid and home directory the delivery uses.</param>
/// <param name="Dash">"" for the account's own address, else "-".</param>
/// <param name="Ext">The extension, as the sender wrote it.</param>
internal sealed record Recipient(User Account, string Dash, string Ext)
{
    /// <summary>Longest account name looked up.</summary>
    internal const int LongestName = 32;

    /// <summary>
    /// Finds the account that controls a local part: the longest front part of it, at a dash or whole, that is an
    /// account's name. Null when there is none and the alias account is in charge.
    /// </summary>
    /// <param name="local">The local part.</param>
    /// <param name="lookUp">The password entry of a name, or null.</param>
    /// <param name="home">The owner of a home directory; -errno when it cannot be seen.</param>
    /// <exception cref="PosixException">The user database or a home directory is out of order: nobody knows
    /// yet.</exception>
    internal static Recipient? Find(string local, Func<string, User?> lookUp, Func<string, long> home)
    {
        for (int end = local.Length; end > 0; end--)
        {
            if (end > LongestName || (end < local.Length && local[end] != '-')) continue;
            User? account = lookUp(Latin1.Lower(local[..end]));
            if (account == null || !IsUser(account, home)) continue;
            return end == local.Length ? new Recipient(account, "", "")
                : new Recipient(account, "-", local[(end + 1)..]);
        }
        return null;
    }

    /// <summary>The owner of a directory, as <see cref="Find"/> asks for it.</summary>
    internal static long OwnerOf(string directory)
    {
        int r = Files.Status(directory, out FileStatus status);
        return r < 0 ? r : status.Uid;
    }

    // qmail-getpw(8), RULES
    private static bool IsUser(User account, Func<string, long> home)
    {
        if (account.Uid == 0 || account.Name != Latin1.Lower(account.Name) || !account.Home.StartsWith('/'))
            return false;
        long owner = home(account.Home);
        if (owner is -Errno.ENOENT or -Errno.ENOTDIR or -Errno.EACCES or -Errno.ENAMETOOLONG or -Errno.ELOOP)
            return false;
        if (owner < 0) throw new PosixException((int)owner, "unable to stat " + account.Home);
        return owner == account.Uid;
    }
}
