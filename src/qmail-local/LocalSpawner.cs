// qmail-lspawn: starts qmail-local for each local delivery the scheduler asks for, and reports how each one ended.
//
// As root it is the only process of the system that stays root. It parses nothing but delivery commands, opens nothing
// but message files, and every program it starts becomes somebody else before it does anything.
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Local;

/// <summary>The helper for local deliveries (qmail-lspawn(8)).</summary>
internal sealed class LocalSpawner
{
    internal const string Name = "qmail-lspawn";
    internal const string Usage = "qmail-lspawn: usage: qmail-lspawn defaultdelivery";

    /// <summary>How long a delivery may take, in seconds, when control/timeoutlocal does not say.</summary>
    private const long DefaultLimit = 3600;

    /// <summary>How often to look for children that have ended when no signal tells, in milliseconds.</summary>
    private const long LookForChildren = 100;

    private readonly string defaultDelivery;
    private readonly QueueLayout queue = QueueLayout.FromEnvironment();
    private readonly string program = Programs.Find("qmail-local");
    private readonly bool root = Users.EffectiveUid == 0;
    private readonly Accounts accounts;
    private readonly long limit;
    private readonly DeliveryStream commands = DeliveryStream.OfCommands(wide: true);
    private readonly bool toldOfChildren;
    private readonly List<RunningDelivery> running = [];
    private readonly byte[] buffer = new byte[4096];
    private PollEntry[] entries = new PollEntry[16];
    private bool reading = true, writing = true;
    private uint? queueOwner;

    private LocalSpawner(string defaultDelivery, bool toldOfChildren)
    {
        this.toldOfChildren = toldOfChildren;
        this.defaultDelivery = defaultDelivery;
        ControlFiles control = ControlFiles.FromEnvironment();
        accounts = root ? Accounts.OfMachine : Accounts.OfOurselves(control);
        limit = Limit(control) * 1000;
    }

    /// <summary>Runs until the scheduler closes descriptor 0 and every delivery has been reported.</summary>
    /// <returns>The exit code: 0, 100 wrong usage, 111 when reports could not be written.</returns>
    internal static int Execute(ReadOnlySpan<string> arguments)
    {
        if (arguments.Length != 1)
        {
            Standard.Error(Usage);
            return 100;
        }
        if ((Standard.FillGaps() & 3) != 0)
        {
            Standard.Error("qmail-lspawn: descriptors 0 and 1 must be open");
            return 111;
        }
        bool told = Signals.BlockInEveryThread(Name, Signals.CHLD);
        Signals.IgnorePipe();
        _ = Files.Umask(0x3F /* 077 */);
        try
        {
            return new LocalSpawner(arguments[0], told).Run();
        }
        catch (PosixException failure)
        {
            Standard.Error("qmail-lspawn: " + failure.Message);
            return 111;
        }
    }

    private int Run()
    {
        int socket = root ? RoleRequests.TakeSocket() : -1;
        // A descriptor of root's must not reach a recipient's programs, whoever forgot it.
        PosixException.Check(Descriptors.CloseOnExecFrom(3), "unable to close inherited descriptors");
        int children = PosixException.Check(Signals.Descriptor(Signals.CHLD), "unable to watch for children");
        Write(DeliveryProtocol.Announcement(DeliveryProtocol.MostDeliveries));
        while (reading || running.Count > 0)
        {
            int count = Wait(children, socket);
            long now = Clocks.BoottimeMilliseconds;
            // Output before exits: what a process wrote last is there when its end is known.
            for (int i = 3; i < count; i++)
                if (entries[i].Happened != 0) running[i - 3].ReadOutput(buffer);
            if (entries[1].Happened != 0 || !toldOfChildren) CollectChildren(children, now);
            ReportFinished(now);
            if (entries[2].Happened != 0 && !RoleRequests.Answer(socket))
            {
                _ = Files.Close(socket);
                socket = -1;
            }
            if (entries[0].Happened != 0) ReadCommands(now);
        }
        return writing ? 0 : 111;
    }

    // Entries: commands, children, start requests, then the pipes of the running deliveries in their order.
    private int Wait(int children, int socket)
    {
        int count = 3 + running.Count;
        if (entries.Length < count) Array.Resize(ref entries, 2 * count);
        entries[0] = new PollEntry { Fd = reading ? 0 : -1, Events = PollEntry.In };
        entries[1] = new PollEntry { Fd = children, Events = PollEntry.In };
        entries[2] = new PollEntry { Fd = socket, Events = PollEntry.In };
        long deadline = long.MaxValue;
        for (int i = 0; i < running.Count; i++)
        {
            entries[3 + i] = new PollEntry { Fd = running[i].Pipe, Events = PollEntry.In };
            deadline = Math.Min(deadline, running[i].Deadline);
        }
        long left = deadline - Clocks.BoottimeMilliseconds;
        long wait = deadline == long.MaxValue ? -1 : Math.Clamp(left, 0, toldOfChildren ? int.MaxValue : LookForChildren);
        PosixException.Check(Poll.Wait(entries.AsSpan(0, count), (int)wait), "unable to wait");
        return count;
    }

    private void CollectChildren(int children, long now)
    {
        while (Signals.Next(children) != 0) { }
        while (true)
        {
            int pid = Processes.Collect(out ExitStatus status);
            if (pid <= 0) return;
            // Other children are programs that were started on request.
            foreach (RunningDelivery delivery in running)
                if (delivery.Pid == pid && delivery.Ended == null) delivery.End(status, now);
        }
    }

    private void ReportFinished(long now)
    {
        for (int i = running.Count - 1; i >= 0; i--)
        {
            RunningDelivery delivery = running[i];
            if (delivery.Deadline <= now) delivery.MeetDeadline(now);
            if (!delivery.IsOver) continue;
            running.RemoveAt(i);
            Report(delivery.Number, delivery.Report(now));
        }
    }

    private void ReadCommands(long now)
    {
        int n = Files.Read(0, buffer);
        if (n == -Errno.EAGAIN) return;
        if (n <= 0)
        {
            reading = false;
            return;
        }
        ReadOnlySpan<byte> bytes = buffer.AsSpan(0, n);
        while (commands.Take(ref bytes))
        {
            DeliveryCommand command = commands.Command();
            string? report = Start(command, now);
            if (report != null) Report(command.Number, report);
        }
    }

    /// <summary>Starts a delivery; the report when it is over already.</summary>
    private string? Start(DeliveryCommand command, long now)
    {
        bool inUse = running.Exists(delivery => delivery.Number == command.Number);
        string? wrong = Verdict.OfCommand(command.Number, inUse, command.Message, command.Recipient);
        if (wrong != null) return wrong;
        int at = command.Recipient.LastIndexOf('@');
        string local = command.Recipient[..at];
        int message = OpenMessage(command.Message, out string trouble);
        if (message < 0) return trouble;
        try
        {
            // Mail for nobody, as a double bounce without an address is: done by doing nothing.
            if (local.Length == 0) return "K";
            Recipient? recipient = accounts.Find(local, out string report);
            if (recipient == null) return report;
            return Start(command, recipient, local, command.Recipient[(at + 1)..], message, now);
        }
        finally
        {
            _ = Files.Close(message);
        }
    }

    private string? Start(
        DeliveryCommand command, Recipient recipient, string local, string host, int message, long now)
    {
        User account = recipient.Account;
        if (root && account.Uid == 0) return "ZNot allowed to perform deliveries as root.\n";
        int r = Files.Pipe(out int read, out int write);
        if (r < 0) return "ZUnable to create pipe: " + Errno.Text(r) + ". (#4.3.0)\n";
        List<string> arguments = ["qmail-local"];
        if (root)
        {
            arguments.Add("--as");
            arguments.Add(account.Uid + ":" + account.Gid);
        }
        arguments.AddRange(["--", account.Name, account.Home, local, recipient.Dash, recipient.Ext, host,
            command.Sender, defaultDelivery, ""]);
        int pid = Processes.Start(program, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(arguments),
            [new(message, 0), new(write, 1), new(write, 2)], ownGroup: true);
        _ = Files.Close(write);
        if (pid >= 0)
        {
            running.Add(new RunningDelivery(command.Number, pid, read, now, limit));
            return null;
        }
        _ = Files.Close(read);
        return pid is -Errno.EAGAIN or -Errno.ENOMEM ? "ZUnable to fork: " + Errno.Text(pid) + ". (#4.3.0)\n"
            : "ZUnable to run qmail-local: " + program + ": " + Errno.Text(pid) + ". (#4.3.0)\n";
    }

    private int OpenMessage(string name, out string trouble)
    {
        string path = queue.Directory + "/mess/" + name;
        int fd = Files.Open(path, OpenMode.Read | OpenMode.NonBlocking | OpenMode.NoFollow);
        trouble = "";
        if (fd < 0) trouble = "ZUnable to open message " + path + ": " + Errno.Text(fd) + ". (#4.3.0)\n";
        else if (Files.Status(fd, out FileStatus status) is int r and < 0)
            trouble = "ZUnable to fstat message " + path + ": " + Errno.Text(r) + ". (#4.3.0)\n";
        else if (!status.IsFile) trouble = "ZSorry, message has wrong type. (#4.3.5)\n";
        else if (!IsQueueOwner(status.Uid, out string why)) trouble = why;
        if (trouble.Length == 0) return fd;
        _ = Files.Close(fd);
        return -1;
    }

    // What anybody but the queue's owner put there is no message that the queue accepted.
    private bool IsQueueOwner(uint owner, out string trouble)
    {
        trouble = "ZSorry, message has wrong owner. (#4.3.5)\n";
        if (!root) return owner == Users.EffectiveUid;
        try
        {
            queueOwner ??= Users.ByName("qmailq")?.Uid;
        }
        catch (PosixException failure)
        {
            trouble = "ZTemporary failure in qmail-lspawn: " + failure.Message + ". (#4.3.0)\n";
            return false;
        }
        if (queueOwner == null) trouble = "ZUnable to find user qmailq! (#4.3.5)\n";
        return owner == queueOwner;
    }

    private void Report(int number, string text) => Write(new DeliveryReport(number, text).Encode(wide: true));

    private void Write(byte[] bytes)
    {
        // Nobody listens any more: the deliveries still running are brought to their end all the same.
        if (writing && Files.WriteAll(1, bytes) < 0) writing = reading = false;
    }

    private static long Limit(ControlFiles control)
    {
        try
        {
            return Math.Min(control.Number("timeoutlocal", DefaultLimit), int.MaxValue / 1000);
        }
        catch (Exception failure) when (failure is PosixException or FormatException)
        {
            Standard.Error($"qmail-lspawn: {failure.Message}; a delivery may take {DefaultLimit} seconds");
            return DefaultLimit;
        }
    }
}
