// Forwarding: one new message in the queue for all addresses of a .qmail file.
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Srs;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.Local;

/// <summary>Sends the message on through the queue program.</summary>
internal static class Forwarding
{
    /// <summary>Queues the message for every forward instruction that was followed.</summary>
    /// <param name="text">All instructions; those that are not forwards are skipped.</param>
    /// <param name="followed">Which parts of the text were followed.</param>
    /// <returns>The queue program's process id.</returns>
    /// <exception cref="DeliveryFailure">The message was not queued.</exception>
    internal static int Send(ReadOnlySpan<byte> text, List<Range> followed, MessageFile message, Delivery delivery,
        DeliveryVariables variables)
    {
        message.Rewind();
        string sender = Rewritten(delivery.NewSender);
        QueueProgram? queue = QueueProgram.Start(out QueueResult result, environment: variables.OfQueueProgram);
        if (queue == null) throw Failure(result);
        queue.Put(delivery.DeliveredTo);
        queue.Put(delivery.ExtraHeaderLines);
        try
        {
            while (true)
            {
                ReadOnlySpan<byte> piece = message.Read();
                if (piece.IsEmpty) break;
                queue.Put(piece);
            }
        }
        catch (DeliveryFailure)
        {
            queue.Fail();
            _ = queue.Close();
            throw;
        }
        queue.From(sender);
        foreach (Range part in followed)
        {
            ReadOnlySpan<byte> rest = text[part];
            while (!rest.IsEmpty)
            {
                Instruction instruction = Instruction.Next(ref rest);
                if (instruction.Kind == InstructionKind.Forward) queue.To(Latin1.String(instruction.Text));
            }
        }
        result = queue.Close();
        return result.Accepted ? queue.Pid : throw Failure(result);
    }

    // qmail-srs(5)
    private static string Rewritten(string sender)
    {
        try
        {
            return SenderRewriting.FromControl(ControlFiles.FromEnvironment())?.Forward(sender, Clocks.Realtime) ?? sender;
        }
        catch (Exception failure) when (failure is PosixException or FormatException or TlsException)
        {
            throw DeliveryFailure.TryLater("Unable to forward message: " + failure.Message + ". (#4.3.5)");
        }
    }

    private static DeliveryFailure Failure(QueueResult result)
    {
        string sentence = "Unable to forward message: " + result.Sentence + ".";
        return result.Permanent ? DeliveryFailure.Bounce(sentence) : DeliveryFailure.TryLater(sentence);
    }
}
