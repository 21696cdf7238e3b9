// Handing a message to the queue program ($QMAILQUEUE, usually qmail-queue), the one way mail enters a queue.
using System;
using Qmta.Posix;

namespace Qmta.Queue;

/// <summary>What became of a message handed to the queue program.</summary>
/// <param name="Code">The program's exit code, or -1 when it did not end by itself.</param>
/// <param name="Text">"" when the message is queued; else Z (try again) or D (permanent) and a sentence.</param>
public readonly record struct QueueResult(int Code, string Text)
{
    /// <summary>The message is on stable storage and will be delivered or bounced.</summary>
    public bool Accepted => Text.Length == 0;

    /// <summary>Trying again later will not help.</summary>
    public bool Permanent => Text.Length > 0 && Text[0] == 'D';

    /// <summary>The sentence without its letter.</summary>
    public string Sentence => Text.Length == 0 ? "" : Text[1..];
}

/// <summary>
/// A running queue program: put the message, then the sender, then the recipients, then close. The message goes to
/// its descriptor 0 and the envelope to its descriptor 1 (qmail-queue(8)).
/// </summary>
public sealed class QueueProgram
{
    private readonly ByteWriter message;
    private readonly ByteWriter envelope;
    private bool messageOpen = true;
    private bool failed;

    private QueueProgram(int pid, int messageFd, int envelopeFd, byte[] buffer)
    {
        Pid = pid;
        message = new ByteWriter(messageFd, "message to queue program", buffer);
        // The message is closed before the envelope begins: one buffer serves both.
        envelope = new ByteWriter(envelopeFd, "envelope to queue program", buffer);
    }

    /// <summary>The program's process id, which the log calls qp.</summary>
    public int Pid { get; }

    /// <summary>Starts the program that QMAILQUEUE names, else qmail-queue beside this program or in PATH.</summary>
    /// <param name="result">Why it could not be started, when the return value is null.</param>
    /// <param name="program">A program that comes before QMAILQUEUE.</param>
    /// <param name="environment">Its environment, "NAME=value"; null passes this process's on.</param>
    public static QueueProgram? Start(out QueueResult result, string? program = null,
        System.Collections.Generic.IReadOnlyList<string>? environment = null)
    {
        if (string.IsNullOrEmpty(program)) program = Variables.Get("QMAILQUEUE");
        if (string.IsNullOrEmpty(program)) program = "qmail-queue";
        result = new QueueResult(-1, "Zqq trouble creating pipes (#4.3.0)");
        if (Files.Pipe(out int messageRead, out int messageWrite) < 0) return null;
        if (Files.Pipe(out int envelopeRead, out int envelopeWrite) < 0)
        {
            _ = Files.Close(messageRead);
            _ = Files.Close(messageWrite);
            return null;
        }
        int pid = Processes.Start(Programs.Find(program), [program], [new(messageRead, 0), new(envelopeRead, 1)],
            environment);
        _ = Files.Close(messageRead);
        _ = Files.Close(envelopeRead);
        if (pid >= 0) return new QueueProgram(pid, messageWrite, envelopeWrite, new byte[16384]);
        _ = Files.Close(messageWrite);
        _ = Files.Close(envelopeWrite);
        result = new QueueResult(-1, $"Zunable to exec qq: {program}: {Errno.Text(pid)} (#4.3.0)");
        return null;
    }

    /// <summary>Gives up: the program will see a truncated envelope and queue nothing.</summary>
    public void Fail() => failed = true;

    /// <summary>Adds to the message.</summary>
    public void Put(ReadOnlySpan<byte> bytes)
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

    /// <summary>Adds Latin-1 text to the message.</summary>
    public void Put(ReadOnlySpan<char> text)
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

    /// <summary>Ends the message and begins the envelope with its sender.</summary>
    public void From(string sender)
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

    /// <summary>Adds a recipient.</summary>
    public void To(string recipient) => Record('T', recipient);

    /// <summary>Ends the envelope and waits for the program's verdict. Without <see cref="From"/> before it, nothing is queued.</summary>
    public QueueResult Close()
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
        if (Processes.Wait(Pid, out ExitStatus status) < 0) return new QueueResult(-1, "Zqq waitpid surprise (#4.3.0)");
        if (status.Crashed) return new QueueResult(-1, "Zqq crashed (#4.3.0)");
        // An exit of 0 after a write that failed would mean it accepted what it cannot have read whole.
        if (status.Code == 0) return new QueueResult(0, failed ? "Zqq internal bug (#4.3.0)" : "");
        return new QueueResult(status.Code, Text(status.Code));
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

    // qmail-queue(8), EXIT CODES: 11 to 40 are permanent.
    private static string Text(int code) => code switch
    {
        11 => "Denvelope address too long for qq (#5.1.3)",
        12 => "DQQEH does not hold header fields, or is too long (#5.6.0)",
        31 => "Dmail server permanently rejected message (#5.3.0)",
        32 => "DSPAM or junk mail threshold exceeded (#5.7.1)",
        33 => "DMessage contains virus (#5.7.1)",
        34 => "DMessage contains banned attachment (#5.7.1)",
        51 => "Zqq out of memory (#4.3.0)",
        52 => "Zqq timeout (#4.3.0)",
        53 => "Zqq write error or disk full (#4.3.0)",
        54 => "Zqq read error (#4.3.0)",
        55 => "Zqq unable to read configuration (#4.3.0)",
        56 => "Zqq trouble making network connection (#4.3.0)",
        61 => "Zqq trouble in home directory (#4.3.0)",
        62 => "Zqq trouble in queue directory (#4.3.0)",
        63 or 64 or 65 or 66 => "Zqq trouble creating files in queue (#4.3.0)",
        67 => "Zqq trouble getting uids/gids (#4.3.0)",
        71 => "Zmail server temporarily rejected message (#4.3.0)",
        72 => "Zconnection to mail server timed out (#4.4.1)",
        73 => "Zconnection to mail server rejected (#4.4.1)",
        74 => "Zcommunication with mail server failed (#4.4.2)",
        81 or 91 => "Zqq internal bug (#4.3.0)",
        120 => "Zunable to exec qq (#4.3.0)",
        >= 11 and <= 40 => "Dqq permanent problem (#5.3.0)",
        _ => "Zqq temporary problem (#4.3.0)",
    };
}
