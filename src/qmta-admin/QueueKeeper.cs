// Having something done to messages in a queue that a qmta-send may be working on: only that program changes the queue.
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Admin;

/// <summary>
/// Asks the qmta-send that works on the queue; where none does, one is started that does what was asked and ends.
/// </summary>
internal sealed class QueueKeeper
{
    // Milliseconds until a busy qmta-send should have answered, and between two looks.
    private const int Patience = 20_000, Pause = 20;

    private readonly QueueLayout queue;
    private readonly OperatorRequests requests;

    internal QueueKeeper(QueueLayout queue)
    {
        this.queue = queue;
        requests = new OperatorRequests(queue);
    }

    /// <summary>Has one thing done to each message; an answer for each, in their order (see <see cref="OperatorRequests"/>).</summary>
    /// <exception cref="PosixException">The queue may not be changed by this user, or is none.</exception>
    /// <exception cref="FormatException">Nobody did it; the message says why.</exception>
    internal List<(ulong Id, string Answer)> Ask(OperatorVerb verb, IReadOnlyList<ulong> ids)
    {
        List<(ulong, string)> answers = [];
        List<OperatorRequest> batch = [];
        MakeDirectory();
        foreach (ulong id in ids)
        {
            int found = Files.Status(queue.Mess(id), out FileStatus message);
            if (found == -Errno.ENOENT) answers.Add((id, "Dthere is no such message in " + queue.Directory));
            else
            {
                PosixException.Check(found, "unable to look at " + queue.Mess(id));
                batch.Add(new OperatorRequest(verb, id, message.Modified));
            }
            if (batch.Count == OperatorRequests.MostInFile) Send(batch, answers);
        }
        if (batch.Count > 0) Send(batch, answers);
        return answers;
    }

    private void Send(List<OperatorRequest> batch, List<(ulong, string)> answers)
    {
        string name = requests.Write(batch, OwnLikeDirectory);
        string[] lines = WaitForAnswer(name);
        for (int i = 0; i < batch.Count; i++)
            answers.Add((batch[i].Id, i < lines.Length && lines[i].Length > 1 ? lines[i] : "Zqmta-send gave no answer"));
        batch.Clear();
    }

    private string[] WaitForAnswer(string name)
    {
        long end = Clocks.BoottimeMilliseconds + Patience;
        while (true)
        {
            queue.PullTrigger();
            for (int look = 0; look < 25; look++)
            {
                if (requests.TakeAnswer(name) is string[] answer) return answer;
                _ = Poll.Wait([], Pause);
                if (look == 0 && !IsOwned(queue)) DoWithout();
            }
            if (Clocks.BoottimeMilliseconds < end) continue;
            if (requests.Withdraw(name))
                throw new FormatException("the qmta-send that works on " + queue.Directory + " does not answer; nothing was done. "
                    + "Look into its log, or stop it and try again: without it, this works too");
            if (requests.TakeAnswer(name) is string[] late) return late;
            throw new FormatException("qmta-send took the request and did not answer; its log says what happened");
        }
    }

    /// <summary>Whether a program works on the queue.</summary>
    /// <exception cref="PosixException">The queue is none, or not this user's.</exception>
    internal static bool IsOwned(QueueLayout queue)
    {
        int fd = PosixException.Check(Files.Open(queue.SendMutex, OpenMode.Write | OpenMode.NoFollow), "unable to open " + queue.SendMutex);
        bool taken = Files.TryLock(fd) < 0;
        _ = Files.Close(fd);
        return taken;
    }

    private void DoWithout()
    {
        PosixException.Check(Files.Pipe(out int read, out int write), "unable to create a pipe");
        Variables.Set("QUEUEDIR", queue.Directory);
        int pid = Processes.Start(Programs.Find("qmta-send"), ["qmta-send", "--requests"], [new(write, 2)]);
        _ = Files.Close(write);
        try
        {
            PosixException.Check(pid, "unable to start " + Programs.Find("qmta-send"));
            ByteReader log = new(read, "the log of qmta-send");
            while (log.ReadUntil((byte)'\n', 4096, out _) is byte[] line)
            {
                string text = Latin1.String(line);
                if (text.StartsWith("qmta-send: fatal: ")) throw new FormatException(text["qmta-send: fatal: ".Length..]);
                if (text.StartsWith("warning: ") || text.StartsWith("alert: ")) Standard.Error("qmta-send: " + text);
            }
        }
        finally
        {
            _ = Files.Close(read);
            if (pid > 0) _ = Processes.Wait(pid, out _);
        }
    }

    private void MakeDirectory()
    {
        int made = Files.MakeDirectory(requests.Directory, QueueOwners.Private);
        if (made == -Errno.EEXIST) return;
        PosixException.Check(made, "unable to create " + requests.Directory);
        Owned.Like(queue.SendMutex, requests.Directory, QueueOwners.Private);
    }

    private void OwnLikeDirectory(string path) => Owned.Like(requests.Directory, path, 0x180 /* 0600 */);
}
