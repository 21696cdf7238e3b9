// The envelope on descriptor 1: F sender NUL, T recipient NUL for each recipient, and a last NUL (qmail-queue(8)).
using System;
using Qmta.Posix;
using Qmta.Qmqp;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.NullClient;

/// <summary>Reads an envelope address by address, so that any number of recipients costs one buffer.</summary>
internal sealed class Envelope
{
    private readonly ByteReader reader;

    /// <param name="fd">Read from.</param>
    internal Envelope(int fd) => reader = new ByteReader(fd, "the envelope");

    /// <summary>The sender; read before the recipients.</summary>
    /// <exception cref="HandoverException">The envelope is truncated or malformed, or the address is too long.</exception>
    internal byte[] Sender() => Next('F') ?? throw Malformed();

    /// <summary>The next recipient; null when there are no more.</summary>
    /// <inheritdoc cref="Sender"/>
    internal byte[]? Recipient() => Next('T');

    /// <summary>Sender and recipients, each as a netstring.</summary>
    /// <exception cref="HandoverException">The envelope is no good or cannot be kept.</exception>
    internal FilePart AsNetstrings()
    {
        Spool spool = new();
        spool.Put(Netstring.Of(Sender()));
        while (Recipient() is byte[] recipient) spool.Put(Netstring.Of(recipient));
        return spool.Finish();
    }

    private byte[]? Next(char kind)
    {
        byte[]? record;
        bool tooLong;
        try
        {
            record = reader.ReadUntil(0, 1 + QueueLayout.LongestAddress, out tooLong);
        }
        catch (PosixException e)
        {
            throw new HandoverException(ExitCode.Read, e.Message);
        }
        if (record == null) throw new HandoverException(ExitCode.Read, "the envelope ends in the middle");
        if (tooLong) throw new HandoverException(ExitCode.AddressTooLong, "an envelope address is too long");
        if (record.Length == 0) return null;
        return record[0] == kind ? record[1..] : throw Malformed();
    }

    private static HandoverException Malformed() =>
        new(ExitCode.EnvelopeFormat, "the envelope is not F, sender, NUL, T, recipient, NUL and so on, and a last NUL");
}
