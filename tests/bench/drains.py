"""Drains: messages already queued, then delivered: to one smtp-sink on loopback, or into Maildirs."""
import statistics, time

from mailsystem import wait
from processes import memory
from report import Bar, Row, compare


def count(bench):
    return 200 if bench.quick else 1000


def drain(bench, systems, recipient, transport):
    """Returns by system: rates, processor seconds per 1,000 messages."""
    rates, cpus, messages = {}, {}, count(bench)
    for number in range(bench.rounds):
        for system in systems:
            system.queue(messages, recipient, transport)
            if transport == "smtp":
                bench.sink.start()
            bench.sync()
            used, begin = system.group.seconds(), time.monotonic()
            system.begin_drain()
            if transport == "smtp":
                bench.sink.wait_for(messages, 600)
            wait(lambda: system.left() == 0, 300, f"{system.column}'s queue to be empty", 0.005)
            seconds = time.monotonic() - begin
            rates.setdefault(system.column, []).append(messages / seconds)
            if used is not None:
                cpus.setdefault(system.column, []).append((system.group.seconds() - used) * 1000 / messages)
            bench.say(f"{system.column}, round {number + 1}: {rates[system.column][-1]:.0f} messages/s"
                      + (f", {cpus[system.column][-1]:.3f} CPU s per 1,000" if used is not None else ""))
            system.stop()
            if transport == "smtp":
                bench.sink.stop()
            elif (found := system.mailboxes()) != messages:
                raise RuntimeError(f"{system.column} delivered {found} of {messages} messages")
            else:
                system.empty_mailboxes()
            system.clear()
    return ({column: statistics.median(values) for column, values in figures.items()} for figures in (rates, cpus))


def peak_memory(bench, systems, recipient, transport):
    """Most MB of PSS that all processes of a system had together, by system; looked at while it drains once more."""
    peaks = {}
    for system in systems:
        if not system.group.directory:
            continue
        system.queue(count(bench), recipient, transport)
        if transport == "smtp":
            bench.sink.start()
        system.begin_drain()
        most, limit = 0, time.monotonic() + 300
        while system.left() and time.monotonic() < limit:
            most = max(most, memory(system.group.processes())[0])
            if transport == "smtp":
                bench.sink.read()
            time.sleep(0.02)
        peaks[system.column] = most * 1.024 / 1000
        bench.say(f"{system.column}: {peaks[system.column]:.1f} MB PSS at most")
        system.stop()
        if transport == "smtp":
            bench.sink.stop()
        else:
            system.empty_mailboxes()
        system.clear()
    return peaks


def times_postfix(factor, ahead_of_dma=False):
    def met(ours, theirs):
        return ours >= factor * theirs[0] and ours > max(theirs)
    def bar(values):
        others = ["postfix"] + ["dma"] * ahead_of_dma
        words = f"≥ {factor} × postfix" + (", above dma" if ahead_of_dma else "")
        return compare(words, values, others, met) if "postfix" in values else Bar(words, None)
    return bar


def of_postfix(words, part):
    return lambda values: compare(words, values, ["postfix"], lambda ours, theirs: ours <= part * theirs[0])
