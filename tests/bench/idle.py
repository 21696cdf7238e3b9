"""Idle: memory of all processes, and how often they wake, when there is nothing to do for a minute."""
import time

from processes import memory, switches
from report import Row, compare

SETTLE, LOOK = 90, 60


def seconds(bench):
    return (20, 10) if bench.quick else (SETTLE, LOOK)


def measure(bench):
    """Each system alone: what share of a page counts depends on who else has it."""
    settle, look = seconds(bench)
    found = {}
    for system in bench.systems.get("qmta-root", "qmta", "postfix", "exim4", "opensmtpd", "nullmailer"):
        name = type(system).__name__ if system.name == "qmta" else system.column
        system.start()
        time.sleep(settle)
        before = switches(system.processes())
        time.sleep(look)
        pids = system.processes()
        woken = sum(number - before.get(task, 0) for task, number in switches(pids).items()) * 60 / look
        found[name] = (len(pids), *memory(pids), woken)
        system.stop()
        bench.say(f"idle {name}: {len(pids)} processes, PSS {found[name][1]} KiB, USS {found[name][2]} KiB, "
                  f"{woken:.0f} context switches per minute")

    def values(index, name="QmtaAsRoot"):
        ours = {"qmta": found[name][index]} if name in found else {}
        if name == "Qmta":
            return ours
        return ours | {column: figures[index] for column, figures in found.items() if not column.startswith("Qmta")}

    def small(ours, theirs):
        return ours <= 2 * theirs[0] and all(2 * ours < postfix for postfix in theirs[1:])
    proportional, unique = values(1), values(2)
    return [Row("idle, processes", values(0)),
            Row("idle, PSS, KiB", proportional, "0",
                compare("≤ 2 × nullmailer, < postfix / 2", proportional, ["nullmailer", "postfix"], small), "idle"),
            Row("idle, USS, KiB", unique, "0",
                compare("≤ nullmailer", unique, ["nullmailer"], lambda ours, theirs: ours <= theirs[0])),
            Row("idle, context switches per minute", values(3)),
            Row("idle, under one ordinary user, PSS, KiB", values(1, "Qmta")),
            Row("idle, under one ordinary user, USS, KiB", values(2, "Qmta"))]


def describe(bench):
    settle, look = seconds(bench)
    return f"""- Idle: started as root as a mail server has it, nothing to do; {settle} s later, {look} s of looking. All processes count. PSS
  counts a page that several processes have in parts, so it depends on what else runs; each system is measured alone, beside
  the same others. USS counts what nobody else has: it is what ending the system would free.
"""
