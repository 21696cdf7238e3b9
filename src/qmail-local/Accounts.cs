// The accounts mail can be delivered to: what users/cdb says, then the machine's users when we are root, else only the
// one we are.
using System;
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.Local;

/// <summary>Finds the account for a local part.</summary>
internal sealed class Accounts
{
    /// <summary>The account that gets what no user controls.</summary>
    internal const string Alias = "alias";

    private readonly Func<string, User?> lookUp;
    private readonly Func<(User? Account, string Report)> alias;
    private readonly string assignments;

    private Accounts(Func<string, User?> lookUp, Func<(User?, string)> alias, string assignments)
    {
        this.lookUp = lookUp;
        this.alias = alias;
        this.assignments = assignments;
    }

    /// <summary>The password file's users, and its alias user for the rest.</summary>
    /// <param name="assignments">The file users/cdb; "" for none.</param>
    internal static Accounts OfMachine(string assignments) => new(Users.ByName,
        static () => Users.ByName(Alias) is User user ? user.Uid == 0 ? (null, "ZNot allowed to perform deliveries as root.\n") : (user, "")
        : (null, "ZUnable to find alias user!\n"), assignments);

    /// <summary>
    /// The one user we are, with the home directory HOME names, and as alias ourselves again in the directory ALIASDIR,
    /// else "alias" beside the control directory.
    /// </summary>
    internal static Accounts OfOurselves(ControlFiles control)
    {
        uint uid = Users.EffectiveUid;
        User? entry = Users.ByUid(uid);
        string name = entry?.Name ?? Variables.Get("USER") ?? "";
        string home = Variables.Get("HOME") is { Length: > 0 } set ? set : entry?.Home ?? "";
        string alias = Variables.Get("ALIASDIR") is { Length: > 0 } named
            ? named
            : control.Directory[..Math.Max(0, control.Directory.LastIndexOf('/'))] + "/alias";
        return OfOne(new User(name, uid, Users.EffectiveGid, home, ""), alias,
            Assignments.PathBeside(control.Directory));
    }

    /// <summary>One user, who is also alias, in another home directory.</summary>
    internal static Accounts OfOne(User self, string aliasDirectory, string assignments = "") =>
        new(wanted => wanted == self.Name ? self : null, () => AliasIn(aliasDirectory, self), assignments);

    /// <summary>
    /// Finds who has been given the address in users/cdb: null when nobody has, or with the report of the failed
    /// delivery.
    /// </summary>
    internal Recipient? FindAssigned(string local, out string report)
    {
        report = "";
        if (assignments.Length == 0) return null;
        try
        {
            return Assignments.Find(assignments, local);
        }
        catch (Exception failure) when (failure is PosixException or FormatException)
        {
            report = "ZTrouble reading users/cdb in qmail-lspawn: " + failure.Message + ". (#4.3.0)\n";
            return null;
        }
    }

    /// <summary>
    /// Finds the account by name; null with the report of the failed delivery when there is none.
    /// </summary>
    internal Recipient? Find(string local, out string report)
    {
        report = "";
        try
        {
            Recipient? recipient = Recipient.Find(local, lookUp, Recipient.OwnerOf);
            if (recipient != null) return recipient;
            (User? account, report) = alias();
            return account == null ? null : new Recipient(account, "-", local);
        }
        catch (PosixException failure)
        {
            report = "ZTemporary failure in qmail-lspawn: " + failure.Message + ". (#4.3.0)\n";
            return null;
        }
    }

    private static (User?, string) AliasIn(string directory, User self)
    {
        if (!directory.StartsWith('/'))
            return (null, "ZALIASDIR does not begin with a slash: " + directory + " (#4.3.5)\n");
        int r = Files.Status(directory, out FileStatus status);
        if (r is -Errno.ENOENT or -Errno.ENOTDIR || (r == 0 && !status.IsDirectory))
            return (null, "DSorry, no mailbox here by that name. (#5.1.1)\n");
        PosixException.Check(r, "unable to stat " + directory);
        return (self with { Name = Alias, Home = directory }, "");
    }
}
