// The envelope that qmail-queue reads, against a second reading of the same definition (qmail-queue(8)).
using System;
using System.Collections.Generic;
using System.IO;
using Qmta.Enqueue;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>
/// An envelope is accepted exactly when it is F, an address, NUL, then any number of T, an address, NUL, then NUL; what
/// is written down is those records; and the scheduler reads back the same addresses.
/// </summary>
internal sealed class EnvelopeTarget : Target
{
    internal override string Name => "envelope";
    internal override string[] Words => ["F", "T", "\0", "\0T", "\0\0", "Fa@b\0", "Tjoe@example.net\0", new string('x', 1003), new string('x', 1004)];
    internal override int Longest => 8192;

    private sealed class Input(byte[] bytes) : SubmissionInput
    {
        private readonly Random chance = Chance(bytes);
        internal int Consumed;

        internal override int ReadMessage(Span<byte> buffer) => 0;

        internal override int ReadEnvelope(Span<byte> buffer)
        {
            int n = Math.Min(buffer.Length, PieceOf(chance, bytes.Length - Consumed));
            bytes.AsSpan(Consumed, n).CopyTo(buffer);
            Consumed += n;
            return n;
        }
    }

    internal override void Run(byte[] input)
    {
        (int expected, int length, List<string> addresses) = Understand(input);
        Input source = new(input);
        string path = Scratch.Path + "/envelope";
        int fd = Files.Open(path, OpenMode.Write | OpenMode.Create | OpenMode.Truncate, 0x180);
        int code = 0;
        try
        {
            ByteWriter writer = new(fd, "envelope");
            try
            {
                new EnvelopeParser(source, new byte[256]).CopyTo(writer);
            }
            catch (QueueingException e)
            {
                code = e.ExitCode;
            }
            writer.Flush();
        }
        finally
        {
            _ = Files.Close(fd);
        }
        MustEqual(expected, code, "the exit code is that of the definition");
        Must(source.Consumed <= input.Length, "no more is read than there is");
        if (code != 0) return;
        byte[] written = File.ReadAllBytes(path);
        Must(written.AsSpan().SequenceEqual(input.AsSpan(0, length)), "what is written down are the records");
        fd = Files.Open(path, OpenMode.Read);
        try
        {
            EnvelopeReader reader = new(fd, path, 64);
            for (int i = 0; i < addresses.Count; i++)
            {
                Must(reader.Next(), "no address is lost");
                MustEqual(i == 0 ? 'F' : 'T', reader.Kind, "the kind of a record");
                MustEqual(addresses[i], reader.Value, "an address");
            }
            Must(!reader.Next(), "no address is invented");
            MustEqual(written.Length, (int)reader.NextPosition, "all is read");
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    private static (int Code, int Length, List<string> Addresses) Understand(byte[] input)
    {
        List<string> addresses = [];
        int at = 0;
        while (true)
        {
            if (at == input.Length) return (ExitCode.Read, 0, addresses);
            if (addresses.Count > 0 && input[at] == 0) return (0, at, addresses);
            if (input[at] != (addresses.Count == 0 ? 'F' : 'T')) return (ExitCode.EnvelopeFormat, 0, addresses);
            int end = Array.IndexOf(input, (byte)0, at);
            if (end < 0 && input.Length - at - 1 > QueueLayout.LongestAddress) return (ExitCode.AddressTooLong, 0, addresses);
            if (end < 0) return (ExitCode.Read, 0, addresses);
            if (end - at - 1 > QueueLayout.LongestAddress) return (ExitCode.AddressTooLong, 0, addresses);
            addresses.Add(Text(input.AsSpan(at + 1, end - at - 1)));
            at = end + 1;
        }
    }
}
