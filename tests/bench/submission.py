"""Submission: what it costs a caller to hand a message to each system's sendmail.

Besides the systems of bench.py there are some that are measured here only: dma, OpenSMTPD, and msmtp, which has no
queue.
"""
import os, statistics

from mailsystem import System, wait


class Dma(System):
    name = "dma"
    how = "queued and synced by itself"

    def configure(self):
        with open(self.root.root + "/etc/dma/dma.conf", "w") as out:
            # Deferred, as with the other systems: only the way into the queue counts.
            out.write(f"SMARTHOST 127.0.0.1\nPORT {self.port}\nMAILNAME board.example\nDEFER\n")

    def clear(self):
        empty(self.root.root + "/var/spool/dma")


class Msmtp(System):
    name = "msmtp"
    how = "no queue: delivered by SMTP to a sink on loopback"
    sendmail = "/usr/bin/msmtp"
    needs_sink = True

    def configure(self):
        with open(self.root.root + "/etc/msmtprc", "w") as out:
            out.write(f"account default\nhost 127.0.0.1\nport {self.port}\ndomain board.example\n")

    def clear(self):
        """Nothing is left."""


class OpenSmtpd(System):
    name = "opensmtpd"
    label = "OpenSMTPD"
    how = "queued by its daemon, not synced"

    def configure(self):
        with open(self.root.root + "/etc/smtpd.conf", "w") as out:
            out.write(f'action "relay" relay host smtp://127.0.0.1:{self.port}\n'
                      'match from any for any action "relay"\n')
        self.daemon = None

    def open(self):
        self.daemon = self.root.start("/usr/sbin/smtpd", "-d", log=self.log, enter=self.group.enter)
        wait(lambda: self.control("pause", "mta"), 20, "smtpd to answer")

    def control(self, *words):
        return self.root.run("smtpctl", *words, check=False, stdout=self.log, stderr=self.log).returncode == 0

    def close(self):
        self.daemon.terminate()
        self.daemon.wait(20)

    def clear(self):
        for directory in ("queue", "incoming"):
            empty(self.root.root + "/var/spool/smtpd/" + directory)


def others(roots, port):
    return [kind(roots, port) for kind in (Dma, OpenSmtpd, Msmtp)]


def measure(systems, sink, count):
    """Submits in five interleaved blocks; returns [(system, wall seconds, processor seconds)], medians."""
    walls = {system: [] for system in systems}
    cpus = {system: [] for system in systems}
    block = max(1, count // 5)
    for number in range(count // block):
        for system in systems:
            if getattr(system, "needs_sink", False):
                sink.start(counting=False)
            system.open()
            before = system.group.seconds()
            wall, cpu = system.submit(block, number * block)
            # What a daemon did for these messages counts; in the groups of the others there is nothing.
            daemon = 0 if before is None else (system.group.seconds() - before) / block
            walls[system] += wall
            cpus[system].append(cpu + daemon)
            system.close()
            if getattr(system, "needs_sink", False):
                sink.stop()
    figures = []
    for system in systems:
        system.clear()
        figures.append((system, statistics.median(walls[system]), statistics.median(cpus[system])))
        print(f"submission {label(system)}: median {figures[-1][1] * 1000:.2f} ms, CPU {figures[-1][2] * 1000:.2f} ms",
              flush=True)
    return figures


def label(system):
    return getattr(system, "label", system.name)


def table(figures):
    """The figures as lines of a table, each beside those of the first system."""
    lines = ["| submission | wall per message (median, ms) | processor time per message (ms) | wall, qmta / it | "
             "processor, qmta / it | the message then is |", "| --- | --- | --- | --- | --- | --- |"]
    _, first_wall, first_cpu = figures[0]
    for system, wall, cpu in figures:
        lines.append(f"| {label(system)} | {wall * 1000:.2f} | {cpu * 1000:.2f} | {first_wall / wall:.2f} | "
                     f"{first_cpu / cpu:.2f} | {system.how} |")
    return lines


def empty(directory):
    """Removes every file below a directory."""
    for path, _, names in os.walk(directory):
        for name in names:
            os.unlink(os.path.join(path, name))
