"""Idle: memory of all processes, and how often they wake, when there is nothing to do."""
import time

from processes import memory, switches
from report import Row, compare

# Seconds after the start: memory is looked at then, and wake-ups are counted for so long. qmta needs a minute to go to
# sleep, so its wake-ups are counted afterwards, the others' before.
SETTLE, LOOK = 90, 60


def seconds(bench):
    return (20, 10) if bench.quick else (SETTLE, LOOK)


def measure(bench):
    """Each system alone: what share of a page counts depends on who else has it."""
    settle, look = seconds(bench)
    found, ordinary = {}, {}
    for system in bench.systems.get("qmta-root", "postfix", "exim4", "opensmtpd", "nullmailer"):
        system.start()
        if system.column == "qmta":
            # Beside it the other qmta, which is measured first and has ended when this one is.
            other, = bench.systems.get("qmta")
            other.start()
            time.sleep(settle)
            ordinary[system.column] = memory(other.processes())
            other.stop()
            bench.say(f"idle, under one ordinary user: PSS {ordinary['qmta'][0]} KiB, USS {ordinary['qmta'][1]} KiB")
        else:
            time.sleep(settle - look)
            woken = wake_ups(system, look)
        pids = system.processes()
        sizes = memory(pids)
        if system.column == "qmta":
            woken = wake_ups(system, look)
        found[system.column] = (len(pids), *sizes, woken * 60 / look)
        system.stop()
        bench.say(f"idle, {system.column}: {len(pids)} processes, PSS {sizes[0]} KiB, USS {sizes[1]} KiB, "
                  f"{woken * 60 / look:.0f} context switches per minute")

    def values(index):
        return {column: figures[index] for column, figures in found.items()}

    def small(ours, theirs):
        return ours <= 2 * theirs[0] and 2 * ours < theirs[1]
    proportional, unique = values(1), values(2)
    both = {column: value for column, value in proportional.items() if column in ("qmta", "nullmailer", "postfix")}
    return [Row("idle, processes", values(0)),
            Row("idle, PSS, KiB", proportional, "0", compare("≤ 2 × nullmailer, < postfix / 2", both,
                ["nullmailer", "postfix"] if len(both) == 3 else [], small), "idle"),
            Row("idle, USS, KiB", unique, "0",
                compare("≤ nullmailer", unique, ["nullmailer"], lambda ours, theirs: ours <= theirs[0])),
            Row("idle, context switches per minute", values(3)),
            Row("idle, under one ordinary user, PSS, KiB", {column: sizes[0] for column, sizes in ordinary.items()}),
            Row("idle, under one ordinary user, USS, KiB", {column: sizes[1] for column, sizes in ordinary.items()})]


def wake_ups(system, look):
    """Context switches of all its threads, those that begin meanwhile included."""
    before = switches(system.processes())
    time.sleep(look)
    return sum(number - before.get(task, 0) for task, number in switches(system.processes()).items())


def describe(bench):
    settle, look = seconds(bench)
    return f"""- Idle: started as root, as a mail server has it; nothing to do. Memory is looked at {settle} s after
  the start, in all processes of the system. PSS counts a page that several processes have in parts, so it depends on
  what else runs: each system is measured alone, beside the same other programs. USS counts what no other process has.
  Context switches are those of all threads in {look} s: of qmta after it has gone to sleep, of the others before
  memory is looked at. A mail server has a process for reception, too: exim4 and OpenSMTPD have it in these figures,
  postfix has none because nothing listens; qmta's is `mini-smtpd`, which is not started here. qmta under one ordinary
  user is measured beside the one started as root.
"""
