// Addresses that the administrator has given to users: users/cdb, which qmail-newu makes (qmail-users(5)).
using System;
using System.Globalization;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Local;

/// <summary>
/// Looks addresses up in users/cdb. The key of an assignment is "!local" and a NUL for one address, "!prefix" for all
/// that begin so; the key "" holds every character that a prefix ends with. The data are user, uid, gid, home
/// directory, dash and extension, separated by NULs.
/// </summary>
internal static class Assignments
{
    /// <summary>The file beside the control directory.</summary>
    internal static string PathBeside(string controlDirectory) =>
        controlDirectory[..Math.Max(0, controlDirectory.LastIndexOf('/'))] + "/users/cdb";

    /// <summary>Who has been given an address: null when nobody has, or when there is no such file.</summary>
    /// <param name="path">The file; it is opened each time, so that a new one counts at once.</param>
    /// <exception cref="PosixException">The file cannot be read.</exception>
    /// <exception cref="FormatException">The file is damaged.</exception>
    internal static Recipient? Find(string path, string local)
    {
        using CdbReader? cdb = CdbReader.Open(path);
        if (cdb == null) return null;
        string wildcardEnds = cdb.Find("")
            ?? throw new FormatException(path + " has no list of wildcards: qmail-newu did not make it");
        string key = "!" + Latin1.Lower(local) + "\0";
        string? data = cdb.Find(key);
        if (data != null) return Parse(path, data, "");
        // The longest prefix first, the empty one last.
        for (int length = key.Length - 1; length > 0; length--)
        {
            if (length > 1 && !wildcardEnds.Contains(key[length - 1])) continue;
            data = cdb.Find(key[..length]);
            if (data != null) return Parse(path, data, local[(length - 1)..]);
        }
        return null;
    }

    private static Recipient Parse(string path, string data, string rest)
    {
        string[] fields = data.Split('\0');
        if (fields.Length < 6 || !Id(fields[1], out uint uid) || !Id(fields[2], out uint gid))
            throw new FormatException(path + " has an assignment that is none: " + data.Replace('\0', ':'));
        return new Recipient(new User(fields[0], uid, gid, fields[3], ""), fields[4], fields[5] + rest);
    }

    /// <summary>A uid or gid in decimal.</summary>
    internal static bool Id(string text, out uint id) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out id);
}
