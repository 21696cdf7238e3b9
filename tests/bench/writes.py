"""What a delivered message costs the disk: calls that wait for it, flushes, and bytes.

The whole way of a message is in it: sendmail, the queue, the delivery, and the mailbox where there is one. Calls are
counted by strace, bytes and flushes by the block device in another run without strace.
"""
import os, re, statistics, subprocess, time

from mailsystem import Caller, to_remote, to_users, wait
from report import Row, below
from systems import SYNCING

# One at a time, each delivered before the next; or eight callers at once.
LOADS = ("one", "eight")
WAITING = ("fsync", "fdatasync", "syncfs", "sync", "msync")
TRACED = (*WAITING, "sync_file_range", "io_uring_enter", "io_submit", "open", "openat", "openat2", "write", "pwrite64",
          "writev", "pwritev", "pwritev2", "fcntl")


def measure(bench):
    calls, written, flushes = ({load: {} for load in LOADS} for _ in range(3))
    others = {}
    for load in LOADS:
        systems = candidates(bench, load)
        for system in systems:
            found = trace(bench, system, load, messages(bench) // (4 if load == "one" else 1))
            calls[load][system.column] = sum(found[name] for name in (*WAITING, "O_SYNC"))
            others.setdefault(system.column, []).append((load, found))
            bench.say(f"calls per message, {load} {system.column}: " +
                      ", ".join(f"{name} {number:.2f}" for name, number in sorted(found.items()) if number))
        for number in range(bench.rounds):
            # OpenSMTPD waits for a second with each message to a remote host: fewer of them, and once.
            for system in systems:
                slow = load == "one" and system.name == "opensmtpd"
                if slow and number:
                    continue
                count = messages(bench) // (4 if slow else 1)
                device = deliver(bench, system, load, count, lambda pids: Device(bench))
                written[load].setdefault(system.column, []).append(device.bytes / count)
                flushes[load].setdefault(system.column, []).append(device.flushes / count)
                bench.say(f"bytes per message, {load} {system.column}, round {number + 1}: {device.bytes / count:.0f}, "
                          f"flushes {device.flushes / count:.2f}")
    words = {"one": "one at a time to a remote host", "eight": "eight callers, local Maildirs"}
    rows = []
    for load in LOADS:
        chart = "writes" if load == "one" else ""
        rows.append(Row(f"sync calls per message, {words[load]}", calls[load], "2",
                        below("below every peer that syncs", calls[load], SYNCING[1:])))
        bytes_ = {column: statistics.median(values) / 1000 for column, values in written[load].items()}
        rows.append(Row(f"kB written per message, {words[load]}", bytes_, "1",
                        below("below every peer that syncs", bytes_, SYNCING[1:]), chart))
        rows.append(Row(f"flushes of the device per message, {words[load]}",
                        {column: statistics.median(values) for column, values in flushes[load].items()}, "2"))
    bench.note("writes", extra_words(others))
    return rows


def messages(bench):
    return 50 if bench.quick else 200


def candidates(bench, load):
    if load == "one":
        return bench.systems.get("qmta-root", "postfix", "exim4", "opensmtpd", "nullmailer", "dma")
    return bench.systems.get("qmta-root", "postfix", "exim4", "opensmtpd")


def deliver(bench, system, load, count, observe):
    """Delivers that many messages while observe(processes) looks on; returns the observer after its end()."""
    system.clear()
    system.empty_mailboxes()
    recipient, callers = (to_remote, 1) if load == "one" else (to_users, 8)
    bench.sink.start()
    system.start()
    # Processes that a first message starts are there, as they are on a machine that is not new.
    callers = [Caller(system, recipient) for _ in range(callers)]
    try:
        callers[0].ask(count, count + 1)
        callers[0].done()
        wait(lambda: system.left() == 0 and arrived(bench, system, load, 1), 70,
             f"{system.column} to deliver one message")
        observer = observe(system.processes() + [caller.pid for caller in callers])
        if load == "one":
            for number in range(count):
                callers[0].ask(number, number + 1)
                callers[0].done()
                # Postfix, slowed down by strace, may miss being told of a message; it looks every minute.
                bench.sink.wait_for(number + 2, 150)
                wait(lambda: system.left() == 0, 150, f"{system.column}'s queue to be empty")
        else:
            for number, caller in enumerate(callers):
                caller.ask(number, count, len(callers))
            for caller in callers:
                caller.done()
            wait(lambda: system.left() == 0 and system.mailboxes() == count + 1, 150, f"{system.column} to deliver all")
        observer.end()
    finally:
        for caller in callers:
            caller.end()
        system.put_away(bench.sink)
    return observer


def arrived(bench, system, load, count):
    if load == "one":
        return bool(bench.sink.wait_for(count, 60))
    return system.mailboxes() == count


class Device:
    """Counts what reaches the block device below the queues and the mailboxes, from now to end()."""

    def __init__(self, bench):
        self.bench = bench
        self.file = f"/sys/block/{os.path.basename(bench.loop)}/stat"
        bench.sync()
        time.sleep(0.2)
        self.before = self.read()

    def read(self):
        with open(self.file) as file:
            numbers = [int(word) for word in file.read().split()]
        return numbers[6] * 512, numbers[15]

    def end(self):
        # What was left for later counts, too.
        self.bench.sync()
        self.bytes, self.flushes = (after - before for after, before in zip(self.read(), self.before))


class Strace:
    """Counts calls of processes and of those that they start, from now to end()."""

    def __init__(self, pids, file):
        self.file = file
        self.synced = {path for pid in pids for path in open_for_sync(pid)}
        words = ["strace", "-f", "-y", "-qq", "-s", "0", "-e", "signal=none", "-e", "trace=" + ",".join(TRACED),
                 "-o", file]
        for pid in pids:
            words += ["-p", str(pid)]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait(lambda: all(is_traced(pid) for pid in pids), 20, "strace to attach")

    def end(self):
        self.process.terminate()
        self.process.wait(20)

    def counts(self):
        found = {name: 0 for name in (*WAITING, "sync_file_range", "io_uring_enter", "io_submit", "O_SYNC")}
        with open(self.file, errors="replace") as lines:
            for line in lines:
                call = re.match(r"\d+ +(\w+)\((.*)", line)
                if not call:
                    continue
                name, rest = call.groups()
                if name == "msync" and "MS_SYNC" not in rest:
                    continue
                if name in found:
                    found[name] += 1
                elif name.startswith("open") or name == "fcntl":
                    opened = re.search(r"O_D?SYNC\b.*= \d+<(.*)>", rest)
                    if opened:
                        self.synced.add(opened[1])
                else:
                    path = re.match(r"\d+<(.*?)>, ", rest)
                    if "RWF_SYNC" in rest or "RWF_DSYNC" in rest or path and path[1] in self.synced:
                        found["O_SYNC"] += 1
        return found


def open_for_sync(pid):
    """Paths of the files that a process has open with O_SYNC or O_DSYNC."""
    for name in os.listdir(f"/proc/{pid}/fd"):
        with open(f"/proc/{pid}/fdinfo/{name}") as file:
            flags = int(re.search(r"^flags:\s+(\d+)", file.read(), re.M)[1], 8)
        if flags & os.O_DSYNC:
            yield os.readlink(f"/proc/{pid}/fd/{name}")


def is_traced(pid):
    with open(f"/proc/{pid}/status") as file:
        return not re.search(r"^TracerPid:\s+0$", file.read(), re.M)


def trace(bench, system, load, count):
    """Calls per message."""
    strace = deliver(bench, system, load, count, lambda pids: Strace(pids, f"{bench.work}/strace.{system.name}.{load}"))
    return {name: number / count for name, number in strace.counts().items()}


def extra_words(others):
    """Which of the calls each system makes, one at a time."""
    parts = []
    for column, found in others.items():
        calls = dict(found)["one"] if "one" in dict(found) else found[0][1]
        parts.append(column + " " + (
            " + ".join(f"{number:.1f} `{name}`" for name, number in calls.items() if number) or "none"))
    return "One at a time that is: " + "; ".join(parts) + "."


def describe(bench):
    return f"""- Writes: calls that wait for the disk (`fsync`, `fdatasync`, `sync`, `syncfs`, `msync`, writes to
  files opened with `O_SYNC` or `O_DSYNC`), counted by strace from `sendmail` to the empty queue, in a run of its own;
  strace makes everything slower but the disk, so fewer messages share a sync than otherwise. Bytes and flushes are
  what the loop device counted in runs without strace, a last `sync` included. One at a time: each message is
  submitted when the one before it is delivered. Eight callers: at once, for ten users. `sync_file_range` does not
  wait for the disk's cache and is not counted. Logs are not on this filesystem. {bench.notes.get("writes", "")}
"""
