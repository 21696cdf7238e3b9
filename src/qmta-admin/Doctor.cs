// qmta doctor: looks at everything mail depends on, changes nothing, and says for each thing what to do (qmta-doctor(8)).
using System;
using System.Collections.Generic;
using System.IO;
using Qmta.Control;
using Qmta.Dns;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Admin;

internal sealed class Doctor
{
    // Seconds a message may wait before that is worth a word, and bytes that a queue should have to itself.
    private const int LongWait = 4 * 3600;
    private const long LittleSpace = 50 << 20;

    private static readonly string[] Numbers =
    [
        "bouncelifetime", "bouncemaxbytes", "concurrencylocal", "concurrencyremote", "databytes", "holdlocal", "holdremote", "queuelifetime",
        "timeoutconnect", "timeoutlocal", "timeoutremote",
    ];

    private static readonly string[] Secrets = ["smtproutes", "smtproutes.cdb", "remote_auth", "remote_auth.cdb"];

    private readonly ControlFiles control = ControlFiles.FromEnvironment();
    private readonly QueueLayout queue = QueueLayout.FromEnvironment();
    private readonly List<Finding> findings = [];
    private readonly bool network, root = Users.EffectiveUid == 0;

    private Doctor(bool network) => this.network = network;

    /// <summary>Looks at everything.</summary>
    /// <param name="network">Whether to ask name servers and the relay, too.</param>
    internal static List<Finding> Examine(bool network)
    {
        Doctor doctor = new(network);
        foreach ((string topic, Action look) in ((string, Action)[])
            [
                ("control files", doctor.LookAtControl), ("passwords", doctor.LookAtSecrets), ("users", doctor.LookAtUsers), ("sendmail", doctor.LookAtSendmail),
                ("queue", doctor.LookAtQueue), ("disk", doctor.LookAtDisk), ("clock", doctor.LookAtClock), ("aliases", doctor.LookAtAliases),
                ("network", doctor.LookAtNetwork), ("waiting mail", doctor.LookAtMail),
            ])
        {
            try
            {
                look();
            }
            catch (Exception failure) when (failure is PosixException or FormatException or IOException or UnauthorizedAccessException)
            {
                doctor.Bad(topic, failure.Message, failure is PosixException { Errno: Errno.EACCES } && !doctor.root ? "Run this as root." : "Mend that.");
            }
        }
        return doctor.findings;
    }

    private void Good(string topic, string text) => findings.Add(new Finding(Severity.Good, topic, text));
    private void Warn(string topic, string text, string remedy) => findings.Add(new Finding(Severity.Warning, topic, text, remedy));
    private void Bad(string topic, string text, string remedy) => findings.Add(new Finding(Severity.Error, topic, text, remedy));

    private void LookAtControl()
    {
        const string topic = "control files";
        string? me = control.Line("me");
        if (me == null)
        {
            Bad(topic, control.PathOf("me") + " is missing or empty.", "Put this host's full name into it: \"qmta setup --name pi.example.org\".");
            return;
        }
        if (!me.Contains('.')) Warn(topic, $"This host calls itself {me}, which is not a full name.", "Servers may refuse its mail: \"qmta setup --name " + me + ".example.org\".");
        else Good(topic, "This host is " + me + ".");
        foreach (string name in Numbers)
        {
            try
            {
                _ = control.Number(name, 0);
            }
            catch (FormatException wrong)
            {
                Bad(topic, wrong.Message + ".", "Put a number there, or remove the file: it has a default (qmail-control(5)).");
            }
        }
        foreach (string hold in (ReadOnlySpan<string>)["holdlocal", "holdremote"])
            if (control.Line(hold) is not (null or "0")) Warn(topic, $"All {hold[4..]} mail is on hold.", $"That is what {control.PathOf(hold)} says; remove it and reload qmta-send.");
        foreach (string name in Directory.Exists(control.Directory) ? Files.List(control.Directory) : [])
        {
            string path = control.Directory + "/" + name;
            if (Files.Status(path, out FileStatus status) != 0 || !status.IsFile || Array.IndexOf(Secrets, name) >= 0) continue;
            if (root && (status.Mode & 4) == 0 && status.Uid == 0)
                Warn(topic, path + " cannot be read by the users qmailq and qmailr.", "chmod 644 " + path);
            if ((status.Mode & 2) != 0) Bad(topic, "Everybody can write " + path + ".", "chmod 644 " + path);
        }
    }

    private void LookAtSecrets()
    {
        const string topic = "passwords";
        User? remote = root ? Users.ByName("qmailr") : null;
        foreach (string name in Secrets)
        {
            string path = control.PathOf(name);
            if (Files.Status(path, out FileStatus status) != 0) continue;
            // What everybody may read must have no password in it; whoever may not read it need not know.
            byte[]? text = Files.ReadWhole(path, 1 << 20, out _);
            bool secret = name.StartsWith("remote_auth") || text == null || Array.IndexOf(text, (byte)' ') >= 0;
            if (!secret) continue;
            if ((status.Mode & 0x36) != 0) Bad(topic, path + " has a password in it, and others can read or write it; it is not used.", "chmod 600 " + path);
            else if (remote != null && status.Uid != remote.Uid) Bad(topic, path + " cannot be read by the user qmailr, who needs it.", "chown qmailr " + path);
            else Good(topic, path + " is its owner's alone.");
        }
    }

    private void LookAtUsers()
    {
        const string topic = "users";
        string program = Programs.Find("qmail-queue");
        int found = Files.Status(program, out FileStatus status);
        if (found < 0)
        {
            Bad(topic, "There is no qmail-queue beside this program.", "Install qmta completely.");
            return;
        }
        // A queue of the one who asks needs neither users nor set-id bits.
        bool own = Files.Status(queue.Directory, out FileStatus directory) == 0 && directory.Uid == Users.RealUid && Users.RealUid != 0;
        if (own) return;
        List<string> missing = [];
        foreach (string name in (ReadOnlySpan<string>)["qmailq", "qmailr", "alias"])
            if (Users.ByName(name) == null) missing.Add(name);
        if (Users.GroupByName("qmail") == null) missing.Add("the group qmail");
        if (missing.Count > 0)
        {
            Bad(topic, "These users are missing: " + string.Join(", ", missing) + ".", "\"make install\" or the package creates them; see README.md.");
            return;
        }
        User owner = Users.ByName("qmailq")!;
        if (status.Uid != owner.Uid || (status.Mode & 0x800) == 0)
            Bad(topic, $"{program} is not setuid qmailq: users cannot queue mail.", $"chown qmailq:qmail {program} && chmod 4711 {program}");
        else Good(topic, "Users and the setuid bit of qmail-queue are there.");
        if (Users.ByName("alias") is { } alias && !Directory.Exists(alias.Home))
            Warn(topic, $"{alias.Home}, the home of the user alias, is missing: mail for names that are no user's bounces.",
                $"install -d -m 755 -o alias {alias.Home}");
    }

    private void LookAtSendmail()
    {
        const string topic = "sendmail";
        if (!root && queue.Directory != QueueLayout.DefaultDirectory) return; // a private queue
        foreach (string path in (ReadOnlySpan<string>)["/usr/sbin/sendmail", "/usr/lib/sendmail"])
        {
            if (Files.Status(path, out _) < 0)
            {
                if (path == "/usr/sbin/sendmail") Bad(topic, "There is no " + path + ": programs cannot send mail.", $"ln -s {Programs.Directory}/sendmail {path}");
                continue;
            }
            string target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
            string real = new FileInfo(target).DirectoryName ?? "";
            bool ours = real == Programs.Directory || IsSame(target, Programs.Directory + "/sendmail");
            if (ours) Good(topic, path + " is qmta's.");
            else
                Bad(topic, $"{path} is {target}, another mail system's: what programs send does not come here.",
                    $"Remove that mail system, or: ln -sf {Programs.Directory}/sendmail {path} (with alternatives: update-alternatives --config mta).");
        }
    }

    private static bool IsSame(string a, string b) =>
        Files.Status(a, out FileStatus one) == 0 && Files.Status(b, out FileStatus other) == 0 && one.Inode == other.Inode && one.Device == other.Device;

    private void LookAtQueue()
    {
        const string topic = "queue";
        string fix = "queue-fix " + queue.Directory + (root ? "" : " (as the queue's owner)");
        if (Files.Status(queue.Directory, out FileStatus directory) < 0)
        {
            Bad(topic, "There is no queue " + queue.Directory + ".", fix);
            return;
        }
        foreach (string part in (ReadOnlySpan<string>)["pid", "mess", "intd", "todo", "info", "local", "remote", "bounce", "lock"])
        {
            int found = Files.Status(queue.Directory + "/" + part, out FileStatus status);
            if (found == -Errno.EACCES) throw new PosixException(found, "unable to look into " + queue.Directory);
            if (found < 0 || !status.IsDirectory) Bad(topic, $"{queue.Directory}/{part} is missing.", fix);
            else if (status.Uid != directory.Uid) Bad(topic, $"{queue.Directory}/{part} belongs to another user than the queue.", fix);
        }
        foreach (string part in (ReadOnlySpan<string>)["mess", "info", "local", "remote"])
            for (int n = 0; n < queue.Split; n++)
                if (Files.Status($"{queue.Directory}/{part}/{n}", out _) == -Errno.ENOENT)
                {
                    Bad(topic, $"{queue.Directory}/{part} has no sub-directory {n}: its split is not {queue.Split}.", $"Set CONFSPLIT, or: queue-fix -s {queue.Split} {queue.Directory}");
                    break;
                }
        if (Files.Status(queue.Trigger, out FileStatus trigger) < 0 || !trigger.IsFifo)
            Bad(topic, queue.Trigger + " is no FIFO: new mail is noticed late.", fix);
        else if ((trigger.Mode & 0x90 /* 0220 */) != 0x90) Bad(topic, "Its owner or its group cannot write to " + queue.Trigger + ": new mail is noticed late.", fix);
        if (findings.Exists(one => one.Topic == topic)) return;
        Good(topic, queue.Directory + " is in order" + (QueueKeeper.IsOwned(queue) ? ", and qmta-send works on it." : "."));
        if (QueueKeeper.IsOwned(queue)) return;
        bool any = false;
        foreach (ListedMessage message in new QueueListing(queue, Clocks.Realtime).Messages()) any |= message.Arrival < Clocks.Realtime - 900;
        if (any)
            Bad(topic, "No qmta-send runs, and there is mail that waits longer than a quarter of an hour.",
                "systemctl start qmta-send, or have cron start it (qmta-send(8)).");
        else if (Directory.Exists("/run/systemd/system") && queue.Directory == QueueLayout.DefaultDirectory)
            Warn(topic, "No qmta-send runs.", "systemctl enable --now qmta-send, unless a timer or cron runs it.");
    }

    private void LookAtDisk()
    {
        const string topic = "disk";
        if (!Directory.Exists(queue.Directory)) return;
        DriveInfo drive = new(queue.Directory);
        long free = drive.AvailableFreeSpace;
        string left = free / (1 << 20) + " MiB are free for the queue";
        if (free < LittleSpace / 10) Bad(topic, left + ".", "Make room: no mail is accepted when the disk is full.");
        else if (free < LittleSpace) Warn(topic, left + ".", "Make room before mail is refused.");
        else Good(topic, left + ".");
        // A file that cannot be made for want of inodes looks like a full disk that is not full.
        (int code, string text) = ProgramOutput.Of("df", ["-P", "-i", queue.Directory], withErrors: false);
        string[] words = text.TrimEnd('\n').Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        if (code == 0 && words.Length > 4 && long.TryParse(words[^3], out long inodes) && long.TryParse(words[^5], out long all) && all > 0 && inodes < 1000)
            Bad(topic, $"{inodes} inodes are free for the queue: a message needs two.", "Remove files: the file system has too many.");
    }

    private void LookAtClock()
    {
        const string topic = "clock";
        if (Clocks.Realtime < QueueClock.FirstPlausible)
            Bad(topic, "The clock says " + Text.Dates.Rfc5322(Clocks.Realtime) + ", which cannot be.", "Set it, or see to it that time synchronisation works: certificates look invalid until then.");
        else if (Directory.Exists("/run/systemd/timesync") && !File.Exists("/run/systemd/timesync/synchronized"))
            Warn(topic, "The clock has not been synchronised since the system started.", "timedatectl timesync-status says why; dates in mail may be wrong until then.");
        else Good(topic, "The clock says " + Text.Dates.Rfc5322(Clocks.Realtime) + ".");
    }

    private void LookAtAliases()
    {
        const string topic = "aliases", source = "/etc/aliases", database = source + ".cdb";
        if (!root || Users.ByName("alias") is not { } alias) return;
        bool direct = File.Exists(alias.Home + "/.qmail-root");
        int text = Files.Status(source, out FileStatus written), compiled = Files.Status(database, out FileStatus made);
        if (text == 0 && (compiled != 0 || made.Modified < written.Modified))
            Bad(topic, source + " has changed, and has no effect yet.", "newaliases");
        bool named = false;
        foreach (string line in ControlFiles.LinesOf(source) ?? []) named |= Text.Latin1.Lower(line).StartsWith("root:", StringComparison.Ordinal);
        if (control.Lines("locals") is { Count: 0 }) return; // a null client: nothing is local
        if (!direct && !named) Warn(topic, "Nobody reads root's mail: it bounces.", "qmta setup --root ann@example.org");
        else Good(topic, "Root's mail goes to somebody.");
        if (named && !direct && !(File.Exists(alias.Home + "/.qmail-default") && File.ReadAllText(alias.Home + "/.qmail-default").Contains("fastforward")))
            Bad(topic, $"Aliases have no effect: {alias.Home}/.qmail-default does not run fastforward.", "newaliases says which line is missing.");
    }

    private void LookAtNetwork()
    {
        const string topic = "network";
        if (!network || control.Line("me") is not string me) return;
        bool routed = false;
        foreach (string line in Readable("smtproutes")) routed |= line.StartsWith(':') && line.Length > 1;
        if (!routed && !File.Exists(control.PathOf("smtproutes.cdb")))
        {
            string domain = me.Contains('.') ? me[(me.IndexOf('.') + 1)..] : me;
            DnsAnswer answer = new Resolver().MailExchangers(domain, Sockets.In(20_000));
            if (answer.Status == DnsStatus.Failed) Bad(topic, "The name servers do not answer: " + answer.Reason, "Look into /etc/resolv.conf; without DNS only local mail goes.");
            else Good(topic, "The name servers answer.");
            return;
        }
        RouteProbe probe = RouteProbe.Of("root@" + me, "postmaster@" + me);
        if (probe.Works) Good(topic, "The relay takes mail. " + probe.Text);
        else Bad(topic, "Mail does not get through to the relay: " + probe.Text.Replace("\n", " "), probe.Remedy);
    }

    private List<string> Readable(string name)
    {
        try
        {
            return control.Lines(name) ?? [];
        }
        catch (PosixException)
        {
            return []; // others find it unreadable, and say so
        }
    }

    private void LookAtMail()
    {
        const string topic = "waiting mail";
        long now = Clocks.Realtime;
        long count = 0, held = 0, old = 0;
        Dictionary<string, int> reasons = [];
        foreach (ListedMessage message in new QueueListing(queue, now).Messages())
        {
            count++;
            if (message.IsHeld)
            {
                held++;
                continue;
            }
            if (now - message.Arrival < LongWait) continue;
            old++;
            foreach (ListedRecipient recipient in message.Recipients())
            {
                if (recipient.Done || recipient.Deferral is not Deferral deferral) continue;
                reasons[deferral.Reason] = reasons.GetValueOrDefault(deferral.Reason) + 1;
                if (reasons.Count >= 1000) break;
            }
        }
        if (held > 0) Warn(topic, Spans.Count(held, "message") + " on hold.", "qmta queue list; qmta queue release NUMBER");
        if (old == 0)
        {
            Good(topic, count == 0 ? "The queue is empty." : Spans.Count(count, "message") + " in the queue, none for long.");
            return;
        }
        List<KeyValuePair<string, int>> most = [.. reasons];
        most.Sort((a, b) => b.Value.CompareTo(a.Value));
        string why = "";
        for (int i = 0; i < most.Count && i < 3; i++) why += $" {Spans.Count(most[i].Value, "recipient")}: {most[i].Key}";
        Warn(topic, $"Waiting longer than {Spans.Of(LongWait)}: {Spans.Count(old, "message")}." + why, "qmta queue list says why each waits; qmta queue retry --all tries them now.");
    }
}
