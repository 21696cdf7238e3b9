// "Try everything again now": what sendmail -q and the operator ask for, whether or not a daemon works on the queue.
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Queue;

/// <summary>Makes every message of a queue due.</summary>
public static class QueueRetry
{
    // A daemon that holds the queue's lock reads its signals a moment later.
    private const int Patience = 5000;

    /// <summary>
    /// Tells the process that works on the queue to try everything now, as SIGALRM does; returns its id. Without one,
    /// makes every message due for whoever works on the queue next, and returns 0.
    /// </summary>
    /// <exception cref="PosixException">The queue cannot be read or changed, or the process may not be signalled.</exception>
    public static int Begin(QueueLayout queue)
    {
        PosixException.Check(Files.Status(queue.SendMutex, out FileStatus mutex), "unable to look at " + queue.SendMutex);
        ForgetTimeouts(queue);
        long end = Clocks.BoottimeMilliseconds + Patience;
        while (Holder(mutex) is int pid and > 0)
        {
            // One that does not expect the signal would be ended by it.
            if (Expects(pid, Signals.ALRM))
            {
                int sent = Processes.Kill(pid, Signals.ALRM);
                if (sent == 0) return pid;
                if (sent != -Errno.ESRCH) throw new PosixException(sent, "unable to signal qmta-send, process " + pid);
            }
            if (Clocks.BoottimeMilliseconds > end)
                throw new PosixException(Errno.EAGAIN, "unable to signal process " + pid + ", which holds " + queue.SendMutex);
            _ = Poll.Wait([], 10);
        }
        MakeDue(queue);
        return 0;
    }

    // Hosts that could not be reached a moment ago would be left out (qmail-tcpok(8)).
    private static void ForgetTimeouts(QueueLayout queue)
    {
        try
        {
            new TcpTimeouts(queue.TcpTo).Clear();
        }
        catch (PosixException)
        {
            // The table is the remote helper's; who may only signal qmta-send leaves it.
        }
    }

    /// <summary>The process that has a lock on the queue's sendmutex, as /proc/locks shows it; 0 for none.</summary>
    /// <exception cref="PosixException">/proc/locks cannot be read.</exception>
    private static int Holder(FileStatus mutex)
    {
        byte[]? locks = Files.ReadWhole("/proc/locks", 16 << 20, out int error);
        if (locks == null) throw new PosixException(error, "unable to read /proc/locks");
        return HolderIn(Latin1.String(locks), mutex.Inode, mutex.Device, IsScheduler);
    }

    /// <summary>
    /// Reads lines such as "1: FLOCK  ADVISORY  WRITE 20989 fe:00:5308420 0 EOF" (proc_locks(5)).
    /// </summary>
    /// <param name="text">The lines.</param>
    /// <param name="inode">The locked file's inode.</param>
    /// <param name="device">Its device.</param>
    /// <param name="isScheduler">
    /// Asked about a process where only the inode fits: some filesystems have another device number there.
    /// </param>
    public static int HolderIn(string text, ulong inode, ulong device, Func<int, bool> isScheduler)
    {
        string name = inode.ToString(CultureInfo.InvariantCulture);
        foreach (string line in text.Split('\n'))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            // Those who wait for a lock have "->" after the number.
            if (words.Length < 6 || words[1] == "->" || !int.TryParse(words[4], out int pid) || pid <= 0) continue;
            string[] file = words[5].Split(':');
            if (file.Length != 3 || file[2] != name) continue;
            bool same = uint.TryParse(file[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out uint major)
                && uint.TryParse(file[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out uint minor)
                && device == ((ulong)major << 32 | minor);
            if (same || isScheduler(pid)) return pid;
        }
        return 0;
    }

    private static bool IsScheduler(int pid) =>
        Files.ReadWhole("/proc/" + pid + "/comm", 64, out _) is byte[] name && Latin1.String(name).TrimEnd('\n') is "qmta-send" or "qmail-send";

    // Whether a process blocks the signal, to read it from a descriptor, or catches it (proc_pid_status(5)).
    private static bool Expects(int pid, int signal)
    {
        byte[]? status = Files.ReadWhole("/proc/" + pid + "/status", 65536, out _);
        if (status == null) return false;
        foreach (string line in Latin1.String(status).Split('\n'))
            if ((line.StartsWith("SigBlk:\t") || line.StartsWith("SigCgt:\t"))
                && ulong.TryParse(line.AsSpan(8), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong mask)
                && (mask >> signal - 1 & 1) != 0) return true;
        return false;
    }

    // The time of modification of a message's local or remote file is its next attempt (queue(5)).
    private static void MakeDue(QueueLayout queue)
    {
        long now = Clocks.Realtime;
        foreach (string kind in (ReadOnlySpan<string>)["local", "remote"])
            for (int n = 0; n < queue.Split; n++)
            {
                string directory = queue.Directory + "/" + kind + "/" + n;
                foreach (string name in Names(directory))
                {
                    string path = directory + "/" + name;
                    int set = Files.SetModified(path, now);
                    if (set < 0 && set != -Errno.ENOENT) throw new PosixException(set, "unable to set the time of " + path);
                }
            }
    }

    // All at once: the directory is not to change under the reader.
    private static List<string> Names(string directory)
    {
        List<string> names = [];
        foreach (string name in Files.List(directory))
            if (QueueLayout.TryParseId(name, out _)) names.Add(name);
        return names;
    }
}
