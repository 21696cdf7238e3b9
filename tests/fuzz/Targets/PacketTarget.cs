// Messages in packets, as anybody may send them to the qmail-queue that runs with its owner's rights (QueuePacket).
using System;
using System.Collections.Generic;
using Qmta.Enqueue;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>
/// Message and envelope are what the packets of each kind hold; what is given up, cut off or in another order is an error
/// or ends early; after each message the next one begins where the packets say so.
/// </summary>
internal sealed class PacketTarget : Target
{
    internal override string Name => "packets";
    internal override string[] Words => ["\nm", "\ne", "\nq", "\nx", "\nr", "\n", "\nmSubject: x", "\neFa@b\0", "\neTc@d\0", "\nq\0"];
    internal override long Allowance(int length) => (4 << 20) + 1000L * length;

    // The input's lines are the packets.
    internal override void Run(byte[] input)
    {
        string[] packets = Text(input).Split('\n');
        if (packets.Length > 100) packets = packets[..100];
        _ = DescriptorSocket.Pair(out int ours, out int theirs);
        try
        {
            foreach (string packet in packets)
                if (packet.Length > 0) _ = DescriptorSocket.Send(ours, Latin1.Bytes(packet), []);
            _ = Files.Close(ours);
            ours = -1;
            int next = 0;
            List<string> sent = new(packets);
            sent.RemoveAll(packet => packet.Length == 0);
            bool goesOn = true;
            while (goesOn && next < sent.Count)
            {
                (string? message, string? envelope, bool more) = Expected(sent, ref next);
                PacketInput source = new(theirs, new Deadline(), new byte[QueuePacket.Longest]);
                Random chance = Chance(input);
                MustEqual(message, All(source.ReadMessage, chance), "the message");
                if (message != null) MustEqual(envelope, All(source.ReadEnvelope, chance), "the envelope");
                goesOn = source.Finish();
                MustEqual(more, goesOn, "whether another message may follow");
            }
        }
        finally
        {
            _ = Files.Close(ours);
            _ = Files.Close(theirs);
        }
    }

    private delegate int Reading(Span<byte> buffer);

    // Null when the submission is given up.
    private static string? All(Reading read, Random chance)
    {
        List<byte> all = [];
        byte[] buffer = new byte[1 + chance.Next(3000)];
        try
        {
            for (int n = read(buffer); n > 0; n = read(buffer)) all.AddRange(buffer.AsSpan(0, n));
        }
        catch (QueueingException)
        {
            return null;
        }
        return Latin1.String([.. all]);
    }

    // Message and envelope by the definition; null for one that is given up or not followed by the end.
    private static (string? Message, string? Envelope, bool More) Expected(List<string> packets, ref int next)
    {
        string message = "", envelope = "";
        bool inEnvelope = false, disorder = false;
        while (next < packets.Count)
        {
            string packet = packets[next++];
            switch (packet[0])
            {
                case 'm' or 'e' when packet.Length == 1: break; // an empty piece says nothing
                case 'm' when !inEnvelope: message += packet[1..]; break;
                // A piece of message in the envelope ends it; what follows is passed over up to the last one.
                case 'm': disorder = true; break;
                case 'e' or 'q':
                    inEnvelope = true;
                    if (!disorder) envelope += packet[1..];
                    if (packet[0] == 'q') return (message, envelope, true);
                    break;
                case 'x': return (inEnvelope || message.Length < 0 ? message : null, disorder ? envelope : null, true);
                default: return (inEnvelope ? message : null, disorder ? envelope : null, false);
            }
        }
        return (inEnvelope ? message : null, disorder ? envelope : null, false);
    }
}
