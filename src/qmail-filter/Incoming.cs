// The message being delivered and what qmail-local says about it (qmail-command(8)).
using System;
using Qmta.Message;
using Qmta.Posix;

namespace Qmta.Filter;

/// <summary>The message on descriptor 0 and the delivery's variables.</summary>
internal static class Incoming
{
    /// <summary>The message's descriptor.</summary>
    internal const int Fd = 0;

    /// <summary>A variable that qmail-local sets.</summary>
    /// <exception cref="Failure">It is not set: this is no delivery.</exception>
    internal static string Variable(string name) => Variables.Get(name)
        ?? throw Failure.Bounce(name + " is not set: this program is run by qmail-local, from a .qmail file");

    /// <summary>Goes back to the beginning of the message.</summary>
    /// <exception cref="Failure">The descriptor cannot seek.</exception>
    internal static void Rewind()
    {
        if (Files.Seek(Fd, 0) < 0) throw Failure.TryLater("unable to rewind the message");
    }

    /// <summary>Reads the message's header; what follows it is for the reader to read on.</summary>
    /// <exception cref="Failure">The header is absurdly long.</exception>
    /// <exception cref="PosixException">The message cannot be read.</exception>
    internal static MessageHeader Header(ByteReader reader)
    {
        MessageHeader header = new();
        while (!header.IsComplete)
        {
            ReadOnlySpan<byte> piece = reader.Fill();
            if (piece.IsEmpty) header.End();
            else header.Add(piece);
            if (header.IsTooLong) throw Failure.Bounce("the message's header is longer than 10 MiB (#5.6.0)");
            reader.Consume(piece.Length);
        }
        return header;
    }

    /// <summary>A reader of the message.</summary>
    internal static ByteReader Reader() => new(Fd, "message");

    /// <summary>The sender of bounces and double bounces, whom nothing may answer.</summary>
    internal static bool IsBounce(string sender) => sender is "" or "#@[]";
}
