// Taking files out of the queue: those of finished messages, and those that a crash left behind (queue(5)).
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Send;

/// <summary>Removes files, by itself or through qmail-clean (-c).</summary>
internal sealed class Cleaner
{
    /// <summary>Seconds between two searches for what crashes left behind; qmail's own interval.</summary>
    internal const int Interval = 76431;

    private const int CrashedWritersAge = 129600;

    private readonly QueueLayout queue;
    private readonly int orphanAge;
    private readonly Queue<string> toSearch = new();
    private int requestFd = -1, replyFd = -1;

    /// <summary>Which files can be there.</summary>
    internal Leftovers Leftovers { get; } = new();

    internal Cleaner(QueueLayout queue)
    {
        this.queue = queue;
        // qmail-queue gives up after 24 hours: what is 36 hours old has nobody left who would finish it.
        orphanAge = int.TryParse(Variables.Get("OSSIFIED"), NumberStyles.None, CultureInfo.InvariantCulture, out int seconds)
            && seconds > 86400 ? seconds : CrashedWritersAge;
    }

    /// <summary>Lets the qmail-clean program in PATH do the removing from now on; false after saying why it cannot.</summary>
    internal bool UseProgram()
    {
        int error = Files.Pipe(out int requestRead, out requestFd);
        int replyWrite = -1;
        if (error >= 0) error = Files.Pipe(out replyFd, out replyWrite);
        if (error >= 0) error = StartProgram(requestRead, replyWrite);
        if (error < 0) Log.Line("alert: unable to start qmail-clean: " + Errno.Text(error));
        return error >= 0;
    }

    /// <summary>Whether a program does the removing.</summary>
    internal bool UsesProgram => requestFd >= 0;

    /// <summary>
    /// Takes a message out of todo: intd/N first, so that a crash between the two leaves a legal state. False after saying
    /// that it is still there.
    /// </summary>
    internal bool RemoveTodo(ulong id) => requestFd >= 0 ? Request($"todo/{id}") : Remove(queue.Intd(id)) && Remove(queue.Todo(id));

    /// <summary>Removes the message itself, when nothing else of it is left.</summary>
    internal void RemoveMessage(ulong id)
    {
        Leftovers.RemoveNotes(queue, id);
        _ = requestFd >= 0 ? Request($"foop/{id}") : Remove(queue.Mess(id));
    }

    /// <summary>Removes a file that may have gone already; false after saying that it is still there.</summary>
    internal static bool Remove(string path)
    {
        int removed = Files.Unlink(path);
        if (removed >= 0 || removed == -Errno.ENOENT) return true;
        Log.Line($"warning: unable to remove {path}: {Errno.Text(removed)}; will try again later");
        return false;
    }

    /// <summary>Begins a search for orphans; <see cref="SearchSome"/> does it piece by piece.</summary>
    internal void BeginSearch()
    {
        toSearch.Clear();
        toSearch.Enqueue(queue.Pid);
        for (int n = 0; n < queue.Split; n++) toSearch.Enqueue($"{queue.Directory}/mess/{n}");
        if (!queue.BigTodo) toSearch.Enqueue(queue.Directory + "/intd");
        else
            for (int n = 0; n < queue.Split; n++) toSearch.Enqueue($"{queue.Directory}/intd/{n}");
    }

    /// <summary>
    /// Gives a search up: the clock jumped forward, and the files of a qmail-queue at work look older than they are.
    /// Returns the seconds after which age tells again.
    /// </summary>
    internal int GiveUpSearch()
    {
        toSearch.Clear();
        return orphanAge;
    }

    /// <summary>Whether a search is under way.</summary>
    internal bool Searching => toSearch.Count > 0;

    /// <summary>Searches one directory and removes what crashed writers left there.</summary>
    /// <param name="now">Seconds since 1970.</param>
    internal void SearchSome(long now)
    {
        if (!toSearch.TryDequeue(out string? directory)) return;
        try
        {
            foreach (string name in (List<string>)[.. Files.List(directory)])
                if (directory == queue.Pid) RemovePid(directory + "/" + name, now);
                else if (!QueueLayout.TryParseId(name, out ulong id)) continue;
                else if (directory == QueueLayout.DirectoryOf(queue.Intd(id))) RemoveEnvelope(id, directory + "/" + name, now);
                else RemoveIfOrphan(id, directory + "/" + name, now);
        }
        catch (PosixException failure)
        {
            Log.Line("warning: " + failure.Message);
        }
    }

    /// <summary>Removes what crashed writers left before their message had a number.</summary>
    /// <param name="now">Seconds since 1970.</param>
    internal void SearchStaging(long now)
    {
        toSearch.Clear();
        toSearch.Enqueue(queue.Pid);
        SearchSome(now);
    }

    private void RemovePid(string path, long now)
    {
        if (IsAbandoned(path, now, out int fd)) _ = Remove(path);
        _ = Files.Close(fd);
    }

    private void RemoveIfOrphan(ulong id, string path, long now)
    {
        // Under another split's directory its info and todo may be elsewhere too: queue-fix puts it in place.
        if (path != queue.Mess(id)) return;
        if (IsAbandoned(path, now, out int fd)
            && Files.Status(queue.Todo(id), out _) == -Errno.ENOENT && Files.Status(queue.Info(id), out _) == -Errno.ENOENT)
        {
            Log.Line($"info: removing message {id}, which was never completely queued");
            // A power cut may have left the others of a message that was done with. They must not become another one's.
            DeferralNotes.Remove(queue, id);
            _ = Remove(queue.Bounce(id)) && Remove(queue.Local(id)) && Remove(queue.Remote(id)) && Remove(queue.Intd(id)) && Remove(path);
        }
        _ = Files.Close(fd);
    }

    // An envelope without its message: after a power cut on a filesystem that keeps no order between directories.
    private void RemoveEnvelope(ulong id, string path, long now)
    {
        if (IsAbandoned(path, now, out int fd)
            && Files.Status(queue.Todo(id), out _) == -Errno.ENOENT && Files.Status(queue.Mess(id), out _) == -Errno.ENOENT) _ = Remove(path);
        _ = Files.Close(fd);
    }

    /// <summary>Whether a file is old and nobody holds it. While <paramref name="fd"/> is open, that stays so.</summary>
    private bool IsAbandoned(string path, long now, out int fd)
    {
        fd = -1;
        if (Files.Status(path, out FileStatus status, followLinks: false) < 0 || !status.IsFile || status.Modified + orphanAge > now) return false;
        // Age alone would be wrong after the clock jumped; our qmail-queue holds a lock on what it writes.
        fd = Files.Open(path, OpenMode.Read | OpenMode.NoFollow);
        return fd >= 0 && Files.TryLock(fd) >= 0;
    }

    private static int StartProgram(int requestRead, int replyWrite)
    {
        int pid = Processes.Start(Programs.FindInPath("qmail-clean") ?? Programs.Find("qmail-clean"), ["qmail-clean"],
            [new(requestRead, 0), new(replyWrite, 1)]);
        _ = Files.Close(requestRead);
        _ = Files.Close(replyWrite);
        return pid;
    }

    private bool Request(string request)
    {
        Span<byte> reply = stackalloc byte[1];
        if (Files.WriteAll(requestFd, Latin1.Bytes(request + "\0")) >= 0 && Files.Read(replyFd, reply) == 1)
        {
            if (reply[0] != '+') Log.Line($"warning: qmail-clean unable to clean up {request}; will try again later");
            return reply[0] == '+';
        }
        Log.Line("alert: lost connection to qmail-clean; removing files without it from now on");
        _ = Files.Close(requestFd);
        _ = Files.Close(replyFd);
        requestFd = -1;
        return false;
    }
}
