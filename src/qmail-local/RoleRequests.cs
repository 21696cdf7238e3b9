// Programs that root must start for a scheduler that is not root: it sends their pipes, and they take their own uid.
using System;
using Qmta.Posix;
using Qmta.Text;

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

    /// <summary>
    /// Reads one request and answers it: a zero byte when the program was started, else a one and a sentence that says
    /// why not.
    /// </summary>
    /// <returns>False when there will be no more requests.</returns>
    internal static bool Answer(int socket)
    {
        Span<int> pipes = stackalloc int[2];
        int r = DescriptorSocket.Receive(socket, out byte request, pipes, out int count);
        if (r == 0) return false;
        string trouble = r < 0 ? "unable to receive a start request: " + Errno.Text(r)
            : request != StartRemote || count != 2 ? "start request not understood"
            : Start(pipes[0], pipes[1]);
        for (int i = 0; i < count; i++) _ = Files.Close(pipes[i]);
        return Files.WriteAll(socket, trouble.Length == 0 ? [0] : [1, .. Latin1.Bytes(trouble)]) == 0;
    }

    private static string Start(int commands, int reports)
    {
        string program = Programs.Find("qmail-rspawn");
        int pid = Processes.Start(program, ["qmail-rspawn"], [new(commands, 0), new(reports, 1)]);
        return pid >= 0 ? "" : "unable to start " + program + ": " + Errno.Text(pid);
    }
}
