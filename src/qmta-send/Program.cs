// qmta-send: delivers the mail in the queue, as a daemon (-d) or once (qmta-send(8)).
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Send;

internal static class Program
{
    internal const string Name = "qmta-send";

    private static int Main()
    {
        if (Programs.CalledAs == CleanProgram.Name) return Clean();
        Options options;
        try
        {
            options = Options.Parse(Programs.Arguments);
        }
        catch (FormatException wrong)
        {
            Standard.Error($"qmta-send: fatal: {wrong.Message}\n{Options.Usage}");
            return 100;
        }
        if (options.Help || options.Version)
            return Standard.Output(options.Help ? Options.Usage + "\nSee qmta-send(8).\n" : $"qmta-send {Programs.Version}\n") ? 0 : 111;
        try
        {
            return Sleep.Woken() is SleepNote note ? GoOn(options, note) : Run(options);
        }
        catch (Exception failure) when (failure is PosixException or FormatException)
        {
            Standard.Error("qmta-send: fatal: " + failure.Message);
            return 111;
        }
    }

    // Words on the command line only tell ps(1) whose cleaner it is, as indimail's do.
    private static int Clean()
    {
        if (Programs.Arguments is ["--help"]) return Standard.Output("usage: qmail-clean [name ...]\nSee qmail-clean(8).\n") ? 0 : 111;
        if (Programs.Arguments is ["--version"]) return Standard.Output($"qmail-clean {Programs.Version}\n") ? 0 : 111;
        _ = Standard.FillGaps();
        Signals.IgnorePipe();
        try
        {
            return new CleanProgram(QueueLayout.FromEnvironment()).Run();
        }
        catch (PosixException failure)
        {
            Standard.Error("qmail-clean: fatal: " + failure.Message);
            return 111;
        }
    }

    private static int Run(Options options)
    {
        _ = Standard.FillGaps();
        Signals.IgnorePipe();
        _ = Files.Umask(0x3F /* 077 */);
        MailEnvironment.Apply("qmta-send", rootToo: false);
        QueueLayout queue = OpenQueue(options);
        if (options.Fix) FixQueue(queue);
        int queueLock = Lock(queue);
        if (queueLock < 0) return AlreadyRunning(options, queue);
        ControlFiles control = ControlFiles.FromEnvironment();
        if (control.Me == null) throw new FormatException(control.PathOf("me") + " is missing or empty: put this host's full name into it");
        if (!options.Daemon && !options.Requests && IsEmpty(queue)) return 0;
        ReadOnlySpan<int> handled = [Signals.TERM, Signals.INT, Signals.HUP, Signals.ALRM, Signals.CHLD];
        _ = Signals.BlockInEveryThread("qmta-send", handled);
        Processes.LeaveNoCore(); // helpers hold mail and passwords
        PosixException.Check(Descriptors.CloseOnExecFrom(3), "unable to close inherited descriptors");
        int signals = Signals.Descriptor(handled);
        PosixException.Check(signals, "unable to receive signals");
        return Deliver(options, queue, control, signals, queueLock);
    }

    private static int Deliver(Options options, QueueLayout queue, ControlFiles control, int signals, int queueLock)
    {
        Settings settings = new(control, queue);
        // Before anything is started that could take itself for the service.
        ServiceNotices? notices = options.Daemon ? new ServiceNotices() : null;
        // What helpers and queue programs are told is where this process looked.
        Variables.Set("QUEUEDIR", queue.Directory);
        Variables.Set("CONFSPLIT", queue.Split.ToString());
        Variables.Set("BIGTODO", queue.BigTodo ? "1" : "0");
        Variables.Set("CONTROLDIR", control.Directory);
        Helpers helpers = new(options, options.DefaultDelivery ?? settings.DefaultDelivery);
        if (options.Requests)
        {
            Helpers.BecomeOwner();
            return new Scheduler(queue, settings, helpers, new Cleaner(queue), signals, daemon: false).RunRequests();
        }
        if (options.Logger.Length > 0) Log.OpenLogger();
        Helper? rootHelper = null;
        if (Users.EffectiveUid == 0)
        {
            rootHelper = helpers.StartRootHelper();
            if (rootHelper == null) return 111;
        }
        if (options.Logger.Length > 0 && !Log.StartLogger(options.Logger)) return 111;
        Cleaner cleaner = new(queue);
        if (options.ForeignClean && !cleaner.UseProgram()) return 111;
        Scheduler scheduler = new(queue, settings, helpers, cleaner, signals, options.Daemon) { Notices = notices, LockFd = queueLock };
        if (rootHelper != null) scheduler.Adopt(rootHelper);
        return scheduler.Run();
    }

    /// <summary>A daemon that slept goes on: its identity, its descriptors and its environment are as they were.</summary>
    private static int GoOn(Options options, SleepNote note)
    {
        Slumber slumber;
        try
        {
            slumber = Slumber.Read(note);
        }
        catch (FormatException wrong)
        {
            throw new FormatException("unable to go on after a sleep: of the note that was left, " + wrong.Message);
        }
        _ = Standard.FillGaps();
        // Whoever sleeps has given up root, and holds the lock.
        if (Users.EffectiveUid == 0) throw new FormatException("unable to go on after a sleep: as root, there is none");
        PosixException.Check(Files.TryLock(slumber.Lock), "unable to go on after a sleep: the lock of the queue is not held");
        PosixException.Check(Descriptors.CloseOnExecFrom(3), "unable to close inherited descriptors");
        Signals.IgnorePipe();
        QueueLayout queue = OpenQueue(options);
        Log.Use(slumber.Log);
        Settings settings = new(ControlFiles.FromEnvironment(), queue, slumber.Controls);
        Helpers helpers = new(options, options.DefaultDelivery ?? settings.DefaultDelivery, slumber.RootHelper);
        Scheduler scheduler = new(queue, settings, helpers, new Cleaner(queue), slumber.Signals, daemon: true, slumber)
        {
            Notices = new ServiceNotices(slumber.Notices, slumber.WatchdogInterval, slumber.WatchdogSign),
            LockFd = slumber.Lock,
        };
        if (slumber.Reports >= 0)
            scheduler.Adopt(new Helper("qmail-lspawn", slumber.Commands, slumber.Reports, slumber.Capacity, slumber.Wide));
        return scheduler.Run();
    }

    /// <summary>The queue, with an absolute path: helpers have other current directories.</summary>
    private static QueueLayout OpenQueue(Options options)
    {
        QueueLayout queue = QueueLayout.FromEnvironment();
        string directory = queue.Directory[0] == '/' ? queue.Directory : Programs.CurrentDirectory + "/" + queue.Directory;
        return new QueueLayout(directory, options.Split ?? queue.Split, options.BigTodo || queue.BigTodo);
    }

    private static void FixQueue(QueueLayout queue)
    {
        int pid = PosixException.Check(Processes.Start(Programs.Find("queue-fix"),
            ["queue-fix", "-s", queue.Split.ToString(), "-b", queue.BigTodo ? "1" : "0", queue.Directory], []), "unable to start queue-fix");
        PosixException.Check(Processes.Wait(pid, out ExitStatus status), "unable to wait for queue-fix");
        if (status.Raw != 0) throw new FormatException("queue-fix could not repair " + queue.Directory);
    }

    /// <summary>Takes the lock of the queue: its descriptor, or -EAGAIN when another process has it.</summary>
    /// <exception cref="PosixException">The lock file cannot be opened.</exception>
    private static int Lock(QueueLayout queue)
    {
        int fd = Files.Open(queue.SendMutex, OpenMode.Write | OpenMode.NoFollow);
        if (fd == -Errno.ENOENT) throw new PosixException(fd, $"unable to open {queue.SendMutex} (queue-fix {queue.Directory} makes it a queue)");
        PosixException.Check(fd, "unable to open " + queue.SendMutex);
        int locked = Files.TryLock(fd);
        return locked < 0 ? locked : fd;
    }

    private static int AlreadyRunning(Options options, QueueLayout queue)
    {
        if (options.Daemon)
        {
            Standard.Error($"alert: cannot start: qmta-send is already running on {queue.Directory}");
            return 111;
        }
        queue.PullTrigger();
        Standard.Error($"info: qmta-send is already running on {queue.Directory}; told it to look for new mail");
        return 0;
    }

    /// <summary>Whether the queue is empty, told without changing or starting anything.</summary>
    private static bool IsEmpty(QueueLayout queue)
    {
        foreach (string name in Files.List(queue.Directory + "/todo"))
            if (!queue.BigTodo || Files.Status($"{queue.Directory}/todo/{name}", out FileStatus status) < 0 || !status.IsDirectory
                || Files.HasEntries($"{queue.Directory}/todo/{name}")) return false;
        // Every message has a file in mess; one that is not finished, or never will be, may have some in pid, intd or mess.
        if (Files.HasEntries(queue.Pid) || (!queue.BigTodo && Files.HasEntries(queue.Directory + "/intd"))) return false;
        for (int n = 0; n < queue.Split; n++)
            if (Files.HasEntries($"{queue.Directory}/mess/{n}") || (queue.BigTodo && Files.HasEntries($"{queue.Directory}/intd/{n}"))) return false;
        return true;
    }
}
