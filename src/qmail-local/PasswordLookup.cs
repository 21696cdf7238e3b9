// qmail-getpw: who gets the mail of a local part by the password file's rules, printed for a program that asks.
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Local;

/// <summary>
/// The program qmail-getpw, and its output: user, uid, gid, home directory, dash and extension, each ended by a NUL
/// (qmail-getpw(8)).
/// </summary>
internal static class PasswordLookup
{
    internal const string Name = "qmail-getpw";
    internal const string Usage = "qmail-getpw: usage: qmail-getpw local";

    /// <summary>Prints the account for a local part.</summary>
    /// <returns>The exit code: 0, 100 wrong usage, 111 when nobody can tell.</returns>
    internal static int Execute(string[] arguments)
    {
        if (arguments.Length != 1)
        {
            Standard.Error(Usage);
            return 100;
        }
        Recipient? recipient = Accounts.OfMachine("").Find(arguments[0], out string report);
        if (recipient != null) return Standard.Output(Encode(recipient)) ? 0 : 111;
        Standard.Error("qmail-getpw: " + report[1..].TrimEnd('\n'));
        return 111;
    }

    internal static string Encode(Recipient recipient)
    {
        User account = recipient.Account;
        return account.Name + "\0" + account.Uid + "\0" + account.Gid + "\0" + account.Home + "\0"
            + recipient.Dash + "\0" + recipient.Ext + "\0";
    }

    /// <summary>The account that a program printed; null when what it printed is no account.</summary>
    internal static Recipient? Decode(string output) =>
        output.Split('\0') is [{ Length: > 0 } name, string uid, string gid, string home, string dash, string ext, ..]
            && output.EndsWith('\0') && home.StartsWith('/') && Assignments.Id(uid, out uint u)
            && Assignments.Id(gid, out uint g)
            ? new Recipient(new User(name, u, g, home, ""), dash, ext)
            : null;
}
