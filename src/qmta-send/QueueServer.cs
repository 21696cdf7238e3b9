// Listening at lock/submit, and the qmail-queue that takes the messages of those who connect there (QueueWriter).
//
// It is started when somebody comes and leaves when nobody has come for a while: an idle host runs nothing for it. The
// scheduler itself reads nothing of what they bring.
using System;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Send;

internal sealed class QueueServer
{
    // Connections that may wait while qmail-queue starts. Who finds the queue full starts a qmail-queue.
    private const int Backlog = 64;

    // Milliseconds without a service after it failed.
    private const int FailurePause = 60_000;

    private readonly string path;
    private int listening = -1, status = -1;

    /// <param name="queue">The queue.</param>
    /// <param name="listening">The socket of before, negative for none; null when it is to be made.</param>
    internal QueueServer(QueueLayout queue, int? listening = null)
    {
        path = queue.Submit;
        if (listening is int before) this.listening = before;
        else Open();
    }

    /// <summary>Readable when somebody has come; -1 while a qmail-queue takes them, or nobody can come.</summary>
    internal int ListeningFd => status >= 0 ? -1 : listening;

    /// <summary>Readable when the qmail-queue has gone; -1 when there is none.</summary>
    internal int StatusFd => status;

    /// <summary>When to <see cref="Open"/> again, in milliseconds since boot; <see cref="long.MaxValue"/> when that is not planned.</summary>
    internal long OpensAt { get; private set; } = long.MaxValue;

    /// <summary>Makes the socket; without one, everybody starts a qmail-queue.</summary>
    internal void Open()
    {
        OpensAt = long.MaxValue;
        listening = LocalSocket.Listen(path, Backlog);
        if (listening < 0) Log.Line($"warning: unable to listen at {path}: {Errno.Text(listening)}; each message starts a qmail-queue");
    }

    /// <summary>Somebody has come: starts a qmail-queue.</summary>
    internal void Start()
    {
        int error = Files.Pipe(out status, out int theirs);
        if (error >= 0)
        {
            error = Processes.Start(Programs.Find("qmail-queue"), ["qmail-queue", "--serve"],
                [new(listening, 0), new(theirs, 1), new(Log.Descriptor, 2)]);
            _ = Files.Close(theirs);
        }
        if (error < 0) Failed("unable to start qmail-queue: " + Errno.Text(error));
    }

    /// <summary>The qmail-queue has gone, for want of work or by a crash.</summary>
    internal void Ended()
    {
        Span<byte> farewell = stackalloc byte[1];
        if (Files.Read(status, farewell) != 1)
        {
            Failed("qmail-queue ended unexpectedly");
            return;
        }
        _ = Files.Close(status);
        status = -1;
    }

    /// <summary>Nobody can come any more; the qmail-queue finishes what it has.</summary>
    internal void Close()
    {
        if (listening >= 0) _ = Files.Unlink(path);
        _ = Files.Close(listening);
        _ = Files.Close(status);
        listening = status = -1;
    }

    private void Failed(string why)
    {
        Log.Line($"alert: {why}; for a minute, each message starts its own");
        Close();
        OpensAt = Clocks.BoottimeMilliseconds + FailurePause;
    }
}
