// The protocol between the scheduler and its helpers, read at both ends (DeliveryProtocol).
using System;
using System.Collections.Generic;
using System.Linq;
using Qmta.Queue;
using Qmta.Remote;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>
/// The same commands and reports come out however the pipe cuts them, none is longer than allowed, written again they are
/// read as the same, and a message's name that is accepted leads nowhere but into the queue.
/// </summary>
internal sealed class SpawnTarget : Target
{
    internal override string Name => "spawn";
    internal override string[] Words => ["5/12345\0", "../etc\0", "joe@example.net\0", "\0\0\0", "Kok\0", "Zlater\0", "Dnever\0", "\u0001\u0080", "X-A: b\n\0"];
    internal override int Longest => 40000;
    internal override long Allowance(int length) => (4 << 20) + 2000L * length;

    internal override void Run(byte[] input)
    {
        foreach (bool wide in (ReadOnlySpan<bool>)[true, false])
        {
            List<DeliveryCommand> commands = Commands(input, wide, whole: true);
            Must(commands.SequenceEqual(Commands(input, wide, whole: false)), "commands do not depend on the cuts");
            byte[] again = [.. commands.SelectMany(each => each.Encode(wide))];
            // What is too long is cut, and where depends on whether an extra header follows.
            if (commands.TrueForAll(each => each.Encode(wide).Length < QueueLayout.LongestAddress * 6))
                Must(Commands(again, wide, whole: true).SequenceEqual(commands), "commands written again are the same");
            Must(again.Length <= input.Length, "no command is invented");
            foreach (DeliveryCommand command in commands)
            {
                Must(command.Message.Length + command.Sender.Length + command.Recipient.Length + command.ExtraHeader.Length
                    <= 6 * QueueLayout.LongestAddress + ExtraHeader.Longest, "a command is bounded");
                if (SpawnHelper.CheckMessageName(command.Message) == null)
                    Must(command.Message.All(c => char.IsAsciiDigit(c) || c == '/') && !command.Message.StartsWith('/'),
                        "an accepted name is digits and slashes: " + command.Message);
            }
            List<DeliveryReport> reports = Reports(input, wide, whole: true);
            Must(reports.SequenceEqual(Reports(input, wide, whole: false)), "reports do not depend on the cuts");
            Must(Reports([.. reports.SelectMany(each => each.Encode(wide))], wide, whole: true).SequenceEqual(reports),
                "reports written again are the same");
            foreach (DeliveryReport report in reports)
            {
                Must(report.Text.Length <= DeliveryProtocol.LongestReport, "a report is bounded");
                Must(!report.Text.Contains('\0'), "a report has no NUL");
            }
            int nuls = input.Count(b => b == 0);
            Must(reports.Count <= nuls && 3 * commands.Count <= nuls, "a record has its NULs");
        }
    }

    private static List<DeliveryCommand> Commands(byte[] input, bool wide, bool whole)
    {
        DeliveryStream stream = DeliveryStream.OfCommands(wide);
        return Read(input, whole, stream, stream.Command);
    }

    private static List<DeliveryReport> Reports(byte[] input, bool wide, bool whole)
    {
        DeliveryStream stream = DeliveryStream.OfReports(wide);
        return Read(input, whole, stream, stream.Report);
    }

    private static List<T> Read<T>(byte[] input, bool whole, DeliveryStream stream, Func<T> record)
    {
        Random chance = Chance(input);
        List<T> all = [];
        for (int at = 0; at < input.Length;)
        {
            int piece = whole ? input.Length - at : PieceOf(chance, input.Length - at);
            ReadOnlySpan<byte> bytes = input.AsSpan(at, piece);
            bool complete = stream.Take(ref bytes);
            at += piece - bytes.Length;
            if (complete) all.Add(record());
            else Must(bytes.IsEmpty, "all bytes are taken while a record is incomplete");
        }
        return all;
    }
}
