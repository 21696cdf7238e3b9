// A message from the client into the queue program: what follows DATA or comes in chunks, counted and checked.
using System;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Smtp;

namespace Qmta.Reception;

/// <summary>One message on its way. After a failure the rest of it is still received, and goes nowhere.</summary>
internal sealed class MessageReception
{
    private readonly long mostBytes;
    private readonly int mostHops;
    private readonly Func<QueueProgram?> start;
    private DotUnstuffing unstuffing;
    private HopCount hops = new();
    private QueueProgram? queue;
    private bool started;
    private long bytes;

    /// <param name="mostBytes">Longest message accepted, as stored; 0 for any.</param>
    /// <param name="start">
    /// Starts the queue program, once something has come; null when that failed.
    /// </param>
    internal MessageReception(long mostBytes, int mostHops, BareLineFeed bare, Func<QueueProgram?> start)
    {
        this.mostBytes = mostBytes;
        this.mostHops = mostHops;
        this.start = start;
        unstuffing = new DotUnstuffing(bare);
    }

    /// <summary>A line feed alone came, and the rest of the message was not received.</summary>
    internal bool BareLineFeedRefused => unstuffing.Refused;

    internal bool TooLong => mostBytes > 0 && bytes > mostBytes;

    internal bool TooManyHops => hops.Hops >= mostHops;

    /// <summary>Bytes as stored, without what this host adds.</summary>
    internal long Bytes => bytes;

    /// <summary>The running queue program; null when it could not be started.</summary>
    internal QueueProgram? Queue
    {
        get
        {
            if (!started) queue = start();
            started = true;
            return queue;
        }
    }

    /// <summary>Receives up to the end of the message.</summary>
    /// <exception cref="ClientGoneException">The client is gone, or too slow. Nothing is queued.</exception>
    internal void ReceiveAll(ClientConnection connection)
    {
        byte[] converted = connection.Spare;
        MessagePace pace = new(Clocks.BoottimeMilliseconds, connection.Patience);
        try
        {
            while (!unstuffing.Ended && !unstuffing.Refused)
            {
                ReadOnlySpan<byte> piece = connection.Fill(pace.Until);
                int n = unstuffing.Convert(piece, converted, out int consumed);
                connection.Consume(consumed);
                pace.Came(consumed);
                if (Clocks.BoottimeMilliseconds > pace.Until) throw new ClientGoneException("too slow", timedOut: true);
                Put(converted.AsSpan(0, n));
            }
        }
        catch (ClientGoneException)
        {
            Abandon();
            throw;
        }
        if (unstuffing.Refused) Abandon();
    }

    private void Put(ReadOnlySpan<byte> message)
    {
        bytes += message.Length;
        hops.Read(message);
        if (Queue == null) return;
        if (TooLong || TooManyHops) queue!.Fail();
        else queue!.Put(message);
    }

    /// <summary>Nothing of it is queued.</summary>
    internal void Abandon()
    {
        if (queue == null) return;
        queue.Fail();
        _ = queue.Close();
        queue = null;
    }
}
