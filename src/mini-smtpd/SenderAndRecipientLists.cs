// Senders and recipients nobody's mail is accepted from or for: badmailfrom and badrcptto (qmail-control(5)).
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Reception;

/// <summary>
/// Lists of addresses, of "@domain" and of wildcards for addresses (<see cref="Wildcard"/>); capitals do not matter.
/// FILE.cdb, when there is one, is asked, too.
/// </summary>
internal sealed class SenderAndRecipientLists
{
    private readonly ControlFiles control;
    private readonly AddressPatterns? senders, recipients;

    /// <exception cref="PosixException">A file exists and cannot be read.</exception>
    internal SenderAndRecipientLists(ControlFiles control)
    {
        this.control = control;
        senders = AddressPatterns.Read(control, "badmailfrom");
        recipients = AddressPatterns.Read(control, "badrcptto");
    }

    /// <summary>Whether mail from this sender is refused.</summary>
    /// <param name="otherFile">The file to use instead (BADMAILFROM), or null.</param>
    /// <exception cref="PosixException">A file exists and cannot be read.</exception>
    internal bool RefuseSender(string address, string? otherFile) => Refuse(address, senders, otherFile);

    /// <summary>Whether mail for this recipient is refused.</summary>
    /// <param name="otherFile">The file to use instead (BADRCPTTO), or null.</param>
    /// <exception cref="PosixException">A file exists and cannot be read.</exception>
    internal bool RefuseRecipient(string address, string? otherFile) => Refuse(address, recipients, otherFile);

    private bool Refuse(string address, AddressPatterns? usual, string? otherFile)
    {
        AddressPatterns? list = string.IsNullOrEmpty(otherFile) ? usual : AddressPatterns.Read(control, otherFile);
        return list != null && list.Contains(address);
    }
}

/// <summary>One such list.</summary>
internal sealed class AddressPatterns
{
    private readonly HashSet<string> exact = [];
    private readonly List<string> wildcards = [];
    private readonly string? database;

    private AddressPatterns(string database) => this.database = Files.Status(database, out _) == -Errno.ENOENT ? null : database;

    /// <exception cref="PosixException">The file exists and cannot be read.</exception>
    internal static AddressPatterns Read(ControlFiles control, string name)
    {
        AddressPatterns list = new(control.PathOf(name) + ".cdb");
        foreach (string line in control.Lines(name) ?? [])
            if (line.AsSpan().IndexOfAny('*', '?', '[') < 0) list.exact.Add(Latin1.Lower(line));
            else list.wildcards.Add(line);
        return list;
    }

    /// <exception cref="PosixException">The database exists and cannot be read.</exception>
    internal bool Contains(string address)
    {
        string lower = Latin1.Lower(address);
        int at = lower.LastIndexOf('@');
        string? domain = at < 0 ? null : lower[at..];
        if (exact.Contains(lower) || domain != null && exact.Contains(domain)) return true;
        foreach (string wildcard in wildcards)
            if (Wildcard.Matches(wildcard, address)) return true;
        if (database == null) return false;
        using CdbReader? reader = CdbReader.Open(database);
        return reader != null && (reader.Find(lower) != null || domain != null && reader.Find(domain) != null);
    }
}
