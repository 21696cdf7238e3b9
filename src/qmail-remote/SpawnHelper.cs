// qmail-rspawn: takes delivery commands from qmta-send and runs many conversations at once, a thread for each.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Smtp;
using Qmta.Text;

namespace Qmta.Remote;

/// <summary>qmail-rspawn(8): commands on descriptor 0, reports on descriptor 1 (<see cref="DeliveryProtocol"/>).</summary>
internal sealed class SpawnHelper
{
    // A conversation needs little stack; the default of 8 MiB times 500 would not fit a 32-bit address space.
    private const int StackSize = 192 * 1024;

    // A thread without work waits so long for more: starting one costs more than most deliveries' computing.
    private const int IdleMilliseconds = 5000;

    // So many bytes of reports are put together.
    private const int LargestWrite = 16384;

    // Control files are read again when they were read longer ago than this.
    private const int SettingsMilliseconds = 1000;

    private readonly string mess;
    private readonly uint owner;
    private readonly ControlFiles control = ControlFiles.FromEnvironment();
    private readonly Dns.Resolver resolver = new();
    private readonly TcpTimeouts timeouts;
    private readonly SessionCache sessions = new();
    private readonly TlsMemory tls = new();

    private readonly Lock settingsLock = new();
    private RemoteSettings? settings;
    private long settingsRead;

    // Guards what follows; the main thread waits on it for the last delivery.
    private readonly object work = new();
    private readonly List<Worker> idle = []; // the last one is used first, so that threads too many find rest
    private readonly Stack<SmtpBuffers> spareBuffers = []; // of threads that have ended
    private int busy;

    private readonly Lock output = new();
    private readonly bool[] running = new bool[DeliveryProtocol.MostDeliveries];
    private bool schedulerGone;

    private readonly int input, reports;

    // Deliveries that have been read and not begun, in groups that can share a transaction.
    private readonly List<DeliveryGroup> pending = [];

    /// <param name="input">The descriptor of the commands.</param>
    /// <param name="reports">The descriptor of the reports.</param>
    /// <exception cref="PosixException">The queue cannot be looked at.</exception>
    internal SpawnHelper(QueueLayout queue, int input, int reports)
    {
        this.input = input;
        this.reports = reports;
        mess = queue.Directory + "/mess/";
        timeouts = new TcpTimeouts(queue.TcpTo);
        PosixException.Check(Files.Status(mess, out FileStatus status), "unable to open " + mess);
        owner = status.Uid;
    }

    /// <summary>Runs until the scheduler closes descriptor 0 and every delivery has ended.</summary>
    internal static int Run(string[] arguments)
    {
        if (arguments is ["--help"] or ["--version"])
        {
            string text = arguments[0] == "--version" ? RemoteCommand.Version("qmail-rspawn")
                : "qmail-rspawn: usage: qmail-rspawn\nqmta-send starts it for remote deliveries; see qmail-rspawn(8).\n";
            return Standard.Output(text) ? 0 : 111;
        }
        try
        {
            BecomeQmailr();
            return new SpawnHelper(QueueLayout.FromEnvironment(), 0, 1).Serve();
        }
        catch (PosixException e)
        {
            Standard.Error("qmail-rspawn: fatal: " + e.Message);
            return 111;
        }
    }

    /// <summary>As root, becomes qmailr for good.</summary>
    /// <exception cref="PosixException">That user is missing, or it failed.</exception>
    internal static void BecomeQmailr()
    {
        if (Users.EffectiveUid != 0) return;
        User user = Users.ByName("qmailr") ?? throw new PosixException(Errno.ENOENT, "unable to find the user qmailr");
        uint group = Users.GroupByName("qmail")
            ?? throw new PosixException(Errno.ENOENT, "unable to find the group qmail");
        Users.Become(user.Uid, group);
    }

    internal int Serve()
    {
        Write(DeliveryProtocol.Announcement(DeliveryProtocol.MostDeliveries));
        DeliveryStream stream = DeliveryStream.OfCommands(wide: true);
        byte[] buffer = new byte[16384];
        int n;
        while ((n = Files.Read(input, buffer)) > 0)
        {
            ReadOnlySpan<byte> bytes = buffer.AsSpan(0, n);
            while (stream.Take(ref bytes)) Accept(stream.Command());
            // What the pipe still holds may belong to the same messages; what it does not hold yet is not waited for.
            PollEntry more = new() { Fd = input, Events = PollEntry.In };
            if (Poll.Wait(new Span<PollEntry>(ref more), 0) <= 0) BeginPending();
        }
        BeginPending();
        sessions.Close(); // no delivery will come that could use them
        lock (work)
        {
            while (busy > 0) Monitor.Wait(work);
        }
        return schedulerGone || n < 0 ? 111 : 0;
    }

    private void Accept(DeliveryCommand command)
    {
        if (command.Number >= running.Length)
        {
            Refuse(command, "ZInternal error: delnum too big. (#4.3.5)\n");
            return;
        }
        lock (output)
        {
            if (running[command.Number])
            {
                Refuse(command, "ZInternal error: delnum in use. (#4.3.5)\n");
                return;
            }
            running[command.Number] = true;
        }
        // A program in the client's place gets one recipient at a time, and all of them side by side.
        if (SubstituteClient.Program == null)
            for (int i = pending.Count - 1; i >= 0; i--)
                if (pending[i].TryAdd(command)) return;
        pending.Add(new DeliveryGroup(command));
    }

    // A report that does not free the number, under which another delivery may be running.
    private void Refuse(DeliveryCommand command, string text) =>
        Write(new DeliveryReport(command.Number, text).Encode(wide: true));

    private void BeginPending()
    {
        foreach (DeliveryGroup group in pending) Begin(group);
        pending.Clear();
    }

    private void Begin(DeliveryGroup group)
    {
        Worker? worker = null;
        lock (work)
        {
            busy++;
            if (idle.Count > 0)
            {
                worker = idle[^1];
                idle.RemoveAt(idle.Count - 1);
            }
        }
        if (worker != null)
        {
            worker.Give(group);
            return;
        }
        worker = new Worker();
        worker.Give(group);
        try
        {
            new Thread(() => Work(worker), StackSize) { IsBackground = true }.Start();
        }
        catch (OutOfMemoryException)
        {
            group.ReportRest("Zqmail-spawn unable to fork or out of mem. (#4.3.0)\n");
            Report(group);
            Done();
        }
    }

    // The life of a thread: deliveries as long as there are any.
    private void Work(Worker worker)
    {
        SmtpBuffers? buffers;
        lock (work)
        {
            if (!spareBuffers.TryPop(out buffers)) buffers = new SmtpBuffers();
        }
        RemoteDelivery? delivery = null;
        while (true)
        {
            if (worker.Take(IdleMilliseconds) is not DeliveryGroup group)
            {
                lock (work)
                {
                    if (idle.Remove(worker))
                    {
                        spareBuffers.Push(buffers);
                        return;
                    }
                }
                continue; // it was chosen in this very moment
            }
            try
            {
                Deliver(group, buffers, ref delivery);
            }
            catch (OutOfMemoryException)
            {
                group.ReportRest("Zqmail-spawn out of memory. (#4.3.0)\n");
            }
            catch (Exception e) when (e is PosixException or FormatException)
            {
                group.ReportRest("ZUnable to read control files. (#4.3.0)\n" + e.Message + "\n");
            }
            catch (Exception e)
            {
                // A mistake in this program that one message or server brings to light must not end the deliveries
                // of all others, as it would not if each had a process of its own.
                group.ReportRest("Zqmail-remote crashed.\n" + e.Message + "\n");
            }
            // Free before the report is out: the command that answers it shall find this thread, not start another.
            lock (work) idle.Add(worker);
            Report(group);
            Done();
        }
    }

    private void Done()
    {
        lock (work)
        {
            if (--busy == 0) Monitor.Pulse(work);
        }
    }

    /// <summary>Hands deliveries to one thread.</summary>
    private sealed class Worker
    {
        private DeliveryGroup? group;

        internal void Give(DeliveryGroup next)
        {
            lock (this)
            {
                group = next;
                Monitor.Pulse(this);
            }
        }

        /// <summary>The next deliveries, or null when none comes for so long.</summary>
        internal DeliveryGroup? Take(int milliseconds)
        {
            lock (this)
            {
                if (group == null) Monitor.Wait(this, milliseconds);
                DeliveryGroup? taken = group;
                group = null;
                return taken;
            }
        }
    }

    // Sees to it that every delivery of the group has its report, unless there is an exception.
    private void Deliver(DeliveryGroup group, SmtpBuffers buffers, ref RemoteDelivery? delivery)
    {
        if (CheckMessageName(group.Message) is string bad)
        {
            group.ReportRest(bad);
            return;
        }
        if (group.Host == null)
        {
            group.ReportRest("DSorry, address must include host name. (#5.1.3)\n");
            return;
        }
        int fd = Files.Open(mess + group.Message, OpenMode.Read | OpenMode.NonBlocking | OpenMode.NoFollow);
        if (fd < 0)
        {
            group.ReportRest($"Zqmail-spawn unable to open message. (#4.3.0)\n{mess}{group.Message}: {Errno.Text(fd)}\n");
            return;
        }
        try
        {
            if (CheckMessageFile(fd, out long size) is string wrong)
            {
                group.ReportRest(wrong);
                return;
            }
            delivery ??= new RemoteDelivery(CurrentSettings(), resolver, buffers, timeouts, sessions, tls);
            delivery.Settings = CurrentSettings();
            RemoteMessage message = new(group.Host, group.Sender, [], size, fd) { ExtraHeader = group.ExtraHeader };
            if (SubstituteClient.Program is string program) group.DeliverBy(program, message, delivery.DeadlineFor(message));
            else group.Deliver(delivery, message);
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    private string? CheckMessageFile(int fd, out long size)
    {
        size = 0;
        if (Files.Status(fd, out FileStatus status) < 0) return "Zqmail-spawn unable to fstat message. (#4.3.0)\n";
        if (!status.IsFile) return "ZSorry, message has wrong type. (#4.3.5)\n";
        if (status.Uid != owner) return "ZSorry, message has wrong owner. (#4.3.5)\n";
        size = (long)status.Size;
        return null;
    }

    /// <summary>Null when the name is one that qmta-send gives, digits and slashes; else the report.</summary>
    internal static string? CheckMessageName(string name)
    {
        for (int i = 0; i < name.Length; i++)
            if (!char.IsAsciiDigit(name[i]) && (i == 0 || name[i] != '/'))
                return "DInternal error: messid has nonnumerics. (#5.3.5)\n";
        if (name.Length >= 100) return "DInternal error: messid too long. (#5.3.5)\n";
        return name.Length == 0 ? "DInternal error: messid too short. (#5.3.5)\n" : null;
    }

    private RemoteSettings CurrentSettings()
    {
        lock (settingsLock)
        {
            long now = Clocks.BoottimeMilliseconds;
            if (settings != null && now - settingsRead < SettingsMilliseconds) return settings;
            settings = null; // a file that cannot be read must not leave the old ones in force unnoticed
            settings = RemoteSettings.Read(new ControlFiles(control.Directory));
            settingsRead = now;
            return settings;
        }
    }

    // The reports of a group leave together, so that the scheduler answers them together, too.
    private void Report(DeliveryGroup group)
    {
        List<byte> bytes = [];
        lock (output)
        {
            foreach (DeliveryReport report in group.Reports())
            {
                running[report.Number] = false;
                bytes.AddRange((report with { Text = Cut(report.Text) }).Encode(wide: true));
                if (bytes.Count < LargestWrite) continue;
                Write(CollectionsMarshal.AsSpan(bytes));
                bytes.Clear();
            }
            Write(CollectionsMarshal.AsSpan(bytes));
        }
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        lock (output)
        {
            // Without a scheduler the deliveries under way are still finished: a message half sent is sent again.
            if (schedulerGone || Files.WriteAll(reports, bytes) >= 0) return;
            schedulerGone = true;
            // If it is there after all, it must not wait for a report that was not written.
            _ = Files.Close(reports);
        }
    }

    private static string Cut(string text) =>
        text.Length < DeliveryProtocol.LongestReport ? text
            : text[..(DeliveryProtocol.LongestReport - 40)] + "\nError report too long, sorry.\n";
}
