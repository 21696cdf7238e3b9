// One source of artificial routes: a control file, the database made of it, or an environment variable.
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Remote;

/// <summary>
/// Routes by key. A key that the lines have is not looked for in the database, which is opened for each look-up: who
/// replaces it is heard at once.
/// </summary>
internal sealed class RouteTable
{
    private readonly DomainMap lines;
    private readonly string? database;

    /// <param name="lines">Lines "key:relay:port"; null for none.</param>
    /// <param name="path">The file they are from; null when they are from elsewhere.</param>
    /// <param name="database">The path of a database with further ones; null for none.</param>
    internal RouteTable(IEnumerable<string>? lines, string? path = null, string? database = null)
    {
        this.lines = new DomainMap(lines);
        this.database = database;
        Path = path;
    }

    /// <summary>The file of the lines; null when they are from elsewhere.</summary>
    internal string? Path { get; }

    /// <summary>
    /// The routes of a control file and of the .cdb beside it, or of the variables that replace both.
    /// </summary>
    /// <param name="variables">Variables that hold a route; the first that is set replaces the file.</param>
    /// <param name="naming">Variables that hold the name of another control file.</param>
    /// <exception cref="PosixException">A file exists and cannot be read.</exception>
    internal static RouteTable Read(ControlFiles control, string file, string[] variables, string[] naming)
    {
        foreach (string variable in variables)
            if (Variables.Get(variable) is string route) return new RouteTable([route]) { IsVariable = true };
        foreach (string variable in naming)
        {
            string? named = Variables.Get(variable);
            if (string.IsNullOrEmpty(named)) continue;
            file = named;
            break;
        }
        string path = file[0] == '/' ? file : control.PathOf(file);
        string database = path + ".cdb";
        List<string>? lines = file[0] == '/' ? ControlFiles.LinesOf(path) : control.Lines(file);
        return new RouteTable(lines, path, Files.Status(database, out _) == -Errno.ENOENT ? null : database);
    }

    /// <summary>It is from a variable, which is asked before any file.</summary>
    internal bool IsVariable { get; private init; }

    /// <summary>The route of exactly this key, and the file that has it where that is known; null for none.</summary>
    /// <exception cref="PosixException">The database cannot be read.</exception>
    /// <exception cref="System.FormatException">The database is damaged.</exception>
    internal (string Value, string? Path)? Exact(string key)
    {
        if (lines.Exact(key) is string line) return (line, Path);
        if (database == null) return null;
        using CdbReader? reader = CdbReader.Open(database);
        return reader?.Find(Latin1.Lower(key)) is string value ? (value, database) : null;
    }
}
