// Control files: small texts in one directory, each with a documented default (qmail-control(5)).
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Control;

/// <summary>
/// Reads control files. Trailing blanks, tabs and carriage returns do not count; in lists, empty lines and lines
/// that begin with # do not either.
/// </summary>
public sealed class ControlFiles
{
    /// <summary>Where the control files are when CONTROLDIR does not say.</summary>
    public const string DefaultDirectory = "/etc/indimail/control";

    /// <summary>A control file may be this long, in bytes; beyond that something is wrong with it.</summary>
    public const int LongestFile = 64 << 20;

    private readonly Dictionary<string, string?>? texts;
    private string? me;

    /// <param name="directory">The directory.</param>
    /// <param name="texts">
    /// What files say, null for one that is not there: those count, and are not read. What is read is put there.
    /// </param>
    public ControlFiles(string directory, Dictionary<string, string?>? texts = null)
    {
        Directory = directory;
        this.texts = texts;
    }

    /// <summary>The directory, without a trailing slash.</summary>
    public string Directory { get; }

    /// <summary>
    /// The directory CONTROLDIR names. A name without a leading slash is beside the default directory:
    /// CONTROLDIR=control2 is /etc/indimail/control2.
    /// </summary>
    public static ControlFiles FromEnvironment()
    {
        string? named = Variables.Get("CONTROLDIR");
        if (string.IsNullOrEmpty(named)) return new ControlFiles(DefaultDirectory);
        return new ControlFiles(named[0] == '/' ? named.TrimEnd('/') : "/etc/indimail/" + named);
    }

    /// <summary>The file's path.</summary>
    public string PathOf(string name) => Directory + "/" + name;

    /// <summary>control/me, the name of this host; null when there is none.</summary>
    /// <exception cref="PosixException">It exists and cannot be read.</exception>
    public string? Me => me ??= Line("me");

    /// <summary>The first line, or null when there is no file or the line is empty.</summary>
    /// <exception cref="PosixException">The file exists and cannot be read.</exception>
    public string? Line(string name)
    {
        string? text = Text(name);
        if (text == null) return null;
        int end = text.IndexOf('\n');
        string line = Trim(end < 0 ? text : text[..end]);
        return line.Length == 0 ? null : line;
    }

    /// <summary>The first line, or control/me when there is none, or null when there is no such line either.</summary>
    /// <exception cref="PosixException">A file exists and cannot be read.</exception>
    public string? LineOrMe(string name) => Line(name) ?? Me;

    /// <summary>The first line as a number, or <paramref name="otherwise"/> when there is no file.</summary>
    /// <exception cref="PosixException">The file exists and cannot be read.</exception>
    /// <exception cref="FormatException">The line is not a number from 0 to 9223372036854775807.</exception>
    public long Number(string name, long otherwise)
    {
        string? line = Line(name);
        if (line == null) return otherwise;
        return long.TryParse(line.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new FormatException(PathOf(name) + " does not begin with a number: " + line);
    }

    /// <summary>The lines that count, or null when there is no file.</summary>
    /// <exception cref="PosixException">The file exists and cannot be read.</exception>
    public List<string>? Lines(string name) => Plain(Numbered(Text(name)));

    /// <summary>The lines that count of a file that is elsewhere, or null when there is no file.</summary>
    /// <exception cref="PosixException">The file exists and cannot be read.</exception>
    public static List<string>? LinesOf(string path) => Plain(NumberedLinesOf(path));

    private static List<string>? Plain(List<(int, string)>? numbered)
    {
        if (numbered == null) return null;
        List<string> lines = new(numbered.Count);
        foreach ((_, string line) in numbered) lines.Add(line);
        return lines;
    }

    /// <summary>As <see cref="LinesOf"/>, each with its number, the first is 1, so that a bad one can be named.</summary>
    /// <exception cref="PosixException">The file exists and cannot be read.</exception>
    public static List<(int Number, string Line)>? NumberedLinesOf(string path) => Numbered(TextOf(path));

    private static List<(int Number, string Line)>? Numbered(string? text)
    {
        if (text == null) return null;
        List<(int, string)> lines = [];
        int number = 0;
        foreach (string raw in text.Split('\n'))
        {
            number++;
            string line = Trim(raw);
            if (line.Length > 0 && line[0] != '#') lines.Add((number, line));
        }
        return lines;
    }

    /// <summary>The whole file as it is, or null when there is none.</summary>
    /// <exception cref="PosixException">The file exists and cannot be read.</exception>
    public string? Text(string name)
    {
        if (texts == null) return TextOf(PathOf(name));
        if (!texts.TryGetValue(name, out string? text)) texts[name] = text = TextOf(PathOf(name));
        return text;
    }

    private static string? TextOf(string path)
    {
        byte[]? bytes = Files.ReadWhole(path, LongestFile, out int error);
        if (bytes != null) return Latin1.String(bytes);
        return error == -Errno.ENOENT ? null : throw new PosixException(error, "unable to read " + path);
    }

    private static string Trim(string line) => line.TrimEnd(' ', '\t', '\r', '\0');
}
