// Which state of a file was read, so that a change of it is noticed.
namespace Qmta.Posix;

/// <summary>
/// A state of a file; all zero when there is none. The time of change (ctime) counts, in nanoseconds: a file replaced
/// within the second by one of the same size differs, and nobody can set that time back.
/// </summary>
public readonly record struct FileVersion(ulong Device, ulong Inode, long Changed, uint ChangedNanoseconds, long Size)
{
    /// <summary>The state of the file at a path now.</summary>
    public static FileVersion Of(string path)
    {
        _ = Files.Status(path, out FileStatus status);
        return new FileVersion(status.Device, status.Inode, status.Changed, status.ChangedNanoseconds, status.Size);
    }
}
