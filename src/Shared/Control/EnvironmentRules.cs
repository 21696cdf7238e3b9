// Rules that set variables for an address: from.envrules and its like, and domainqueue (qmail-control(5)).
using System;
using System.Collections.Generic;
using System.Text;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Control;

/// <summary>
/// Lines "pattern:NAME=value,NAME=value,...". Every line whose pattern is the address's takes effect, in order: an
/// empty value removes the variable, "\," is a comma in a value. Patterns are wildcards (<see cref="Wildcard"/>) or, with
/// QREGEX, regular expressions; the null address has the patterns "" and "&lt;&gt;", too.
/// </summary>
public sealed class EnvironmentRules
{
    private readonly record struct Rule(string Pattern, List<(string Name, string? Value)> Variables);

    private readonly List<Rule> rules = [];
    private readonly bool regular;
    private readonly string path;

    private EnvironmentRules(string path, bool regular)
    {
        this.path = path;
        this.regular = regular;
    }

    /// <summary>Whether there is nothing that could match.</summary>
    public bool IsEmpty => rules.Count == 0;

    /// <summary>Reads rules for addresses. Without the file there are none.</summary>
    /// <param name="file">The control file.</param>
    /// <param name="variable">A variable that may name another one.</param>
    /// <exception cref="PosixException">The file exists and cannot be read.</exception>
    /// <exception cref="FormatException">A line is no rule.</exception>
    public static EnvironmentRules Read(ControlFiles control, string file, string variable) =>
        Read(control, file, variable, Variables.Get("QREGEX") != null);

    /// <summary>Reads rules for domains (control/domainqueue, DOMAINQUEUE), which are always wildcards.</summary>
    /// <exception cref="PosixException">The file exists and cannot be read.</exception>
    /// <exception cref="FormatException">A line is no rule.</exception>
    public static EnvironmentRules OfDomains(ControlFiles control) =>
        Read(control, "domainqueue", "DOMAINQUEUE", regular: false);

    /// <summary>The variables that the rules set for an address or a domain, in order; null removes one.</summary>
    /// <exception cref="FormatException">A pattern is no regular expression.</exception>
    public List<(string Name, string? Value)> For(string address)
    {
        List<(string, string?)> all = [];
        foreach (Rule rule in rules)
            if (Matches(rule.Pattern, address)) all.AddRange(rule.Variables);
        return all;
    }

    /// <summary>Sets them for this process and those it starts.</summary>
    /// <exception cref="FormatException">A pattern is no regular expression.</exception>
    public void Apply(string address)
    {
        foreach ((string name, string? value) in For(address)) Variables.Set(name, value);
    }

    private static EnvironmentRules Read(ControlFiles control, string file, string variable, bool regular)
    {
        string? named = Variables.Get(variable);
        string name = string.IsNullOrEmpty(named) ? file : named;
        EnvironmentRules all = new(name[0] == '/' ? name : control.PathOf(name), regular);
        foreach (string line in ControlFiles.LinesOf(all.path) ?? [])
        {
            int colon = line.IndexOf(':');
            if (colon < 0) throw all.Wrong(line, "there is no colon");
            all.rules.Add(new Rule(line[..colon], all.Assignments(line, line[(colon + 1)..])));
        }
        return all;
    }

    private List<(string, string?)> Assignments(string line, string text)
    {
        List<(string, string?)> assignments = [];
        StringBuilder piece = new();
        for (int at = 0; at <= text.Length; at++)
        {
            if (at < text.Length && text[at] != ',')
            {
                piece.Append(text[at]);
                continue;
            }
            if (at < text.Length && piece.Length > 0 && piece[^1] == '\\')
            {
                piece[^1] = ',';
                continue;
            }
            string assignment = piece.ToString().TrimStart(' ', '\t');
            piece.Clear();
            if (assignment.Length == 0) continue;
            int equals = assignment.IndexOf('=');
            if (equals <= 0 || assignment.Contains('\0')) throw Wrong(line, "\"" + Cut(assignment) + "\" is not NAME=value");
            string value = assignment[(equals + 1)..];
            assignments.Add((assignment[..equals], value.Length == 0 ? null : value));
        }
        return assignments;
    }

    private bool Matches(string pattern, string address)
    {
        if (address.Length == 0 && pattern is "" or "<>") return true;
        if (!regular) return Wildcard.Matches(pattern, address);
        try
        {
            using RegularExpression expression = new(pattern);
            return expression.Matches(address);
        }
        catch (FormatException failure)
        {
            throw new FormatException(path + ": " + failure.Message);
        }
    }

    private FormatException Wrong(string line, string why) =>
        new(path + " has a line that is no rule, " + why + ": " + Cut(line));

    private static string Cut(string text) => text.Length > 100 ? text[..100] + "..." : text;
}
