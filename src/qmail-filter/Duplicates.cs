// ismaildup: delivers a message once when it comes several times within a quarter of an hour (ismaildup(1)).
using System;
using System.Globalization;
using Qmta.Message;
using Qmta.Posix;
using Qmta.Tls;

namespace Qmta.Filter;

internal static class Duplicates
{
    internal const string Usage = "ismaildup maildir program [argument ...]";

    /// <summary>Where the digests are, in the Maildir.</summary>
    internal const string FileName = "ismaildup";

    private const long DefaultWindow = 900;
    private const int StopHere = 99;

    // Two messages that are the same for so many bytes are the same.
    private const int LongestInput = 1 << 20;

    // The way a message came says nothing about what it is.
    private static readonly string[] Trace = ["Received", "Delivered-To", "X-Delivered-To"];

    internal static int Run(string[] arguments)
    {
        if (arguments is ["--", ..]) arguments = arguments[1..];
        if (arguments.Length < 2) throw Program.UsageError(Usage);
        string digest = Digest();
        using RecentFile recent = RecentFile.Open(arguments[0].TrimEnd('/') + "/" + FileName, Window(), Clocks.Realtime);
        if (recent.Count(digest) > 0)
        {
            Standard.Error("ismaildup: this message has been delivered before");
            return StopHere;
        }
        int code = Child.Run(arguments.AsSpan(1));
        // Remembered when it is delivered and not before: else a failed delivery's next attempt would be a duplicate.
        // The lock is held meanwhile, so two copies at the same moment are one after the other here.
        if (code is 0 or StopHere) recent.Add(digest);
        return code;
    }

    private static long Window()
    {
        string? text = Variables.Get("ELIMINATE_DUPS_INT");
        if (string.IsNullOrEmpty(text)) return DefaultWindow;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds) ? seconds
            : throw new FormatException("ELIMINATE_DUPS_INT is not a number of seconds: " + text);
    }

    private static string Digest()
    {
        Incoming.Rewind();
        string? program = Variables.Get("ELIMINATE_DUPS_ARGS");
        byte[] input = string.IsNullOrEmpty(program) ? WhatItIs() : OutputOf(program);
        return Convert.ToHexString(Digests.Hash("SHA256", input));
    }

    // All fields but those of the trace, as they are. Without a Message-ID equal headers are no proof, so the body counts.
    private static byte[] WhatItIs()
    {
        ByteReader reader = Incoming.Reader();
        MessageHeader header = Incoming.Header(reader);
        byte[] kept = new byte[8192];
        int length = 0;
        foreach (HeaderField field in header.Fields)
        {
            ReadOnlySpan<byte> lines = header.Lines(field);
            if (field.Kind != FieldKind.MboxLine && !HeaderText.IsNamed(lines, Trace)) Keep(lines, ref kept, ref length);
        }
        if (header.Has(FieldKind.MessageId)) return kept[..length];
        Keep(header.BodyStart, ref kept, ref length);
        while (length < LongestInput && reader.Fill() is { IsEmpty: false } piece)
        {
            Keep(piece, ref kept, ref length);
            reader.Consume(piece.Length);
        }
        return kept[..length];
    }

    private static void Keep(ReadOnlySpan<byte> bytes, ref byte[] kept, ref int length)
    {
        bytes = bytes[..Math.Min(bytes.Length, LongestInput - length)];
        if (length + bytes.Length > kept.Length)
            Array.Resize(ref kept, Math.Min(LongestInput, Math.Max(2 * kept.Length, length + bytes.Length)));
        bytes.CopyTo(kept.AsSpan(length));
        length += bytes.Length;
    }

    private static byte[] OutputOf(string command)
    {
        PosixException.Check(Files.Pipe(out int readEnd, out int writeEnd), "unable to create a pipe");
        int pid = Child.Start(["/bin/sh", "-c", command], [new(writeEnd, 1)]);
        _ = Files.Close(writeEnd);
        byte[] output = new byte[4096];
        int length = 0;
        while (true)
        {
            if (length == output.Length && length < LongestInput) Array.Resize(ref output, 2 * length);
            // The rest is read and forgotten: the program must come to its end.
            Span<byte> room = length < output.Length ? output.AsSpan(length) : new byte[4096];
            int n = PosixException.Check(Files.Read(readEnd, room), "unable to read the output of " + command);
            if (n == 0) break;
            length = Math.Min(length + n, output.Length);
        }
        _ = Files.Close(readEnd);
        if (pid < 0 || Child.Wait(pid, command) != 0) throw Failure.TryLater("ELIMINATE_DUPS_ARGS failed: " + command);
        return output[..length];
    }
}
