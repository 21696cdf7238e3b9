// A user's name without the C library's user database, which a statically linked program cannot ask.
using System;
using System.Globalization;
using Qmta.Text;

namespace Qmta.Posix;

/// <summary>Names of users from /etc/passwd, else from getent(1), which knows of directories and the like.</summary>
public static class UserNames
{
    private const string Standard = "/etc/passwd";

    /// <summary>The name of a user number; null when nobody knows one.</summary>
    /// <param name="uid">The number.</param>
    /// <param name="path">The file, in the format of passwd(5).</param>
    public static string? Of(uint uid, string path = Standard)
    {
        int fd = Files.Open(path, OpenMode.Read);
        string? name = fd < 0 ? null : Search(fd, path, uid);
        _ = Files.Close(fd);
        return name ?? Ask(uid);
    }

    private static string? Ask(uint uid)
    {
        if (Programs.FindInPath("getent") is not string program || Files.Pipe(out int read, out int write) < 0) return null;
        int pid = Processes.Start(program, ["getent", "passwd", uid.ToString(CultureInfo.InvariantCulture)], [new(write, 1)]);
        _ = Files.Close(write);
        string? name = pid < 0 ? null : Search(read, "getent", uid);
        _ = Files.Close(read);
        if (pid >= 0) _ = Processes.Wait(pid, out _);
        return name;
    }

    private static string? Search(int fd, string source, uint uid)
    {
        ByteReader lines = new(fd, source, 4096);
        try
        {
            while (lines.ReadUntil((byte)'\n', 4096, out bool tooLong) is byte[] line)
            {
                // name:password:uid:gid:comment:home:shell
                string[] parts = tooLong ? [] : Latin1.String(line).Split(':', 4);
                if (parts.Length == 4 && parts[0].Length > 0 && uint.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint number)
                    && number == uid) return parts[0];
            }
        }
        catch (PosixException)
        {
            // what cannot be read names nobody
        }
        return null;
    }
}
