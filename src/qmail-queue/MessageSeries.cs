// One message after the other from a program of qmta's, such as mini-smtpd, because starting a process for each costs
// more than queuing it does. Packets come over a socket (QueuePacket says what is in them), and after each message its
// exit code goes back.
//
// Nothing else differs: the same checks, the same stages, the same privileges. Whoever holds the other end could as
// well start this program once for each message.
using System;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Enqueue;

/// <summary>Takes messages from one program after the other, or from one alone.</summary>
internal sealed class MessageSeries(QueueLayout? queue)
{
    // Who connects may have nothing to send for as long as its own input takes. Its end is seen when it comes.
    private const int IdleMilliseconds = 86_400_000;

    private readonly byte[] packet = new byte[QueuePacket.Longest], buffer = new byte[Submission.BufferSize];

    /// <summary>
    /// Queues the messages of the program that started this one until it closes its end; returns the exit code. Without a
    /// queue, nothing is kept.
    /// </summary>
    internal int Run(int socket)
    {
        Run(socket, Submitter.Caller, Deadline.OfProcess);
        return ExitCode.Queued;
    }

    /// <summary>Queues a program's messages until it closes its end.</summary>
    /// <param name="socket">A socket that keeps boundaries.</param>
    /// <param name="submitter">Who is at the other end.</param>
    /// <param name="deadline">When a message that begins now is given up.</param>
    internal void Run(int socket, Submitter submitter, Func<Deadline> deadline)
    {
        if (DescriptorSocket.Send(socket, QueuePacket.Ready, []) < 0) return;
        while (Poll.WaitFor(socket, false, IdleMilliseconds))
        {
            PacketInput input = new(socket, deadline(), packet);
            if (!input.HasBegun()) break;
            byte code;
            try
            {
                code = (byte)(queue == null ? input.Discard() : Submission.Run(queue, submitter, input, buffer));
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
            if (!input.Finish() || DescriptorSocket.Send(socket, code, []) < 0) break;
        }
    }
}

/// <summary>One message of the series.</summary>
internal sealed class PacketInput(int socket, Deadline deadline, byte[] packet) : SubmissionInput
{
    private int start, end;
    private byte kind;
    private bool over, gone;

    internal override int ReadMessage(Span<byte> buffer) => Read(buffer, QueuePacket.Message);

    internal override int ReadEnvelope(Span<byte> buffer) => Read(buffer, QueuePacket.Envelope);

    /// <summary>Takes the first packet; false when the other end is gone and there is no message.</summary>
    internal bool HasBegun()
    {
        Next();
        return !gone;
    }

    // Bytes of packets of that kind; 0 when another kind has come.
    private int Read(Span<byte> buffer, byte wanted)
    {
        while (start == end && !over) Next();
        if (gone || kind == QueuePacket.GivenUp) throw new QueueingException(ExitCode.Read);
        if (start == end || kind == QueuePacket.Message != (wanted == QueuePacket.Message)) return 0;
        int n = Math.Min(buffer.Length, end - start);
        packet.AsSpan(start, n).CopyTo(buffer);
        start += n;
        return n;
    }

    private void Next()
    {
        deadline.WaitFor(socket);
        end = DescriptorSocket.Receive(socket, packet, [], out _);
        start = 1;
        // Who does not keep to the packets is not talked to.
        gone = end <= 0
            || packet[0] is not (QueuePacket.Message or QueuePacket.Envelope or QueuePacket.LastEnvelope or QueuePacket.GivenUp);
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
