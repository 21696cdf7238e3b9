// newaliases: makes the aliases database from /etc/aliases, and sees to it that deliveries use it (newaliases(1)).
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Filter;

internal static class NewAliases
{
    internal const string Usage = "newaliases [file]";

    private const string DefaultSource = "/etc/aliases";
    private const int LongestSource = 64 << 20;
    private const int Readable = 0x1A4; // 0644
    private const string Owner = "owner-";

    internal static int Run(string[] arguments)
    {
        if (arguments is ["--", ..]) arguments = arguments[1..];
        if (arguments.Length > 1) throw Program.UsageError(Usage);
        string source = arguments.Length == 1 ? arguments[0] : DefaultSource;
        byte[]? text = Files.ReadWhole(source, LongestSource, out int error);
        if (text == null) throw new PosixException(error, "unable to read " + source);
        Dictionary<string, List<string>> aliases = [];
        try
        {
            foreach (Alias alias in AliasSource.Parse(Latin1.String(text), source))
                if (!aliases.TryAdd(alias.Name, alias.Instructions))
                    Standard.Error("newaliases: warning: " + source + " has " + alias.Name.TrimEnd('@') + " twice; the first counts");
        }
        catch (FormatException wrong)
        {
            throw Failure.Bounce(wrong.Message); // the old database stays
        }
        string database = source + ".cdb";
        CdbWriter.Replace(database, Readable, writer => Fill(writer, aliases));
        _ = Standard.Output(source + ": " + aliases.Count.ToString(CultureInfo.InvariantCulture) + " aliases\n");
        AliasAccount.Connect(database.StartsWith('/') ? database : Programs.CurrentDirectory + "/" + database);
        return 0;
    }

    /// <summary>
    /// Adds the records: ":name@host" with the instructions, each ended by a NUL, and "?name@host" with the sender for
    /// what goes to a list that has an alias "owner-name". These are fastforward's, but for "=", "#" and text :include:s.
    /// </summary>
    internal static void Fill(CdbWriter writer, Dictionary<string, List<string>> aliases)
    {
        string? me = null;
        foreach ((string name, List<string> instructions) in aliases)
        {
            writer.Add(":" + name, string.Join('\0', instructions) + "\0");
            string owner = Owner + name;
            if (name[0] == '@' || !aliases.ContainsKey(owner)) continue;
            me ??= ControlFiles.FromEnvironment().Me ?? Programs.HostName;
            writer.Add("?" + name, owner[^1] == '@' ? owner + me : owner);
        }
    }
}
