// The server's side of QMTP (qmail-qmtpd(8)), against a second reading of the same definition.
using System;
using System.Collections.Generic;
using System.Linq;
using Qmta.Reception;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>Each whole package is queued once for its sound recipients, and each recipient gets an answer that says so.</summary>
internal sealed class QmtpServerTarget : Target
{
    internal override string Name => "qmtp-server";
    internal override string[] Words => ["3:a@b,", "0:,", "1:\n,", "1:\r,", "6:3:a@b,,", "\r\n", "\r\r\n", ",", ":", "999999999999999999:", "Received: x\n", "\0"];
    internal override int Longest => 16384;
    internal override long Allowance(int length) => (4 << 20) + 3000L * length;

    private readonly SessionFactory begin = ServedClient.Prepare(QueueingService.Qmtp);

    internal override void Run(byte[] input)
    {
        _ = QueuedMessages.Take();
        string answer = ServedClient.Serve(input, Chance(input), begin);
        List<Queued> queued = QueuedMessages.Take();
        string text = Text(input);
        int at = 0, said = 0, count = 0;
        while (Package(text, ref at, out string message, out List<string> addresses))
        {
            bool soundSender = Sound(addresses[0]);
            List<string> recipients = addresses[1..].FindAll(Sound);
            bool expected = soundSender && recipients.Count > 0, mayLoop = message.Split('\n').Length > 100;
            bool accepted = false;
            foreach (string recipient in addresses.Skip(1))
            {
                string? one = QmqpServerTarget.One(answer, ref said, answer.Length);
                Must(one is ['K' or 'Z' or 'D', ..], "each recipient gets an answer");
                Must(Sound(recipient) || one![0] == 'D', "a recipient without sense is refused");
                if (Sound(recipient)) Must(one![0] == 'K' == expected || mayLoop, "a sound recipient is accepted");
                accepted |= one![0] == 'K';
            }
            if (!accepted) continue;
            Must(count < queued.Count, "what is said to be queued is queued");
            QmqpServerTarget.Check(queued[count++], message, [addresses[0], .. recipients]);
        }
        MustEqual(answer.Length, said, "nothing else is answered");
        MustEqual(count, queued.Count, "nothing else is queued");
    }

    private static bool Sound(string address) => address.Length <= QueueingSettings.LongestAddress && !address.Contains('\0');

    private static bool Package(string text, ref int at, out string message, out List<string> addresses)
    {
        addresses = [];
        message = "";
        if (QmqpServerTarget.One(text, ref at, text.Length) is not ['\n' or '\r', ..] whole) return false;
        message = whole[0] == '\n' ? whole[1..] : whole[1..].Replace("\r\n", "\n");
        if (QmqpServerTarget.One(text, ref at, text.Length) is not string sender
            || QmqpServerTarget.One(text, ref at, text.Length) is not string recipients) return false;
        addresses.Add(sender);
        for (int inside = 0; inside < recipients.Length;)
        {
            if (QmqpServerTarget.One(recipients, ref inside, recipients.Length) is not string recipient) return false;
            addresses.Add(recipient);
        }
        return true;
    }
}
