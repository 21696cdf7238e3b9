// An address list completed the way injection does it, for tests.
using System;
using System.Collections.Generic;
using System.Text;
using Qmta.Message;
using Qmta.Text;

namespace Qmta.Tests.Message;

internal sealed record Completed(string? Wrong, string Text, string[] Recipients, int Edits)
{
    internal static HostCompletion Hosts() => new(() => "dh", () => "dd.example", () => "plus.example");

    internal static Completed Of(string list)
    {
        byte[] text = Latin1.Bytes(list);
        List<AddressRange> addresses = [];
        string? wrong = AddressList.Parse(text, addresses);
        if (wrong != null) return new Completed(wrong, list, [], 0);
        List<Edit> edits = [];
        List<string> recipients = [];
        HostCompletion hosts = Hosts();
        foreach (AddressRange address in addresses)
        {
            if (!address.IsNull) recipients.Add(hosts.Complete(text, address, edits));
            else if (address.Comma >= 0) edits.Add(new Edit(address.Comma, 0, ","));
        }
        StringBuilder changed = new();
        int from = 0;
        foreach (Edit edit in edits)
        {
            changed.Append(list, from, edit.At - from).Append(edit.Insert);
            from = edit.At + edit.Remove;
        }
        changed.Append(list, from, list.Length - from);
        return new Completed(null, changed.ToString(), [.. recipients], edits.Count);
    }
}
