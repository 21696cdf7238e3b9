// A file that is being written and has no place in the queue yet: nobody sees it before it is whole.
using System.Globalization;
using System.Threading;
using Qmta.Posix;

namespace Qmta.Enqueue;

/// <summary>
/// A new file, open for writing: without a name (open(2), O_TMPFILE), so that nothing is left of it when this process or the
/// power is gone; or, for filesystems that may not know that, with one that says nothing.
/// </summary>
internal sealed class StagedFile
{
    private const int Permissions = 0x1A0; // 0640

    private static int number;

    private string? name;

    private StagedFile(int fd, string? name)
    {
        Fd = fd;
        this.name = name;
    }

    internal int Fd { get; }

    /// <summary>Its inode number; null when the system does not say.</summary>
    internal ulong? Inode => Files.Status(Fd, out FileStatus status) < 0 ? null : status.Inode;

    /// <summary>Creates one; null when that fails.</summary>
    /// <param name="directory">On the filesystem where it is to stay; the place of those with names.</param>
    internal static StagedFile? Create(string directory, bool named)
    {
        string? name = null;
        int fd;
        do
        {
            if (named) name = NewName(directory);
            fd = name == null ? Files.OpenNameless(directory, Permissions)
                : Files.Open(name, OpenMode.Write | OpenMode.Create | OpenMode.Exclusive, Permissions);
        }
        while (fd == -Errno.EEXIST);
        if (fd < 0) return null;
        // Tells the clean-up that somebody is at work, whatever the clock says about the file's age.
        _ = Files.TryLock(fd);
        return new StagedFile(fd, name);
    }

    // No other process has it now, and none had it lately.
    private static string NewName(string directory) => directory + "/" + Processes.Id.ToString(CultureInfo.InvariantCulture)
        + "." + Clocks.RealtimeMicroseconds.ToString(CultureInfo.InvariantCulture)
        + "." + Interlocked.Increment(ref number).ToString(CultureInfo.InvariantCulture);

    /// <summary>Gives it a place, where nothing may be yet: 0 or -errno.</summary>
    internal int Place(string path)
    {
        if (name == null) return Files.LinkOpen(Fd, path);
        int linked = Files.Link(name, path);
        if (linked >= 0) RemoveName();
        return linked;
    }

    /// <summary>Closes it. Without a place it is gone then.</summary>
    internal void Close()
    {
        RemoveName();
        _ = Files.Close(Fd);
    }

    private void RemoveName()
    {
        if (name != null) _ = Files.Unlink(name);
        name = null;
    }
}
