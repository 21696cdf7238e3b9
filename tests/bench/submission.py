"""Submission: what it costs a caller to hand a message to each system's sendmail, which queues it."""
import statistics

from report import Row, below

QUEUEING = ["postfix", "exim4", "OpenSMTPD", "nullmailer", "dma"]


def measure(bench):
    count = 100 if bench.quick else 500
    systems = bench.systems.get("qmta-root", "qmta-running", "postfix", "exim4", "opensmtpd", "nullmailer", "dma", "msmtp")
    walls = {system: [] for system in systems}
    cpus = {system: [] for system in systems}
    block = count // 5
    for number in range(5):
        for system in systems:
            bench.sink.start(counting=False)
            system.open()
            before = system.group.seconds()
            wall, cpu, _ = system.submit(block, number * block)
            # What a daemon did for these messages counts; in the groups of the others there is nothing.
            daemon = 0 if before is None else (system.group.seconds() - before) / block
            walls[system] += wall
            cpus[system].append(cpu + daemon)
            system.close()
            bench.sink.stop()
    for system in systems:
        system.clear()
        bench.say(f"submission {system.column}: {statistics.median(walls[system]) * 1000:.2f} ms, "
                  f"CPU {statistics.median(cpus[system]) * 1000:.2f} ms")
    rows = []
    for unit, figures, chart in (("wall, ms", walls, ""), ("processor, ms", cpus, "submission")):
        milliseconds = {system: statistics.median(figures[system]) * 1000 for system in systems}
        values = {system.column: value for system, value in milliseconds.items() if system.name != "qmta" or
                  type(system).__name__ == "QmtaRunning"}
        stopped = {system.column: value for system, value in milliseconds.items() if type(system).__name__ == "QmtaAsRoot"}
        rows.append(Row(f"submission, {unit}", values, "2", below("below every queueing peer", values, QUEUEING), chart))
        rows.append(Row(f"the same while qmta's daemon is stopped, {unit}", stopped, "2",
                        below("below every queueing peer", values | stopped, QUEUEING)))
    return rows


def describe(bench):
    return f"""- Submission: {100 if bench.quick else 500} messages of 1 KB one after the other through each system's `sendmail` by an ordinary user,
  in five interleaved blocks. Processor time is that of `sendmail` and the programs it waits for, and of the system's
  daemon where one runs: OpenSMTPD needs one; qmta has one, too, which takes the message and prepares its delivery. The
  others' daemons are stopped. Nothing is delivered meanwhile. msmtp has no queue: it hands the message to `smtp-sink`.
"""
