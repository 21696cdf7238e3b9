// Filesystems whose journal keeps one order: there, one fsync does for all files and names that were written before.
//
// ext4 and XFS write every change of a name, a length or a place of contents to a single journal, in the order in which
// it was made, and the fsync of a directory waits until the journal has reached that directory's last change. Whatever
// was changed before is on stable storage then, and after a power cut nothing is there without what was changed before
// it. Contents are no part of it: they must have been written out first (Files.WriteOut). POSIX promises none of this;
// where it is not known to hold, the answer is no. docs/decisions/038 has the reasons.
using Qmta.Text;

namespace Qmta.Posix;

/// <summary>Tells whether the fsync of one directory carries everything that was done before it.</summary>
public static class OrderedFilesystem
{
    private const uint Ext4 = 0xEF53, Xfs = 0x58465342; // statfs(2)

    private static Answer? last;

    private sealed record Answer(ulong Device, bool Carries);

    /// <summary>
    /// Whether on the filesystem that <paramref name="fd"/> is open on, the fsync of a directory makes durable all names
    /// made, renamed and removed there before its own last change, and all contents that <see cref="Files.WriteOut"/>
    /// wrote out before it. A file's fsync does the same on most of them, but not with ext4's fast commits.
    /// </summary>
    public static bool Carries(int fd) => Files.Status(fd, out FileStatus status) >= 0 && Carries(fd, status.Device);

    /// <summary>The same for who knows the device already (<see cref="FileStatus.Device"/>).</summary>
    public static bool Carries(int fd, ulong device)
    {
        Answer? known = last;
        if (known?.Device != device) last = known = new(device, IsOrdered(fd, device));
        return known.Carries;
    }

    /// <summary>The same for the filesystem of a directory.</summary>
    public static bool CarriesAt(string directory)
    {
        int fd = Files.Open(directory, OpenMode.Read | OpenMode.Directory);
        bool carries = fd >= 0 && Carries(fd);
        _ = Files.Close(fd);
        return carries;
    }

    private static bool IsOrdered(int fd, ulong device)
    {
        uint kind = Files.FilesystemKind(fd);
        // Without /proc, which ext4's answer needs as well, Files.LinkOpen may not be able to name an open file.
        return (kind == Xfs && Files.Status("/proc/self/fd", out _) >= 0) || (kind == Ext4 && HasJournal(device));
    }

    // ext4 without a journal calls itself the same. The journal in the filesystem itself is inode 8 (EXT4_JOURNAL_INO),
    // and jbd2 names it so; one on another device bears that device's name, and is not ordered with the contents.
    private static bool HasJournal(ulong device)
    {
        string? link = Files.ReadLink("/sys/dev/block/" + (device >> 32).ToString(null, null) + ":" + ((uint)device).ToString(null, null));
        if (link == null) return false;
        string name = link[(link.LastIndexOf('/') + 1)..];
        if (Files.Status("/proc/fs/jbd2/" + name + "-8", out _) < 0) return false;
        byte[]? options = Files.ReadWhole("/proc/fs/ext4/" + name + "/options", 65536, out _);
        return options != null && WritesContentsFirst(Latin1.String(options));
    }

    /// <summary>
    /// Whether ext4's options, one on each line, say that contents which have been written are stable when the journal is:
    /// with data=writeback it may be asynchronous, and then they need not be.
    /// </summary>
    internal static bool WritesContentsFirst(string options)
    {
        options = "\n" + options + "\n";
        return options.Contains("\ndata=ordered\n") || options.Contains("\ndata=journal\n");
    }
}
