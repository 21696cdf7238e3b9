// qmail-lspawn: has each local delivery done that the scheduler asks for, and reports how each one ended.
//
// As root it is the only process of the system that stays root. It parses nothing but delivery commands, users/cdb and
// what a program says for QMAILGETPW; it opens nothing but these and message files; and every program it starts becomes
// somebody else before it does anything. Deliveries are done by qmail-local processes of the recipients' uids, which it
// keeps for a while (WorkerPool), or by the program that QMAILLOCAL names, one process for each.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
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

    /// <summary>How long a program may take to say who gets a message, in milliseconds.</summary>
    private const long AccountLimit = 60_000;

    /// <summary>Messages that are longer, in bytes, hold up no others: they have a process to themselves.</summary>
    private const long LongestTogether = 128 * 1024;

    /// <summary>
    /// For how long, in milliseconds, mail for an address that runs programs or forwards is not tried as plain any more.
    /// </summary>
    private const long RememberPrograms = 60_000;

    /// <summary>Of how many addresses that is remembered.</summary>
    private const int MostRemembered = 200;

    /// <summary>
    /// How long, in milliseconds, a plain delivery waits for a process of its account that is at others, instead of having
    /// one started.
    /// </summary>
    private const long MostWait = 100;

    // Entries to wait for: commands, children and start requests, then each running delivery's pipe and its socket.
    private const int FirstRunning = 3;

    private readonly string defaultDelivery;
    private readonly string program = Programs.Find("qmail-local");
    private readonly string? replacement = NotEmpty(Variables.Get("QMAILLOCAL"));
    private readonly string? accountProgram = NotEmpty(Variables.Get("QMAILGETPW"));
    private readonly bool root = Users.EffectiveUid == 0;
    private readonly QueuedMessage messages;
    private readonly Accounts accounts;
    private readonly WorkerPool workers;
    private readonly long limit;
    private readonly DeliveryStream commands = DeliveryStream.OfCommands(wide: true);
    private readonly bool toldOfChildren;
    private readonly List<RunningDelivery> running = [];
    private readonly byte[] buffer = new byte[32768];
    // What was found out for the commands that came together; the next ones may find it changed.
    private readonly Dictionary<string, Recipient> found = [];
    // Addresses whose mail was not plain, by home directory and extension, and until when that is taken for granted.
    private readonly Dictionary<(string Home, string Ext), long> notPlain = [];
    // Plain deliveries whose account has a process at work.
    private readonly List<PreparedDelivery> waiting = [];
    private readonly List<byte> reports = [];
    private PlainDeliveries? own;
    private PollEntry[] entries = new PollEntry[16];
    private bool reading = true, writing = true;

    // Whether it falls asleep when there has been nothing to do since that time, in milliseconds since boot.
    private bool sleeps;
    private long quietSince = Clocks.BoottimeMilliseconds;

    private LocalSpawner(string defaultDelivery, bool toldOfChildren)
    {
        this.toldOfChildren = toldOfChildren;
        // Others are let go when they have nothing to do.
        sleeps = root && toldOfChildren;
        this.defaultDelivery = defaultDelivery;
        ControlFiles control = ControlFiles.FromEnvironment();
        messages = new QueuedMessage(QueueLayout.FromEnvironment().Directory, root);
        accounts = root ? Accounts.OfMachine(Assignments.PathBeside(control.Directory)) : Accounts.OfOurselves(control);
        workers = new WorkerPool(program, defaultDelivery, root);
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
        try
        {
            SleepNote? note = Sleep.Woken();
            bool told = Signals.BlockInEveryThread(Name, Signals.CHLD);
            Signals.IgnorePipe();
            _ = Files.Umask(0x3F /* 077 */);
            Processes.LeaveNoCore();
            LocalSpawner spawner = new(arguments[0], told);
            return note == null ? spawner.Begin() : spawner.WakeUp(note);
        }
        catch (Exception failure) when (failure is PosixException or FormatException)
        {
            Standard.Error("qmail-lspawn: " + failure.Message);
            return 111;
        }
    }

    private int Begin()
    {
        int socket = root ? RoleRequests.TakeSocket() : -1;
        // A descriptor of root's must not reach a recipient's programs, whoever forgot it.
        PosixException.Check(Descriptors.CloseOnExecFrom(3), "unable to close inherited descriptors");
        int children = PosixException.Check(Signals.Descriptor(Signals.CHLD), "unable to watch for children");
        reports.AddRange(DeliveryProtocol.Announcement(DeliveryProtocol.MostDeliveries));
        WriteReports();
        return Run(children, socket);
    }

    private int WakeUp(SleepNote note)
    {
        PosixException.Check(Descriptors.CloseOnExecFrom(3), "unable to close inherited descriptors");
        return Run((int)note.TakeNumber(), (int)note.TakeNumber());
    }

    private int Run(int children, int socket)
    {
        while (reading || running.Count > 0 || waiting.Count > 0)
        {
            int count = Wait(children, socket);
            long now = Clocks.BoottimeMilliseconds;
            // Output before answers and exits: what a process wrote last is there when its end is known.
            for (int i = FirstRunning; i < count; i += 2)
                if (entries[i].Happened != 0) running[(i - FirstRunning) / 2].ReadOutput(buffer);
            for (int i = FirstRunning + 1; i < count; i += 2)
                if (entries[i].Happened != 0) TakeAnswer(running[(i - FirstRunning) / 2], now);
            if (entries[1].Happened != 0 || !toldOfChildren) CollectChildren(children, now);
            if (ReportFinished(now) || (waiting.Count > 0 && waiting[0].Since + MostWait <= now)) StartWaiting(now);
            workers.MeetDeadline(now);
            if (entries[2].Happened != 0 && !RoleRequests.Answer(socket))
            {
                _ = Files.Close(socket);
                socket = -1;
            }
            if (entries[0].Happened != 0) ReadCommands(now);
            WriteReports();
        }
        return writing ? 0 : 111;
    }

    private int Wait(int children, int socket)
    {
        int count = FirstRunning + 2 * running.Count;
        if (entries.Length < count) Array.Resize(ref entries, 2 * count);
        entries[0] = new PollEntry { Fd = reading ? 0 : -1, Events = PollEntry.In };
        entries[1] = new PollEntry { Fd = children, Events = PollEntry.In };
        entries[2] = new PollEntry { Fd = socket, Events = PollEntry.In };
        long deadline = waiting.Count > 0 ? Math.Min(workers.Deadline, waiting[0].Since + MostWait) : workers.Deadline;
        for (int i = 0; i < running.Count; i++)
        {
            RunningDelivery delivery = running[i];
            int answer = delivery is { Worker: not null, Ended: null } ? delivery.Worker.Socket : -1;
            entries[FirstRunning + 2 * i] = new PollEntry { Fd = delivery.Pipe, Events = PollEntry.In };
            entries[FirstRunning + 2 * i + 1] = new PollEntry { Fd = answer, Events = PollEntry.In };
            deadline = Math.Min(deadline, delivery.Deadline);
        }
        long left = deadline - Clocks.BoottimeMilliseconds;
        long wait = deadline == long.MaxValue ? -1
            : Math.Clamp(left, 0, toldOfChildren ? int.MaxValue : LookForChildren);
        bool quiet = sleeps && running.Count == 0 && workers.Count == 0 && waiting.Count == 0 && !commands.InMiddle && reading;
        if (quiet) wait = Math.Max(0, quietSince + Sleep.Idle - Clocks.BoottimeMilliseconds);
        int happened = PosixException.Check(Poll.Wait(entries.AsSpan(0, count), (int)wait), "unable to wait");
        if (happened == 0 && quiet) FallAsleep(children, socket);
        // Of processes, only the end is still to come.
        if (entries[0].Happened != 0 || entries[2].Happened != 0) quietSince = Clocks.BoottimeMilliseconds;
        return count;
    }

    /// <summary>Waits with next to no memory (decision 040); returns when that is not possible.</summary>
    private void FallAsleep(int children, int socket)
    {
        sleeps = false;
        if (!Sleep.IsPossible(Name)) return;
        SleepNote note = new();
        note.Put(children);
        note.Put(socket);
        int error = Sleep.Begin(Name, note, milliseconds: -1, isPrivate: false, [0, children, socket], [1]);
        Standard.Error("qmail-lspawn: unable to sleep: " + Errno.Text(error) + "; staying awake");
    }

    // A worker says how its delivery ended and is ready for the next one. One that has gone without a word is a child
    // that has ended.
    private void TakeAnswer(RunningDelivery delivery, long now)
    {
        if (delivery.Ended != null) return;
        if (delivery.Together != null)
        {
            TakeOutcomes(delivery, now);
            return;
        }
        if (delivery.Worker!.Answer() is not (>= 0 and int code)) return;
        // What it wrote before it answered.
        while (delivery.Pipe >= 0 && Poll.WaitFor(delivery.Pipe, writable: false, 0)) delivery.ReadOutput(buffer);
        if (delivery.IsUndisturbed) workers.Keep(delivery.Worker, now);
        else _ = Files.Close(delivery.Worker.Socket);
        delivery.End(new ExitStatus(code << 8), now);
    }

    // The same of several deliveries.
    private void TakeOutcomes(RunningDelivery delivery, long now)
    {
        delivery.Outcomes = delivery.Worker!.Outcomes(delivery.Together!.Count, buffer, out bool leaving);
        if (delivery.Outcomes == null) return;
        if (!leaving && delivery.IsUndisturbed) workers.Keep(delivery.Worker, now);
        else _ = Files.Close(delivery.Worker.Socket);
        delivery.End(new ExitStatus(0), now);
    }

    private void CollectChildren(int children, long now)
    {
        while (Signals.Next(children) != 0) { }
        while (true)
        {
            int pid = Processes.Collect(out ExitStatus status);
            if (pid <= 0) return;
            // Other children are programs that were started on request.
            workers.Forget(pid);
            foreach (RunningDelivery delivery in running)
            {
                if (delivery.Pid != pid || delivery.Ended != null) continue;
                if (delivery.Worker != null)
                {
                    // Its answer may have come after the last look.
                    int code = delivery.Together == null ? delivery.Worker.Answer() : -1;
                    if (delivery.Together != null) delivery.Outcomes = delivery.Worker.Outcomes(delivery.Together.Count, buffer, out _);
                    if (delivery.Outcomes != null) code = 0;
                    if (code >= 0) status = new ExitStatus(code << 8);
                    _ = Files.Close(delivery.Worker.Socket);
                }
                delivery.End(status, now);
            }
        }
    }

    // Whether any was finished.
    private bool ReportFinished(long now)
    {
        bool any = false;
        for (int i = running.Count - 1; i >= 0; i--)
        {
            RunningDelivery delivery = running[i];
            if (delivery.Deadline <= now) delivery.MeetDeadline(now);
            if (!delivery.IsOver) continue;
            any = true;
            running.RemoveAt(i);
            if (delivery.Together != null)
            {
                ReportTogether(delivery, now);
                continue;
            }
            string? report = delivery.Pending == null ? delivery.Report(now) : GoOn(delivery, now);
            if (report != null) Report(delivery.Number, report);
        }
        return any;
    }

    private void ReportTogether(RunningDelivery together, long now)
    {
        // It ended by itself and did not say more: what was wrong, a process with one delivery says to those who ask.
        bool again = together is { Outcomes: null, IsUndisturbed: true, Ended.Crashed: false };
        string? crashed = together.Outcomes == null && !again ? together.Report(now) : null;
        for (int i = 0; i < together.Together!.Count; i++)
        {
            PreparedDelivery one = together.Together[i];
            if (crashed != null) Report(one.Command.Number, crashed);
            else Conclude(one, together.Outcomes?[i] ?? new(PlainDeliveries.NotPlain, ""), now);
        }
    }

    /// <summary>Reports a delivery, or has it done by a process to itself when it is not plain.</summary>
    private void Conclude(PreparedDelivery delivery, PlainOutcome outcome, long now)
    {
        if (outcome.Code != PlainDeliveries.NotPlain)
        {
            Report(delivery.Command.Number, Verdict.Of(new ExitStatus(outcome.Code << 8), outcome.Text));
            return;
        }
        if (notPlain.Count >= MostRemembered) notPlain.Clear();
        notPlain[Address(delivery)] = now + RememberPrograms;
        int message = messages.Open(delivery.Command.Message, out _, out string trouble);
        string? report = message < 0 ? trouble : StartAlone(delivery with { Message = message }, now);
        if (report != null) Report(delivery.Command.Number, report);
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
        found.Clear();
        List<PreparedDelivery> ready = [];
        while (commands.Take(ref bytes))
        {
            DeliveryCommand command = commands.Command();
            string? report = Prepare(command, ready, now);
            if (report != null) Report(command.Number, report);
            // So many messages are open.
            if (ready.Count == 4 * Worker.MostTogether) Start(ready, now);
        }
        Start(ready, now);
    }

    /// <summary>Finds out who gets a message; the report when it is over already.</summary>
    private string? Prepare(DeliveryCommand command, List<PreparedDelivery> ready, long now)
    {
        bool inUse = running.Exists(delivery => delivery.IsOf(command.Number))
            || ready.Exists(delivery => delivery.Command.Number == command.Number)
            || waiting.Exists(delivery => delivery.Command.Number == command.Number);
        string? wrong = Verdict.OfCommand(command.Number, inUse, command.Message, command.Recipient);
        if (wrong != null) return wrong;
        string local = command.Recipient[..command.Recipient.LastIndexOf('@')];
        int message = messages.Open(command.Message, out long size, out string trouble);
        if (message < 0) return trouble;
        bool keep = false;
        try
        {
            // Mail for nobody, as a double bounce without an address is: done by doing nothing.
            if (local.Length == 0) return "K";
            if (!found.TryGetValue(local, out Recipient? recipient))
            {
                recipient = accounts.FindAssigned(local, out string report);
                if (recipient == null && report.Length == 0)
                {
                    if (accountProgram != null)
                    {
                        string? failed = AskProgram(command, local, message, now);
                        keep = failed == null;
                        return failed;
                    }
                    recipient = accounts.Find(local, out report);
                }
                if (recipient == null) return report;
                found[local] = recipient;
            }
            string? refused = Prepare(command, recipient, message, size, ready, now);
            keep = refused == null;
            return refused;
        }
        finally
        {
            if (!keep) _ = Files.Close(message);
        }
    }

    private string? Prepare(DeliveryCommand command, Recipient recipient, int message, long size, List<PreparedDelivery> ready,
        long now)
    {
        User account = recipient.Account;
        if (root && account.Uid == 0) return "ZNot allowed to perform deliveries as root.\n";
        if (!root && account.Uid != Users.EffectiveUid)
            return "ZThe address belongs to uid " + account.Uid + ", but everything here runs as uid "
                + Users.EffectiveUid + ". (#4.3.5)\n";
        int at = command.Recipient.LastIndexOf('@');
        Delivery delivery = new(account.Name, account.Home, command.Recipient[..at], recipient.Dash, recipient.Ext,
            command.Recipient[(at + 1)..], command.Sender, defaultDelivery,
            command.ExtraHeader) { MessageName = command.Message, IsLast = command.IsLast };
        if (Worker.Encode(delivery) is not byte[] request) return "DSorry, this address is too long. (#5.1.3)\n";
        ready.Add(new PreparedDelivery(command, recipient, delivery, request, message, size, now));
        return null;
    }

    /// <summary>Starts deliveries: those that may be plain together with others of their account, the rest one by one.</summary>
    private void Start(List<PreparedDelivery> ready, long now)
    {
        while (ready.Count > 0)
        {
            PreparedDelivery first = ready[0];
            if (!MayBePlain(first, now))
            {
                ready.RemoveAt(0);
                if (StartAlone(first, now) is string report) Report(first.Command.Number, report);
                continue;
            }
            List<PreparedDelivery> together = [];
            int length = 0;
            for (int i = 0; i < ready.Count && together.Count < Worker.MostTogether; i++)
            {
                PreparedDelivery one = ready[i];
                if (one.Delivery.Home != first.Delivery.Home || one.Recipient.Account.Uid != first.Recipient.Account.Uid
                    || one.Recipient.Account.Gid != first.Recipient.Account.Gid || !MayBePlain(one, now)
                    || length + one.Request.Length + 1 >= Worker.LongestRequest) continue;
                length += one.Request.Length + 1;
                together.Add(one);
                ready.RemoveAt(i--);
            }
            // As the recipient himself there is nothing that a process of his would be safer for, and nobody waits.
            if (!root && ready.Count == 0 && running.Count == 0) Perform(together, now);
            else if (MustWait(first, now)) waiting.AddRange(together);
            else Hand(together, now);
        }
    }

    private void StartWaiting(long now)
    {
        if (waiting.Count == 0) return;
        List<PreparedDelivery> ready = [.. waiting];
        waiting.Clear();
        Start(ready, now);
    }

    // One that is at plain deliveries has written them in a moment, or nothing can be written. One that runs a program
    // nobody waits for.
    private bool MustWait(PreparedDelivery delivery, long now)
    {
        User account = delivery.Recipient.Account;
        return now < delivery.Since + MostWait && !workers.Has(account.Uid, account.Gid) && running.Exists(other =>
            other is { Together: not null, Ended: null } && other.Worker!.Uid == account.Uid && other.Worker.Gid == account.Gid);
    }

    private bool MayBePlain(PreparedDelivery delivery, long now) => replacement == null && delivery.Size <= LongestTogether
        && !(notPlain.TryGetValue(Address(delivery), out long until) && now < until);

    private static (string, string) Address(PreparedDelivery delivery) =>
        (delivery.Delivery.Home, delivery.Delivery.Dash + delivery.Delivery.Ext);

    /// <summary>Performs deliveries in this process.</summary>
    private void Perform(List<PreparedDelivery> together, long now)
    {
        own ??= new PlainDeliveries();
        string? directory = Files.ReadLink("/proc/self/cwd");
        Delivery[] deliveries = new Delivery[together.Count];
        for (int i = 0; i < deliveries.Length; i++) deliveries[i] = together[i].Delivery;
        PlainOutcome[] outcomes = own.Perform(deliveries, Messages(together));
        _ = Files.ChangeDirectory(directory ?? "/");
        Close(together);
        for (int i = 0; i < outcomes.Length; i++) Conclude(together[i], outcomes[i], now);
    }

    private static int[] Messages(List<PreparedDelivery> deliveries)
    {
        int[] messages = new int[deliveries.Count];
        for (int i = 0; i < messages.Length; i++) messages[i] = deliveries[i].Message;
        return messages;
    }

    private static void Close(List<PreparedDelivery> deliveries)
    {
        foreach (PreparedDelivery delivery in deliveries) _ = Files.Close(delivery.Message);
    }

    /// <summary>Starts the program that says who gets the message; it has the message until it is over.</summary>
    private string? AskProgram(DeliveryCommand command, string local, int message, long now)
    {
        List<string> arguments = [];
        if (root)
        {
            // What it parses is an address that a stranger chose.
            User? nobody;
            try
            {
                nobody = Users.ByName("qmailp") ?? Users.ByName("nobody");
            }
            catch (PosixException failure)
            {
                return "ZTemporary failure in qmail-lspawn: " + failure.Message + ". (#4.3.0)\n";
            }
            if (nobody == null || nobody.Uid == 0) return "ZUnable to find user qmailp or nobody! (#4.3.5)\n";
            arguments.AddRange(["qmail-local", "--as", nobody.Uid + ":" + nobody.Gid, Replacement.Option]);
        }
        arguments.AddRange([accountProgram!, local]);
        int r = Files.Pipe(out int read, out int write);
        if (r < 0) return "ZUnable to create pipe: " + Errno.Text(r) + ". (#4.3.0)\n";
        int nothing = Files.Open("/dev/null", OpenMode.Read);
        int pid = nothing < 0 ? nothing : Processes.Start(root ? program : Programs.Find(accountProgram!),
            CollectionsMarshal.AsSpan(arguments), [new(nothing, 0), new(write, 1)], ownGroup: true);
        _ = Files.Close(nothing);
        _ = Files.Close(write);
        if (pid < 0)
        {
            _ = Files.Close(read);
            return WorkerPool.Unstarted(accountProgram!, pid);
        }
        running.Add(new RunningDelivery(command.Number, pid, read, now, AccountLimit)
        {
            Pending = new PendingAccount(command, message),
        });
        return null;
    }

    /// <summary>The program has ended that says who gets a message: starts the delivery.</summary>
    private string? GoOn(RunningDelivery lookup, long now)
    {
        (DeliveryCommand command, int message) = lookup.Pending!;
        _ = lookup.Report(now); // ends what is left of it
        Recipient? recipient = lookup.Ended is { Raw: 0 } ? PasswordLookup.Decode(lookup.Output) : null;
        List<PreparedDelivery> ready = [];
        string? refused = recipient == null ? "Z" + accountProgram + " did not say who gets this message. (#4.3.0)\n"
            : Prepare(command, recipient, message, 0, ready, now);
        if (refused == null) return StartAlone(ready[0], now);
        _ = Files.Close(message);
        return refused;
    }

    /// <summary>Has a delivery done by a process to itself; the report when that is not possible.</summary>
    private string? StartAlone(PreparedDelivery delivery, long now)
    {
        int r = Files.Pipe(out int read, out int write);
        string trouble = "ZUnable to create pipe: " + Errno.Text(r) + ". (#4.3.0)\n";
        RunningDelivery? started = null;
        if (r >= 0)
            started = replacement == null ? HandAlone(delivery, read, write, now, out trouble)
                : Replace(delivery, read, write, now, out trouble);
        _ = Files.Close(delivery.Message);
        if (r < 0) return trouble;
        _ = Files.Close(write);
        if (started == null)
        {
            _ = Files.Close(read);
            return trouble;
        }
        running.Add(started);
        return null;
    }

    /// <summary>Hands the delivery to a process of the account's.</summary>
    private RunningDelivery? HandAlone(PreparedDelivery delivery, int read, int write, long now, out string trouble)
    {
        WorkerProcess? worker = Hand(delivery.Recipient.Account, write, delivery.Request, [delivery.Message, write], out trouble);
        return worker == null ? null : new RunningDelivery(delivery.Command.Number, worker.Pid, read, now, limit) { Worker = worker };
    }

    /// <summary>Hands several to one, as plain.</summary>
    private void Hand(List<PreparedDelivery> together, long now)
    {
        List<byte> request = [];
        foreach (PreparedDelivery delivery in together)
        {
            if (request.Count > 0) request.Add(0);
            request.AddRange(delivery.Request);
        }
        WorkerProcess? worker = Hand(together[0].Recipient.Account, -1, CollectionsMarshal.AsSpan(request), Messages(together),
            out string trouble);
        Close(together);
        if (worker != null)
        {
            running.Add(new RunningDelivery(together[0].Command.Number, worker.Pid, -1, now, limit)
            {
                Worker = worker,
                Together = together,
            });
            return;
        }
        foreach (PreparedDelivery delivery in together) Report(delivery.Command.Number, trouble);
    }

    /// <summary>Hands a request to a process of the account's; null with the report when that is not possible.</summary>
    /// <param name="report">Where a new process writes what goes wrong at its start, or -1.</param>
    private WorkerProcess? Hand(User account, int report, ReadOnlySpan<byte> request, ReadOnlySpan<int> fds, out string trouble)
    {
        while (true)
        {
            WorkerProcess? idle = workers.Take(account.Uid, account.Gid);
            trouble = "";
            WorkerProcess? worker = idle ?? workers.Start(account.Uid, account.Gid, report, out trouble);
            if (worker == null) return null;
            int r = DescriptorSocket.Send(worker.Socket, request, fds);
            if (r == 0) return worker;
            // Gone, or about to go: closing its socket ends it. An idle one may have been killed by its user.
            _ = Files.Close(worker.Socket);
            trouble = "ZUnable to hand the message to qmail-local: " + Errno.Text(r) + ". (#4.3.0)\n";
            if (idle == null) return null;
        }
    }

    /// <summary>Starts the program that does qmail-local's work.</summary>
    private RunningDelivery? Replace(PreparedDelivery prepared, int read, int write, long now, out string trouble)
    {
        User account = prepared.Recipient.Account;
        Delivery delivery = prepared.Delivery;
        List<string> arguments = root
            ? ["qmail-local", "--as", account.Uid + ":" + account.Gid, Replacement.Option] : [];
        arguments.AddRange([replacement!, delivery.User, delivery.Home, delivery.Local, delivery.Dash, delivery.Ext,
            delivery.Host, delivery.Sender, delivery.DefaultDelivery, delivery.ExtraHeader]);
        List<string> environment = Variables.All();
        environment.RemoveAll(static variable => variable.StartsWith("MESSID=", StringComparison.Ordinal));
        environment.Add("MESSID=" + delivery.MessageName);
        int pid = Processes.Start(root ? program : Programs.Find(replacement!), CollectionsMarshal.AsSpan(arguments),
            [new(prepared.Message, 0), new(write, 1), new(write, 2)], environment, ownGroup: true);
        trouble = pid >= 0 ? "" : WorkerPool.Unstarted(replacement!, pid);
        return pid >= 0 ? new RunningDelivery(prepared.Command.Number, pid, read, now, limit) : null;
    }

    private void Report(int number, string text) => reports.AddRange(new DeliveryReport(number, text).Encode(wide: true));

    // All at once: what the scheduler asks for next then comes together, too.
    private void WriteReports()
    {
        // Nobody listens any more: the deliveries still running are brought to their end all the same.
        if (writing && reports.Count > 0 && Files.WriteAll(1, CollectionsMarshal.AsSpan(reports)) < 0) writing = reading = false;
        reports.Clear();
    }

    private static string? NotEmpty(string? value) => string.IsNullOrEmpty(value) ? null : value;

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
