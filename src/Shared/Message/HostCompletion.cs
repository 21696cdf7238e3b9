// Incomplete host names and the addresses that carry them, completed (qmail-header(5), ADDRESS LISTS).
using System;
using System.Collections.Generic;

namespace Qmta.Message;

/// <summary>A change to a text: bytes to take out at a position, and what comes in their place.</summary>
public readonly record struct Edit(int At, int Remove, string Insert);

/// <summary>
/// Completes addresses: no host name gets the default host, a trailing plus sign becomes the plus domain, a name
/// without dots gets the default domain. Domain literals stay as they are. The names are asked for when first needed.
/// </summary>
public sealed class HostCompletion(Func<string> defaultHost, Func<string> defaultDomain, Func<string> plusDomain)
{
    private string? completedDefault;
    private string? dotDomain;
    private string? dotPlus;

    /// <summary>The default host, itself completed.</summary>
    public string DefaultHost => completedDefault ??= Complete(defaultHost());

    private string DotDomain => dotDomain ??= Dotted(defaultDomain());

    private string DotPlus => dotPlus ??= Dotted(plusDomain());

    /// <summary>A host name, completed.</summary>
    public string Complete(string host)
    {
        host = host.TrimEnd('.');
        if (host.Length == 0) return completedDefault ?? "";
        if (host[^1] == '+') return host.Length == 1 ? DotPlus.TrimStart('.') : host[..^1] + DotPlus;
        return IsWhole(host) ? host : host + DotDomain;
    }

    /// <summary>An envelope address, completed; the last @ separates the host.</summary>
    public string CompleteAddress(string address)
    {
        int at = address.LastIndexOf('@');
        if (at < 0) return address + "@" + DefaultHost;
        string host = Complete(address[(at + 1)..]);
        return address[..(at + 1)] + (host.Length == 0 ? DefaultHost : host);
    }

    /// <summary>
    /// Completes an address of an address list: the envelope address, and the changes that make the text say the same:
    /// a missing comma, the source route taken out, the host name completed.
    /// </summary>
    /// <param name="text">The address list.</param>
    /// <param name="range">The address; not the null address.</param>
    /// <param name="edits">Gets the changes added, in the order of their positions; null when the text is of no interest.</param>
    public string Complete(ReadOnlySpan<byte> text, AddressRange range, List<Edit>? edits)
    {
        if (range.Comma >= 0) edits?.Add(new Edit(range.Comma, 0, ","));
        if (range.Route < range.Start) edits?.Add(new Edit(range.Route, range.Start - range.Route, ""));
        string local = AddressList.LocalPart(text, range);
        string domain = AddressList.Domain(text, range);
        int end = range.End;
        // Escaped or quoted domains are nonsense, but their last byte must not be mistaken for a dot or a plus sign.
        bool quoted = text[(range.At < 0 ? end : range.At + 1)..end].IndexOfAny("\\\""u8) >= 0;
        string host = quoted ? domain : domain.TrimEnd('.');
        int dots = domain.Length - host.Length;
        bool plus = !quoted && host.Length > 0 && host[^1] == '+';
        string completed = host.Length == 0 ? DefaultHost
            : plus ? Complete(host)
            : IsWhole(host) ? host : host + DotDomain;
        if (edits != null && completed != domain)
        {
            int cut = end - dots;
            if (range.At < 0) edits.Add(new Edit(end, 0, "@" + completed));
            else if (text[cut..end].IndexOfAnyExcept((byte)'.') >= 0 || plus && text[cut - 1] != '+')
                edits.Add(new Edit(range.At + 1, end - range.At - 1, completed)); // comments stand between the dots
            else if (plus) edits.Add(new Edit(cut - 1, dots + 1, completed[(host.Length - 1)..]));
            else edits.Add(new Edit(cut, dots, completed[host.Length..]));
        }
        return local + "@" + completed;
    }

    private static bool IsWhole(string host) => host.Contains('.') || host[0] == '[';

    private static string Dotted(string domain)
    {
        domain = domain.Trim('.');
        return domain.Length == 0 ? "" : "." + domain;
    }
}
