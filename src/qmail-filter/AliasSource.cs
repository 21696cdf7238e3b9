// The text of /etc/aliases: names, and for each where its mail goes (aliases(5)).
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Message;
using Qmta.Text;

namespace Qmta.Filter;

/// <summary>
/// An alias: the key of its record and its instructions in the form of the database, each a letter and a value:
/// "&amp;address", "=address" (not an alias even if there is one of that name), "|command", or the path of an :include: file.
/// </summary>
/// <param name="Name">"joe@" for joe at any host, "joe@example.org", or "@example.org" for all names there.</param>
internal readonly record struct Alias(string Name, List<string> Instructions);

/// <summary>Reads aliases and the lists of recipients of :include: files.</summary>
internal static class AliasSource
{
    /// <summary>Longest address, in bytes.</summary>
    internal const int LongestAddress = 900;

    /// <summary>The aliases of a file.</summary>
    /// <param name="text">The file's text.</param>
    /// <param name="path">Its name, for messages.</param>
    /// <exception cref="FormatException">A line makes no sense; the message names it.</exception>
    internal static IEnumerable<Alias> Parse(string text, string path)
    {
        int number = 0, first = 0;
        string entry = "";
        foreach (string raw in text.Split('\n'))
        {
            number++;
            string line = raw.TrimEnd(' ', '\t', '\r');
            if (line.Length == 0 || line[0] == '#') continue;
            if (line[0] is ' ' or '\t')
            {
                if (entry.Length == 0) throw Wrong(path, number, "it continues nothing");
                entry += line;
                continue;
            }
            if (entry.Length > 0) yield return One(entry, path, first);
            entry = line;
            first = number;
        }
        if (entry.Length > 0) yield return One(entry, path, first);
    }

    private static Alias One(string entry, string path, int number)
    {
        int colon = Outside(entry, 0, ':');
        if (colon < 0) throw Wrong(path, number, "it has no colon");
        string? wrong = Name(entry[..colon].Trim(' ', '\t'), out string name);
        List<string> instructions = [];
        wrong ??= Recipients(entry[(colon + 1)..], programs: true, instructions);
        if (wrong != null) throw Wrong(path, number, wrong);
        return instructions.Count > 0 ? new Alias(name, instructions)
            : throw Wrong(path, number, "it has no recipient (/dev/null is one that forgets everything)");
    }

    private static string? Name(string text, out string name)
    {
        name = "";
        if (text.StartsWith('@') && text.Length > 1)
        {
            name = Latin1.Lower(text);
            return null;
        }
        if (text.EndsWith('@')) text = text[..^1];
        List<string> found = [];
        string? wrong = Addresses(text, found);
        if (wrong != null) return wrong;
        if (found.Count != 1) return "it does not have one name before the colon";
        name = Latin1.Lower(found[0].Contains('@') ? found[0] : found[0] + "@");
        return null;
    }

    /// <summary>Adds the instructions of a list of recipients; what is wrong with it, or null.</summary>
    /// <param name="programs">Whether commands may be among them.</param>
    internal static string? Recipients(string list, bool programs, List<string> instructions)
    {
        for (int at = 0; at <= list.Length;)
        {
            int comma = Outside(list, at, ',');
            if (comma < 0) comma = list.Length;
            string? wrong = Recipient(list[at..comma].Trim(' ', '\t'), programs, instructions);
            if (wrong != null) return wrong;
            at = comma + 1;
        }
        return null;
    }

    private static string? Recipient(string item, bool programs, List<string> instructions)
    {
        if (item.Length == 0) return null;
        if (item.Contains('\0')) return "it has a NUL";
        if (item[0] == '"' && item.Length > 2 && item[^1] == '"' && item[1] is '|' or '/' or ':') item = Unquoted(item);
        switch (item[0])
        {
            case '|':
                if (!programs) return "programs do not belong into an :include: file: " + item;
                if (item.TrimStart('|', ' ').Length == 0) return "it has an empty command";
                instructions.Add(item);
                return null;
            case ':':
                const string Include = ":include:";
                if (item.Length <= Include.Length || !Latin1.EqualsIgnoreCase(item.AsSpan(0, Include.Length), Include))
                    return item + " is not understood here";
                string file = item[Include.Length..].Trim(' ', '\t');
                if (!file.StartsWith('/')) return "an :include: file needs its whole path: " + item;
                instructions.Add(file);
                return null;
            case '/':
                if (item != "/dev/null") return "mail cannot go into a file from here (a .qmail file can do that): " + item;
                instructions.Add("#");
                return null;
            case '\\':
                return Addresses(item[1..], instructions, "=");
            default:
                return Addresses(item, instructions, "&");
        }
    }

    private static string? Addresses(string text, List<string> found, string letter = "")
    {
        byte[] bytes = Latin1.Bytes(text);
        List<AddressRange> ranges = [];
        string? wrong = AddressList.Parse(bytes, ranges);
        if (wrong != null) return wrong;
        foreach (AddressRange range in ranges)
        {
            string local = AddressList.LocalPart(bytes, range), domain = AddressList.Domain(bytes, range);
            if (local.Length == 0) return "it has an empty address";
            if (domain.Length == 0 && local.Contains('@')) return "it has an address with a quoted @ and no host";
            string address = domain.Length == 0 ? local : local + "@" + domain;
            if (address.Length > LongestAddress) return "it has an address of more than 900 bytes";
            found.Add(letter + address);
        }
        return null;
    }

    // Where the character is, not inside quotation marks or a comment; -1 when it is nowhere.
    private static int Outside(string text, int start, char wanted)
    {
        bool quoted = false;
        int depth = 0;
        for (int i = start; i < text.Length; i++)
        {
            if (text[i] == wanted && !quoted && depth == 0) return i;
            switch (text[i])
            {
                // A backslash before a name at the start of a recipient is none that hides the next character's meaning.
                case '\\' when quoted || depth > 0: i++; break;
                case '"': quoted = !quoted; break;
                case '(' when !quoted: depth++; break;
                case ')' when !quoted && depth > 0: depth--; break;
            }
        }
        return -1;
    }

    private static string Unquoted(string item)
    {
        System.Text.StringBuilder plain = new(item.Length);
        for (int i = 1; i < item.Length - 1; i++)
        {
            if (item[i] == '\\' && i + 1 < item.Length - 1) i++;
            plain.Append(item[i]);
        }
        return plain.ToString();
    }

    private static FormatException Wrong(string path, int line, string what) =>
        new(path + ", line " + line.ToString(CultureInfo.InvariantCulture) + ": " + what);
}
