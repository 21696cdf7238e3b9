"""Submission: what it costs a caller to hand a message to each system's sendmail, which queues it."""
import statistics

from mailsystem import Caller, to_remote
from peaks import Peaks
from report import Row, below
from systems import QmtaAsRoot

QUEUEING = ["postfix", "exim4", "OpenSMTPD", "nullmailer", "dma"]


def measure(bench):
    count = 100 if bench.quick else 500
    systems = bench.systems.get("qmta-root", "qmta-running", "postfix", "exim4", "opensmtpd", "nullmailer", "dma",
                                "msmtp")
    walls = {system: [] for system in systems}
    cpus = {system: [] for system in systems}
    block = count // 5
    for number in range(5):
        for system in systems:
            bench.sink.start(counting=False)
            system.open()
            before = system.group.seconds()
            _, wall, cpu = system.submit(block, number * block)
            # What a daemon did for these messages counts; in the groups of the others there is nothing.
            daemon = 0 if before is None else (system.group.seconds() - before) / block
            walls[system] += wall
            cpus[system].append(cpu + daemon)
            system.close()
            bench.sink.stop()
    resident = {}
    for system in systems:
        bench.sink.start(counting=False)
        system.open()
        resident[system] = peak(system, 20)
        system.close()
        bench.sink.stop()
        system.clear()
        bench.say(f"submission {system.column}: {statistics.median(walls[system]) * 1000:.2f} ms, "
                  f"CPU {statistics.median(cpus[system]) * 1000:.2f} ms, peak {resident[system]} KiB")
    rows = []
    for unit, figures, chart in (("wall, ms", walls, ""), ("processor, ms", cpus, "submission")):
        milliseconds = {system: statistics.median(figures[system]) * 1000 for system in systems}
        values, stopped = split(milliseconds)
        rows.append(Row(f"submission, {unit}", values, "2",
                        below("below every queueing peer", values, QUEUEING), chart))
        rows.append(Row(f"the same while qmta's daemon is stopped, {unit}", stopped, "2",
                        below("below every queueing peer", values | stopped, QUEUEING)))
    values, stopped = split({system: kib * 1.024 / 1000 for system, kib in resident.items()})
    rows.append(Row("submission, peak RSS, MB", values, "1"))
    rows.append(Row("the same while qmta's daemon is stopped, peak RSS, MB", stopped, "1"))
    return rows


def split(figures):
    """By column: with qmta's daemon running; and what qmta does without it."""
    return ({system.column: value for system, value in figures.items() if type(system) is not QmtaAsRoot},
            {system.column: value for system, value in figures.items() if type(system) is QmtaAsRoot})


def peak(system, count):
    """Most KiB that sendmail or a program it started had."""
    caller = Caller(system, to_remote)
    peaks = Peaks([caller.pid])
    try:
        caller.ask(0, count)
        caller.done()
    finally:
        found = peaks.end()
        caller.end()
    return max(found.values())


def describe(bench):
    return f"""- Submission: {100 if bench.quick else 500} messages of 1 KB one after the other through each system's
  `sendmail` by an ordinary user, in five interleaved blocks. Processor time is that of `sendmail` and the programs it
  waits for, and of the system's daemon where one runs: OpenSMTPD needs one; qmta has one, too, which takes the
  message and prepares its delivery. The others' daemons are stopped. Nothing is delivered meanwhile. msmtp has no
  queue: it hands the message to `smtp-sink`. RSS is the peak of the largest process among `sendmail` and what it
  starts.
"""
