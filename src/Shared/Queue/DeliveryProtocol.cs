// What the scheduler and its delivery helpers say to each other: qmail's spawn protocol over two pipes.
//
// When it starts, a helper announces how many deliveries it can run at once: qmail's own helpers in one byte (1 to
// 255), qmta's as a zero byte and two bytes, low first. With a qmail helper delivery numbers are one byte, with
// qmta's they are two, low first.
//
// command:  number, message ("5/12345", the path below mess), NUL, sender, NUL, recipient, NUL;
//           with qmta's helpers, when the number's highest bit is set: extra header lines, NUL;
//           the next bit says that nothing else is to be done for this message
// report:   number, text, NUL; the text begins with K (success), Z (try again) or D (permanent failure)
using System;
using System.Collections.Generic;
using Qmta.Text;

namespace Qmta.Queue;

/// <summary>One delivery a helper shall try: a message to one recipient.</summary>
/// <param name="Number">Says which delivery a report is about; reused after it.</param>
/// <param name="Message">The message's path below mess.</param>
public sealed record DeliveryCommand(int Number, string Message, string Sender, string Recipient)
{
    /// <summary>Header lines that go in front of the message, or "" (<see cref="Queue.ExtraHeader"/>).</summary>
    public string ExtraHeader { get; init; } = "";

    /// <summary>
    /// Whether the scheduler answers a success by removing the message from the queue, and does nothing before. A mailbox
    /// on the queue's filesystem then needs no sync where a journal keeps the order of changes (OrderedFilesystem): on disk,
    /// the removal is never without the delivery.
    /// </summary>
    public bool IsLast { get; init; }

    /// <summary>
    /// The command's bytes; two-byte numbers when <paramref name="wide"/>. In qmail's form there is no place for an extra
    /// header and for <see cref="IsLast"/>, and they are left out.
    /// </summary>
    public byte[] Encode(bool wide)
    {
        bool extra = wide && ExtraHeader.Length > 0;
        int flags = (extra ? DeliveryProtocol.ExtraFollows : 0) | (wide && IsLast ? DeliveryProtocol.Last : 0);
        byte[] command = [.. DeliveryProtocol.Number(Number | flags, wide),
            .. Latin1.Bytes(Message), 0, .. Latin1.Bytes(Sender), 0, .. Latin1.Bytes(Recipient), 0];
        return extra ? [.. command, .. Latin1.Bytes(ExtraHeader), 0] : command;
    }
}

/// <summary>How one delivery ended; the text's first letter is K, Z or D.</summary>
public sealed record DeliveryReport(int Number, string Text)
{
    public byte[] Encode(bool wide) => [.. DeliveryProtocol.Number(Number, wide), .. Latin1.Bytes(Text.Replace('\0', '?')), 0];
}

/// <summary>Numbers and announcements of the protocol.</summary>
public static class DeliveryProtocol
{
    /// <summary>Most deliveries of one helper at a time.</summary>
    public const int MostDeliveries = 500;

    /// <summary>Longest text of a report, in bytes; the rest is dropped, as qmail does.</summary>
    public const int LongestReport = 10000;

    /// <summary>The bit of a two-byte number that says that the command has an extra header.</summary>
    internal const int ExtraFollows = 0x8000;

    /// <summary>The bit of a two-byte number that says <see cref="DeliveryCommand.IsLast"/>.</summary>
    internal const int Last = 0x4000;

    /// <summary>A helper's announcement of how many deliveries it runs at once, in qmta's form.</summary>
    public static byte[] Announcement(int capacity) => [0, (byte)capacity, (byte)(capacity >> 8)];

    internal static byte[] Number(int number, bool wide) => wide ? [(byte)number, (byte)(number >> 8)] : [(byte)number];
}

/// <summary>Splits the byte stream of one direction into commands or reports, however the pipe cuts it.</summary>
public sealed class DeliveryStream
{
    /// <summary>So many bytes of a command are kept, its extra header not counted.</summary>
    internal const int LongestCommand = 6 * QueueLayout.LongestAddress;

    // Whether these are commands, which have more pieces than one.
    private readonly bool commands;
    private readonly int longest;
    private readonly List<byte> record = [];
    private int numberBytes;
    private int nuls;

    private DeliveryStream(bool commands, int longest, bool wide)
    {
        this.commands = commands;
        this.longest = longest;
        Wide = wide;
    }

    /// <summary>
    /// A stream of commands. Addresses longer than any that enters a queue are cut; a sender that has the recipient in it
    /// (VERP) and a recipient with what virtualdomains puts before it may be twice as long (<see cref="EnvelopeReader"/>).
    /// </summary>
    public static DeliveryStream OfCommands(bool wide) =>
        new(commands: true, LongestCommand, wide);

    /// <summary>A stream of reports.</summary>
    public static DeliveryStream OfReports(bool wide) =>
        new(commands: false, DeliveryProtocol.LongestReport, wide);

    /// <summary>Whether delivery numbers have two bytes.</summary>
    public bool Wide { get; set; }

    /// <summary>Whether a record has begun and not ended.</summary>
    public bool InMiddle => record.Count > 0;

    /// <summary>Takes bytes up to the end of one record: true when the record is complete and can be fetched.</summary>
    /// <param name="bytes">The bytes; what was taken is cut off its front.</param>
    public bool Take(ref ReadOnlySpan<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            byte b = bytes[i];
            if (numberBytes < (Wide ? 2 : 1))
            {
                record.Add(b);
                numberBytes++;
                continue;
            }
            if (b == 0) nuls++;
            if (b == 0 || record.Count < (HasExtra ? longest + ExtraHeader.Longest : longest)) record.Add(b);
            if (nuls == Pieces)
            {
                bytes = bytes[(i + 1)..];
                return true;
            }
        }
        bytes = [];
        return false;
    }

    /// <summary>The completed command.</summary>
    public DeliveryCommand Command()
    {
        bool extra = HasExtra;
        (int number, string text) = Finish();
        string[] parts = text.Split('\0');
        return new DeliveryCommand(number & ~(DeliveryProtocol.ExtraFollows | DeliveryProtocol.Last), parts[0], parts[1], parts[2])
        {
            ExtraHeader = extra ? parts[3] : "",
            IsLast = (number & DeliveryProtocol.Last) != 0,
        };
    }

    /// <summary>The completed report.</summary>
    public DeliveryReport Report()
    {
        (int number, string text) = Finish();
        return new DeliveryReport(number, text[..^1]);
    }

    private int Pieces => !commands ? 1 : HasExtra ? 4 : 3;

    private bool HasExtra => commands && Wide && (record[1] << 8 & DeliveryProtocol.ExtraFollows) != 0;

    private (int Number, string Text) Finish()
    {
        int skip = Wide ? 2 : 1;
        int number = Wide ? record[0] | record[1] << 8 : record[0];
        string text = Latin1.String(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(record)[skip..]);
        record.Clear();
        if (record.Capacity > 4096) record.Capacity = 0;
        numberBytes = nuls = 0;
        return (number, text);
    }
}
