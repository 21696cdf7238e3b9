// qmail-rspawn: takes delivery commands from qmta-send and runs many conversations at once, a thread for each.
using System;
using System.Collections.Generic;
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

    // Control files are read again when they were read longer ago than this.
    private const int SettingsMilliseconds = 1000;

    private readonly string mess;
    private readonly uint owner;
    private readonly ControlFiles control = ControlFiles.FromEnvironment();
    private readonly Dns.Resolver resolver = new();
    private readonly TcpTimeouts timeouts;
    private readonly SessionCache sessions = new();

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

    private static void BecomeQmailr()
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
        byte[] buffer = new byte[4096];
        int n;
        while ((n = Files.Read(input, buffer)) > 0)
        {
            ReadOnlySpan<byte> bytes = buffer.AsSpan(0, n);
            while (stream.Take(ref bytes)) Begin(stream.Command());
        }
        sessions.Close(); // no delivery will come that could use them
        lock (work)
        {
            while (busy > 0) Monitor.Wait(work);
        }
        return schedulerGone || n < 0 ? 111 : 0;
    }

    private void Begin(DeliveryCommand command)
    {
        if (command.Number >= running.Length)
        {
            Report(command.Number, "ZInternal error: delnum too big. (#4.3.5)\n");
            return;
        }
        lock (output)
        {
            if (!running[command.Number]) running[command.Number] = true;
            else
            {
                // Not Report, which would free the number under the delivery that has it.
                DeliveryReport report = new(command.Number, "ZInternal error: delnum in use. (#4.3.5)\n");
                Write(report.Encode(wide: true));
                return;
            }
        }
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
            worker.Give(command);
            return;
        }
        worker = new Worker();
        worker.Give(command);
        try
        {
            new Thread(() => Work(worker), StackSize) { IsBackground = true }.Start();
        }
        catch (OutOfMemoryException)
        {
            Report(command.Number, "Zqmail-spawn unable to fork or out of mem. (#4.3.0)\n");
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
            if (worker.Take(IdleMilliseconds) is not DeliveryCommand command)
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
            string text;
            try
            {
                text = Deliver(command, buffers, ref delivery);
            }
            catch (OutOfMemoryException)
            {
                text = "Zqmail-spawn out of memory. (#4.3.0)\n";
            }
            catch (Exception e) when (e is PosixException or FormatException)
            {
                text = "ZUnable to read control files. (#4.3.0)\n" + e.Message + "\n";
            }
            catch (Exception e)
            {
                // A mistake in this program that one message or server brings to light must not end the deliveries
                // of all others, as it would not if each had a process of its own.
                text = "Zqmail-remote crashed.\n" + e.GetType().Name + "\n";
            }
            // Free before the report is out: the command that answers it shall find this thread, not start another.
            lock (work) idle.Add(worker);
            Report(command.Number, text);
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

    /// <summary>Hands commands to one thread.</summary>
    private sealed class Worker
    {
        private DeliveryCommand? command;

        internal void Give(DeliveryCommand next)
        {
            lock (this)
            {
                command = next;
                Monitor.Pulse(this);
            }
        }

        /// <summary>The next command, or null when none comes for so long.</summary>
        internal DeliveryCommand? Take(int milliseconds)
        {
            lock (this)
            {
                if (command == null) Monitor.Wait(this, milliseconds);
                DeliveryCommand? taken = command;
                command = null;
                return taken;
            }
        }
    }

    private string Deliver(DeliveryCommand command, SmtpBuffers buffers, ref RemoteDelivery? delivery)
    {
        if (CheckMessageName(command.Message) is string bad) return bad;
        int at = command.Recipient.LastIndexOf('@');
        if (at < 0) return "DSorry, address must include host name. (#5.1.3)\n";
        int fd = Files.Open(mess + command.Message, OpenMode.Read | OpenMode.NonBlocking | OpenMode.NoFollow);
        if (fd < 0)
            return $"Zqmail-spawn unable to open message. (#4.3.0)\n{mess}{command.Message}: {Errno.Text(fd)}\n";
        try
        {
            if (Files.Status(fd, out FileStatus status) < 0) return "Zqmail-spawn unable to fstat message. (#4.3.0)\n";
            if (!status.IsFile) return "ZSorry, message has wrong type. (#4.3.5)\n";
            if (status.Uid != owner) return "ZSorry, message has wrong owner. (#4.3.5)\n";
            delivery ??= new RemoteDelivery(CurrentSettings(), resolver, buffers, timeouts, sessions);
            delivery.Settings = CurrentSettings();
            return delivery.Deliver(new RemoteMessage(command.Recipient[(at + 1)..], command.Sender, [command.Recipient],
                (long)status.Size, fd)).Merge();
        }
        finally
        {
            _ = Files.Close(fd);
        }
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

    private void Report(int number, string text)
    {
        byte[] bytes = new DeliveryReport(number, Cut(text)).Encode(wide: true);
        lock (output)
        {
            if (number < running.Length) running[number] = false;
            Write(bytes);
        }
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        lock (output)
        {
            // Without a scheduler the deliveries under way are still finished: a message half sent is sent again.
            if (!schedulerGone && Files.WriteAll(reports, bytes) < 0) schedulerGone = true;
        }
    }

    private static string Cut(string text) =>
        text.Length < DeliveryProtocol.LongestReport ? text
            : text[..(DeliveryProtocol.LongestReport - 40)] + "\nError report too long, sorry.\n";
}
