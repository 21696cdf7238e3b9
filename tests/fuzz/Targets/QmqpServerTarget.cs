// The server's side of QMQP (qmail-qmqpd(8)), against a second reading of the same definition.
using System;
using System.Collections.Generic;
using System.Linq;
using Qmta.Reception;
using Qmta.Text;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>Exactly what is a whole package with recipients is queued, as it was sent; the answer is one netstring that says so.</summary>
internal sealed class QmqpServerTarget : Target
{
    internal override string Name => "qmqp-server";
    internal override string[] Words => ["3:a@b,", "0:,", "1:", ",", ":", "00:", "9999999999999999999:", "Received: x\n", "\0"];
    internal override int Longest => 16384;
    internal override long Allowance(int length) => (4 << 20) + 3000L * length;

    private readonly SessionFactory begin = ServedClient.Prepare(QueueingService.Qmqp);

    internal override void Run(byte[] input)
    {
        _ = QueuedMessages.Take();
        string answer = ServedClient.Serve(input, Chance(input), begin);
        List<Queued> queued = QueuedMessages.Take();
        Package? package = Understand(Text(input));
        bool accepted = false;
        if (answer.Length > 0)
        {
            int colon = answer.IndexOf(':');
            Must(colon > 0 && int.Parse(answer[..colon]) == answer.Length - colon - 2 && answer[^1] == ',' && answer[colon + 1] is 'K' or 'Z' or 'D', "the answer is one netstring");
            accepted = answer[colon + 1] == 'K';
        }
        MustEqual(accepted ? 1 : 0, queued.Count, "what is said to be queued is queued, and nothing else");
        if (package == null)
        {
            Must(!accepted, "what is no package is not queued");
            return;
        }
        bool sound = package.Addresses.Count > 1 && package.Addresses.All(each => each.Length <= QueueingSettings.LongestAddress && !each.Contains('\0'));
        bool mayLoop = package.Message.Split('\n').Length > 100;
        Must(accepted == sound || sound && mayLoop, "a sound package is queued, another is not");
        if (accepted) Check(queued[0], package.Message, package.Addresses);
    }

    internal static void Check(Queued queued, string message, IReadOnlyList<string> addresses)
    {
        MustEqual(string.Join("|", addresses), string.Join("|", queued.Recipients.Prepend(queued.Sender)), "sender and recipients");
        Must(queued.Message.StartsWith("Received: ", StringComparison.Ordinal) && queued.Message.EndsWith("\n" + message, StringComparison.Ordinal), "the message is as it was sent");
    }

    internal sealed record Package(string Message, List<string> Addresses);

    private static Package? Understand(string text)
    {
        int at = 0;
        if (One(text, ref at, text.Length) is not string whole) return null;
        at = 0;
        if (One(whole, ref at, whole.Length) is not string message) return null;
        List<string> addresses = [];
        while (at < whole.Length || addresses.Count == 0)
        {
            if (One(whole, ref at, whole.Length) is not string address) return null;
            addresses.Add(address);
        }
        return new Package(message, addresses);
    }

    /// <summary>The netstring at a position; null when there is none.</summary>
    internal static string? One(string text, ref int at, int end)
    {
        int start = at;
        long length = 0;
        while (at < end && char.IsAsciiDigit(text[at]))
        {
            if (at > start && length == 0 || at - start == 18) return null;
            length = 10 * length + (text[at++] - '0');
        }
        if (at == start || at == end || text[at] != ':' || length >= end - at - 1) return null;
        string contents = text.Substring(at + 1, (int)length);
        at += 1 + (int)length;
        return text[at++] == ',' ? contents : null;
    }
}
