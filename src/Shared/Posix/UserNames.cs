// A user's name without the C library's user database, which a statically linked program cannot ask.
using System.Collections.Generic;
using System.Globalization;
using Qmta.Text;

namespace Qmta.Posix;

/// <summary>Names of users from /etc/passwd, else from getent(1), which knows of directories and the like.</summary>
public static class UserNames
{
    private const string Standard = "/etc/passwd";

    // Longest line, in bytes, that is looked at.
    private const int LongestLine = 4096;

    /// <summary>The name of a user number; null when nobody knows one.</summary>
    /// <param name="uid">The number.</param>
    /// <param name="path">The file, in the format of passwd(5).</param>
    public static string? Of(uint uid, string path = Standard)
    {
        string? name = null;
        int fd = Files.Open(path, OpenMode.Read);
        try
        {
            if (fd >= 0) name = Search(Lines(fd, path), uid);
        }
        catch (PosixException)
        {
            // what cannot be read names nobody
        }
        finally
        {
            _ = Files.Close(fd);
        }
        return name ?? Ask(uid);
    }

    private static string? Ask(uint uid) => Programs.FindInPath("getent") is string program
        ? Search(Processes.OutputOf(program, ["getent", "passwd", uid.ToString(CultureInfo.InvariantCulture)], LongestLine, out _).Split('\n'), uid)
        : null;

    private static IEnumerable<string> Lines(int fd, string path)
    {
        ByteReader lines = new(fd, path, LongestLine);
        while (lines.ReadUntil((byte)'\n', LongestLine, out bool tooLong) is byte[] line)
            if (!tooLong) yield return Latin1.String(line);
    }

    private static string? Search(IEnumerable<string> lines, uint uid)
    {
        foreach (string line in lines)
        {
            // name:password:uid:gid:comment:home:shell
            string[] parts = line.Split(':', 4);
            if (parts.Length == 4 && parts[0].Length > 0 && uint.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint number)
                && number == uid) return parts[0];
        }
        return null;
    }
}
