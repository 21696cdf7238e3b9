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
    private readonly Repairs repairs;
    private readonly bool rates;

    private QueueFix(QueueLayout queue, QueueOwners owners, Repairs repairs, bool rates)
    {
        this.queue = queue;
        this.owners = owners;
        this.repairs = repairs;
        this.rates = rates;
    }

    /// <summary>Creates or repairs; returns the exit code: 0, 100 when users are missing, 111 when something failed.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="oneUser">As root: whose alone it is; null for the mail system's users.</param>
    /// <param name="repairs">What may be changed.</param>
    /// <param name="rates">Whether it gets a directory for rates.</param>
    internal static int Run(QueueLayout queue, string? oneUser, Repairs repairs, bool rates)
    {
        try
        {
            if (queue.Directory.Trim('/', '.').Length == 0)
            {
                Standard.Error($"queue-fix: fatal: {queue.Directory} is no place for a queue");
                return 100;
            }
            if (QueueOwners.Determine(oneUser) is not QueueOwners owners) return 100;
            int code = new QueueFix(queue, owners, repairs, rates).Run();
            if (code == 0) repairs.Conclude(queue.Directory);
            return code == 0 && repairs is { TestOnly: true, Changes: > 0 } ? 1 : code;
        }
        catch (PosixException failure)
        {
            Standard.Error("queue-fix: fatal: " + failure.Message);
            return 111;
        }
    }

    private int Run()
    {
        if (Files.Status(queue.Directory, out _) == -Errno.ENOENT)
        {
            if (!repairs.May("create the queue " + queue.Directory)) return repairs.TestOnly ? 0 : 111;
            CreateParents(queue.Directory);
        }
        Directory(queue.Directory, owners.Entrance);
        Directory(queue.Directory + "/lock", owners.Entrance);
        // A test does not even make the lock file; then nobody can have it.
        if (repairs.TestOnly && Files.Status(queue.SendMutex, out _) == -Errno.ENOENT) _ = repairs.May("create " + queue.SendMutex);
        using Mutex mutex = new(queue, create: !repairs.TestOnly);
        if (!mutex.Taken)
        {
            Standard.Error($"queue-fix: fatal: qmta-send is running on {queue.Directory}; stop it first");
            return 111;
        }
        if (Files.Status(queue.SendMutex, out _) == 0) Own(queue.SendMutex, owners.Queue, 0x180 /* 0600 */);
        File(queue.TcpTo, owners.Remote, 0x1A0 /* 0640 */, 1024);
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
        if (rates) Directory(queue.Directory + "/ratelimit", QueueOwners.Private);
        MisplacedMessages.Repair(queue, owners, repairs);
        if (repairs.TestOnly) return 0;
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
        repairs.Looked();
        if (Files.Status(path, out _, followLinks: false) == -Errno.ENOENT)
        {
            if (!repairs.May("create " + path)) return;
            int made = Files.MakeDirectory(path, mode);
            if (made < 0 && made != -Errno.EEXIST) PosixException.Check(made, "unable to create " + path);
        }
        PosixException.Check(Files.Status(path, out FileStatus status, followLinks: false), "unable to look at " + path);
        if (!status.IsDirectory) throw new PosixException(Errno.ENOTDIR, "unable to use " + path);
        Own(path, owners.Queue, mode);
    }

    private void File(string path, uint owner, int mode, int size)
    {
        repairs.Looked();
        int found = Files.Status(path, out FileStatus before, followLinks: false);
        if (found == -Errno.ENOENT || (found == 0 && before.Size < size))
        {
            if (!repairs.May((found < 0 ? "create " : "fill ") + path)) return;
        }
        else if (repairs.TestOnly)
        {
            Own(path, owner, mode);
            return;
        }
        int fd = PosixException.Check(Files.Open(path, OpenMode.ReadWrite | OpenMode.Create | OpenMode.NoFollow, mode), "unable to create " + path);
        PosixException.Check(Files.Status(fd, out FileStatus status), "unable to look at " + path);
        if (status.Size < size) PosixException.Check(Files.WriteAll(fd, new byte[size]), "unable to write " + path);
        _ = Files.Close(fd);
        Own(path, owner, mode);
    }

    // qmail's is 0622 in a directory that others cannot enter.
    private const int TriggerMode = 0x190 /* 0620 */;

    private void Fifo(string path)
    {
        repairs.Looked();
        int found = Files.Status(path, out FileStatus before, followLinks: false);
        if ((found == -Errno.ENOENT || (found == 0 && !before.IsFifo)) && !repairs.May("make the FIFO " + path)) return;
        // Something else under the trigger's name would keep every message waiting for the next full scan.
        if (Files.Status(path, out FileStatus status, followLinks: false) == 0 && !status.IsFifo)
            PosixException.Check(Files.Unlink(path), "unable to remove " + path);
        int made = Files.MakeFifo(path, TriggerMode);
        if (made < 0 && made != -Errno.EEXIST) PosixException.Check(made, "unable to create " + path);
        Own(path, owners.Queue, TriggerMode);
    }

    private void Own(string path, uint owner, int mode) => Owned.Set(path, owner, owners.Group, mode, repairs);

    /// <summary>The lock that says that no qmta-send works on the queue meanwhile.</summary>
    private readonly ref struct Mutex
    {
        private readonly int fd;

        internal Mutex(QueueLayout queue, bool create)
        {
            fd = Files.Open(queue.SendMutex, OpenMode.Write | (create ? OpenMode.Create : 0) | OpenMode.NoFollow, 0x180);
            if (!create && fd == -Errno.ENOENT) Taken = true;
            else
            {
                PosixException.Check(fd, "unable to open " + queue.SendMutex);
                Taken = Files.TryLock(fd) == 0;
            }
        }

        internal bool Taken { get; }

        public void Dispose() => _ = Files.Close(fd);
    }
}
