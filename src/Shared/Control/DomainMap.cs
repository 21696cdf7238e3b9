// A list of "key:value" lines in which a domain finds itself, then its parents as wildcards, then the empty key.
using System;
using System.Collections.Generic;
using Qmta.Text;

namespace Qmta.Control;

/// <summary>
/// The lookup that virtualdomains, smtproutes and their like share: for a.b.example the keys "a.b.example",
/// ".b.example", ".example" and "" are tried in that order; letters' case does not matter.
/// </summary>
public sealed class DomainMap
{
    private readonly Dictionary<string, string> entries = [];

    /// <param name="lines">Lines "key:value"; the first line of a key counts, lines without a colon are ignored.</param>
    public DomainMap(IEnumerable<string>? lines)
    {
        if (lines == null) return;
        foreach (string line in lines)
        {
            int colon = line.IndexOf(':');
            if (colon >= 0) entries.TryAdd(Latin1.Lower(line[..colon]), line[(colon + 1)..]);
        }
    }

    public bool IsEmpty => entries.Count == 0;

    /// <summary>The value of exactly this key.</summary>
    public string? Exact(string key) => entries.GetValueOrDefault(Latin1.Lower(key));

    /// <summary>The value for a domain: its own, else the nearest wildcard's, else the empty key's, else null.</summary>
    public string? Find(string domain)
    {
        if (entries.Count == 0) return null;
        string name = Latin1.Lower(domain);
        if (entries.TryGetValue(name, out string? value)) return value;
        for (int dot = name.IndexOf('.'); dot >= 0; dot = name.IndexOf('.', dot + 1))
            if (entries.TryGetValue(name[dot..], out value)) return value;
        return entries.GetValueOrDefault("");
    }
}
