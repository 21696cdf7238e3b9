// Environment directories: a file is a variable, its first line the value (envdir).
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Control;

/// <summary>
/// Reads the variables of a directory. An empty file says that the variable shall not be set. In values blanks and tabs
/// at the end do not count, and a NUL stands for a newline. Names that begin with a dot are no variables, but the file
/// .envfile holds lines "NAME=value", and .envdir leads to further directories: a file with one path in each line, or a
/// directory, or a link to one. No directory is read twice.
/// </summary>
public static class EnvironmentDirectory
{
    /// <summary>A file may be this long, in bytes.</summary>
    public const int LongestFile = 65536;

    /// <summary>Most variables a directory and those it leads to may name.</summary>
    public const int MostVariables = 1000;

    /// <summary>The variables in the order in which they take effect; a null value removes.</summary>
    /// <exception cref="PosixException">A directory or a file cannot be read.</exception>
    /// <exception cref="FormatException">There are too many variables, or a file that is no regular one.</exception>
    public static List<(string Name, string? Value)> Read(string directory)
    {
        List<(string, string?)> variables = [];
        Read(directory.Length > 1 ? directory.TrimEnd('/') : directory, variables, []);
        return variables;
    }

    private static void Read(string directory, List<(string, string?)> variables, HashSet<(ulong, ulong)> seen)
    {
        PosixException.Check(Files.Status(directory, out FileStatus status), "unable to open directory " + directory);
        if (!seen.Add((status.Device, status.Inode))) return;
        foreach (string name in Files.List(directory))
        {
            if (variables.Count > MostVariables) throw new FormatException(directory + " has too many variables");
            if (name[0] != '.' && !name.Contains('=')) variables.Add((name, Value(directory + "/" + name)));
        }
        foreach (string line in Lines(directory + "/.envfile"))
        {
            int equals = line.IndexOf('=');
            if (equals <= 0 || line[0] == '#') continue;
            string value = line[(equals + 1)..];
            variables.Add((line[..equals], value.Length == 0 ? null : value));
        }
        string further = directory + "/.envdir";
        if (Files.Status(further, out status) == 0 && status.IsDirectory)
        {
            Read(further, variables, seen);
            return;
        }
        foreach (string line in Lines(further))
            if (line.Length > 0 && line[0] != '#') Read(line, variables, seen);
    }

    private static string? Value(string path)
    {
        string text = Text(path) ?? "";
        if (text.Length == 0) return null;
        int end = text.IndexOf('\n');
        return (end < 0 ? text : text[..end]).TrimEnd(' ', '\t').Replace('\0', '\n');
    }

    private static string[] Lines(string path)
    {
        string? text = Text(path);
        if (text == null) return [];
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++) lines[i] = lines[i].TrimEnd(' ', '\t', '\r');
        return lines;
    }

    // Null when there is no such file.
    private static string? Text(string path)
    {
        // What is not a file could hold up whoever reads it.
        int r = Files.Status(path, out FileStatus status);
        if (r == -Errno.ENOENT) return null;
        PosixException.Check(r, "unable to open " + path);
        if (!status.IsFile) throw new FormatException(path + " is not a file");
        byte[]? bytes = Files.ReadWhole(path, LongestFile, out int error);
        return bytes != null ? Latin1.String(bytes) : throw new PosixException(error, "unable to read " + path);
    }
}
