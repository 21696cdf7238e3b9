// Sockets between processes of one machine: a name in a directory, and a kernel that says who is at the other end
// (unix(7)).
using System;
using System.Runtime.InteropServices;

namespace Qmta.Posix;

/// <summary>Who opened the other end of a connection.</summary>
/// <param name="Pid">Its process.</param>
/// <param name="Uid">Its effective uid when it connected.</param>
public readonly record struct PeerProcess(int Pid, uint Uid);

/// <summary>
/// Sockets that keep message boundaries and can carry descriptors (<see cref="DescriptorSocket"/>). A negative result is
/// -errno.
/// </summary>
public static unsafe class LocalSocket
{
    /// <summary>Longest path of a socket, in bytes.</summary>
    public const int LongestPath = 107;

    private const int UnixFamily = 1, SequencedPackets = 5, NonBlocking = 0x800, CloseOnExec = 0x80000;
    private const int SocketLevel = 1, PeerCredentialsOption = 17;

    // struct sockaddr_un: a family of two bytes, then the path.
    private const int AddressRoom = 110;

    private static int Failed => -Marshal.GetLastPInvokeError();

    /// <summary>
    /// Makes a socket that everybody may connect to, in place of what has its name, and returns its non-blocking
    /// descriptor.
    /// </summary>
    /// <param name="path">Its name; -ENAMETOOLONG when it is longer than <see cref="LongestPath"/>.</param>
    /// <param name="backlog">How many connections may wait.</param>
    public static int Listen(string path, int backlog)
    {
        byte* address = stackalloc byte[AddressRoom];
        if (!Encode(path, address, out uint length)) return -Errno.ENAMETOOLONG;
        int removed = Files.Unlink(path);
        if (removed < 0 && removed != -Errno.ENOENT) return removed;
        int fd = Libc.socket(UnixFamily, SequencedPackets | NonBlocking | CloseOnExec, 0);
        if (fd < 0) return Failed;
        int error = Libc.bind(fd, address, length) == 0 ? Files.ChangeMode(path, 0x1B6 /* 0666 */) : Failed;
        if (error >= 0) error = Libc.listen(fd, backlog) == 0 ? 0 : Failed;
        if (error >= 0) return fd;
        _ = Files.Close(fd);
        return error;
    }

    /// <summary>
    /// Connects without waiting: -ECONNREFUSED when nobody listens, -EAGAIN when too many wait. The descriptor blocks.
    /// </summary>
    public static int Connect(string path)
    {
        byte* address = stackalloc byte[AddressRoom];
        if (!Encode(path, address, out uint length)) return -Errno.ENAMETOOLONG;
        int fd = Libc.socket(UnixFamily, SequencedPackets | NonBlocking | CloseOnExec, 0);
        if (fd < 0) return Failed;
        int error = Libc.connect(fd, address, length) == 0 ? Files.SetNonBlocking(fd, false) : Failed;
        if (error >= 0) return fd;
        _ = Files.Close(fd);
        return error;
    }

    /// <summary>Takes a connection that is waiting; -EAGAIN when none is. The descriptor blocks.</summary>
    /// <param name="listening">A descriptor of <see cref="Listen"/>.</param>
    /// <param name="peer">Who connected.</param>
    public static int Accept(int listening, out PeerProcess peer)
    {
        peer = default;
        int fd = Libc.accept4(listening, null, null, CloseOnExec);
        if (fd < 0) return Failed;
        uint* credentials = stackalloc uint[3]; // struct ucred: pid, uid, gid
        uint size = 3 * sizeof(uint);
        if (Libc.getsockopt(fd, SocketLevel, PeerCredentialsOption, credentials, &size) == 0)
        {
            peer = new PeerProcess((int)credentials[0], credentials[1]);
            return fd;
        }
        int error = Failed;
        _ = Files.Close(fd);
        return error;
    }

    private static bool Encode(string path, byte* address, out uint length)
    {
        length = (uint)(sizeof(ushort) + path.Length + 1);
        if (path.Length is 0 or > LongestPath || path.Contains('\0')) return false;
        *(ushort*)address = UnixFamily;
        Text.Latin1.Bytes(path, new Span<byte>(address + sizeof(ushort), path.Length));
        address[length - 1] = 0;
        return true;
    }
}
