// users/assign as text, and the database that qmail-lspawn looks addresses up in (qmail-users(5)).
using System;
using System.Collections.Generic;
using System.Text;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Admin;

/// <summary>Turns address assignments into records of users/cdb.</summary>
internal static class AssignmentFile
{
    /// <summary>Longest line accepted, in bytes.</summary>
    private const int LongestLine = 65536;

    /// <summary>Where the assignments are: "users" beside the control directory.</summary>
    internal static string DirectoryBeside(string controlDirectory) =>
        controlDirectory[..Math.Max(0, controlDirectory.LastIndexOf('/'))] + "/users";

    /// <summary>Makes directory/cdb out of directory/assign; on failure the old cdb stays.</summary>
    /// <exception cref="PosixException">A file cannot be read or written.</exception>
    /// <exception cref="FormatException">The assignments are wrong; the message says in which line.</exception>
    internal static void Compile(string directory)
    {
        string path = directory + "/assign";
        int fd = PosixException.Check(Files.Open(path, OpenMode.Read), "unable to open " + path);
        try
        {
            ByteReader reader = new(fd, path);
            CdbWriter.Replace(directory + "/cdb", 0x1A4 /* 0644 */, cdb => Compile(reader, path, cdb));
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    private static void Compile(ByteReader reader, string path, CdbWriter cdb)
    {
        StringBuilder wildcardEnds = new();
        for (int number = 1; ; number++)
        {
            byte[]? line = reader.ReadUntil((byte)'\n', LongestLine, out bool tooLong);
            if (line is [(byte)'.', ..]) break;
            if (line == null) throw new FormatException(path + " does not end with a line that is a dot");
            if (tooLong) throw new FormatException(path + ", line " + number + ", is longer than 65536 bytes");
            if (Parse(Latin1.String(line)) is not (string key, string data))
                throw new FormatException(path + ", line " + number + ", is no assignment: " + Latin1.String(line));
            cdb.Add(key, data);
            // A prefix is in the cdb without the NUL that ends a simple assignment's address.
            if (key.Length > 1 && key[^1] != '\0' && wildcardEnds.ToString().IndexOf(key[^1]) < 0)
                wildcardEnds.Append(key[^1]);
        }
        cdb.Add("", wildcardEnds.ToString());
    }

    /// <summary>A line's key and data in the cdb; null when it is no assignment.</summary>
    internal static (string Key, string Data)? Parse(string line)
    {
        if (line.Length == 0 || line[0] is not ('=' or '+') || line.Contains('\0')) return null;
        string[] fields = line.Split(':');
        // Seven fields, each ended by a colon; what follows them is a remark.
        if (fields.Length < 8 || !IsId(fields[2]) || !IsId(fields[3])) return null;
        string address = Latin1.Lower(fields[0][1..]);
        return ("!" + address + (line[0] == '=' ? "\0" : ""), string.Join('\0', fields, 1, 6));
    }

    private static bool IsId(string text) => uint.TryParse(text, System.Globalization.NumberStyles.None,
        System.Globalization.CultureInfo.InvariantCulture, out _);
}
