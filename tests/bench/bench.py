"""Measures mail systems side by side and writes the comparison as tables (called by tests/bench/run).

Submission: N messages one after the other through each system's sendmail; see submission.py, which has more systems.
Drain: messages already queued, then delivered to one smtp-sink on loopback: time from starting the scheduler to the
last message's arrival, and to the empty queue; processor time of the whole system until then.
Local drain: the same into Maildirs of ten users, by qmta started as root and by postfix's local(8).
Fairness: messages to ten domains, each with a server of its own a round trip of 50 ms away; the time until nine of them
have theirs, when the tenth never answers and when it does not exist.
Idle: PSS and context switches of every process of the system during a minute without work.
Rounds of the systems are interleaved, so that a slow moment of the machine hits all of them; medians are reported.
"""
import argparse, os, re, socket, statistics, subprocess, sys, time

import submission
from cpugroup import CpuGroup
from distant import Distant
from mailsystem import NOBODY, USERS, System, end, files, to_remote, wait

SYSTEMS = ["qmta", "nullmailer", "postfix"]
DOMAINS = 10
ROUND_TRIP = 0.050


def to_user(number):
    return USERS[number % len(USERS)] + "@board.example"


def to_domain(domains):
    return lambda number: f"operator@d{number % domains}.example"


class Postfix(System):
    name = "postfix"
    how = "queued and synced by postdrop"

    def configure(self):
        settings = dict(myhostname="board.example", mydestination="board.example", inet_interfaces="loopback-only",
                        inet_protocols="ipv4", relayhost=f"[127.0.0.1]:{self.port}", compatibility_level="3.6",
                        smtp_destination_concurrency_limit="20", initial_destination_concurrency="20",
                        default_process_limit="100", smtputf8_enable="no", smtp_tls_security_level="none",
                        disable_dns_lookups="yes", alias_maps="", alias_database="", maillog_file="",
                        home_mailbox="Maildir/", transport_maps="")
        self.root.run("postconf", "-e", *[f"{key}={value}" for key, value in settings.items()])
        self.root.run("postconf", "-M#", "smtp/inet", check=False)
        self.root.run("sh", "-c", "postconf -F '*/*/chroot=n'")
        self.root.run("postconf", "-F", "smtp/unix/process_limit=-")
        self.root.run("postfix", "check", stdout=self.log, stderr=self.log)
        self.clear()

    def queue(self, count, recipient=to_remote, transport="smtp"):
        """Fills the deferred queue: accepted, written, not yet tried."""
        self.root.run("postconf", "-e", f"defer_transports={transport}")
        self.start()
        self.fill(count, recipient)
        spool = self.root.root + "/var/spool/postfix"
        wait(lambda: files(spool + "/deferred") >= count, 120, "postfix to defer the messages")
        self.stop()
        self.root.run("postsuper", "-h", "ALL", stdout=self.log, stderr=self.log)
        self.root.run("postconf", "-e", "defer_transports=")
        # Postfix takes a second to start, which says nothing about its rate: it is up, and the messages are released,
        # before the clock starts.
        self.start()
        time.sleep(2)
        self.root.run("postsuper", "-H", "ALL", stdout=self.log, stderr=self.log)

    def start(self):
        self.root.run("postfix", "start", stdout=self.log, stderr=self.log, preexec_fn=self.group.enter)

    def begin_drain(self):
        self.root.run("postqueue", "-f")

    def route_domains(self, ports):
        """Sends each domain to a port of its own, with as many deliveries in all as qmta has, and with postfix's own
        idea of how many to begin with."""
        routes = " ".join(f"{{d{number}.example=smtp:[127.0.0.1]:{port}}}" for number, port in enumerate(ports))
        self.root.run("postconf", "-e", f"transport_maps=inline:{{{routes}}}", "initial_destination_concurrency=5")
        self.root.run("postconf", "-F", "smtp/unix/process_limit=20")

    def stop(self):
        self.root.run("postfix", "stop", stdout=self.log, stderr=self.log, check=False)

    def clear(self):
        self.root.run("postsuper", "-d", "ALL", stdout=self.log, stderr=self.log)

    def left(self):
        return sum(files(f"{self.root.root}/var/spool/postfix/{sub}") for sub in ("maildrop", "incoming", "active", "deferred"))

    def processes(self):
        with open(self.root.root + "/var/spool/postfix/pid/master.pid") as file:
            return tree(int(file.read()))


class Nullmailer(System):
    name = "nullmailer"
    how = "queued and synced by nullmailer-queue"

    def configure(self):
        etc = self.root.root + "/etc/nullmailer"
        for file, text in dict(remotes=f"127.0.0.1 smtp --port={self.port}\n", me="board.example\n",
                               defaulthost="board.example\n", defaultdomain="example\n", pausetime="60\n").items():
            with open(f"{etc}/{file}", "w") as out:
                out.write(text)
        self.daemon = None

    def start(self):
        mail = next(line.split(":") for line in open(self.root.root + "/etc/passwd") if line.startswith("mail:"))
        self.daemon = self.root.start("/usr/sbin/nullmailer-send", uid=int(mail[2]), log=self.log,
                                      enter=self.group.enter)

    begin_drain = start

    def stop(self):
        end(self.daemon)

    def clear(self):
        spool = self.root.root + "/var/spool/nullmailer"
        for sub in ("queue", "tmp", "failed"):
            for name in os.listdir(f"{spool}/{sub}") if os.path.isdir(f"{spool}/{sub}") else []:
                os.unlink(f"{spool}/{sub}/{name}")

    def left(self):
        return files(self.root.root + "/var/spool/nullmailer/queue")

    def processes(self):
        return tree(self.daemon.pid)


class Qmta(System):
    name = "qmta"
    how = "queued and synced by qmail-queue, directories too"
    programs = "/opt/qmta"
    home = "/var/qmta"
    uid = NOBODY
    concurrency = "concurrencyremote"

    def configure(self):
        self.sendmail = self.programs + "/sendmail"
        self.environment = System.environment | {"QUEUEDIR": self.home + "/queue", "CONTROLDIR": self.home + "/control"}
        self.control(me="board.example\n", smtproutes=f":127.0.0.1:{self.port}\n", **{self.concurrency: "20\n"})
        self.daemon = None
        self.fix()

    def control(self, **contents):
        control = self.root.root + self.home + "/control"
        os.makedirs(control, exist_ok=True)
        for file, text in contents.items():
            with open(f"{control}/{file}", "w") as out:
                out.write(text)

    def fix(self):
        if self.uid:
            subprocess.run(["chown", "-R", f"{self.uid}:{self.uid}", self.root.root + self.home], check=True)
        self.root.run("env", *[f"{key}={value}" for key, value in self.environment.items()],
                      self.programs + "/queue-fix", self.home + "/queue", uid=self.uid, stdout=self.log)

    def start(self):
        self.daemon = self.root.start(self.programs + "/qmta-send", "-d", "./Maildir/", uid=self.uid,
                                      env=self.environment, log=self.log, enter=self.group.enter)

    begin_drain = start

    def route_domains(self, ports):
        """Sends each domain to a port of its own, and waits longer for an answer than any round takes."""
        self.control(smtproutes="".join(f"d{number}.example:127.0.0.1:{port}\n" for number, port in enumerate(ports)),
                     timeoutremote="1200\n")

    def stop(self):
        end(self.daemon)

    def clear(self):
        subprocess.run(["rm", "-rf", f"{self.root.root}{self.home}/queue"], check=True)
        self.fix()

    def left(self):
        return files(f"{self.root.root}{self.home}/queue/mess")

    def processes(self):
        return tree(self.daemon.pid)


class QmtaRunning(Qmta):
    """With its daemon up, which takes messages itself, and prepares them for delivery: that counts, too."""
    home = "/var/qmta/running"
    label = "qmta, its daemon running"
    how = "queued and synced by its daemon's qmail-queue, directories too"

    def open(self):
        self.control(concurrencyremote="0\n")
        self.start()
        wait(lambda: os.path.exists(f"{self.root.root}{self.home}/queue/lock/submit"), 20, "qmta-send to listen")

    def close(self):
        self.stop()
        self.control(concurrencyremote="20\n")


class QmtaAsRoot(Qmta):
    """As a mail server has it: role users, a setuid qmail-queue, deliveries under the recipients' uids."""
    programs = "/opt/qmta-root"
    home = "/var/qmta-root"
    uid = 0
    concurrency = "concurrencylocal"


class Sink:
    """Postfix's smtp-sink with its running counter on a pipe."""

    def __init__(self, root):
        self.root = root
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = None

    def start(self, counting=True):
        """Without anybody to read the counter it must not count, or it would wait for the pipe."""
        self.process = subprocess.Popen(["chroot", self.root, "smtp-sink", *["-c"] * counting, "-u", "nobody",
                                         f"inet:127.0.0.1:{self.port}", "1000"], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        wait(listens, 10, "smtp-sink to listen")

    def wait_for(self, count, seconds):
        """Returns the moment the sink had counted that many messages."""
        text, limit = b"", time.monotonic() + seconds
        while time.monotonic() < limit:
            part = os.read(self.process.stdout.fileno(), 65536)
            if not part:
                break
            text = (text + part)[-4096:]
            numbers = re.findall(rb"mesg=(\d+)", text)
            if numbers and int(numbers[-1]) >= count:
                return time.monotonic()
        raise RuntimeError(f"the sink did not receive {count} messages in {seconds} s; its last words: {text[-200:]}")

    def stop(self):
        end(self.process)


def tree(root):
    """A process and all its descendants."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    children.setdefault(int(file.read().rsplit(")", 1)[1].split()[1]), []).append(int(name))
            except (FileNotFoundError, ProcessLookupError):
                pass
    found, todo = [], [root]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children.get(one, [])
    return found


def pss(pids):
    """Proportional set size in KiB."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M)[1])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def switches(pids):
    counts = {}
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            try:
                with open(f"/proc/{pid}/task/{task}/status") as file:
                    counts[task] = sum(int(n) for n in re.findall(r"ctxt_switches:\s+(\d+)", file.read()))
            except (FileNotFoundError, ProcessLookupError):
                pass
    return counts


def trace(system, seconds):
    """Prints what system calls a system's processes make; strace itself wakes them once at the beginning."""
    words = ["timeout", "-s", "INT", str(seconds), "strace", "-c", "-f"]
    for pid in system.processes():
        words += ["-p", str(pid)]
    print(f"system calls of {system.name} in {seconds} s:", flush=True)
    subprocess.run(words, stderr=sys.stdout, check=False)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--roots", required=True)
    options.add_argument("--report", required=True)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--messages", type=int, default=1000, help="messages per drain")
    options.add_argument("--submissions", type=int, default=500)
    options.add_argument("--idle", type=int, default=60, help="seconds; 0 leaves this part out")
    options.add_argument("--settle", type=int, default=75, help="seconds before the idle minute begins")
    options.add_argument("--only", default=",".join(SYSTEMS), help="systems, separated by commas")
    options.add_argument("--strace", action="store_true", help="count the first system's system calls in the idle minute")
    options.add_argument("--quick", action="store_true", help="one round, fewer messages, no idle minute")
    options.add_argument("--no-callers", action="store_true", help="leave out the systems that only take messages")
    options.add_argument("--submission-only", action="store_true", help="print the submission table and stop")
    options.add_argument("--no-fairness", action="store_true", help="leave out the distant destinations")
    given = options.parse_args()
    if given.quick:
        given.rounds, given.messages, given.submissions, given.idle = 1, 200, 100, 0

    sink = Sink(f"{given.roots}/postfix")
    kinds = {kind.name: kind for kind in (Qmta, Nullmailer, Postfix)}
    systems = [kinds[name](given.roots, sink.port) for name in given.only.split(",")]
    drains = {s.name: [] for s in systems}
    empties = {s.name: [] for s in systems}
    drain_cpus = {s.name: [] for s in systems}
    idle = {}

    takers = list(systems)
    if not given.no_callers:
        takers += [QmtaRunning(given.roots, sink.port), *submission.others(given.roots, sink.port)]
    submissions = submission.measure(takers, sink, given.submissions)
    if given.submission_only:
        print("\n".join(submission.table(submissions)))
        return

    for number in range(given.rounds):
        for system in systems:
            system.queue(given.messages)
            sink.start()
            os.sync()
            used = system.group.seconds()
            begin = time.monotonic()
            system.begin_drain()
            seconds = sink.wait_for(given.messages, 600) - begin
            wait(lambda: system.left() == 0, 120, f"{system.name}'s queue to be empty")
            until_empty = time.monotonic() - begin
            drain_cpus[system.name] += spent(system, used, given.messages)
            drains[system.name].append(given.messages / seconds)
            empties[system.name].append(given.messages / until_empty)
            print(f"drain {system.name}, round {number + 1}: {given.messages / seconds:.0f} messages/s, "
                  f"{given.messages / until_empty:.0f} until the queue is empty{cpu_words(drain_cpus[system.name])}",
                  flush=True)
            system.stop()
            sink.stop()
            system.clear()

    locals_, local_cpus = local_drains(given, systems, sink.port)
    fairness = {} if given.no_fairness else fair_drains(given, systems)

    if given.idle:
        for system in systems:
            system.start()
        time.sleep(given.settle)
        before = {s.name: switches(s.processes()) for s in systems}
        if given.strace:
            trace(systems[0], given.idle)
        else:
            time.sleep(given.idle)
        for system in systems:
            pids = system.processes()
            after = switches(pids)
            woken = sum(n - before[system.name].get(task, 0) for task, n in after.items())
            idle[system.name] = (len(pids), pss(pids), woken * 60 / given.idle)
            print(f"idle {system.name}: {len(pids)} processes, PSS {pss(pids)} KiB, {woken} context switches", flush=True)
        for system in systems:
            system.stop()

    report(given, systems, submissions, drains, empties, drain_cpus, locals_, local_cpus, fairness, idle)


def spent(system, before, messages):
    """Processor seconds for 1,000 messages since then, in a list that is empty when they cannot be known."""
    return [] if before is None else [(system.group.seconds() - before) * 1000 / messages]


def cpu_words(figures):
    return f", {figures[-1]:.3f} CPU s per 1,000" if figures else ""


def local_drains(given, systems, port):
    """Deliveries into the Maildirs of ten users; returns rates and processor time by system."""
    rates, cpus = {}, {}
    roots = os.path.dirname(systems[0].root.root)
    candidates = [QmtaAsRoot(roots, port) if s.name == "qmta" else s for s in systems if s.name != "nullmailer"]
    for number in range(given.rounds):
        for system in candidates:
            system.queue(given.messages, to_user, "local")
            os.sync()
            used = system.group.seconds()
            begin = time.monotonic()
            system.begin_drain()
            wait(lambda: system.left() == 0, 300, f"{system.name}'s queue to be empty")
            seconds = time.monotonic() - begin
            if (found := system.mailboxes()) != given.messages:
                raise RuntimeError(f"{system.name} delivered {found} of {given.messages} messages")
            rates.setdefault(system.name, []).append(given.messages / seconds)
            cpus.setdefault(system.name, []).extend(spent(system, used, given.messages))
            print(f"local drain {system.name}, round {number + 1}: {given.messages / seconds:.0f} messages/s"
                  f"{cpu_words(cpus[system.name])}", flush=True)
            system.stop()
            system.clear()
            system.empty_mailboxes()
    return rates, cpus


def fair_drains(given, systems):
    """Seconds until nine destinations have their messages, by system: without the dead one, and with it."""
    times = {}
    per_domain = given.messages // DOMAINS
    distant = Distant(DOMAINS)
    candidates = [s for s in systems if s.name != "nullmailer"]
    for system in candidates:
        system.route_domains(distant.ports)
    for number in range(given.rounds):
        # Once is enough for postfix, which takes longer and is here for comparison.
        for system in candidates if number == 0 else [s for s in candidates if s.name == "qmta"]:
            for dead in (False, True):
                system.queue(per_domain * (DOMAINS - 1 + dead), to_domain(DOMAINS - 1 + dead))
                distant.start(ROUND_TRIP, {DOMAINS - 1} if dead else ())
                begin = time.monotonic()
                system.begin_drain()
                seconds = distant.wait_for(per_domain * (DOMAINS - 1), 300) - begin
                times.setdefault(system.name, ([], []))[dead].append(seconds)
                print(f"nine destinations {system.name}, round {number + 1}, {'with' if dead else 'without'} a dead one: "
                      f"{seconds:.2f} s", flush=True)
                distant.stop()
                system.stop()
                system.clear()
    return times


def report(given, systems, submissions, drains, empties, drain_cpus, locals_, local_cpus, fairness, idle):
    first = systems[0].name
    names = [s.name for s in systems]
    rows = []

    def row(title, values, form, ratio):
        cells = [form.format(values[name]) if name in values else "–" for name in names]
        ratios = [f"{ratio(values[first], values[name]):.2f}" if first in values and name in values else "–"
                  for name in names[1:]]
        rows.append([title] + cells + ratios)

    def divide(ours, theirs):
        return ours / theirs if theirs else float("nan")

    def medians(figures):
        return {name: statistics.median(values) for name, values in figures.items() if values}

    row("drain until the queue is empty (median, messages/s)", {n: statistics.median(empties[n]) for n in names}, "{:.0f}",
        lambda ours, theirs: ours / theirs)
    row("drain until the last arrival (median, messages/s)", {n: statistics.median(drains[n]) for n in names}, "{:.0f}",
        lambda ours, theirs: ours / theirs)
    row("drain, processor seconds per 1,000 messages (median)", medians(drain_cpus), "{:.3f}", divide)
    if locals_:
        row("local drain until the queue is empty (median, messages/s)", medians(locals_), "{:.0f}", divide)
        row("local drain, processor seconds per 1,000 messages (median)", medians(local_cpus), "{:.3f}", divide)
    if fairness:
        without = {name: statistics.median(times[0]) for name, times in fairness.items()}
        beside = {name: statistics.median(times[1]) for name, times in fairness.items()}
        row("nine distant destinations (median, s)", without, "{:.2f}", divide)
        row("the same nine beside a dead one (median, s)", beside, "{:.2f}", divide)
        row("beside a dead one / without it", {n: beside[n] / without[n] for n in without}, "{:.2f}", divide)
    if idle:
        row("idle, processes", {n: idle[n][0] for n in names}, "{}", lambda ours, theirs: ours / theirs)
        row("idle, PSS of all processes (KiB)", {n: idle[n][1] for n in names}, "{}", lambda ours, theirs: ours / theirs)
        row("idle, context switches per minute", {n: idle[n][2] for n in names}, "{:.0f}",
            lambda ours, theirs: ours / theirs if theirs else float("nan"))
    head = ["", *names, *[f"{first} / {name}" for name in names[1:]]]
    lines = ["| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rows]]
    with open("/proc/cpuinfo") as file:
        processor = (re.search(r"^model name\s*:\s*(.*)$", file.read(), re.M) or ["", "unknown processor"])[1]
    text = f"""# Side by side

Written by `make bench` on {time.strftime("%Y-%m-%d")}: {os.cpu_count()} × {processor}, Linux {os.uname().release},
Debian {open("/etc/debian_version").read().strip()}; all but qmta from Debian's packages.

{chr(10).join(submission.table(submissions))}

{chr(10).join(lines)}

How it is measured:

- All queues are on one ext4 image, journalled, mounted through a loop device with direct I/O. Each system keeps its own
  durability: qmta fsyncs a message's files and their directories before it answers, postfix fsyncs its queue file,
  nullmailer and dma fsync theirs, OpenSMTPD does not.
- Submission: {given.submissions} messages of 1 KB one after the other through each system's `sendmail` by an ordinary user, in
  five interleaved blocks. Processor time is that of `sendmail` and the programs it waits for, and of the system's
  daemon where one runs. Only OpenSMTPD needs one; qmta is there twice, with its daemon stopped, as the other systems'
  are, and with it running. msmtp has no queue: it hands the message to `smtp-sink` and is done when that has it.
- Drain: {given.messages} messages already in the queue, then the scheduler is started (postfix: already up, the messages
  released from hold, and the clock starts when its queue is flushed); it ends when `smtp-sink` on loopback has the last
  one, and when the queue is empty. Up to 20 connections for qmta and postfix; nullmailer sends one after the other. No
  syslog daemon runs, so the peers' logging costs them nothing. {given.rounds} interleaved rounds.
- Processor time of a drain: all processes of the system, from that start until the queue is empty, as its control
  group ({CpuGroup.kind or "none could be made"}) says. qmta's start counts, postfix's and the flush do not, `smtp-sink` is outside.
- Local drain: {given.messages} messages for ten users, into their Maildirs. qmta is started as root with role users, and
  `qmail-lspawn` delivers under each user's uid, as postfix's local(8) does, with `home_mailbox = Maildir/`. Up to 20
  deliveries at a time: qmta with `concurrencylocal` 20, postfix with two for each user, its default. qmta fsyncs each
  mail and the directory it is in, postfix the mail.
- Distant destinations: {given.messages // DOMAINS} messages for each domain, each with a server of its own whose replies come a
  round trip of {ROUND_TRIP * 1000:.0f} ms after the request, and whose greeting comes after two. A dead one accepts connections and says
  nothing; its messages are in the queue among the others, and nobody's patience ends before the round does. Up to 20
  deliveries in all; postfix with its default of five to a destination at first, and in one round only.
- Idle: a minute without work, {given.settle} s after the daemons' start; every process of the system counts.
"""
    with open(given.report, "w") as out:
        out.write(text)
    print("\n" + "\n".join(lines) + f"\nwritten to {given.report}")


if __name__ == "__main__":
    main()
