// Header fields by name, and their contents as one line of text.
using System;
using System.Collections.Generic;
using Qmta.Message;
using Qmta.Text;

namespace Qmta.Filter;

/// <summary>Looks at fields that <see cref="FieldKind"/> does not know.</summary>
internal static class HeaderText
{
    /// <summary>A field's name, from its lines.</summary>
    internal static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> lines)
    {
        int colon = lines.IndexOf((byte)':');
        return colon < 0 ? [] : lines[..colon].TrimEnd(" \t"u8);
    }

    /// <summary>Whether the field has one of these names; letters' case does not matter.</summary>
    internal static bool IsNamed(ReadOnlySpan<byte> lines, ReadOnlySpan<string> names)
    {
        string name = Latin1.String(NameOf(lines));
        foreach (string wanted in names)
            if (Latin1.EqualsIgnoreCase(name, wanted)) return true;
        return false;
    }

    /// <summary>The contents of the first field of that name, unfolded and trimmed; null when there is none.</summary>
    internal static string? First(MessageHeader header, string name)
    {
        foreach (HeaderField field in header.Fields)
        {
            ReadOnlySpan<byte> lines = header.Lines(field);
            if (field.Kind != FieldKind.MboxLine && IsNamed(lines, [name]))
                return Unfolded(lines[(field.Contents - field.Start)..]);
        }
        return null;
    }

    /// <summary>Whether there is a field whose name is this or begins with it, as "List-" does.</summary>
    internal static bool HasPrefix(MessageHeader header, string prefix)
    {
        foreach (HeaderField field in header.Fields)
        {
            string name = Latin1.String(NameOf(header.Lines(field)));
            if (name.Length >= prefix.Length && Latin1.EqualsIgnoreCase(name.AsSpan(0, prefix.Length), prefix)) return true;
        }
        return false;
    }

    /// <summary>The addresses of all fields of these kinds; fields that cannot be parsed have none.</summary>
    internal static IEnumerable<string> Addresses(MessageHeader header, Func<FieldKind, bool> kinds)
    {
        List<string> found = [];
        List<AddressRange> ranges = [];
        foreach (HeaderField field in header.Fields)
        {
            if (!kinds(field.Kind)) continue;
            ReadOnlySpan<byte> contents = header.Lines(field)[(field.Contents - field.Start)..];
            ranges.Clear();
            if (AddressList.Parse(contents, ranges) != null) continue;
            foreach (AddressRange range in ranges)
                if (!range.IsNull) found.Add(AddressList.LocalPart(contents, range) + "@" + AddressList.Domain(contents, range));
        }
        return found;
    }

    // RFC 5322 2.2.3; whatever else could end a line becomes a space.
    private static string Unfolded(ReadOnlySpan<byte> contents)
    {
        string text = Latin1.String(contents).Replace("\r\n", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal);
        return text.Replace('\r', ' ').Replace('\0', ' ').Trim(' ', '\t');
    }
}
