"""Measures mail systems side by side and writes one table of all figures (called by tests/bench/run).

Each measure is a module with measure(bench), which returns rows of the table, and describe(bench), which says how it
was measured. Systems take turns in every round, so that a slow moment of the machine hits all of them; medians are
reported.
"""
import argparse, os, signal, subprocess, sys, time, traceback

import chart
import fairness
import idle
import large
import latency
import local
import oneshot
import receiving
import remote
import report
import size
import submission
import writes
from sink import Sink
from systems import COLUMNS, Systems

# In the order of the table.
MEASURES = {"size": size, "idle": idle, "submission": submission, "remote": remote, "local": local, "latency": latency,
            "reception": receiving, "writes": writes, "one-shot": oneshot, "large": large, "fairness": fairness}


class Bench:
    """What measures need: the systems, the sink, how often, and where."""

    def __init__(self, given):
        self.quick, self.rounds = given.quick, given.rounds or (1 if given.quick else 3)
        self.bin, self.loop, self.queues, self.work = given.bin, given.loop, f"{given.work}/queues", given.work
        self.sink = Sink(f"{given.work}/root/postfix")
        self.systems = Systems(f"{given.work}/root", self.sink.port, given.systems.split(","))
        self.notes = {}
        self.began, self.load = time.monotonic(), os.getloadavg()[0]

    def stop_all(self):
        """After a failure: nothing is left running, nothing queued."""
        for system in self.systems.made.values():
            for act in (system.close, system.stop, system.clear):
                try:
                    act()
                except Exception as error:
                    print(f"{system.column}: {error!r}", file=sys.stderr)
        self.sink.stop()

    def say(self, words):
        print(f"[{time.monotonic() - self.began:4.0f} s] {words}", flush=True)

    def note(self, measure, words):
        """Remembers what a measure's description says about this run."""
        self.notes[measure] = words

    def sync(self):
        subprocess.run(["sync", "-f", self.queues], check=True)

    def minutes(self):
        return (time.monotonic() - self.began) / 60


def main():
    options = argparse.ArgumentParser(prog="run")
    options.add_argument("--work", required=True, help=argparse.SUPPRESS)
    options.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    options.add_argument("--loop", required=True, help=argparse.SUPPRESS)
    options.add_argument("--report", required=True, help=argparse.SUPPRESS)
    options.add_argument("--chart", required=True, help=argparse.SUPPRESS)
    options.add_argument("--only", metavar="MEASURE[,..]", default=",".join(MEASURES), help=", ".join(MEASURES))
    options.add_argument("--systems", metavar="SYSTEM[,..]", default=",".join(COLUMNS), help=", ".join(COLUMNS))
    options.add_argument("--rounds", type=int, help="3; 1 with --quick")
    options.add_argument("--quick", action="store_true", help="fewer messages, shorter waits")
    given = options.parse_args()
    wanted = given.only.split(",")
    if unknown := [name for name in wanted if name not in MEASURES]:
        options.error("no such measure: " + ", ".join(unknown))

    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    bench = Bench(given)
    rows, descriptions, failures = [], [], []
    for name in wanted:
        try:
            rows += MEASURES[name].measure(bench)
            descriptions.append(MEASURES[name].describe(bench))
        except Exception as error:
            traceback.print_exc()
            failures.append(f"{name} ({error})")
            bench.stop_all()
        except BaseException:
            bench.stop_all()
            raise
    print("\n" + report.table(rows) + "\n")
    # A part of the figures does not take the place of all of them.
    if wanted == list(MEASURES) and given.systems == options.get_default("systems"):
        with open(given.report, "w") as out:
            out.write(report.text(bench, rows, descriptions, failures))
        with open(given.chart, "w") as out:
            out.write(chart.draw(rows))
        print(f"written to {given.report} and {given.chart}")
    for failure in failures:
        print("failed: " + failure, file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
