"""Latency: from the start of sendmail until the message is where it should be, on a system with nothing else to do."""
import ctypes, os, select, statistics, time

from mailsystem import HOMES, USERS, Caller, to_one_user, to_remote, wait
from report import Row

CREATE, MOVED_TO = 0x100, 0x80


class Arrivals:
    """Tells when a file comes into a directory."""

    def __init__(self, directory):
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init1(os.O_CLOEXEC)
        if self.descriptor < 0 or libc.inotify_add_watch(self.descriptor, directory.encode(), CREATE | MOVED_TO) < 0:
            raise OSError(ctypes.get_errno(), "inotify", directory)

    def wait(self, seconds):
        """Returns the moment."""
        if not select.select([self.descriptor], [], [], seconds)[0]:
            raise RuntimeError(f"no mail arrived in {seconds} s")
        now = time.monotonic()
        os.read(self.descriptor, 4096)
        return now

    def close(self):
        os.close(self.descriptor)


def measure(bench):
    count = 10 if bench.quick else 20
    remote, local = {}, {}
    for number in range(bench.rounds):
        for system in bench.systems.get("qmta-root", "postfix", "exim4", "opensmtpd", "nullmailer", "dma", "msmtp"):
            remote.setdefault(system.column, []).extend(to_sink(bench, system, count))
            if system.delivers_to_users:
                local.setdefault(system.column, []).extend(to_maildir(system, count))
            bench.say(f"latency, {system.column}, round {number + 1}: " + ", ".join(
                f"{words} {statistics.median(found[system.column][-count:]):.1f} ms"
                for words, found in (("remote", remote), ("Maildir", local)) if system.column in found))
    return [Row(f"latency, {words}, ms", {column: statistics.median(times) for column, times in found.items()}, "1")
            for words, found in (("to a remote host", remote), ("into a Maildir", local))]


def to_sink(bench, system, count):
    bench.sink.start()
    try:
        return one_by_one(system, to_remote, count, lambda number: bench.sink.wait_for(number, 70))
    finally:
        bench.sink.stop()


def to_maildir(system, count):
    arrivals = Arrivals(f"{system.root.root}{HOMES}/{USERS[0]}/Maildir/new")
    try:
        return one_by_one(system, to_one_user, count, lambda number: arrivals.wait(70))
    finally:
        arrivals.close()
        system.empty_mailboxes()


def one_by_one(system, recipient, count, arrival):
    """Milliseconds of each message; the first one, for which programs may have to be started, does not count."""
    system.start()
    caller, found = Caller(system, recipient), []
    try:
        for number in range(count + 1):
            caller.ask(number, number + 1)
            begin = caller.done()
            found.append((arrival(number + 1) - begin) * 1000)
            wait(lambda: system.left() == 0, 70, f"{system.column}'s queue to be empty")
            time.sleep(0.1)
    finally:
        caller.end()
        system.stop()
    system.clear()
    return found[1:]


def describe(bench):
    return f"""- Latency: from the start of `sendmail` until `smtp-sink` has the message, or it is in `Maildir/new`;
  one message at a time, a tenth of a second after the one before is gone from the queue, {10 if bench.quick else 20}
  in each round. The daemon runs; the first message, for which programs have to be started, does not count. OpenSMTPD
  waits for a second before it connects.
"""
