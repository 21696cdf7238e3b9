"""One-shot: a run over the queue as cron starts it, with nothing in it, and with one local message."""
import os, statistics, time

from mailsystem import Caller, to_one_user, wait
from peaks import Peaks
from report import Bar, Row


def measure(bench):
    systems = bench.systems.get("qmta-root", "exim4", "dma")
    times = 10 if bench.quick else 30
    empty, one, resident = {}, {}, {}
    for number in range(bench.rounds):
        for system in systems:
            walls = system.root.call(lambda: [run(system) for _ in range(times)])
            empty.setdefault(system.column, []).extend(walls)
            resident.setdefault(system.column, []).append(peak(system))
            if system.delivers_to_users:
                one.setdefault(system.column, []).extend(deliver(system, times))
            bench.say(f"one-shot, {system.column}, round {number + 1}: empty {statistics.median(walls) * 1000:.1f} ms, "
                      f"{resident[system.column][-1]} KiB" + "".join(
                          f", one message {statistics.median(one[column][-times:]) * 1000:.1f} ms"
                          for column in (system.column,) if column in one))

    def row(title, figures, digits, limit, unit, factor=1.0):
        values = {column: statistics.median(found) * factor for column, found in figures.items()}
        met = values["qmta"] <= limit if "qmta" in values else None
        return Row(title, values, digits, Bar(f"≤ {limit} {unit}", met))
    return [row("one-shot, empty queue, ms", empty, "1", 5, "ms", 1000),
            row("the same, peak RSS, MB", resident, "1", 5, "MB", 1.024 / 1000),
            row("one-shot, one local message, ms", one, "1", 10, "ms", 1000)]


def run(system):
    """Seconds from the start to the end of the run."""
    begin = time.monotonic()
    child = os.posix_spawn(system.one_shot[0], list(system.one_shot), system.environment, file_actions=[
        (os.POSIX_SPAWN_OPEN, number, "/dev/null", os.O_RDWR, 0) for number in range(3)])
    _, status = os.waitpid(child, 0)
    wall = time.monotonic() - begin
    if status:
        raise RuntimeError(f"{system.one_shot} ended with {status}")
    return wall


def peak(system):
    """Most KiB resident: of the largest process of a run over an empty queue."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.read(read, 1)
            system.root.become(0)
            run(system)
            os._exit(0)
        finally:
            os._exit(1)
    peaks = Peaks([child])
    os.write(write, b".")
    os.waitpid(child, 0)
    os.close(read)
    os.close(write)
    return max(peaks.end().values())


def deliver(system, times):
    """Seconds of runs that find one message for a user."""
    caller, walls = Caller(system, to_one_user), []
    try:
        for number in range(times):
            caller.ask(number, number + 1)
            caller.done()
            walls.append(system.root.call(lambda: run(system)))
            if system.left() or system.mailboxes() != number + 1:
                raise RuntimeError(f"{system.column} did not deliver the message in one run")
    finally:
        caller.end()
        system.empty_mailboxes()
    return walls


def describe(bench):
    return """- One-shot: `qmta-send` as root with role users, `exim -q`, `dma -q`, from start to end, daemons
  stopped: with an empty queue, and with one message for a local user, whose Maildir has it then. RSS is the peak of
  the largest process.
"""
