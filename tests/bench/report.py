"""The table of all figures, and docs/bench.md around it."""
import os, re, textwrap, time
from dataclasses import dataclass, field

from systems import COLUMNS


@dataclass
class Bar:
    """What qmta's figure has to be, in words, and whether it is; met is None when this run cannot tell."""
    words: str
    met: bool | None


@dataclass
class Row:
    """One line of the table: a measure, with a value for each system that has one."""
    title: str
    values: dict
    digits: str = "0"
    bar: Bar | None = None
    # What the chart takes it for; empty when it is not in the chart.
    chart: str = field(default="")


def compare(words, values, others, met):
    """A bar that needs figures of qmta and of at least one of the others."""
    there = [values[other] for other in others if other in values]
    return Bar(words, met(values["qmta"], there) if "qmta" in values and there else None)


def below(words, values, others=COLUMNS[1:]):
    """The bar: less than the smallest of the others."""
    return compare(words, values, others, lambda ours, theirs: ours < min(theirs))


def cells(row, columns):
    values = [f"{row.values[column]:,.{row.digits}f}" if column in row.values else "–" for column in columns]
    met = "" if row.bar is None else "?" if row.bar.met is None else "yes" if row.bar.met else "no"
    return [row.title, *values, row.bar.words if row.bar else "", met]


def table(rows):
    columns = [column for column in COLUMNS if any(column in row.values for row in rows)]
    lines = [["", *columns, "bar for qmta", "met"], ["---", *["---:"] * len(columns), "---", "---"]]
    lines += [cells(row, columns) for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine():
    with open("/proc/cpuinfo") as file:
        processor = (re.search(r"^model name\s*:\s*(.*)$", file.read(), re.M) or ["", "unknown processor"])[1]
    with open("/etc/debian_version") as file:
        debian = file.read().strip()
    return (f"{os.cpu_count()} × {processor}, Linux {os.uname().release}, Debian {debian}; "
            "all but qmta from Debian's packages.")


def text(bench, rows, descriptions, failures):
    missed = "".join(f"\nNot in the table, because it failed: {failure}.\n" for failure in failures)
    kept = "; ".join(f"{kind.column}: {kind.durability}" for kind in bench.systems.kinds())
    first = [f"""All queues and mailboxes are on one ext4 image, journalled, mounted through a loop device with direct I/O.
        The systems take turns in every round; figures are medians of the rounds, of which there were {bench.rounds}. "–":
        the system cannot do it, or the figure would say nothing. qmta is started as root with role users and a setuid
        `qmail-queue`, as a mail server has it, and so are the others.""",
             "No syslog daemon runs, so logging costs the peers nothing; a log file of their own they do not have.",
             f"What has happened when a message is accepted. {kept}."]
    return f"""# Side by side

{wrap(f"Written by `make bench` on {time.strftime('%Y-%m-%d')} in {bench.minutes():.0f} minutes: "
      f"{machine()} The machine's load average before was {bench.load:.1f}.")}
{table(rows)}
{missed}
How it is measured:

{"".join(wrap(part, "- ") for part in first + descriptions)}"""


def wrap(words, bullet=""):
    """A paragraph in lines of at most 120 characters; what is between backticks is not broken."""
    words = re.sub(r"\s+", " ", words.removeprefix("- ")).strip()
    words = re.sub(r"`[^`]*`", lambda code: code[0].replace(" ", "\0"), words)
    return textwrap.fill(words, 120, initial_indent=bullet, subsequent_indent=" " * len(bullet),
                         break_long_words=False, break_on_hyphens=False).replace("\0", " ") + "\n"
