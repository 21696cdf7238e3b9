// Handing open descriptors to another process: how qmta-send asks its root helper to start a program on pipes that
// qmta-send made, and how that helper hands messages to delivery processes (unix(7), SCM_RIGHTS).
using System;
using System.Runtime.InteropServices;

namespace Qmta.Posix;

/// <summary>
/// A pair of connected sockets over which requests travel with descriptors attached. Message boundaries are kept; a
/// negative result is -errno.
/// </summary>
public static unsafe class DescriptorSocket
{
    /// <summary>Most descriptors one request can carry.</summary>
    public const int MostDescriptors = 32;

    private const int UnixFamily = 1, SequencedPackets = 5, CloseOnExec = 0x80000;
    private const int SocketLevel = 1, Rights = 1;
    private const int NoSignal = 0x4000, CloseReceivedOnExec = 0x40000000, ControlTruncated = 8;

    // cmsg(3): struct cmsghdr is size_t length, int level, int type; what follows is aligned to size_t.
    private static int HeaderSize => Align(sizeof(nint) + 2 * sizeof(int));

    /// <summary>Makes the pair; both ends are close-on-exec.</summary>
    /// <returns>0 or -errno.</returns>
    public static int Pair(out int a, out int b)
    {
        int* fds = stackalloc int[2];
        int r = Libc.socketpair(UnixFamily, SequencedPackets | CloseOnExec, 0, fds);
        (a, b) = r < 0 ? (-1, -1) : (fds[0], fds[1]);
        return r < 0 ? -Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>
    /// Whether a descriptor is one end of such a pair, so far as can be seen: a socket that keeps boundaries.
    /// </summary>
    public static bool IsEnd(int fd)
    {
        int type = 0;
        uint length = sizeof(int);
        return Libc.getsockopt(fd, SocketLevel, 3 /* SO_TYPE */, &type, &length) == 0 && type == SequencedPackets;
    }

    /// <summary>Sends a request of one byte. The descriptors stay open here as well.</summary>
    /// <returns>0 or -errno; -EPIPE when the other end is gone.</returns>
    public static int Send(int socket, byte request, ReadOnlySpan<int> fds) => Send(socket, [request], fds);

    /// <summary>Sends a request of at least one byte, whole or not at all. The descriptors stay open here as
    /// well.</summary>
    /// <returns>0 or -errno; -EPIPE when the other end is gone, -EMSGSIZE when the request is too long.</returns>
    public static int Send(int socket, ReadOnlySpan<byte> request, ReadOnlySpan<int> fds)
    {
        if (fds.Length > MostDescriptors) return -Errno.EINVAL;
        fixed (byte* bytes = request) return Send(socket, bytes, request.Length, fds);
    }

    private static int Send(int socket, byte* request, int length, ReadOnlySpan<int> fds)
    {
        nint* vector = stackalloc nint[2]; // struct iovec: address, length
        nint* control = stackalloc nint[ControlWords];
        vector[0] = (nint)request;
        vector[1] = length;
        MessageHeader message = new() { Vectors = (nint)vector, VectorCount = 1 };
        if (!fds.IsEmpty)
        {
            control[0] = HeaderSize + fds.Length * sizeof(int);
            int* level = (int*)(control + 1);
            level[0] = SocketLevel;
            level[1] = Rights;
            fds.CopyTo(new Span<int>((byte*)control + HeaderSize, fds.Length));
            message.Control = (nint)control;
            message.ControlLength = HeaderSize + Align(fds.Length * sizeof(int));
        }
        nint n;
        do n = Libc.sendmsg(socket, &message, NoSignal);
        while (n < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        return n < 0 ? -Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>
    /// Receives a request of one byte; see <see cref="Receive(int, Span{byte}, Span{int}, out int)"/>.
    /// </summary>
    /// <returns>1 for a request, 0 when the other end is closed, or -errno.</returns>
    public static int Receive(int socket, out byte request, Span<int> fds, out int count)
    {
        request = 0;
        return Receive(socket, new Span<byte>(ref request), fds, out count);
    }

    /// <summary>
    /// Receives a request. The descriptors that came with it are the caller's to close, and close-on-exec.
    /// </summary>
    /// <param name="socket">One end of a pair.</param>
    /// <param name="request">Where its bytes go; those that do not fit are lost.</param>
    /// <param name="fds">Where the descriptors go; those that do not fit are closed.</param>
    /// <param name="count">How many were put there.</param>
    /// <returns>The request's length in bytes, 0 when the other end is closed, or -errno.</returns>
    public static int Receive(int socket, Span<byte> request, Span<int> fds, out int count)
    {
        fixed (byte* bytes = request) return Receive(socket, bytes, request.Length, fds, out count);
    }

    private static int Receive(int socket, byte* request, int length, Span<int> fds, out int count)
    {
        nint* vector = stackalloc nint[2];
        nint* control = stackalloc nint[ControlWords];
        vector[0] = (nint)request;
        vector[1] = length;
        MessageHeader message = new()
        {
            Vectors = (nint)vector,
            VectorCount = 1,
            Control = (nint)control,
            ControlLength = HeaderSize + Align(MostDescriptors * sizeof(int)),
        };
        count = 0;
        nint n;
        do n = Libc.recvmsg(socket, &message, CloseReceivedOnExec);
        while (n < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        if (n < 0) return -Marshal.GetLastPInvokeError();
        // A control message is there at all only when its header is; the kernel put its true length into it.
        int* level = (int*)(control + 1);
        if (message.ControlLength >= HeaderSize && level[0] == SocketLevel && level[1] == Rights)
        {
            ReadOnlySpan<int> attached = new((byte*)control + HeaderSize, ((int)control[0] - HeaderSize) / sizeof(int));
            foreach (int fd in attached)
                if (count < fds.Length) fds[count++] = fd;
                else _ = Files.Close(fd);
        }
        if ((message.Flags & ControlTruncated) == 0) return (int)n;
        // More came than anybody may send: what the kernel could not hand over is gone, so the request is worthless.
        while (count > 0) _ = Files.Close(fds[--count]);
        return -Errno.EMSGSIZE;
    }

    private static int ControlWords => (HeaderSize + Align(MostDescriptors * sizeof(int))) / sizeof(nint);

    private static int Align(int size) => (size + sizeof(nint) - 1) & ~(sizeof(nint) - 1);
}
