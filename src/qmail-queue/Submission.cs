// One message on its way into the queue: the stages of queuing, and their undoing when one fails (queue(5)).
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Enqueue;

/// <summary>
/// S1: message and envelope are being written, and have no place in the queue. S2: the message is mess/N. S4: the envelope
/// is todo/N, and all of it is on stable storage: from here on the message is accepted. (S3, an envelope in intd, is for
/// other programs.)
/// </summary>
internal sealed class Submission
{
    private readonly QueueLayout queue;
    private readonly Submitter submitter;
    private readonly SubmissionInput input;
    private readonly byte[] buffer;
    private readonly string extraHeader = ExtraHeader.Lines(Variables.Get("QQEH") ?? "")
        ?? throw new QueueingException(ExitCode.ExtraHeader);
    private ulong id;
    private bool isInMess, isSeen;

    // What is open. Files under numbers that could not be used are, too: their inodes stay taken until another is found.
    private readonly List<StagedFile> staged = [];

    // Whether the queue's filesystem keeps the order of all changes; a process has one queue.
    private static bool? ordered;

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
    /// <exception cref="QueueingException">
    /// It is not queued, and nothing of it is left behind. Only when the last sync fails, it may be delivered nevertheless:
    /// nobody knows what is on the disk then, and the caller must be told to try again.
    /// </exception>
    internal static int Run(QueueLayout queue, Submitter submitter, SubmissionInput input, byte[] buffer)
    {
        Submission submission = new(queue, submitter, input, buffer);
        try
        {
            StagedFile mess = submission.StageMessage(), envelope = submission.Stage();
            submission.WriteMessage(mess.Fd);
            submission.WriteEnvelope(envelope.Fd);
            submission.Accept(mess, envelope);
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
            foreach (StagedFile file in submission.staged) file.Close();
        }
    }

    private bool IsOrdered => ordered ??= OrderedFilesystem.CarriesAt(queue.Pid);

    private StagedFile Stage()
    {
        StagedFile file = StagedFile.Create(queue.Pid, named: !IsOrdered) ?? throw new QueueingException(ExitCode.Pid);
        staged.Add(file);
        return file;
    }

    /// <summary>The message's file, under a number that no other message in the queue has.</summary>
    private StagedFile StageMessage()
    {
        // A number can be taken only where somebody put files into the queue by hand. They stay, and another is tried.
        const int attempts = 100;
        for (int attempt = 0; attempt < attempts; attempt++)
        {
            StagedFile file = Stage();
            id = file.Inode ?? throw new QueueingException(ExitCode.Pid);
            // After a power cut info/N may be there without mess/N: recipients that are not this message's.
            if (IsFree(queue.Mess(id), ExitCode.Mess) && IsFree(queue.Todo(id), ExitCode.Todo)
                && IsFree(queue.Info(id), ExitCode.Mess)) return file;
        }
        throw new QueueingException(ExitCode.Pid);
    }

    private static bool IsFree(string path, int otherwise)
    {
        int found = Files.Status(path, out _);
        if (found < 0 && found != -Errno.ENOENT) throw new QueueingException(otherwise);
        return found < 0;
    }

    private void WriteMessage(int fd)
    {
        int filled = Latin1.Bytes(Received.Line(submitter, Clocks.Realtime), buffer);
        while (true)
        {
            int n = input.ReadMessage(buffer.AsSpan(filled));
            filled += n;
            if (n != 0 && filled < buffer.Length) continue;
            if (Files.WriteAll(fd, buffer.AsSpan(0, filled)) < 0) throw new QueueingException(ExitCode.Write);
            filled = 0;
            if (n == 0) break;
        }
        if (Files.StartSync(fd) < 0) throw new QueueingException(ExitCode.Write);
    }

    private void WriteEnvelope(int fd)
    {
        ByteWriter writer = new(fd, "envelope", 8192);
        try
        {
            writer.Put("u" + submitter.Uid.ToString(CultureInfo.InvariantCulture) + "\0p"
                + submitter.Pid.ToString(CultureInfo.InvariantCulture) + "\0");
            new EnvelopeParser(input, buffer).CopyTo(writer);
            if (extraHeader.Length > 0) writer.Put("e" + extraHeader + "\0");
            writer.Flush();
        }
        catch (PosixException)
        {
            throw new QueueingException(ExitCode.Write);
        }
    }

    private void Accept(StagedFile mess, StagedFile envelope)
    {
        string inMess = queue.Mess(id), inTodo = queue.Todo(id);
        // Where one journal keeps the order of all changes, the sync of todo carries what was done before, once the contents
        // are written out. Who comes while the journal is committed shares the next commit. The writing of the message was
        // started before: with the envelope first, one wait does for both.
        Func<int, int> store = IsOrdered ? Files.WriteOut : Files.Sync;
        if (store(envelope.Fd) < 0 || store(mess.Fd) < 0) throw new QueueingException(ExitCode.Write);
        // Before qmta-send can see the message: afterwards nothing may fail that need not.
        int todo = Files.Open(QueueLayout.DirectoryOf(inTodo), OpenMode.Read | OpenMode.Directory);
        if (todo < 0) throw new QueueingException(ExitCode.Todo);
        try
        {
            if (mess.Place(inMess) < 0) throw new QueueingException(ExitCode.Mess);
            isInMess = true;
            if (!IsOrdered && Files.SyncDirectory(QueueLayout.DirectoryOf(inMess)) < 0) throw new QueueingException(ExitCode.Mess);
            if (envelope.Place(inTodo) < 0) throw new QueueingException(ExitCode.Todo);
            isSeen = true;
            if (Files.Sync(todo) < 0) throw new QueueingException(ExitCode.Todo);
        }
        finally
        {
            _ = Files.Close(todo);
        }
    }

    /// <summary>Takes the message back; what cannot be removed now, qmta-send removes after 36 hours.</summary>
    private void Undo()
    {
        // What is in todo may be on its way already: qmta-send has read the envelope, and will deliver mess/N when its turn
        // comes, whatever message has that number by then.
        if (isInMess && !isSeen) _ = Files.Unlink(queue.Mess(id));
    }
}
