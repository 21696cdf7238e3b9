"""Reception: how fast mail is taken in by SMTP; tests/bench/run-reception measures it."""
import json, os, subprocess

from report import Row, compare

RIVALS = ["postfix", "exim4"]
LOADS = (("one message in each connection", "reception, one message per connection", "reception"),
         ("100 messages in each connection", "reception, 100 messages per connection", ""))


def measure(bench):
    file = f"{bench.work}/reception.json"
    wanted = [column.lower() for column in bench.systems.columns]
    chosen = [name for name in ("qmta", "postfix", "exim4", "opensmtpd") if name in wanted]
    here = os.path.dirname(os.path.abspath(__file__))
    # It has a mount namespace of its own.
    environment = {name: value for name, value in os.environ.items() if name != "BENCH_NAMESPACE"}
    code = subprocess.run([here + "/run-reception", "--bin", bench.bin, "--rounds", str(rounds(bench)),
                           "--messages", "3000", "--systems", ",".join(chosen), "--json", file], env=environment).returncode
    if code:
        raise RuntimeError(f"run-reception ended with status {code}")
    with open(file) as found:
        figures = json.load(found)
    rows = []
    for measured, title, chart in LOADS:
        rates = figures[measured + ": messages/s"]
        rows.append(Row(f"{title}, messages/s", rates, "0", compare(
            "≥ 1.5 × the best that syncs", rates, RIVALS, lambda ours, theirs: ours >= 1.5 * max(theirs)), chart))
        used = figures.get(measured + ": processor time per message, ms", {})
        rows.append(Row(f"{title}, processor s per 1,000", used, "3"))
    rows.append(Row("200 idle connections, PSS, KiB", figures.get("200 idle connections: PSS, KiB", {})))
    return rows


def rounds(bench):
    """More than of the rest: they are short, and the machine is not equally fast from one second to the next."""
    return 1 if bench.rounds == 1 else 2 * bench.rounds + 1


def describe(bench):
    return f"""- Reception: {rounds(bench)} rounds of 3,000 messages of 1 KiB from `smtp-source` in ten connections at a time,
  a new connection for each or 100 in each. Nobody empties the queues: qmta is `mini-smtpd --listen` without `qmta-send`, postfix puts
  every message on hold, exim4 only queues, OpenSMTPD's relaying is paused. qmta, postfix and exim4 say 250 when the
  message is on stable storage; OpenSMTPD syncs nothing. exim4 answers QUIT 200 ms late, and OpenSMTPD lets five
  connections wait to be accepted: one message per connection leaves both asleep most of the time. Idle connections
  have said EHLO.
"""
