// Environment directories: a file is a variable, its first line the value (envdir).
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Control;

/// <summary>
/// Reads the variables of a directory. An empty file says that the variable shall not be set. In values blanks and tabs
/// at the end do not count, and a NUL stands for a newline. Names that begin with a dot are no variables, but the file
/// .envfile holds lines "NAME=value", or "NAME" for one that shall not be set; and .envdir leads to further directories: a
/// file with one path in each line, or a directory, or a link to one. A directory's own files override what .envdir leads
/// to, and that overrides .envfile. No directory is read twice.
/// </summary>
public static class EnvironmentDirectory
{
    /// <summary>A file may be this long, in bytes.</summary>
    public const int LongestFile = 65536;

    /// <summary>Most variables a directory and those it leads to may name.</summary>
    public const int MostVariables = 1000;

    /// <summary>Most bytes the values may have together: a program with more could not be started.</summary>
    public const int MostBytes = 1 << 20;

    /// <summary>The variables in the order in which they take effect; a null value removes.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="skipUnreadable">Pass over files that this process may not read.</param>
    /// <exception cref="PosixException">A directory or a file cannot be read.</exception>
    /// <exception cref="FormatException">There is too much, or a file that is no regular one.</exception>
    public static List<(string Name, string? Value)> Read(string directory, bool skipUnreadable = false)
    {
        Reading reading = new(skipUnreadable);
        reading.Read(directory.Length > 1 ? directory.TrimEnd('/') : directory);
        return reading.Variables;
    }

    private sealed class Reading(bool skipUnreadable)
    {
        private readonly HashSet<(ulong, ulong)> seen = [];
        private int bytes;

        internal List<(string Name, string? Value)> Variables { get; } = [];

        internal void Read(string directory)
        {
            PosixException.Check(Files.Status(directory, out FileStatus status), "unable to open directory " + directory);
            if (!seen.Add((status.Device, status.Inode))) return;
            ReadLines(directory + "/.envfile");
            string further = directory + "/.envdir";
            if (Files.Status(further, out status) == 0 && status.IsDirectory) Read(further);
            else
                foreach (string line in Lines(further))
                    if (line.Length > 0 && line[0] != '#') Read(line[0] == '/' ? line : directory + "/" + line);
            foreach (string name in Files.List(directory))
            {
                if (name[0] == '.' || name.Contains('=')) continue;
                string path = directory + "/" + name;
                if (Text(path) is string text) Add(directory, name, text.Length == 0 ? null : FirstLine(text));
            }
        }

        private void ReadLines(string path)
        {
            foreach (string line in Lines(path))
            {
                int equals = line.IndexOf('=');
                if (line.Length == 0 || equals == 0 || line[0] == '#') continue;
                string name = equals < 0 ? line : line[..equals];
                if (name.Contains('\0')) throw new FormatException(path + " has a NUL byte in a variable's name");
                Add(path, name, equals < 0 ? null : line[(equals + 1)..].Replace('\0', '\n'));
            }
        }

        private void Add(string path, string name, string? value)
        {
            bytes += name.Length + (value?.Length ?? 0);
            if (Variables.Count > MostVariables || bytes > MostBytes) throw new FormatException(path + " has too many variables");
            Variables.Add((name, value));
        }

        private static string FirstLine(string text)
        {
            int end = text.IndexOf('\n');
            return (end < 0 ? text : text[..end]).TrimEnd(' ', '\t').Replace('\0', '\n');
        }

        private string[] Lines(string path)
        {
            string? text = Text(path);
            if (text == null) return [];
            string[] lines = text.Split('\n');
            for (int i = 0; i < lines.Length; i++) lines[i] = lines[i].TrimEnd(' ', '\t', '\r');
            return lines;
        }

        // Null when there is no such file, or none that counts.
        private string? Text(string path)
        {
            // What is not a file could hold up whoever reads it.
            int r = Files.Status(path, out FileStatus status);
            if (r == -Errno.ENOENT) return null;
            PosixException.Check(r, "unable to open " + path);
            if (!status.IsFile) throw new FormatException(path + " is not a file");
            byte[]? contents = Files.ReadWhole(path, LongestFile, out int error);
            if (contents != null) return Latin1.String(contents);
            return skipUnreadable && error == -Errno.EACCES ? null : throw new PosixException(error, "unable to read " + path);
        }
    }
}
