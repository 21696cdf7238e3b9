// Address lists and the addresses in them: where they are, what completing does to them, how they are quoted.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Qmta.Message;
using Qmta.Reception;
using Qmta.Smtp;
using Qmta.Text;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>
/// Addresses lie one after the other inside the list; completing changes nothing but what it says and is done after once;
/// an address quoted for a header or for SMTP is read back as the same.
/// </summary>
internal sealed class AddressTarget : Target
{
    internal override string Name => "address";
    internal override string[] Words => ["joe@example.net", "<a@b>", "<@r,@s:a@b>", "g: a, b;", "(c)", "\"q r\"", "\\", "[1.2.3.4]", "=?utf-8?q?J?=",
        " ,\n ", "\r\n\t", "host+", "a.b.", "\\\n ", "<>", "(((", ")))", "\\\"", "@[]", "undisclosed-recipients:;"];

    private static readonly HostCompletion Hosts = new(() => "dh", () => "dd.example", () => "plus.example");

    internal override void Run(byte[] input)
    {
        (string? wrong, byte[] text, List<string> recipients, int edits) = Complete(input);
        Must(wrong == null == (AddressList.Fault(input) == null), "both ways to parse agree");
        if (wrong != null) return;
        (string? again, byte[] same, List<string> then, int more) = Complete(text);
        Must(again == null, "what was completed can be parsed");
        Must(more == 0 && same.AsSpan().SequenceEqual(text), "completing twice changes nothing");
        Must(then.SequenceEqual(recipients), "it names the same recipients");
        Must(Bytes(text, '\n') <= Bytes(input, '\n') && !StartsLine(input, text), "no line begins anew");
        foreach (string recipient in recipients) Quoting(recipient);
    }

    private static int Bytes(byte[] text, char which) => text.Count(b => b == which);

    // A line that now begins with something else than white space would end the field.
    private static bool StartsLine(byte[] before, byte[] after) => Starts(after) > Starts(before);

    private static int Starts(byte[] text)
    {
        int count = 0;
        for (int i = 1; i < text.Length; i++)
            if (text[i - 1] == '\n' && text[i] is not ((byte)' ' or (byte)'\t')) count++;
        return count;
    }

    private static (string? Wrong, byte[] Text, List<string> Recipients, int Edits) Complete(byte[] input)
    {
        List<string> recipients = [];
        List<Edit> edits = [];
        List<byte> text = [];
        AddressParser parser = new(input);
        int from = 0, before = 0, count = 0;
        while (parser.Next(out AddressRange address))
        {
            Must(before <= address.Route && address.Route <= address.Start && address.Start <= address.End && address.End <= input.Length
                && (address.At < 0 || address.Start < address.At && address.At < address.End)
                && (address.Comma < 0 || before <= address.Comma && address.Comma <= address.Route), "addresses lie one after the other");
            before = address.End;
            edits.Clear();
            if (!address.IsNull) recipients.Add(Hosts.Complete(input, address, edits));
            else if (address.Comma >= 0) edits.Add(new Edit(address.Comma, 0, ","));
            foreach (Edit edit in edits)
            {
                Must(from <= edit.At && edit.At + edit.Remove <= input.Length, "changes lie one after the other");
                text.AddRange(input.AsSpan(from, edit.At - from));
                text.AddRange(Latin1.Bytes(edit.Insert));
                from = edit.At + edit.Remove;
            }
            count += edits.Count;
        }
        text.AddRange(input.AsSpan(from));
        return (parser.Wrong, [.. text], recipients, count);
    }

    private static void Quoting(string recipient)
    {
        int at = recipient.LastIndexOf('@');
        Must(at >= 0, "a completed address has a domain");
        string domain = recipient[(at + 1)..];
        if (at == 0 || domain.Length == 0 || domain.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-'))
            || recipient.AsSpan().IndexOfAny('\r', '\n', '\0') >= 0) return;
        List<string> found = [];
        byte[] quoted = Latin1.Bytes(QuotedAddress.Of(recipient));
        List<AddressRange> ranges = [];
        MustEqual(null, AddressList.Parse(quoted, ranges), "a quoted address can be parsed");
        Must(ranges.Count == 1 && AddressList.LocalPart(quoted, ranges[0]) + "@" + AddressList.Domain(quoted, ranges[0]) == recipient,
            "an address quoted for a header is the same: " + recipient);
        if (recipient.Length > EnvelopePath.LongestAddress) return;
        Must(EnvelopePath.TryRead("<" + SmtpAddress.Quoted(recipient) + ">", out string read, out _) && read == recipient,
            "an address quoted for SMTP is the same: " + recipient + " became " + read);
    }
}
