// What qmail-showctl shows, section by section.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Admin;

internal sealed class ShowControl(ControlFiles files, QueueLayout queue)
{
    private const int Indent = 24;

    /// <summary>Whether something could not be shown.</summary>
    internal bool Failed { get; private set; }

    /// <summary>The control files whose names are wanted: what holds, and whether that is a file's or a default.</summary>
    internal string Controls(Func<string, bool> wanted)
    {
        StringBuilder text = new();
        foreach (KnownControl control in KnownControls.All)
            if (wanted(control.Name)) Describe(control, text);
        foreach (string name in Names())
            if (wanted(name) && KnownControls.Find(name) is KnownControl known && Array.IndexOf(KnownControls.All, known) < 0) Describe(known, text);
        return text.ToString();
    }

    /// <summary>Directories and users.</summary>
    internal string Internals()
    {
        StringBuilder text = new();
        Row(text, "control files", files.Directory);
        Row(text, "programs", Programs.Directory);
        Row(text, "environment", files.PathOf("defaultqueue"));
        if (Variables.Get("HOME") is { Length: > 0 } home) Row(text, "own environment", home + "/.defaultqueue");
        foreach (string name in (ReadOnlySpan<string>)["alias", "qmaild", "qmailq", "qmailr"])
            Row(text, "user " + name, Users.ByName(name) is User user ? user.Uid.ToString(CultureInfo.InvariantCulture) : "none");
        foreach (string name in (ReadOnlySpan<string>)["nofiles", "qmail"])
            Row(text, "group " + name, Users.GroupByName(name) is uint group ? group.ToString(CultureInfo.InvariantCulture) : "none");
        return text.ToString();
    }

    /// <summary>Where the queue is and how it is divided.</summary>
    internal string Queue()
    {
        StringBuilder text = new();
        Row(text, "queue", queue.Directory + (Files.Status(queue.SendMutex, out _) is -Errno.ENOENT or -Errno.ENOTDIR ? " (there is none)" : ""));
        Row(text, "split", queue.Split.ToString(CultureInfo.InvariantCulture));
        Row(text, "todo is split", queue.BigTodo ? "yes" : "no");
        string program = Variables.Get("QMAILQUEUE") is { Length: > 0 } named ? named : "qmail-queue";
        Row(text, "queue program", program);
        return text.ToString();
    }

    /// <summary>Names the files that no program reads, on standard error.</summary>
    internal void Unknown()
    {
        foreach (string name in Names())
            if (KnownControls.Find(name) == null && !(name.EndsWith(".cdb", StringComparison.Ordinal) && KnownControls.Find(name[..^4]) != null))
                Standard.Error(Tool.Printable(files.PathOf(name)) + ": no program reads this file");
    }

    private List<string> Names()
    {
        List<string> names = [];
        foreach (string name in Files.List(files.Directory))
            if (name[0] != '.') names.Add(name);
        names.Sort(string.CompareOrdinal);
        return names;
    }

    private void Describe(KnownControl control, StringBuilder text)
    {
        List<string>? values;
        try
        {
            values = Values(control);
        }
        catch (Exception failure) when (failure is PosixException or FormatException)
        {
            Failed = true;
            Row(text, control.Name, failure.Message);
            return;
        }
        if (values == null)
        {
            string otherwise = control.Kind is ControlKind.LineOrMe or ControlKind.ListOrMe ? files.Me ?? "unknown, for me is missing" : control.Otherwise;
            Row(text, control.Name, control.Meaning + ": " + otherwise + " (default)");
            return;
        }
        if (values.Count == 1) Row(text, control.Name, control.Meaning + ": " + values[0]);
        else
        {
            Row(text, control.Name, control.Meaning + (values.Count == 0 ? ": none" : ":"));
            foreach (string value in values) text.Append(' ', Indent + 2).Append(Tool.Printable(value)).Append('\n');
        }
    }

    // What the file holds, as it may be shown; null when there is none.
    private List<string>? Values(KnownControl control)
    {
        string name = control.Name;
        switch (control.Kind)
        {
            case ControlKind.Line or ControlKind.LineOrMe:
                return files.Line(name) is string line ? [line] : null;
            case ControlKind.Number:
                return files.Line(name) == null ? null : [files.Number(name, 0).ToString(CultureInfo.InvariantCulture)];
            case ControlKind.Text:
                return files.Text(name) is string whole ? [.. whole.TrimEnd('\n').Split('\n')] : null;
            case ControlKind.Secret:
                return files.Lines(name) is { } secret ? [Spans.Count(secret.Count, "line") + ", not shown"] : null;
            case ControlKind.Other:
                return Files.Status(files.PathOf(name), out _) switch
                {
                    0 => ["yes"],
                    -Errno.ENOENT or -Errno.ENOTDIR => null,
                    int error => throw new PosixException(error, "unable to look at " + files.PathOf(name)),
                };
            default:
                List<string>? lines = files.Lines(name);
                for (int i = 0; control.Kind == ControlKind.Routes && i < lines?.Count; i++)
                    if (lines[i].Split(' ', 2) is [string route, _]) lines[i] = route + " (logs in)";
                return lines;
        }
    }

    private static void Row(StringBuilder text, string name, string value) =>
        text.Append(name.PadRight(Indent - 2)).Append(": ").Append(Tool.Printable(value)).Append('\n');
}
