// The message file of a delivery command, opened by the root helper: only what the queue's owner put there.
using Qmta.Posix;

namespace Qmta.Local;

/// <summary>Opens message files of a queue.</summary>
internal sealed class QueuedMessage
{
    private readonly string queueDirectory;
    private readonly bool root;
    private uint? queueOwner;

    internal QueuedMessage(string queueDirectory, bool root)
    {
        this.queueDirectory = queueDirectory;
        this.root = root;
    }

    /// <summary>Opens one for reading; -1 with the report of the failed delivery when that is not possible.</summary>
    /// <param name="name">Its path below mess.</param>
    /// <param name="size">Its length in bytes.</param>
    internal int Open(string name, out long size, out string trouble)
    {
        size = 0;
        string path = queueDirectory + "/mess/" + name;
        int fd = Files.Open(path, OpenMode.Read | OpenMode.NonBlocking | OpenMode.NoFollow);
        trouble = "";
        if (fd < 0) trouble = "ZUnable to open message " + path + ": " + Errno.Text(fd) + ". (#4.3.0)\n";
        else if (Files.Status(fd, out FileStatus status) is int r and < 0)
            trouble = "ZUnable to fstat message " + path + ": " + Errno.Text(r) + ". (#4.3.0)\n";
        else if (!status.IsFile) trouble = "ZSorry, message has wrong type. (#4.3.5)\n";
        else if (!IsQueueOwner(status.Uid, out string why)) trouble = why;
        else size = status.Size;
        if (trouble.Length == 0) return fd;
        _ = Files.Close(fd);
        return -1;
    }

    // What anybody but the queue's owner put there is no message that the queue accepted.
    private bool IsQueueOwner(uint owner, out string trouble)
    {
        trouble = "ZSorry, message has wrong owner. (#4.3.5)\n";
        if (!root) return owner == Users.EffectiveUid;
        try
        {
            queueOwner ??= Users.ByName("qmailq")?.Uid;
        }
        catch (PosixException failure)
        {
            trouble = "ZTemporary failure in qmail-lspawn: " + failure.Message + ". (#4.3.0)\n";
            return false;
        }
        if (queueOwner == null) trouble = "ZUnable to find user qmailq! (#4.3.5)\n";
        return owner == queueOwner;
    }
}
