"""Drain remote: queued messages go to one smtp-sink on loopback."""
import drains
from mailsystem import to_remote
from report import Row


def measure(bench):
    systems = bench.systems.get("qmta-root", "postfix", "exim4", "opensmtpd", "nullmailer", "dma")
    rates, cpus = drains.drain(bench, systems, to_remote, "smtp")
    peaks = drains.peak_memory(bench, systems, to_remote, "smtp")
    return [Row("drain remote, messages/s", rates, "0", drains.times_postfix(3, True)(rates), "remote"),
            Row("drain remote, processor s per 1,000", cpus, "3",
                drains.of_postfix("≤ 1/3 of postfix's", 1 / 3)(cpus)),
            Row("drain remote, peak PSS of all processes, MB", peaks, "1")]


def describe(bench):
    return f"""- Drain remote: {drains.count(bench)} messages of 1 KB already in the queue, then the scheduler is
  started, and the clock stops when the queue is empty and `smtp-sink` on loopback has all of them. Up to 20
  connections for qmta, postfix and OpenSMTPD; nullmailer sends one after the other; dma forks for each message,
  without limit. Postfix and OpenSMTPD are already up, the messages held, and the clock starts when they are released:
  their start does not count, qmta's does. Processor time: all processes of the system, as its control group says;
  `smtp-sink` is outside. PSS is looked at fifty times a second in another drain.
"""
