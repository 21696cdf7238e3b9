// Internet sockets with a time limit on every operation: what the mail protocols and the resolver talk through.
using System;
using System.Runtime.InteropServices;

namespace Qmta.Posix;

/// <summary>
/// Sockets whose every operation has an end (socket(7)). Results follow the kernel's convention: a negative number is -errno, and
/// -ETIMEDOUT when a limit passed. Limits are moments on the clock of <see cref="Clocks.BoottimeMilliseconds"/>.
/// </summary>
public static unsafe class Sockets
{
    private const int FamilyV4 = 2, FamilyV6 = 10, Stream = 1, Datagram = 2, NonBlocking = 0x800, CloseOnExec = 0x80000;
    private const int SocketLevel = 1, ErrorOption = 4, TcpLevel = 6, NoDelayOption = 1;
    private const int NoSignal = 0x4000, DontWait = 0x40;

    // struct sockaddr_in is 16 bytes, sockaddr_in6 28, with the same layout on every Linux architecture.
    internal const int AddressRoom = 28;

    private static int Failed => -Marshal.GetLastPInvokeError();

    /// <summary>The moment so many milliseconds from now.</summary>
    public static long In(long milliseconds) => Clocks.BoottimeMilliseconds + milliseconds;

    /// <summary>Connects by TCP; returns the descriptor, on which small writes leave at once (TCP_NODELAY).</summary>
    /// <param name="from">The local address, or null for the system's choice.</param>
    /// <param name="end">When to give up.</param>
    /// <param name="zone">The interface's number where the address is link-local, else 0.</param>
    public static int Connect(IpAddress to, int port, IpAddress? from, long end, uint zone = 0)
    {
        int fd = Libc.socket(to.IsV6 ? FamilyV6 : FamilyV4, Stream | NonBlocking | CloseOnExec, 0);
        if (fd < 0) return Failed;
        int r = from is IpAddress local ? Bind(fd, local) : 0;
        if (r == 0) r = ConnectTo(fd, to, port, zone);
        if (r == -Errno.EINPROGRESS)
        {
            int left = Left(end);
            if (left == 0 || !Poll.WaitFor(fd, true, left)) r = -Errno.ETIMEDOUT;
            else
            {
                int error = 0;
                uint size = sizeof(int);
                r = Libc.getsockopt(fd, SocketLevel, ErrorOption, &error, &size) < 0 ? Failed : -error;
            }
        }
        if (r < 0)
        {
            _ = Files.Close(fd);
            return r;
        }
        int on = 1;
        _ = Libc.setsockopt(fd, TcpLevel, NoDelayOption, &on, sizeof(int));
        return fd;
    }

    /// <summary>A UDP socket from a port of the system's choice that takes datagrams from this one peer only.</summary>
    /// <param name="zone">The interface's number where the address is link-local, else 0.</param>
    public static int ConnectDatagram(IpAddress to, int port, uint zone = 0)
    {
        int fd = Libc.socket(to.IsV6 ? FamilyV6 : FamilyV4, Datagram | NonBlocking | CloseOnExec, 0);
        if (fd < 0) return Failed;
        int r = ConnectTo(fd, to, port, zone);
        if (r == 0) return fd;
        _ = Files.Close(fd);
        return r;
    }

    /// <summary>Sends everything; 0 or -errno.</summary>
    /// <param name="end">When to give up.</param>
    /// <param name="stall">Also gives up when the peer takes nothing for so many milliseconds.</param>
    public static int SendAll(int fd, ReadOnlySpan<byte> bytes, long end, int stall = int.MaxValue)
    {
        fixed (byte* p = bytes)
        {
            int sent = 0;
            while (sent < bytes.Length)
            {
                nint n = Libc.send(fd, p + sent, bytes.Length - sent, NoSignal | DontWait);
                if (n >= 0)
                {
                    sent += (int)n;
                    continue;
                }
                int error = Marshal.GetLastPInvokeError();
                if (error == Errno.EINTR) continue;
                if (error != Errno.EAGAIN) return -error;
                int left = Math.Min(Left(end), stall);
                if (left == 0 || !Poll.WaitFor(fd, true, left)) return -Errno.ETIMEDOUT;
            }
            return 0;
        }
    }

    /// <summary>Receives what is there, at least one byte; 0 when the peer has closed.</summary>
    /// <param name="end">When to give up; a moment in the past takes only what has already arrived.</param>
    public static int Receive(int fd, Span<byte> buffer, long end)
    {
        while (true)
        {
            // Nearly always the answer has yet to come: waiting first saves a call that fails.
            if (!Poll.WaitFor(fd, false, Left(end))) return -Errno.ETIMEDOUT;
            fixed (byte* p = buffer)
            {
                nint n = Libc.recv(fd, p, buffer.Length, 0);
                if (n >= 0) return (int)n;
                int error = Marshal.GetLastPInvokeError();
                if (error is not (Errno.EINTR or Errno.EAGAIN)) return -error;
            }
        }
    }

    /// <summary>
    /// Receives what is there or comes while a read of this socket waits (<see cref="ServerSockets.Prepare"/>); 0 when the
    /// peer has closed, -EAGAIN when nothing came.
    /// </summary>
    /// <param name="wait">Whether to wait at all.</param>
    public static int ReceiveSoon(int fd, Span<byte> buffer, bool wait)
    {
        fixed (byte* p = buffer)
        {
            while (true)
            {
                nint n = Libc.recv(fd, p, buffer.Length, wait ? 0 : DontWait);
                if (n >= 0) return (int)n;
                int error = Marshal.GetLastPInvokeError();
                if (error != Errno.EINTR) return -error;
            }
        }
    }

    /// <summary>Sends what can be sent without waiting; returns how many bytes.</summary>
    public static int SendNow(int fd, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* p = bytes)
        {
            nint n;
            do n = Libc.send(fd, p, bytes.Length, NoSignal | DontWait);
            while (n < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
            return n < 0 ? Failed : (int)n;
        }
    }

    private static int Left(long end) => (int)Math.Clamp(end - Clocks.BoottimeMilliseconds, 0, int.MaxValue);

    private static int Bind(int fd, IpAddress local)
    {
        byte* address = stackalloc byte[AddressRoom];
        uint length = Encode(local, 0, new Span<byte>(address, AddressRoom));
        return Libc.bind(fd, address, length) < 0 ? Failed : 0;
    }

    /// <summary>The number of a network interface, which a link-local address needs; 0 when there is none.</summary>
    public static uint Zone(string name)
    {
        fixed (byte* p = CString.Of(name, stackalloc byte[CString.Inline])) return Libc.if_nametoindex(p);
    }

    /// <summary>Whether the address is one of this host's own.</summary>
    public static bool IsOwn(IpAddress address)
    {
        if (address.IsAny) return true; // connecting to it reaches this host
        // Only an own address can be bound. Where the system has been told otherwise (ip_nonlocal_bind in ip(7)), an
        // address that is nobody's can be bound, too (RFC 5737, RFC 3849); then only the way there can tell: what
        // goes to an own address comes from it.
        if (!CanBind(address)) return false;
        IpAddress nobodys = IpAddress.From(address.IsV6 ? [0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
            : [192, 0, 2, 1]);
        return !CanBind(nobodys) || IsItsOwnSource(address);
    }

    private static bool CanBind(IpAddress address)
    {
        int fd = Libc.socket(address.IsV6 ? FamilyV6 : FamilyV4, Datagram | CloseOnExec, 0);
        if (fd < 0) return false;
        int r = Bind(fd, address);
        _ = Files.Close(fd);
        return r == 0;
    }

    private static bool IsItsOwnSource(IpAddress address)
    {
        int fd = ConnectDatagram(address, 9); // sends nothing
        if (fd < 0) return false;
        byte* local = stackalloc byte[AddressRoom];
        uint length = AddressRoom;
        int at = address.IsV6 ? 8 : 4, size = address.IsV6 ? 16 : 4;
        bool own = Libc.getsockname(fd, local, &length) == 0
            && IpAddress.From(new Span<byte>(local + at, size)) == address;
        _ = Files.Close(fd);
        return own;
    }

    private static int ConnectTo(int fd, IpAddress to, int port, uint zone)
    {
        byte* address = stackalloc byte[AddressRoom];
        uint length = Encode(to, port, new Span<byte>(address, AddressRoom));
        if (to.IsV6) BitConverter.TryWriteBytes(new Span<byte>(address + 24, 4), zone); // sin6_scope_id
        return Libc.connect(fd, address, length) < 0 ? Failed : 0;
    }

    // family in the machine's byte order, port and address in network order; IPv6 has the flow label in between
    internal static uint Encode(IpAddress address, int port, Span<byte> to)
    {
        to.Clear();
        MemoryMarshal.Write(to, (ushort)(address.IsV6 ? FamilyV6 : FamilyV4));
        to[2] = (byte)(port >> 8);
        to[3] = (byte)port;
        address.Write(to[(address.IsV6 ? 8 : 4)..]);
        return address.IsV6 ? 28u : 16u;
    }
}
