// Assignments made out of a password file and the files beside users/assign that change its rules (qmail-pw2u(8)).
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Admin;

/// <summary>What is done about home directories that are not there or that belong to somebody else.</summary>
internal enum HomeRule
{
    /// <summary>Such an account is no user.</summary>
    Skip,
    /// <summary>One that is missing ends the program: it may be a file server that does not answer.</summary>
    Require,
    /// <summary>Nobody looks.</summary>
    Ignore,
}

/// <summary>The switches of qmail-pw2u.</summary>
internal sealed record PasswordRules
{
    internal HomeRule Home { get; init; }

    /// <summary>Names with capitals count.</summary>
    internal bool Capitals { get; init; }

    /// <summary>What separates a user's name and the extension; "" for no extensions.</summary>
    internal string Break { get; init; } = "-";

    /// <summary>Instructions are in .qmail-/ext, not .qmail-ext.</summary>
    internal bool Slash { get; init; }
}

/// <summary>Prints assignments for the lines of a password file.</summary>
internal sealed class PasswordAssignments
{
    private const string Alias = "alias";

    private readonly PasswordRules rules;
    private readonly ControlFiles files;
    private readonly ByteWriter output;
    private readonly HashSet<string>? include;
    private readonly HashSet<string> exclude;
    private readonly Dictionary<string, string> mailNames = [];
    // "user:uid:gid:home:" by user
    private readonly Dictionary<string, string> users = [];

    /// <param name="directory">Where include, exclude, mailnames, subusers and append are.</param>
    /// <exception cref="PosixException">One of them cannot be read.</exception>
    internal PasswordAssignments(PasswordRules rules, string directory, ByteWriter output)
    {
        this.rules = rules;
        this.output = output;
        files = new ControlFiles(directory);
        include = files.Lines("include") is List<string> included ? [.. included] : null;
        exclude = [.. files.Lines("exclude") ?? []];
        foreach (string line in files.Lines("mailnames") ?? [])
        {
            int colon = line.IndexOf(':');
            if (colon > 0) mailNames.TryAdd(line[..colon], line[(colon + 1)..]);
        }
    }

    /// <summary>Prints the assignments of all users, then those of subusers, append, and the dot at the end.</summary>
    /// <exception cref="PosixException">A file or a home directory cannot be read, or the output not be
    /// written.</exception>
    /// <exception cref="FormatException">There is no user alias, or a subuser of nobody.</exception>
    internal void Print(ByteReader passwords)
    {
        bool last = false;
        while (!last)
        {
            byte[] line = passwords.ReadUntil((byte)'\n', 65536, out bool tooLong) ?? [];
            last = line.Length == 0 && passwords.Fill().IsEmpty;
            if (!tooLong) Account(Latin1.String(line));
        }
        if (!users.ContainsKey(Alias)) throw new FormatException("unable to find alias user");
        foreach (string line in files.Lines("subusers") ?? []) SubUser(line);
        string? append = files.Text("append");
        if (append != null) output.Put(append.Length == 0 || append[^1] == '\n' ? append : append + "\n");
        output.Put(".\n");
        output.Flush();
    }

    // passwd(5): name, password, uid, gid, gecos, home, shell
    private void Account(string line)
    {
        string[] fields = line.Split(':');
        if (fields.Length < 7 || line.Contains('\0')) return;
        string user = fields[0], home = fields[5];
        if (!Id(fields[2], out uint uid) || uid == 0 || !Id(fields[3], out uint gid) || user.Length == 0) return;
        if (!rules.Capitals && user != Latin1.Lower(user)) return;
        if (include?.Contains(user) == false || exclude.Contains(user)) return;
        if (!HomeIsRight(home, uid)) return;
        string account = user + ":" + uid + ":" + gid + ":" + home + ":";
        if (!users.TryAdd(user, account)) return;
        if (user == Alias) output.Put("+:" + account + Dash + "::\n");
        foreach (string name in (mailNames.GetValueOrDefault(user) ?? user).Split(':'))
        {
            if (name.Length == 0) continue;
            output.Put("=" + name + ":" + account + "::\n");
            if (rules.Break.Length > 0) output.Put("+" + name + rules.Break + ":" + account + Dash + "::\n");
        }
    }

    // sub:user:pre: gives the address sub to the user's .qmail-pre.
    private void SubUser(string line)
    {
        string[] fields = line.Split(':');
        if (fields.Length < 4) return;
        if (!users.TryGetValue(fields[1], out string? account))
            throw new FormatException("unable to find " + fields[1] + " user for subuser");
        output.Put("=" + fields[0] + ":" + account + Dash + ":" + fields[2] + ":\n");
        if (rules.Break.Length > 0)
            output.Put("+" + fields[0] + rules.Break + ":" + account + Dash + ":" + fields[2] + "-:\n");
    }

    private string Dash => rules.Slash ? "-/" : "-";

    private bool HomeIsRight(string home, uint uid)
    {
        if (rules.Home == HomeRule.Ignore) return true;
        int r = Files.Status(home, out FileStatus status);
        if (r is -Errno.ENOENT or -Errno.ENOTDIR or -Errno.EACCES && rules.Home == HomeRule.Skip) return false;
        PosixException.Check(r, "unable to stat " + home);
        return status.Uid == uid;
    }

    private static bool Id(string text, out uint id) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out id);
}
