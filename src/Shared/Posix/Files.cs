// Files, directories and descriptors: the system calls of the queue, the mailboxes and the control files.
// Results follow the kernel's convention: a negative number is -errno. Paths are Latin-1 strings: bytes.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Threading;

namespace Qmta.Posix;

/// <summary>How a file is opened (open(2)). Every descriptor is close-on-exec.</summary>
[Flags]
public enum OpenMode
{
    Read = 0, Write = 1, ReadWrite = 2, Create = 0x40, Exclusive = 0x80, Truncate = 0x200, Append = 0x400,
    NonBlocking = 0x800,
    /// <summary>Fail with ELOOP when the last part of the path is a symbolic link; translated by architecture.</summary>
    NoFollow = 1 << 29,
    /// <summary>Fail with ENOTDIR unless it is a directory; translated by architecture.</summary>
    Directory = 1 << 30,
}

/// <summary>System calls on files; a negative result is -errno.</summary>
public static unsafe class Files
{
    private const int CloseOnExec = 0x80000;
    private const int CurrentDirectory = -100;
    private const int NoFollowLinks = 0x100;

    // __O_TMPFILE; O_TMPFILE is this and O_DIRECTORY.
    private const OpenMode Nameless = (OpenMode)0x400000;

    // O_DIRECTORY and O_NOFOLLOW are the two flags whose values differ: arm and arm64 swap them with O_DIRECT and
    // O_LARGEFILE (arch/arm/include/uapi/asm/fcntl.h).
    // Known when the program is compiled: ArmBase stands for arm64, and 32-bit arm is the only 32-bit machine here.
    private static bool IsArm => ArmBase.IsSupported || sizeof(nint) == 4;

    private static int Failed => -Marshal.GetLastPInvokeError();

    /// <summary>Opens a file; returns the descriptor.</summary>
    public static int Open(string path, OpenMode mode, int permissions = 0)
    {
        int flags = (int)(mode & ~(OpenMode.NoFollow | OpenMode.Directory)) | CloseOnExec;
        if ((mode & OpenMode.Directory) != 0) flags |= IsArm ? 0x4000 : 0x10000;
        if ((mode & OpenMode.NoFollow) != 0) flags |= IsArm ? 0x8000 : 0x20000;
        fixed (byte* p = CString.Of(path, stackalloc byte[CString.Inline]))
        {
            int fd;
            do fd = Libc.open64(p, flags, permissions);
            while (fd < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
            return fd < 0 ? Failed : fd;
        }
    }

    /// <summary>
    /// Creates a file without a name, open for writing (open(2), O_TMPFILE), on the filesystem of a directory; returns the
    /// descriptor. <see cref="LinkOpen"/> gives it a name; without one it is gone when it is closed.
    /// </summary>
    public static int OpenNameless(string directory, int permissions) =>
        Open(directory, OpenMode.Write | OpenMode.Directory | Nameless, permissions);

    /// <summary>Closes a descriptor; negative descriptors are ignored.</summary>
    public static int Close(int fd) => fd < 0 || Libc.close(fd) == 0 ? 0 : Failed;

    /// <summary>Reads at most the buffer's length; 0 is the end of the file.</summary>
    public static int Read(int fd, Span<byte> buffer)
    {
        fixed (byte* p = buffer)
        {
            nint n;
            do n = Libc.read(fd, p, buffer.Length);
            while (n < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
            return n < 0 ? Failed : (int)n;
        }
    }

    /// <summary>Writes what the system takes at once; may be less than everything.</summary>
    public static int Write(int fd, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* p = bytes)
        {
            nint n;
            do n = Libc.write(fd, p, bytes.Length);
            while (n < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
            return n < 0 ? Failed : (int)n;
        }
    }

    /// <summary>Writes everything; 0 or -errno.</summary>
    public static int WriteAll(int fd, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            int n = Write(fd, bytes);
            if (n < 0) return n;
            bytes = bytes[n..];
        }
        return 0;
    }

    /// <summary>Reads at a position of the file.</summary>
    public static int ReadAt(int fd, Span<byte> buffer, long offset)
    {
        fixed (byte* p = buffer)
        {
            nint n;
            do n = Libc.pread64(fd, p, buffer.Length, offset);
            while (n < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
            return n < 0 ? Failed : (int)n;
        }
    }

    /// <summary>Writes at a position of the file; may be less than everything.</summary>
    public static int WriteAt(int fd, ReadOnlySpan<byte> bytes, long offset)
    {
        fixed (byte* p = bytes)
        {
            nint n;
            do n = Libc.pwrite64(fd, p, bytes.Length, offset);
            while (n < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
            return n < 0 ? Failed : (int)n;
        }
    }

    /// <summary>The position of a file from its start, in bytes; -errno when it has none.</summary>
    public static long Position(int fd)
    {
        long at = Libc.lseek64(fd, 0, 1);
        return at < 0 ? Failed : at;
    }

    /// <summary>Moves the position of a file: from its start, or from its end when <paramref name="fromEnd"/>.</summary>
    public static long Seek(int fd, long offset, bool fromEnd = false)
    {
        long at = Libc.lseek64(fd, offset, fromEnd ? 2 : 0);
        return at < 0 ? Failed : at;
    }

    public static int Truncate(int fd, long length) => Result(Libc.ftruncate64(fd, length));

    /// <summary>Waits until the file's contents, or a directory's entries, are on stable storage (fsync(2)).</summary>
    public static int Sync(int fd)
    {
        int r;
        do r = Libc.fsync(fd);
        while (r < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        return Result(r);
    }

    /// <summary>Reads an extended attribute of a file (xattr(7)); its length or -errno, -ENODATA when there is none.</summary>
    public static int Attribute(int fd, string name, Span<byte> value)
    {
        fixed (byte* n = CString.Of(name, stackalloc byte[CString.Inline]))
        fixed (byte* v = value)
        {
            nint length = Libc.fgetxattr(fd, n, v, value.Length);
            return length < 0 ? Failed : (int)length;
        }
    }

    /// <summary>Sets an extended attribute of a file.</summary>
    public static int SetAttribute(int fd, string name, ReadOnlySpan<byte> value)
    {
        fixed (byte* n = CString.Of(name, stackalloc byte[CString.Inline]))
        fixed (byte* v = value)
            return Result(Libc.fsetxattr(fd, n, v, value.Length, 0));
    }

    /// <summary>Removes an extended attribute of a file.</summary>
    public static int RemoveAttribute(int fd, string name)
    {
        fixed (byte* n = CString.Of(name, stackalloc byte[CString.Inline]))
            return Result(Libc.fremovexattr(fd, n));
    }

    /// <summary>
    /// Starts writing the file's contents to storage without waiting, so that a Sync of several files waits once. 0 or
    /// -errno: contents for which ext4 finds no place are gone then, and no later sync tells of it.
    /// </summary>
    public static int StartSync(int fd)
    {
        int r = Result(Libc.sync_file_range(fd, 0, 0, 2 /* SYNC_FILE_RANGE_WRITE */));
        return r == -Errno.ENOSYS ? 0 : r;
    }

    /// <summary>
    /// Writes the file's contents to the device and waits until they are there: 0 or -errno. It leaves out what
    /// <see cref="Sync"/> does besides: neither the file's length and places nor its name are durable by it, and the device
    /// may hold the contents in its cache. See <see cref="OrderedFilesystem"/> for what makes them so.
    /// </summary>
    public static int WriteOut(int fd)
    {
        int r;
        do r = Libc.sync_file_range(fd, 0, 0, 7 /* SYNC_FILE_RANGE_WAIT_BEFORE | _WRITE | _WAIT_AFTER */);
        while (r < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        // Emulators and sandboxes may not know the call.
        return r < 0 && Marshal.GetLastPInvokeError() == Errno.ENOSYS ? Sync(fd) : Result(r);
    }

    /// <summary>What a file's filesystem is (statfs(2), f_type); 0 when the system does not say.</summary>
    internal static uint FilesystemKind(int fd)
    {
        // struct statfs: f_type comes first, in 4 bytes or 8 of the same low half.
        byte* status = stackalloc byte[256];
        return Libc.fstatfs64(fd, status) < 0 ? 0 : *(uint*)status;
    }

    /// <summary>Waits until the entries of the directory at <paramref name="path"/> are on stable storage.</summary>
    public static int SyncDirectory(string path)
    {
        int fd = Open(path, OpenMode.Read | OpenMode.Directory);
        if (fd < 0) return fd;
        int r = Sync(fd);
        _ = Close(fd);
        return r;
    }

    public static int Link(string from, string to)
    {
        fixed (byte* f = CString.Of(from, stackalloc byte[CString.Inline]), t = CString.Of(to, stackalloc byte[CString.Inline]))
            return Result(Libc.link(f, t));
    }

    /// <summary>
    /// Gives an open file another name; one of <see cref="OpenNameless"/> its first. -EEXIST when the name is taken.
    /// </summary>
    public static int LinkOpen(int fd, string to)
    {
        byte none = 0;
        fixed (byte* t = CString.Of(to, stackalloc byte[CString.Inline]))
            if (Libc.linkat(fd, &none, CurrentDirectory, t, 0x1000 /* AT_EMPTY_PATH */) == 0) return 0;
        // Before Linux 6.10 only root might.
        return Failed == -Errno.ENOENT ? LinkThroughProc(fd, to) : Failed;
    }

    internal static int LinkThroughProc(int fd, string to)
    {
        fixed (byte* f = CString.Of("/proc/self/fd/" + fd.ToString(null, null), stackalloc byte[CString.Inline]),
            t = CString.Of(to, stackalloc byte[CString.Inline]))
            return Result(Libc.linkat(CurrentDirectory, f, CurrentDirectory, t, 0x400 /* AT_SYMLINK_FOLLOW */));
    }

    public static int Symlink(string target, string path)
    {
        fixed (byte* t = CString.Of(target, stackalloc byte[CString.Inline]), p = CString.Of(path, stackalloc byte[CString.Inline]))
            return Result(Libc.symlink(t, p));
    }

    /// <summary>The target of a symbolic link, or null when it cannot be read.</summary>
    public static string? ReadLink(string path)
    {
        Span<byte> buffer = stackalloc byte[4096];
        fixed (byte* p = CString.Of(path, stackalloc byte[CString.Inline]), b = buffer)
        {
            nint n = Libc.readlink(p, b, buffer.Length);
            return n < 0 ? null : Text.Latin1.String(buffer[..(int)n]);
        }
    }

    public static int Rename(string from, string to)
    {
        fixed (byte* f = CString.Of(from, stackalloc byte[CString.Inline]), t = CString.Of(to, stackalloc byte[CString.Inline]))
            return Result(Libc.rename(f, t));
    }

    /// <summary>
    /// Renames a file, but replaces none: -EEXIST when the new name is taken, -EINVAL or -ENOSYS where this is not known.
    /// </summary>
    public static int RenameNew(string from, string to)
    {
        fixed (byte* f = CString.Of(from, stackalloc byte[CString.Inline]), t = CString.Of(to, stackalloc byte[CString.Inline]))
            return Result(Libc.renameat2(CurrentDirectory, f, CurrentDirectory, t, 1 /* RENAME_NOREPLACE */));
    }

    public static int Unlink(string path)
    {
        fixed (byte* p = CString.Of(path, stackalloc byte[CString.Inline])) return Result(Libc.unlink(p));
    }

    public static int MakeDirectory(string path, int permissions)
    {
        fixed (byte* p = CString.Of(path, stackalloc byte[CString.Inline])) return Result(Libc.mkdir(p, (uint)permissions));
    }

    /// <summary>Removes an empty directory.</summary>
    public static int RemoveDirectory(string path)
    {
        fixed (byte* p = CString.Of(path, stackalloc byte[CString.Inline])) return Result(Libc.rmdir(p));
    }

    public static int MakeFifo(string path, int permissions)
    {
        fixed (byte* p = CString.Of(path, stackalloc byte[CString.Inline])) return Result(Libc.mkfifo(p, (uint)permissions));
    }

    public static int ChangeMode(string path, int permissions)
    {
        fixed (byte* p = CString.Of(path, stackalloc byte[CString.Inline])) return Result(Libc.chmod(p, (uint)permissions));
    }

    public static int ChangeMode(int fd, int permissions) => Result(Libc.fchmod(fd, (uint)permissions));

    public static int ChangeOwner(int fd, uint uid, uint gid) => Result(Libc.fchown(fd, uid, gid));

    public static int ChangeDirectory(string path)
    {
        fixed (byte* p = CString.Of(path, stackalloc byte[CString.Inline])) return Result(Libc.chdir(p));
    }

    /// <summary>Whether this process may execute the file (access(2), X_OK).</summary>
    public static bool IsExecutable(string path)
    {
        fixed (byte* p = CString.Of(path, stackalloc byte[CString.Inline])) return Libc.access(p, 1) == 0;
    }

    /// <summary>What a path names.</summary>
    public static int Status(string path, out FileStatus status, bool followLinks = true)
    {
        status = default;
        fixed (byte* p = CString.Of(path, stackalloc byte[CString.Inline]))
        fixed (FileStatus* s = &status)
            return Result(Libc.statx(CurrentDirectory, p, followLinks ? 0 : NoFollowLinks, 0x7FF, s));
    }

    /// <summary>What a descriptor is open on.</summary>
    public static int Status(int fd, out FileStatus status)
    {
        status = default;
        byte empty = 0;
        fixed (FileStatus* s = &status) return Result(Libc.statx(fd, &empty, 0x1000 /* AT_EMPTY_PATH */, 0x7FF, s));
    }

    /// <summary>Sets the time of last modification (seconds since 1970), and the time of last access to the same.</summary>
    public static int SetModified(string path, long seconds)
    {
        TimeSpec64* times = stackalloc TimeSpec64[2];
        times[0].Seconds = times[1].Seconds = seconds;
        times[0].Nanoseconds = times[1].Nanoseconds = 0;
        fixed (byte* p = CString.Of(path, stackalloc byte[CString.Inline]))
            return Result(Libc.Utimensat(CurrentDirectory, p, times, 0));
    }

    /// <summary>Takes an exclusive lock without waiting (flock(2)); -EAGAIN when another process has it.</summary>
    public static int TryLock(int fd) => Result(Libc.flock(fd, 2 | 4));

    /// <summary>Takes an exclusive lock, waiting until no other process has it (flock(2)).</summary>
    public static int Lock(int fd)
    {
        int r;
        do r = Libc.flock(fd, 2);
        while (r < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        return Result(r);
    }

    /// <summary>Sets the process's umask; returns the old one.</summary>
    public static int Umask(int mask) => (int)Libc.umask((uint)mask);

    /// <summary>A pipe; both ends are close-on-exec.</summary>
    public static int Pipe(out int readEnd, out int writeEnd)
    {
        int* fds = stackalloc int[2];
        int r = Libc.pipe2(fds, CloseOnExec);
        readEnd = fds[0];
        writeEnd = fds[1];
        return Result(r);
    }

    /// <summary>A file without a name that lies in memory and goes with its last descriptor (memfd_create(2)).</summary>
    public static int InMemory()
    {
        byte empty = 0;
        int fd = Libc.memfd_create(&empty, 1 /* MFD_CLOEXEC */);
        return fd < 0 ? Failed : fd;
    }

    /// <summary>A copy of <paramref name="fd"/>, numbered at least <paramref name="atLeast"/>.</summary>
    public static int Duplicate(int fd, int atLeast)
    {
        int r = Libc.fcntl(fd, 1030 /* F_DUPFD_CLOEXEC */, atLeast);
        return r < 0 ? Failed : r;
    }

    /// <summary>Makes <paramref name="to"/> a copy of <paramref name="fd"/> that child programs inherit.</summary>
    public static int DuplicateTo(int fd, int to)
    {
        if (fd == to) return Result(Libc.fcntl(fd, 2 /* F_SETFD */, 0));
        int r = Libc.dup3(fd, to, 0);
        return r < 0 ? Failed : r;
    }

    /// <summary>Turns non-blocking mode of a descriptor on or off.</summary>
    public static int SetNonBlocking(int fd, bool on)
    {
        int flags = Libc.fcntl(fd, 3 /* F_GETFL */, 0);
        if (flags < 0) return Failed;
        const int nonBlocking = (int)OpenMode.NonBlocking;
        return Result(Libc.fcntl(fd, 4 /* F_SETFL */, on ? flags | nonBlocking : flags & ~nonBlocking));
    }

    /// <summary>Whether the descriptor is open at all.</summary>
    public static bool IsOpen(int fd) => Libc.fcntl(fd, 1 /* F_GETFD */, 0) >= 0;

    /// <summary>
    /// Reads a whole small file. The result is null with <paramref name="error"/> set to -errno when that fails, and
    /// -EFBIG when it is longer than <paramref name="limit"/> bytes.
    /// </summary>
    public static byte[]? ReadWhole(string path, int limit, out int error)
    {
        int fd = Open(path, OpenMode.Read);
        if (fd < 0)
        {
            error = fd;
            return null;
        }
        byte[] buffer = GC.AllocateUninitializedArray<byte>(4096);
        int length = 0;
        while (true)
        {
            if (length == buffer.Length) Array.Resize(ref buffer, Math.Min(buffer.Length * 2, limit + 1));
            int n = Read(fd, buffer.AsSpan(length));
            if (n <= 0)
            {
                _ = Close(fd);
                error = n;
                return n < 0 ? null : length == buffer.Length ? buffer : buffer[..length];
            }
            length += n;
            if (length > limit)
            {
                _ = Close(fd);
                error = -Errno.EFBIG;
                return null;
            }
        }
    }

    // Of the last listing that has ended, for the next: a look at the whole queue is fifty listings.
    private static byte[]? listing;

    /// <summary>
    /// The names in a directory, without "." and "..", in the order the filesystem has them, read in pieces so that a
    /// directory of any size costs little memory. Stops early and sets the error on a failure while reading.
    /// </summary>
    /// <exception cref="PosixException">The directory cannot be opened or read.</exception>
    public static IEnumerable<string> List(string path)
    {
        int fd = PosixException.Check(Open(path, OpenMode.Read | OpenMode.Directory), "unable to open directory " + path);
        byte[] buffer = Interlocked.Exchange(ref listing, null) ?? GC.AllocateUninitializedArray<byte>(8192);
        try
        {
            while (true)
            {
                int filled = PosixException.Check(Entries(fd, buffer), "unable to read directory " + path);
                if (filled == 0) yield break;
                // struct linux_dirent64: u64 inode, i64 offset, u16 record length, u8 type, name
                for (int at = 0; at < filled; at += MemoryMarshal.Read<ushort>(buffer.AsSpan(at + 16)))
                {
                    ReadOnlySpan<byte> name = buffer.AsSpan(at + 19);
                    name = name[..name.IndexOf((byte)0)];
                    if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8)) yield return Text.Latin1.String(name);
                }
            }
        }
        finally
        {
            _ = Close(fd);
            listing = buffer;
        }
    }

    /// <summary>Whether there is anything in a directory.</summary>
    /// <exception cref="PosixException">The directory cannot be opened or read.</exception>
    public static bool HasEntries(string path)
    {
        foreach (string _ in List(path)) return true;
        return false;
    }

    private static int Entries(int fd, byte[] buffer)
    {
        fixed (byte* p = buffer)
        {
            nint n = Libc.getdents64(fd, p, buffer.Length);
            return n < 0 ? Failed : (int)n;
        }
    }

    private static int Result(int r) => r < 0 ? Failed : 0;
}
