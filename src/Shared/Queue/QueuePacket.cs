// The packets between a program that queues many messages and the qmail-queue it keeps (queue(5) knows nothing of them).
namespace Qmta.Queue;

/// <summary>
/// A packet's first byte says what the rest is. A message is: any number of <see cref="Message"/>, any number of
/// <see cref="Envelope"/>, one <see cref="LastEnvelope"/>; or at any point one <see cref="GivenUp"/>. Then a packet of
/// one byte comes back: the exit code that qmail-queue would have ended with.
/// </summary>
public static class QueuePacket
{
    /// <summary>A piece of the message.</summary>
    public const byte Message = (byte)'m';

    /// <summary>A piece of the envelope, in the form of descriptor 1 of qmail-queue(8).</summary>
    public const byte Envelope = (byte)'e';

    /// <summary>The last piece of the envelope.</summary>
    public const byte LastEnvelope = (byte)'q';

    /// <summary>Nothing is to be queued.</summary>
    public const byte GivenUp = (byte)'x';

    /// <summary>The first packet of all, from qmail-queue: it understands the others.</summary>
    public const byte Ready = (byte)'r';

    /// <summary>Longest packet in bytes.</summary>
    public const int Longest = 16384;
}
