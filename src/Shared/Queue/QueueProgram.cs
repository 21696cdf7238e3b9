// Handing a message to the queue program ($QMAILQUEUE, usually qmail-queue), the one way mail enters a queue.
using System;
using System.Collections.Generic;
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

    /// <summary>What an exit code means.</summary>
    /// <param name="complete">Whether everything was handed over, so that 0 can be true.</param>
    internal static QueueResult OfExit(int code, bool complete)
    {
        // An exit of 0 after a write that failed would mean it accepted what it cannot have read whole.
        if (code == 0) return new QueueResult(0, complete ? "" : "Zqq internal bug (#4.3.0)");
        return new QueueResult(code, TextOf(code));
    }

    // qmail-queue(8), EXIT CODES: 11 to 40 are permanent.
    private static string TextOf(int code) => code switch
    {
        11 or 115 => "Denvelope address too long for qq (#5.1.3)",
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

/// <summary>
/// A message on its way to the queue program: put the message, then the sender, then the recipients, then close.
/// </summary>
public abstract class QueueProgram
{
    /// <summary>The process that the log calls qp: the program's, or this one when the program serves others too.</summary>
    public abstract int Pid { get; }

    /// <summary>Gives up: nothing will be queued.</summary>
    public abstract void Fail();

    /// <summary>Adds to the message.</summary>
    public abstract void Put(ReadOnlySpan<byte> bytes);

    /// <summary>Adds Latin-1 text to the message.</summary>
    public abstract void Put(ReadOnlySpan<char> text);

    /// <summary>Ends the message and begins the envelope with its sender.</summary>
    public abstract void From(string sender);

    /// <summary>Adds a recipient.</summary>
    public abstract void To(string recipient);

    /// <summary>Ends the envelope and waits for the verdict. Without <see cref="From"/> before it, nothing is queued.</summary>
    public abstract QueueResult Close();

    /// <summary>The name of the program that is used when neither the caller nor QMAILQUEUE names one.</summary>
    public const string Usual = "qmail-queue";

    /// <summary>
    /// Starts the program that QMAILQUEUE names, else qmail-queue beside this program or in PATH, unless a running
    /// qmta-send takes the message (<see cref="QueueWriter.Connect"/>). The variable may hold arguments, too: a chain
    /// "filter qmail-queue" is a program that runs the next when it has done its own work.
    /// </summary>
    /// <param name="result">Why it could not be started, when the return value is null.</param>
    /// <param name="program">A program that comes before QMAILQUEUE.</param>
    /// <param name="environment">Its environment, "NAME=value"; null passes this process's on.</param>
    public static QueueProgram? Start(out QueueResult result, string? program = null,
        IReadOnlyList<string>? environment = null)
    {
        result = default;
        if (string.IsNullOrEmpty(program) && string.IsNullOrEmpty(Variables.Get("QMAILQUEUE")) && IsAsHere(environment)
            && QueueWriter.Connect(null, environment) is QueueWriter running) return running.Begin();
        return QueueProcess.Start(out result, program, environment);
    }

    // Whether the variables that qmail-queue heeds are in an environment as they are in this process's.
    private static bool IsAsHere(IReadOnlyList<string>? environment)
    {
        if (environment == null) return true;
        foreach (string name in QueueWriters.Heeded)
        {
            string? there = null;
            foreach (string one in environment)
                if (one.StartsWith(name + "=", StringComparison.Ordinal)) there = one[(name.Length + 1)..];
            if (there != Variables.Get(name)) return false;
        }
        return true;
    }
}
