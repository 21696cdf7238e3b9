// What a file is: statx(2), whose structure has one layout on every architecture.
using System.Runtime.InteropServices;

namespace Qmta.Posix;

/// <summary>The fields of struct statx that qmta looks at.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
public struct FileStatus
{
    [FieldOffset(16)] private readonly uint links;
    [FieldOffset(20)] private readonly uint owner;
    [FieldOffset(24)] private readonly uint group;
    [FieldOffset(28)] private readonly ushort mode;
    [FieldOffset(32)] private readonly ulong inode;
    [FieldOffset(40)] private readonly ulong size;
    [FieldOffset(96)] private readonly long changed;
    [FieldOffset(104)] private readonly uint changedNanoseconds;
    [FieldOffset(112)] private readonly long modified;
    [FieldOffset(136)] private readonly uint deviceMajor;
    [FieldOffset(140)] private readonly uint deviceMinor;

    /// <summary>Number of hard links.</summary>
    public readonly uint Links => links;
    public readonly uint Uid => owner;
    public readonly uint Gid => group;
    /// <summary>Permission bits with set-id and sticky bits (07777).</summary>
    public readonly int Mode => mode & 0xFFF;
    public readonly ulong Inode => inode;
    /// <summary>Size in bytes.</summary>
    public readonly long Size => (long)size;
    /// <summary>Time of the last change of contents, owner, mode or links, seconds since 1970.</summary>
    public readonly long Changed => changed;
    /// <summary>The nanoseconds of <see cref="Changed"/>.</summary>
    public readonly uint ChangedNanoseconds => changedNanoseconds;
    /// <summary>Time of last modification, seconds since 1970.</summary>
    public readonly long Modified => modified;
    /// <summary>Device number of the filesystem, for comparison only.</summary>
    public readonly ulong Device => (ulong)deviceMajor << 32 | deviceMinor;

    public readonly bool IsFile => (mode & 0xF000) == 0x8000;
    public readonly bool IsDirectory => (mode & 0xF000) == 0x4000;
    public readonly bool IsFifo => (mode & 0xF000) == 0x1000;
    public readonly bool IsLink => (mode & 0xF000) == 0xA000;
}
