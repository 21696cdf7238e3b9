// A qmail-local that performs one delivery after the other for qmail-lspawn, because starting a process for each costs
// more than most deliveries do.
//
// It serves one uid. A delivery that runs a program of the recipient's is its last: whatever the program left behind cannot
// touch another delivery. Those that go into a Maildir and nowhere else it may get several of at once (PlainDeliveries).
// Between requests nothing stays: variables are never set in this process, descriptors 0 to 2 are /dev/null, the current
// directory is the root directory.
using System;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Local;

/// <summary>The side of the recipient's uid; <see cref="WorkerPool"/> is the other.</summary>
internal static class Worker
{
    internal const string Option = "--worker";

    /// <summary>The number of the socket from which requests are read, at the start of the program.</summary>
    internal const int InheritedSocket = 3;

    /// <summary>
    /// Longest request in bytes: addresses from a queue, names and a home directory are far shorter, and the system's
    /// buffers hold more.
    /// </summary>
    internal const int LongestRequest = 65536;

    // What a process may have lost by then, a few bytes at a time, goes with it.
    private const int MostDeliveries = 1000;

    /// <summary>Most deliveries of one request.</summary>
    internal const int MostTogether = 10;

    /// <summary>The first byte of an answer about plain deliveries: whether another request may follow.</summary>
    internal const byte Ready = 0, Leaving = 1;

    /// <summary>Performs deliveries until the socket is closed.</summary>
    /// <returns>
    /// The exit code: 0 at the end; that of the last delivery, unreported, when nothing can follow it.
    /// </returns>
    internal static int Run(string defaultDelivery)
    {
        int socket = Files.Duplicate(InheritedSocket, 20);
        int nothing = Files.Open("/dev/null", OpenMode.ReadWrite);
        if (socket < 0 || nothing < 0)
        {
            Standard.Error("Unable to receive deliveries: " + Errno.Text(Math.Min(socket, nothing)) + ". (#4.3.0)");
            return DeliveryFailure.Temporary;
        }
        _ = Files.Close(InheritedSocket);
        LocalDelivery.Prepare();
        MessageFile message = new(0);
        PlainDeliveries? plain = null;
        byte[] request = new byte[LongestRequest];
        int[] fds = new int[MostTogether + 1];
        for (int left = MostDeliveries; ;)
        {
            int n = DescriptorSocket.Receive(socket, request, fds, out int count);
            if (n is 0 or -Errno.ECONNRESET) return 0;
            Delivery[]? deliveries = n is > 0 and < LongestRequest ? Decode(request.AsSpan(0, n), defaultDelivery) : null;
            left -= deliveries?.Length ?? 0;
            if (deliveries?.Length == count)
            {
                plain ??= new PlainDeliveries();
                byte[] outcomes = PlainDeliveries.Encode(plain.Perform(deliveries, fds.AsSpan(0, count)));
                for (int i = 0; i < count; i++) _ = Files.Close(fds[i]);
                _ = Files.ChangeDirectory("/");
                if (Files.Write(socket, [left > 0 ? Ready : Leaving, .. outcomes]) < 0 || left <= 0) return 0;
                continue;
            }
            if (deliveries is not [Delivery delivery] || count != 2 || !Attach(fds[0], fds[1]))
            {
                Standard.Error("Delivery request not understood. (#4.3.5)");
                return DeliveryFailure.Temporary;
            }
            message.Open(0);
            int code = LocalDelivery.Perform(delivery, message);
            if (Command.HasRun || left <= 0) return code;
            _ = Files.ChangeDirectory("/");
            for (int fd = 0; fd < 3; fd++) _ = Files.DuplicateTo(nothing, fd);
            if (Files.WriteAll(socket, [(byte)code]) < 0) return 0;
        }
    }

    /// <summary>The request for a delivery; null when it is too long or has a NUL in a field.</summary>
    internal static byte[]? Encode(Delivery delivery)
    {
        string[] fields = [delivery.User, delivery.Home, delivery.Local, delivery.Dash, delivery.Ext, delivery.Host,
            delivery.Sender, delivery.ExtraHeader, delivery.MessageName, delivery.IsLast ? "last" : ""];
        foreach (string field in fields)
            if (field.Contains('\0')) return null;
        byte[] request = Latin1.Bytes(string.Join('\0', fields));
        return request.Length < LongestRequest ? request : null;
    }

    /// <summary>The deliveries of a request: one, or the requests of several with a NUL between; null when it is none.</summary>
    internal static Delivery[]? Decode(ReadOnlySpan<byte> request, string defaultDelivery)
    {
        const int each = 10;
        string[] fields = Latin1.String(request).Split('\0');
        if (fields.Length % each != 0) return null;
        Delivery[] deliveries = new Delivery[fields.Length / each];
        for (int i = 0; i < deliveries.Length; i++)
        {
            if (fields.AsSpan(i * each, each) is not [string user, string home, string local, string dash, string ext,
                string host, string sender, string extraHeader, string name, string last] || !home.StartsWith('/')) return null;
            deliveries[i] = new Delivery(user, home, local, dash, ext, host, sender, defaultDelivery, extraHeader)
            {
                MessageName = name,
                IsLast = last.Length > 0,
            };
        }
        return deliveries;
    }

    // The message becomes descriptor 0, the report 1 and 2.
    private static bool Attach(int message, int report)
    {
        bool attached = Files.DuplicateTo(message, 0) >= 0 && Files.DuplicateTo(report, 1) >= 0 && Files.DuplicateTo(report, 2) >= 0;
        _ = Files.Close(message);
        _ = Files.Close(report);
        return attached;
    }
}
