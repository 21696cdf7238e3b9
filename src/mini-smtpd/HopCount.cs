// Counts the hosts a message has passed, by the fields they leave in its header (qmail-smtpd(8)).
using System;

namespace Qmta.Reception;

/// <summary>Reads a message piece by piece, as it is stored; counts Received and Delivered-To fields of its header.</summary>
internal struct HopCount()
{
    private const string Received = "received:", Delivered = "delivered-to:";

    // Where in the line the next byte is, and which names the line may still begin with.
    private int position;
    private bool received = true, delivered = true, over;

    /// <summary>The number so far.</summary>
    internal int Hops { get; private set; }

    internal void Read(ReadOnlySpan<byte> message)
    {
        while (!over && !message.IsEmpty)
        {
            if (!received && !delivered)
            {
                int end = message.IndexOf((byte)'\n');
                if (end < 0) return;
                message = message[end..];
            }
            byte b = message[0];
            message = message[1..];
            if (b == '\n')
            {
                over = position == 0;
                position = 0;
                received = delivered = true;
                continue;
            }
            char lower = char.ToLowerInvariant((char)b);
            received = received && Received[position] == lower;
            delivered = delivered && Delivered[position] == lower;
            position++;
            if (received && position == Received.Length || delivered && position == Delivered.Length)
            {
                Hops++;
                received = delivered = false;
            }
        }
    }
}
