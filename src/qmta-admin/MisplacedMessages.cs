// Messages whose files are not where the queue's rules put them: a mess file's name is its inode number, and its
// sub-directory follows from that and the split. Copying a queue breaks the first, changing its split the second.
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Admin;

/// <summary>
/// Moves such messages in two passes, because a message's right name may still be another's wrong one: first all their
/// files into the directory "aside", then from there into place. A pass that was interrupted is finished by the next run.
/// </summary>
internal sealed class MisplacedMessages
{
    private static readonly string[] Kinds = ["info", "local", "remote", "bounce", "hold", "intd", "mess", "todo"];

    private readonly QueueLayout queue;
    private readonly QueueOwners owners;
    private readonly Repairs repairs;
    private readonly string aside;

    private MisplacedMessages(QueueLayout queue, QueueOwners owners, Repairs repairs)
    {
        this.repairs = repairs;
        this.queue = queue;
        this.owners = owners;
        aside = queue.Directory + "/aside";
    }

    /// <summary>Puts every file where it belongs and sets owners and modes.</summary>
    /// <exception cref="PosixException">A directory cannot be read or a file not be moved.</exception>
    internal static void Repair(QueueLayout queue, QueueOwners owners, Repairs repairs)
    {
        MisplacedMessages messages = new(queue, owners, repairs);
        messages.SetAside();
        messages.Place();
        foreach (string kind in Kinds) messages.Own(queue.Directory + "/" + kind, kind is "mess" or "hold" or "intd" or "todo" ? 0x1A0 /* 0640 */ : 0x180 /* 0600 */);
    }

    private void SetAside()
    {
        foreach (string directory in Snapshot(queue.Directory + "/mess"))
        {
            if (!QueueLayout.TryParseId(directory, out _)) continue;
            foreach (string name in Snapshot($"{queue.Directory}/mess/{directory}"))
            {
                string path = $"{queue.Directory}/mess/{directory}/{name}";
                repairs.Looked();
                if (!QueueLayout.TryParseId(name, out ulong id) || Files.Status(path, out FileStatus status, false) < 0
                    || !status.IsFile || (status.Inode == id && path == queue.Mess(id)))
                    continue;
                if (!repairs.May($"move message {name} to where its number says: {queue.Mess(status.Inode)}")) continue;
                Make(aside);
                // The other files lie under the old number, flat or in the old split.
                foreach (string kind in Kinds)
                {
                    if (kind == "mess") continue;
                    Move($"{queue.Directory}/{kind}/{directory}/{name}", Aside(kind, status.Inode));
                    Move($"{queue.Directory}/{kind}/{name}", Aside(kind, status.Inode));
                }
                // Last: until then the next run, after an interruption, finds the message and what else is its own.
                Move(path, Aside("mess", status.Inode));
            }
        }
    }

    private void Place()
    {
        if (Files.Status(aside, out _) < 0) return;
        if (repairs.TestOnly)
        {
            _ = repairs.May("finish the moves of an interrupted repair");
            return;
        }
        List<string> names = Snapshot(aside);
        // todo comes last: with it qmta-send sees the message, and then the rest must be there.
        foreach (string kind in Kinds)
            foreach (string name in names)
                if (name.StartsWith(kind + ".") && QueueLayout.TryParseId(name[(kind.Length + 1)..], out ulong id))
                    Move(Aside(kind, id), Target(kind, id));
        PosixException.Check(Files.RemoveDirectory(aside), "unable to remove " + aside);
    }

    private string Aside(string kind, ulong id) => $"{aside}/{kind}.{id}";

    private string Target(string kind, ulong id) => kind switch
    {
        "info" => queue.Info(id),
        "local" => queue.Local(id),
        "remote" => queue.Remote(id),
        "bounce" => queue.Bounce(id),
        "hold" => queue.Hold(id),
        "intd" => queue.Intd(id),
        "todo" => queue.Todo(id),
        _ => queue.Mess(id),
    };

    private static void Move(string from, string to)
    {
        int moved = Files.Rename(from, to);
        if (moved < 0 && moved is not (-Errno.ENOENT or -Errno.ENOTDIR)) PosixException.Check(moved, $"unable to move {from} to {to}");
    }

    private static void Make(string directory)
    {
        int made = Files.MakeDirectory(directory, QueueOwners.Private);
        if (made < 0 && made != -Errno.EEXIST) PosixException.Check(made, "unable to create " + directory);
    }

    private void Own(string directory, int mode)
    {
        foreach (string name in Snapshot(directory))
        {
            string path = directory + "/" + name;
            if (Files.Status(path, out FileStatus status, false) < 0) continue;
            if (status.IsDirectory)
            {
                Own(path, mode);
                continue;
            }
            repairs.Looked();
            if (status.IsFile) Owned.Set(path, owners.Queue, owners.Group, mode, repairs);
        }
    }

    // Renaming while reading a directory may show an entry twice or not at all.
    private static List<string> Snapshot(string directory) => Files.Status(directory, out _) == -Errno.ENOENT ? [] : [.. Files.List(directory)];
}
