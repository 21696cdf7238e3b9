// queue-fix: makes a directory a queue. Creates what is missing, sets owners and modes, and puts messages back to
// where their numbers say, which copying a queue or changing its split takes them from.
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Admin;

internal sealed class QueueFix
{
    private readonly QueueLayout queue;
    private readonly QueueOwners owners;

    private QueueFix(QueueLayout queue, QueueOwners owners)
    {
        this.queue = queue;
        this.owners = owners;
    }

    /// <summary>Creates or repairs; returns the exit code: 0, 100 when users are missing, 111 when something failed.</summary>
    internal static int Run(QueueLayout queue, string? oneUser)
    {
        try
        {
            if (queue.Directory.Trim('/', '.').Length == 0)
            {
                Standard.Error($"queue-fix: fatal: {queue.Directory} is no place for a queue");
                return 100;
            }
            if (QueueOwners.Determine(oneUser) is not QueueOwners owners) return 100;
            return new QueueFix(queue, owners).Run();
        }
        catch (PosixException failure)
        {
            Standard.Error("queue-fix: fatal: " + failure.Message);
            return 111;
        }
    }

    private int Run()
    {
        CreateParents(queue.Directory);
        Directory(queue.Directory, owners.Passage);
        Directory(queue.Directory + "/lock", owners.Passage);
        using Mutex mutex = new(queue);
        if (!mutex.Taken)
        {
            Standard.Error($"queue-fix: fatal: qmta-send is running on {queue.Directory}; stop it first");
            return 111;
        }
        Own(queue.SendMutex, owners.Queue, 0x180 /* 0600 */);
        File(queue.TcpTo, owners.Remote, 0x1A4 /* 0644 */, 1024);
        Fifo(queue.Trigger);
        Directory(queue.Pid, owners.Staging);
        Directory(queue.Directory + "/lock/requests", QueueOwners.Private);
        Directory(queue.Directory + "/hold", QueueOwners.Private);
        Directory(queue.Directory + "/bounce", QueueOwners.Private);
        Directory(queue.Directory + "/defer", QueueOwners.Private);
        foreach (string kind in (ReadOnlySpan<string>)["todo", "intd"])
        {
            Directory($"{queue.Directory}/{kind}", owners.Staging);
            if (queue.BigTodo) SubDirectories(kind, owners.Staging);
        }
        foreach (string kind in (ReadOnlySpan<string>)["info", "local", "remote", "mess"])
        {
            int mode = kind == "mess" ? owners.Passage : QueueOwners.Private;
            Directory($"{queue.Directory}/{kind}", mode);
            SubDirectories(kind, mode);
        }
        MisplacedMessages.Repair(queue, owners);
        foreach (string kind in (ReadOnlySpan<string>)["", "/lock", "/mess", "/todo"])
            PosixException.Check(Files.SyncDirectory(queue.Directory + kind), "unable to sync " + queue.Directory + kind);
        return 0;
    }

    private void SubDirectories(string kind, int mode)
    {
        for (int n = 0; n < queue.Split; n++) Directory($"{queue.Directory}/{kind}/{n}", mode);
    }

    // The directories above the queue belong to whoever creates them and are ordinary ones.
    private static void CreateParents(string path)
    {
        for (int slash = path.IndexOf('/', 1); slash > 0; slash = path.IndexOf('/', slash + 1))
        {
            int made = Files.MakeDirectory(path[..slash], 0x1ED /* 0755 */);
            if (made < 0 && made != -Errno.EEXIST && made != -Errno.EROFS) PosixException.Check(made, "unable to create " + path[..slash]);
        }
    }

    private void Directory(string path, int mode)
    {
        int made = Files.MakeDirectory(path, mode);
        if (made < 0 && made != -Errno.EEXIST) PosixException.Check(made, "unable to create " + path);
        PosixException.Check(Files.Status(path, out FileStatus status, followLinks: false), "unable to look at " + path);
        if (!status.IsDirectory) throw new PosixException(Errno.ENOTDIR, "unable to use " + path);
        Own(path, owners.Queue, mode);
    }

    private void File(string path, uint owner, int mode, int size)
    {
        int fd = PosixException.Check(Files.Open(path, OpenMode.ReadWrite | OpenMode.Create | OpenMode.NoFollow, mode), "unable to create " + path);
        PosixException.Check(Files.Status(fd, out FileStatus status), "unable to look at " + path);
        if (status.Size < size) PosixException.Check(Files.WriteAll(fd, new byte[size]), "unable to write " + path);
        _ = Files.Close(fd);
        Own(path, owner, mode);
    }

    private void Fifo(string path)
    {
        // Something else under the trigger's name would keep every message waiting for the next full scan.
        if (Files.Status(path, out FileStatus status, followLinks: false) == 0 && !status.IsFifo)
            PosixException.Check(Files.Unlink(path), "unable to remove " + path);
        int made = Files.MakeFifo(path, 0x192 /* 0622 */);
        if (made < 0 && made != -Errno.EEXIST) PosixException.Check(made, "unable to create " + path);
        Own(path, owners.Queue, 0x192);
    }

    private void Own(string path, uint owner, int mode) => Owned.Set(path, owner, owners.Group, mode);

    /// <summary>The lock that says that no qmta-send works on the queue meanwhile.</summary>
    private readonly ref struct Mutex
    {
        private readonly int fd;

        internal Mutex(QueueLayout queue)
        {
            fd = PosixException.Check(Files.Open(queue.SendMutex, OpenMode.Write | OpenMode.Create | OpenMode.NoFollow, 0x180),
                "unable to open " + queue.SendMutex);
            Taken = Files.TryLock(fd) == 0;
        }

        internal bool Taken { get; }

        public void Dispose() => _ = Files.Close(fd);
    }
}
