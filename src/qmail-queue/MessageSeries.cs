// One message after the other from a program of qmta's, such as mini-smtpd, because starting a process for each costs
// more than queuing it does. Packets come on descriptor 0 (QueuePacket says what is in them), and after each message
// its exit code goes back.
//
// Nothing else differs: the same checks, the same stages, the same privileges. Whoever holds the other end could as
// well start this program once for each message.
using System;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Enqueue;

internal static class MessageSeries
{
    // Who keeps this process has closed its end long before, unless it hangs.
    private const int IdleMilliseconds = 120_000;

    /// <summary>Queues messages until the other end is closed or quiet for long; returns the exit code.</summary>
    /// <param name="queue">The queue; null to keep nothing.</param>
    internal static int Run(QueueLayout? queue)
    {
        if (DescriptorSocket.Send(0, QueuePacket.Ready, []) < 0) return ExitCode.Read;
        byte[] packet = new byte[QueuePacket.Longest], buffer = new byte[Submission.BufferSize];
        while (Poll.WaitFor(0, false, IdleMilliseconds))
        {
            PacketInput input = new(packet);
            byte code;
            try
            {
                code = (byte)(queue == null ? input.Discard() : Submission.Run(queue, input, buffer));
            }
            catch (QueueingException failure)
            {
                code = (byte)failure.ExitCode;
            }
            catch (OutOfMemoryException)
            {
                code = ExitCode.OutOfMemory;
            }
            Deadline.Cancel();
            if (!input.Finish() || DescriptorSocket.Send(0, code, []) < 0) break;
        }
        return ExitCode.Queued;
    }
}

/// <summary>One message of the series.</summary>
internal sealed class PacketInput(byte[] packet) : SubmissionInput
{
    private readonly Deadline deadline = Deadline.FromEnvironment();
    private int start, end;
    private byte kind;
    private bool over, gone;

    internal override int ReadMessage(Span<byte> buffer) => Read(buffer, QueuePacket.Message);

    internal override int ReadEnvelope(Span<byte> buffer) => Read(buffer, QueuePacket.Envelope);

    // Bytes of packets of that kind; 0 when another kind has come.
    private int Read(Span<byte> buffer, byte wanted)
    {
        while (start == end && !over)
        {
            Next();
            if (gone || kind == QueuePacket.GivenUp) throw new QueueingException(ExitCode.Read);
        }
        if (start == end || kind == QueuePacket.Message != (wanted == QueuePacket.Message)) return 0;
        int n = Math.Min(buffer.Length, end - start);
        packet.AsSpan(start, n).CopyTo(buffer);
        start += n;
        return n;
    }

    private void Next()
    {
        deadline.WaitFor(0);
        end = DescriptorSocket.Receive(0, packet, [], out _);
        start = 1;
        gone = end <= 0;
        if (gone) start = end = 0;
        else kind = packet[0];
        over = gone || kind is QueuePacket.LastEnvelope or QueuePacket.GivenUp;
    }

    /// <summary>Takes what is left of a message that failed; false when the other end is gone.</summary>
    internal bool Finish()
    {
        try
        {
            while (!over) Next();
        }
        catch (QueueingException)
        {
            return false; // it has been sending for a day
        }
        return !gone;
    }
}
