// One message on its way into the queue: the four stages of queuing, and their undoing when one fails (queue(5)).
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Enqueue;

/// <summary>
/// S1: nothing. S2: mess/N is written, and the envelope in pid. S4: the envelope is todo/N, and all of it is on stable
/// storage: from here on the message is accepted. (S3, an envelope in intd, is for other programs.)
/// </summary>
internal sealed class Submission
{
    private readonly QueueLayout queue;
    private readonly Submitter submitter;
    private readonly SubmissionInput input;
    private readonly byte[] buffer;
    private readonly string extraHeader = ExtraHeader.Lines(Variables.Get("QQEH") ?? "")
        ?? throw new QueueingException(ExitCode.ExtraHeader);
    private ulong id, device;
    private int mess = -1, envelope = -1;
    private bool isInTodo;

    // Files under numbers that could not be used, open so that their inodes stay taken until another is found.
    private readonly List<int> held = [];

    /// <summary>Room that a submission needs; one after the other may use the same.</summary>
    internal const int BufferSize = 32768;

    private Submission(QueueLayout queue, Submitter submitter, SubmissionInput input, byte[] buffer)
    {
        this.queue = queue;
        this.submitter = submitter;
        this.input = input;
        this.buffer = buffer;
    }

    /// <summary>Queues a message; returns the exit code.</summary>
    /// <exception cref="QueueingException">It is not queued, and nothing of it is left behind.</exception>
    internal static int Run(QueueLayout queue, Submitter submitter, SubmissionInput input, byte[] buffer)
    {
        Submission submission = new(queue, submitter, input, buffer);
        try
        {
            submission.Create();
            submission.WriteMessage();
            submission.WriteEnvelope();
            submission.Accept();
            queue.PullTrigger();
            return ExitCode.Queued;
        }
        catch
        {
            submission.Undo();
            throw;
        }
        finally
        {
            submission.Close();
        }
    }

    private string Temporary => queue.Pid + "/" + id.ToString(CultureInfo.InvariantCulture);

    /// <summary>Creates mess/N and the envelope's file under a number N that no file in the queue has.</summary>
    private void Create()
    {
        // A number can be taken only where somebody put files into the queue by hand. Their owner's files stay; the
        // inode is held open meanwhile so that the next attempt gets another.
        const int attempts = 100;
        for (int attempt = 0; attempt < attempts; attempt++)
        {
            string temporary = $"{queue.Pid}/{Processes.Id}.{Clocks.RealtimeMicroseconds}.{attempt}";
            int fd = Files.Open(temporary, OpenMode.Write | OpenMode.Create | OpenMode.Exclusive, 0x1A0 /* 0640 */);
            if (fd == -Errno.EEXIST) continue;
            if (fd < 0 || Files.Status(fd, out FileStatus status) < 0) throw new QueueingException(ExitCode.Pid);
            string name = queue.Mess(status.Inode);
            int linked = Files.Link(temporary, name);
            int unlinked = Files.Unlink(temporary);
            if (linked == -Errno.EEXIST)
            {
                held.Add(fd);
                continue;
            }
            if (linked < 0) throw new QueueingException(ExitCode.Mess);
            (id, device) = (status.Inode, status.Device);
            mess = fd;
            // Tells the clean-up that somebody is at work, whatever the clock says about the file's age.
            _ = Files.TryLock(mess);
            if (unlinked < 0) throw new QueueingException(ExitCode.Pid);
            if (Files.Status(queue.Todo(id), out _) == -Errno.ENOENT)
            {
                envelope = Files.Open(Temporary, OpenMode.Write | OpenMode.Create | OpenMode.Exclusive, 0x1A0 /* 0640 */);
                if (envelope >= 0)
                {
                    _ = Files.TryLock(envelope);
                    return;
                }
                if (envelope != -Errno.EEXIST) throw new QueueingException(ExitCode.Pid);
            }
            _ = Files.Unlink(name);
            held.Add(mess);
            mess = -1;
        }
        throw new QueueingException(ExitCode.Pid);
    }

    private void WriteMessage()
    {
        int filled = Latin1.Bytes(Received.Line(submitter, Clocks.Realtime), buffer);
        while (true)
        {
            int n = input.ReadMessage(buffer.AsSpan(filled));
            filled += n;
            if (n != 0 && filled < buffer.Length) continue;
            if (Files.WriteAll(mess, buffer.AsSpan(0, filled)) < 0) throw new QueueingException(ExitCode.Write);
            filled = 0;
            if (n == 0) break;
        }
        Files.StartSync(mess);
    }

    private void WriteEnvelope()
    {
        ByteWriter writer = new(envelope, "envelope", 8192);
        try
        {
            writer.Put($"u{submitter.Uid}\0p{submitter.Pid}\0");
            new EnvelopeParser(input, buffer).CopyTo(writer);
            if (extraHeader.Length > 0) writer.Put($"e{extraHeader}\0");
            writer.Flush();
        }
        catch (PosixException)
        {
            throw new QueueingException(ExitCode.Write);
        }
    }

    private void Accept()
    {
        // Where one journal keeps the order of all changes, the sync of todo carries what was done before, once the contents
        // are written out. Who comes while the journal is committed shares the next commit. The writing of the message was
        // started before: with the envelope first, one wait does for both.
        if (OrderedFilesystem.Carries(mess, device))
        {
            if (Files.WriteOut(envelope) < 0 || Files.WriteOut(mess) < 0) throw new QueueingException(ExitCode.Write);
        }
        else
        {
            if (Files.Sync(envelope) < 0 || Files.Sync(mess) < 0) throw new QueueingException(ExitCode.Write);
            if (Files.SyncDirectory(QueueLayout.DirectoryOf(queue.Mess(id))) < 0) throw new QueueingException(ExitCode.Mess);
        }
        string todo = queue.Todo(id);
        if (Files.Rename(Temporary, todo) < 0) throw new QueueingException(ExitCode.Todo);
        isInTodo = true;
        if (Files.SyncDirectory(QueueLayout.DirectoryOf(todo)) < 0) throw new QueueingException(ExitCode.Todo);
    }

    /// <summary>Takes the stages back, last first; what cannot be removed now, qmta-send removes after 36 hours.</summary>
    private void Undo()
    {
        // Without todo/N, qmta-send has taken the message over: its files are no longer ours.
        if (isInTodo && Files.Unlink(queue.Todo(id)) < 0) return;
        if (envelope >= 0 && !isInTodo) _ = Files.Unlink(Temporary);
        if (mess >= 0) _ = Files.Unlink(queue.Mess(id));
    }

    private void Close()
    {
        if (envelope >= 0) _ = Files.Close(envelope);
        if (mess >= 0) _ = Files.Close(mess);
        foreach (int fd in held) _ = Files.Close(fd);
    }
}
