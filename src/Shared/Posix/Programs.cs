// Where qmta's programs are, by what name this one was called, and its arguments as bytes.
using System;
using System.Collections.Generic;

namespace Qmta.Posix;

/// <summary>The installed programs and this program's own command line.</summary>
public static class Programs
{
    /// <summary>The version that every program of qmta answers to --version.</summary>
    public const string Version = "0.1.0";

    private static string? directory;
    private static string[]? commandLine;

    /// <summary>The directory of this program's own file, links resolved; "" when /proc does not tell.</summary>
    public static string Directory
    {
        get
        {
            if (directory != null) return directory;
            string self = Files.ReadLink("/proc/self/exe") ?? "";
            return directory = self[..Math.Max(0, self.LastIndexOf('/'))];
        }
    }

    /// <summary>The current directory's absolute path; "." when /proc does not tell.</summary>
    public static string CurrentDirectory => Files.ReadLink("/proc/self/cwd") ?? ".";

    /// <summary>
    /// The file of a program: itself when the name has a slash; else beside this program, then in PATH. The name
    /// unchanged when it is nowhere, so that starting it says "No such file or directory".
    /// </summary>
    public static string Find(string name)
    {
        if (name.Contains('/')) return name;
        string beside = Directory + "/" + name;
        return Directory.Length > 0 && Files.IsExecutable(beside) ? beside : FindInPath(name) ?? name;
    }

    /// <summary>The first file of that name in PATH that this process may execute, or null.</summary>
    public static string? FindInPath(string name)
    {
        string path = Variables.Get("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin";
        foreach (string part in path.Split(':'))
        {
            string file = (part.Length == 0 ? "." : part) + "/" + name;
            if (Files.IsExecutable(file) && Files.Status(file, out FileStatus status) == 0 && status.IsFile) return file;
        }
        return null;
    }

    /// <summary>The machine's own name (gethostname(2)); "localhost" when it has none.</summary>
    public static unsafe string HostName
    {
        get
        {
            byte* name = stackalloc byte[256];
            return Libc.gethostname(name, 255) == 0 && *name != 0 ? CString.From(name) : "localhost";
        }
    }

    /// <summary>The last part of argv[0]: programs that answer to several names choose by it. "" when there is none.</summary>
    public static string CalledAs
    {
        get
        {
            string[] all = CommandLine;
            return all.Length == 0 ? "" : all[0][(all[0].LastIndexOf('/') + 1)..];
        }
    }

    /// <summary>The arguments after argv[0], byte for byte as Latin-1.</summary>
    public static string[] Arguments => CommandLine.Length <= 1 ? [] : CommandLine[1..];

    // Main's own arguments were decoded as UTF-8, which loses every other byte.
    private static string[] CommandLine => commandLine ??= Read();

    private static unsafe string[] Read()
    {
        try
        {
            byte** words;
            string[] all = new string[Libc.qmta_command_line(&words)];
            for (int i = 0; i < all.Length; i++) all[i] = CString.From(words[i]);
            return all;
        }
        catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException)
        {
            return ReadFromProc(); // not a native program
        }
    }

    private static string[] ReadFromProc()
    {
        byte[]? raw = Files.ReadWhole("/proc/self/cmdline", 64 << 20, out _);
        if (raw == null || raw.Length == 0)
        {
            string[] decoded = Environment.GetCommandLineArgs();
            for (int i = 0; i < decoded.Length; i++) decoded[i] = Text.Latin1.String(System.Text.Encoding.UTF8.GetBytes(decoded[i]));
            return decoded;
        }
        List<string> all = [];
        for (int at = 0; at < raw.Length;)
        {
            ReadOnlySpan<byte> rest = raw.AsSpan(at);
            int length = rest.IndexOf((byte)0);
            if (length < 0) length = rest.Length;
            all.Add(Text.Latin1.String(rest[..length]));
            at += length + 1;
        }
        return [.. all];
    }
}
