// The server's side of TCP: listening, accepting, and who is at the other end of a descriptor one was started with.
using System;
using System.Runtime.InteropServices;

namespace Qmta.Posix;

/// <summary>One end of a TCP connection.</summary>
/// <param name="Address">The address; one of IPv4 that came as ::ffff:192.0.2.1 is an IPv4 address here.</param>
public readonly record struct TcpEnd(IpAddress Address, int Port);

/// <summary>Sockets that wait for connections. Results follow the kernel's convention: a negative number is -errno.</summary>
public static unsafe class ServerSockets
{
    private const int FamilyV4 = 2, FamilyV6 = 10, Stream = 1, NonBlocking = 0x800, CloseOnExec = 0x80000;
    private const int SocketLevel = 1, ReuseAddress = 2, AcceptsConnections = 30, TypeOption = 3;
    private const int TcpLevel = 6, NoDelayOption = 1, Ipv6Level = 41, OnlyV6 = 26;

    // SO_RCVTIMEO with a struct timeval of two 64-bit numbers on every architecture (Linux 5.1).
    private const int ReceiveTimeout = 66;

    private static int Failed => -Marshal.GetLastPInvokeError();

    /// <summary>
    /// Listens, and returns the non-blocking descriptor. The address :: stands for every address of both versions.
    /// </summary>
    /// <param name="backlog">How many connections the kernel may complete before they are accepted.</param>
    public static int Listen(IpAddress address, int port, int backlog)
    {
        int fd = Libc.socket(address.IsV6 ? FamilyV6 : FamilyV4, Stream | NonBlocking | CloseOnExec, 0);
        if (fd < 0) return Failed;
        int on = 1, both = 0;
        _ = Libc.setsockopt(fd, SocketLevel, ReuseAddress, &on, sizeof(int));
        if (address.IsV6) _ = Libc.setsockopt(fd, Ipv6Level, OnlyV6, &both, sizeof(int));
        byte* bytes = stackalloc byte[Sockets.AddressRoom];
        uint length = Sockets.Encode(address, port, new Span<byte>(bytes, Sockets.AddressRoom));
        if (Libc.bind(fd, bytes, length) == 0 && Libc.listen(fd, backlog) == 0) return fd;
        int error = Failed;
        _ = Files.Close(fd);
        return error;
    }

    /// <summary>Takes a connection that is waiting, and prepares it; -EAGAIN when none is.</summary>
    public static int Accept(int listening, out TcpEnd peer)
    {
        byte* bytes = stackalloc byte[Sockets.AddressRoom];
        uint length = Sockets.AddressRoom;
        peer = default;
        int fd = Libc.accept4(listening, bytes, &length, CloseOnExec);
        if (fd < 0) return Failed;
        Prepare(fd);
        _ = Decode(bytes, length, out peer);
        return fd;
    }

    /// <summary>How long a read of a prepared connection waits for something, in milliseconds.</summary>
    public const int ReadMilliseconds = 100;

    /// <summary>
    /// Prepares a connection: small writes leave at once, and a read waits a moment (<see cref="ReadMilliseconds"/>), so
    /// that one system call does what poll and read do in two.
    /// </summary>
    public static void Prepare(int fd)
    {
        int on = 1;
        _ = Libc.setsockopt(fd, TcpLevel, NoDelayOption, &on, sizeof(int));
        // Without a limit a read might never end; then it must not wait at all.
        if (LimitReads(fd, ReadMilliseconds) < 0) _ = Files.SetNonBlocking(fd, true);
    }

    /// <summary>Has reads of a socket fail with -EAGAIN when nothing came for so long; 0 or -errno.</summary>
    public static int LimitReads(int fd, int milliseconds)
    {
        long* time = stackalloc long[2] { milliseconds / 1000, milliseconds % 1000 * 1000 };
        return Libc.setsockopt(fd, SocketLevel, ReceiveTimeout, time, 2 * sizeof(long)) == 0 ? 0 : Failed;
    }

    /// <summary>The other end of a connection; false when the descriptor is none of TCP's.</summary>
    public static bool PeerOf(int fd, out TcpEnd peer)
    {
        byte* bytes = stackalloc byte[Sockets.AddressRoom];
        uint length = Sockets.AddressRoom;
        peer = default;
        return Libc.getpeername(fd, bytes, &length) == 0 && Decode(bytes, length, out peer);
    }

    /// <summary>This end of a connection, or where a socket listens; false when the descriptor is none of TCP's.</summary>
    public static bool LocalOf(int fd, out TcpEnd local)
    {
        byte* bytes = stackalloc byte[Sockets.AddressRoom];
        uint length = Sockets.AddressRoom;
        local = default;
        return Libc.getsockname(fd, bytes, &length) == 0 && Decode(bytes, length, out local);
    }

    /// <summary>Whether the descriptor is a socket of any kind.</summary>
    public static bool IsSocket(int fd) => Option(fd, TypeOption) >= 0;

    /// <summary>Whether the descriptor is a socket that listens.</summary>
    public static bool IsListening(int fd) => Option(fd, AcceptsConnections) == 1;

    /// <summary>
    /// Makes a socket this process was started with like one of <see cref="Listen"/>: programs it starts do not get it.
    /// </summary>
    public static void KeepToThisProcess(int fd)
    {
        _ = Libc.fcntl(fd, 2 /* F_SETFD */, 1 /* FD_CLOEXEC */);
        _ = Files.SetNonBlocking(fd, true);
    }

    private static int Option(int fd, int name)
    {
        int value = 0;
        uint size = sizeof(int);
        return Libc.getsockopt(fd, SocketLevel, name, &value, &size) == 0 ? value : -1;
    }

    // struct sockaddr_in and sockaddr_in6: family in the machine's byte order, then port and address in network order
    private static bool Decode(byte* bytes, uint length, out TcpEnd end)
    {
        end = default;
        if (length < 16) return false;
        int family = *(ushort*)bytes, port = bytes[2] << 8 | bytes[3];
        ReadOnlySpan<byte> all = new(bytes, (int)Math.Min(length, Sockets.AddressRoom));
        if (family == FamilyV4) end = new(IpAddress.From(all.Slice(4, 4)), port);
        else if (family != FamilyV6 || length < 24) return false;
        else
        {
            ReadOnlySpan<byte> address = all.Slice(8, 16);
            bool mapped = IsMapped(address);
            end = new(IpAddress.From(mapped ? address[12..] : address), port);
        }
        return true;
    }

    private static bool IsMapped(ReadOnlySpan<byte> address) =>
        !address[..10].ContainsAnyExcept((byte)0) && address[10] == 0xFF && address[11] == 0xFF;
}
