// Programs that root must start for a scheduler that is not root: it sends their pipes, and they take their own uid.
using System;
using Qmta.Posix;

namespace Qmta.Local;

/// <summary>Answers start requests on the socket that the scheduler hands to its root helper as descriptor 3.</summary>
internal static class RoleRequests
{
    /// <summary>The socket's number at the start of the program.</summary>
    internal const int InheritedSocket = 3;

    /// <summary>"Start qmail-rspawn": its commands and its reports are attached, in this order.</summary>
    internal const byte StartRemote = (byte)'r';

    /// <summary>
    /// Takes the inherited socket to a number that no program started from here can see; -1 when there is none.
    /// </summary>
    internal static int TakeSocket()
    {
        if (!DescriptorSocket.IsEnd(InheritedSocket)) return -1;
        int socket = Files.Duplicate(InheritedSocket, 20);
        _ = Files.Close(InheritedSocket);
        return socket;
    }

    /// <summary>Reads one request and answers it with one byte: 0, or the error number (errno(3)) of the attempt.</summary>
    /// <returns>False when there will be no more requests.</returns>
    internal static bool Answer(int socket)
    {
        Span<int> pipes = stackalloc int[2];
        int r = DescriptorSocket.Receive(socket, out byte request, pipes, out int count);
        if (r == 0) return false;
        if (r == 1) r = request == StartRemote && count == 2 ? Start(pipes[0], pipes[1]) : -Errno.EINVAL;
        for (int i = 0; i < count; i++) _ = Files.Close(pipes[i]);
        return DescriptorSocket.Send(socket, (byte)(r < 0 ? -r : 0), []) == 0;
    }

    private static int Start(int commands, int reports) =>
        Processes.Start(Programs.Find("qmail-rspawn"), ["qmail-rspawn"], [new(commands, 0), new(reports, 1)]);
}
