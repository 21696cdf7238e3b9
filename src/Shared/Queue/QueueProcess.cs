// A queue program started for one message.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Queue;

/// <summary>
/// A running queue program of one's own: the message goes to its descriptor 0 and the envelope to its descriptor 1
/// (qmail-queue(8)).
/// </summary>
internal sealed class QueueProcess : QueueProgram
{
    private readonly ByteWriter message;
    private readonly ByteWriter envelope;
    private bool messageOpen = true;
    private bool failed;

    private readonly RefusalPipe? refusal;

    private QueueProcess(int pid, int messageFd, int envelopeFd, RefusalPipe? refusal)
    {
        Pid = pid;
        this.refusal = refusal;
        byte[] buffer = GC.AllocateUninitializedArray<byte>(16384);
        message = new ByteWriter(messageFd, "message to queue program", buffer);
        // The message is closed before the envelope begins: one buffer serves both.
        envelope = new ByteWriter(envelopeFd, "envelope to queue program", buffer);
    }

    public override int Pid { get; }

    /// <summary>As <see cref="QueueProgram.Start"/>.</summary>
    internal static new QueueProcess? Start(out QueueResult result, string? program,
        IReadOnlyList<string>? environment)
    {
        if (string.IsNullOrEmpty(program)) program = Variables.Get("QMAILQUEUE");
        if (string.IsNullOrEmpty(program)) program = Usual;
        result = new QueueResult(-1, "Zqq trouble creating pipes (#4.3.0)");
        if (Files.Pipe(out int messageRead, out int messageWrite) < 0) return null;
        if (Files.Pipe(out int envelopeRead, out int envelopeWrite) < 0)
        {
            _ = Files.Close(messageRead);
            _ = Files.Close(messageWrite);
            return null;
        }
        List<string> words = CommandWords.Split(program, Variables.Get);
        // qmail-queue itself has codes for everything.
        RefusalPipe? refusal = program == Usual ? null : RefusalPipe.Open(ref environment);
        Inherit[] inherited = [new(messageRead, 0), new(envelopeRead, 1)];
        int pid = words.Count == 0 ? -Errno.ENOENT : Processes.Start(Programs.Find(words[0]), CollectionsMarshal.AsSpan(words),
            refusal == null ? inherited : [.. inherited, refusal.Inherit], environment);
        _ = Files.Close(messageRead);
        _ = Files.Close(envelopeRead);
        refusal?.Handed();
        if (pid >= 0) return new QueueProcess(pid, messageWrite, envelopeWrite, refusal);
        _ = Files.Close(messageWrite);
        _ = Files.Close(envelopeWrite);
        _ = refusal?.Close();
        result = new QueueResult(-1, $"Zunable to exec qq: {program}: {Errno.Text(pid)} (#4.3.0)");
        return null;
    }

    public override void Fail() => failed = true;

    public override void Put(ReadOnlySpan<byte> bytes)
    {
        if (failed) return;
        try
        {
            message.Put(bytes);
        }
        catch (PosixException)
        {
            failed = true; // the exit code will say why nobody reads
        }
    }

    public override void Put(ReadOnlySpan<char> text)
    {
        if (failed) return;
        try
        {
            message.Put(text);
        }
        catch (PosixException)
        {
            failed = true;
        }
    }

    public override void From(string sender)
    {
        try
        {
            if (!failed) message.Flush();
        }
        catch (PosixException)
        {
            failed = true;
        }
        CloseMessage();
        Record('F', sender);
    }

    public override void To(string recipient) => Record('T', recipient);

    public override QueueResult Close()
    {
        if (messageOpen) failed = true;
        CloseMessage();
        try
        {
            if (!failed)
            {
                envelope.Put(0);
                envelope.Flush();
            }
        }
        catch (PosixException)
        {
            failed = true;
        }
        _ = Files.Close(envelope.Fd);
        int waited = Processes.Wait(Pid, out ExitStatus status);
        string? words = refusal?.Close();
        if (waited < 0) return new QueueResult(-1, "Zqq waitpid surprise (#4.3.0)");
        if (status.Crashed) return new QueueResult(-1, "Zqq crashed (#4.3.0)");
        return status.Code == RefusalPipe.ExitCode && words != null ? new QueueResult(status.Code, words)
            : QueueResult.OfExit(status.Code, !failed);
    }

    private void CloseMessage()
    {
        if (messageOpen) _ = Files.Close(message.Fd);
        messageOpen = false;
    }

    private void Record(char kind, string address)
    {
        if (failed) return;
        if (address.Contains('\0'))
        {
            failed = true; // would be read as two records
            return;
        }
        try
        {
            envelope.Put((byte)kind);
            envelope.Put(address);
            envelope.Put(0);
        }
        catch (PosixException)
        {
            failed = true;
        }
    }
}
