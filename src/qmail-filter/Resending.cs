// Sending the message on: a copy with a Delivered-To line into the queue, its sender rewritten where SRS is set up.
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Srs;

namespace Qmta.Filter;

/// <summary>Hands messages to the queue program.</summary>
internal static class Resending
{
    /// <summary>Queues the message on descriptor 0 for other recipients and says "NAME: qp NUMBER".</summary>
    /// <exception cref="Failure">It was not queued.</exception>
    internal static void Send(string program, string sender, IEnumerable<string> recipients)
    {
        Incoming.Rewind();
        sender = Rewritten(sender);
        QueueProgram queue = Start();
        queue.Put(Incoming.Variable("DTLINE"));
        Copy(Incoming.Reader(), queue);
        Finish(program, queue, sender, recipients);
    }

    /// <summary>The sender under which mail is sent on (qmail-srs(5)).</summary>
    internal static string Rewritten(string sender) =>
        SenderRewriting.FromControl(ControlFiles.FromEnvironment())?.Forward(sender, Clocks.Realtime) ?? sender;

    /// <summary>Starts the queue program for a message of its own, which the extra header of the one at hand does not concern.</summary>
    /// <exception cref="Failure">It cannot be run.</exception>
    internal static QueueProgram StartNew()
    {
        Variables.Set("QQEH", null);
        return Start();
    }

    /// <summary>Starts the queue program for a copy; QQEH gives it the extra header of the original.</summary>
    /// <exception cref="Failure">It cannot be run.</exception>
    internal static QueueProgram Start() => QueueProgram.Start(out QueueResult result) ?? throw Refused(result);

    /// <summary>Copies all that a reader still has.</summary>
    /// <exception cref="PosixException">It cannot be read; nothing is queued then.</exception>
    internal static void Copy(ByteReader from, QueueProgram queue)
    {
        try
        {
            while (true)
            {
                ReadOnlySpan<byte> piece = from.Fill();
                if (piece.IsEmpty) return;
                queue.Put(piece);
                from.Consume(piece.Length);
            }
        }
        catch (PosixException)
        {
            Abandon(queue);
            throw;
        }
    }

    /// <summary>Queues nothing.</summary>
    internal static void Abandon(QueueProgram queue)
    {
        queue.Fail();
        _ = queue.Close();
    }

    /// <summary>Adds the envelope, waits for the verdict, and says under which number the message was queued.</summary>
    /// <exception cref="Failure">It was not queued.</exception>
    internal static void Finish(string program, QueueProgram queue, string sender, IEnumerable<string> recipients)
    {
        queue.From(sender);
        foreach (string recipient in recipients) queue.To(recipient);
        QueueResult result = queue.Close();
        if (!result.Accepted) throw Refused(result);
        Standard.Error(program + ": qp " + queue.Pid.ToString(CultureInfo.InvariantCulture));
    }

    private static Failure Refused(QueueResult result)
    {
        string sentence = "unable to queue the message: " + result.Sentence;
        return result.Permanent ? Failure.Bounce(sentence) : Failure.TryLater(sentence);
    }
}
