// Bounces: noting permanent failures, and telling the sender (QSBMF, the format of qmail's bounces).
using System;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Send;

/// <summary>Collects a message's failures in bounce/N and sends them back when nothing else is left to do.</summary>
internal sealed class Bounces
{
    /// <summary>The envelope sender of double bounces; a failure of one is dropped.</summary>
    private const string DoubleBounceSender = "#@[]";

    private readonly QueueLayout queue;
    private readonly Settings settings;
    private readonly QueueClock clock;

    internal Bounces(QueueLayout queue, Settings settings, QueueClock clock)
    {
        this.queue = queue;
        this.settings = settings;
        this.clock = clock;
    }

    /// <summary>
    /// Notes that a recipient failed for good, on stable storage; false when that is not possible. Only then may the
    /// recipient be marked as done.
    /// </summary>
    internal bool Add(ulong id, string recipient, string report)
    {
        string path = queue.Bounce(id);
        int fd = Files.Open(path, OpenMode.Write | OpenMode.Create | OpenMode.Append, 0x180 /* 0600 */);
        int error = fd;
        if (fd >= 0)
        {
            error = Files.Status(fd, out FileStatus before);
            if (error >= 0) error = Files.WriteAll(fd, Latin1.Bytes(Paragraph(settings.Routing.WithoutPrepend(recipient), report)));
            // Half a paragraph would stand before the whole one that follows when the disk has room again.
            if (error < 0) _ = Files.Truncate(fd, before.Size);
            if (error >= 0) error = Files.Sync(fd);
            // The mark of the recipient overwrites a byte, which no journal keeps in order: the name must be there before it.
            if (error >= 0 && !OrderedFilesystem.Carries(fd)) error = Files.SyncDirectory(QueueLayout.DirectoryOf(path));
            _ = Files.Close(fd);
        }
        if (error < 0) Log.Line($"warning: unable to write {path}: {Errno.Text(error)}; will try again later");
        return error >= 0;
    }

    /// <summary>One recipient's paragraph: "&lt;address&gt;:", then the report without empty lines, then an empty line.</summary>
    internal static string Paragraph(string recipient, string report)
    {
        string body = report.TrimEnd('\n');
        char[] text = [.. $"<{recipient.Replace('\n', '_')}>:\n", .. body.Length == 0 ? "" : body + "\n"];
        for (int i = text.Length - 2; i >= 0; i--)
            if (text[i] == '\n' && text[i + 1] == '\n') text[i] = '/'; // an empty line would end the paragraph
        return new string(text) + "\n";
    }

    /// <summary>Sends what was noted about a message; false when that has to be tried again.</summary>
    internal bool Send(ulong id, string sender)
    {
        string path = queue.Bounce(id);
        int noted = Files.Status(path, out _);
        if (noted == -Errno.ENOENT) return true;
        if (noted < 0) return Trouble(path, noted);
        if (sender == DoubleBounceSender) Log.Line($"triple bounce: discarding bounce/{id}");
        else if (sender.Length == 0 && (settings.DoubleBounceTo.Length == 0 || settings.DoubleBounceTo.Contains('@')))
            Log.Line($"double bounce: discarding bounce/{id}");
        else if (!Inject(id, sender, path)) return false;
        int removed = Files.Unlink(path);
        return removed >= 0 || Trouble(path, removed);
    }

    private bool Inject(ulong id, string sender, string path)
    {
        bool isDouble = sender.Length == 0;
        const string verp = "-@[]";
        string to = isDouble ? settings.DoubleBounceTo + "@" + settings.DoubleBounceHost
            : sender.EndsWith(verp) ? sender[..^verp.Length] : sender;
        QueueProgram? program = QueueProgram.Start(out QueueResult result, QueueName);
        if (program != null)
        {
            try
            {
                PutHeader(program, to, isDouble, path);
                CopyFile(program, path, long.MaxValue);
                program.Put(isDouble ? "--- Below this line is the original bounce.\n\n" : "--- Below this line is a copy of the message.\n\n");
                program.Put($"Return-Path: <{OneLine(sender)}>\n");
                if (Files.Status(queue.Mess(id), out _) == -Errno.ENOENT) program.Put("\n--- The message itself is lost.\n");
                else if (!CopyFile(program, queue.Mess(id), settings.BounceMaxBytes == 0 ? long.MaxValue : settings.BounceMaxBytes))
                    program.Put("\n--- The rest of the message is left out.\n");
            }
            catch (PosixException failure)
            {
                Log.Line("warning: " + failure.Message);
                program.Fail();
            }
            program.From(isDouble ? DoubleBounceSender : "");
            program.To(to);
            result = program.Close();
        }
        if (!result.Accepted)
        {
            Log.Line($"warning: trouble injecting bounce message, will try later: {Log.Safe(result.Sentence)}");
            return false;
        }
        Log.Line($"bounce msg {id} qp {program!.Pid}");
        return true;
    }

    private void PutHeader(QueueProgram program, string to, bool isDouble, string path)
    {
        program.Put($"Date: {Dates.Rfc5322(clock.Now)}\n");
        program.Put($"From: {settings.BounceFrom}@{settings.BounceHost}\n");
        program.Put($"To: {OneLine(to)}\n");
        program.Put($"Subject: {(isDouble ? settings.DoubleBounceSubject : settings.BounceSubject)}\n");
        program.Put("Auto-Submitted: auto-replied\n"); // RFC 3834 5: no autoresponder answers this
        if (FirstAddress(path) is string address) program.Put($"X-Bounced-Address: {address}\n");
        program.Put("\n");
        string? text = isDouble ? settings.DoubleBounceMessage : settings.BounceMessage;
        // QSBMF: a bounce is recognised by its first words, "Hi. This is the".
        program.Put($"Hi. This is the qmta-send program at {settings.BounceHost}.\n");
        if (text != null) program.Put(text.TrimEnd('\n') + "\n");
        else if (isDouble) program.Put("A bounce message could not be delivered to the address below: it bounced itself.\n");
        else
            program.Put("Your message could not be delivered to the addresses below. The failure is permanent: it will\n"
                + "not be tried again.\n");
        program.Put("\n");
    }

    /// <summary>Copies at most so many bytes; false when the file is longer.</summary>
    private static bool CopyFile(QueueProgram program, string path, long limit)
    {
        int fd = PosixException.Check(Files.Open(path, OpenMode.Read), "unable to open " + path);
        try
        {
            ByteReader reader = new(fd, path);
            for (long left = limit; ;)
            {
                ReadOnlySpan<byte> piece = reader.Fill();
                if (piece.IsEmpty) return true;
                if (left == 0) return false;
                if (piece.Length > left) piece = piece[..(int)left];
                program.Put(piece);
                left -= piece.Length;
                reader.Consume(piece.Length);
            }
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    // By name, because one that is to be started for whoever connects would have to be started by this very thread.
    private static string QueueName
    {
        get
        {
            foreach (string variable in (ReadOnlySpan<string>)["BOUNCEQUEUE", "QMAILQUEUE"])
                if (Variables.Get(variable) is { Length: > 0 } name) return name;
            return QueueProgram.Usual;
        }
    }

    private static string? FirstAddress(string path)
    {
        int fd = Files.Open(path, OpenMode.Read);
        Span<byte> start = stackalloc byte[2 * QueueLayout.LongestAddress];
        int n = fd < 0 ? fd : Files.Read(fd, start);
        _ = Files.Close(fd);
        int end = n < 0 ? -1 : start[..n].IndexOf(">:\n"u8);
        return end > 1 ? Latin1.String(start[1..end]) : null;
    }

    // An address comes from the envelope and may hold anything but NUL.
    private static string OneLine(string address) => address.Replace('\n', '_').Replace('\r', '_');

    private static bool Trouble(string path, int error)
    {
        Log.Line($"warning: unable to handle {path}: {Errno.Text(error)}; will try again later");
        return false;
    }
}
