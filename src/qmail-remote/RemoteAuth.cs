// control/remote_auth: users and passwords at relays, by the sender's address or domain, apart from the routes.
using System;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Remote;

/// <summary>
/// remote_auth.cdb, or where there is none the lines of remote_auth, "address:user password:" up to a lone dot. An
/// address finds itself, then its domain, then the entry of the empty address, which is for everybody.
/// </summary>
internal sealed class RemoteAuth
{
    private const string File = "remote_auth";

    private readonly ControlFiles control;

    internal RemoteAuth(ControlFiles control) => this.control = control;

    /// <summary>The entry for an address, which may be empty.</summary>
    /// <exception cref="FormatException">There is none, it makes no sense, or others can read the file.</exception>
    /// <exception cref="PosixException">The file cannot be read.</exception>
    internal RouteLogin Find(string address)
    {
        string name = Latin1.Lower(address);
        string domain = name[(name.LastIndexOf('@') + 1)..];
        string path = control.PathOf(File + ".cdb");
        string? line;
        using (CdbReader? database = CdbReader.Open(path))
        {
            if (database != null)
            {
                SecretFiles.Check(path);
                line = Find(database, name) ?? Find(database, domain) ?? Find(database, "");
            }
            else
            {
                path = control.PathOf(File);
                string text = control.Text(File)
                    ?? throw new FormatException($"a route refers to {path}.cdb, and there is no such file");
                SecretFiles.Check(path);
                line = Find(text, name) ?? Find(text, domain) ?? Find(text, "");
            }
        }
        if (line == null)
            throw new FormatException($"{path} has no user and password for {(name.Length == 0 ? "the empty sender" : name)}");
        try
        {
            return RouteLogin.FromLine(line);
        }
        catch (FormatException e)
        {
            throw new FormatException($"{path} {e.Message}, in the entry for {(name.Length == 0 ? "the empty sender" : name)}");
        }
    }

    // The form of cdb-database(8), "!address\0" and "!" for everybody, or keys as they are, as cdbmake has them.
    private static string? Find(CdbReader database, string name)
    {
        string? value = database.Find(name.Length == 0 ? "!" : "!" + name + "\0") ?? database.Find(name);
        return value?.TrimEnd('\0', ':');
    }

    private static string? Find(string text, string name)
    {
        foreach (string raw in text.Split('\n'))
        {
            string line = raw.TrimEnd(' ', '\t', '\r');
            if (line == ".") break;
            if (line.StartsWith('#')) continue;
            int colon = line.IndexOf(':');
            if (colon < 0) continue;
            string key = line[..colon];
            if (key == "+") key = ""; // cdb-database(8): a wildcard that fits every address
            else if (key.StartsWith('=')) key = key[1..];
            if (!Latin1.EqualsIgnoreCase(key, name)) continue;
            string value = line[(colon + 1)..];
            return value.EndsWith(':') ? value[..^1] : value;
        }
        return null;
    }
}
