"""Drain local: queued messages go into Maildirs, of one user and of ten."""
import drains
from mailsystem import to_one_user, to_users
from report import Row


def measure(bench):
    systems = bench.systems.get("qmta-root", "postfix", "exim4", "opensmtpd")
    rows = []
    for words, recipient, chart in (("one user", to_one_user, "local"), ("ten users", to_users, "")):
        rates, cpus = drains.drain(bench, systems, recipient, "local")
        rows.append(Row(f"drain local, {words}, messages/s", rates, "0", drains.times_postfix(2)(rates), chart))
        rows.append(Row(f"drain local, {words}, processor s per 1,000", cpus, "3",
                        drains.of_postfix("≤ 1/2 of postfix's", 1 / 2)(cpus)))
    peaks = drains.peak_memory(bench, systems, to_users, "local")
    rows.append(Row("drain local, ten users, peak PSS of all processes, MB", peaks, "1"))
    return rows


def describe(bench):
    return f"""- Drain local: the same {drains.count(bench)} messages into the Maildir of one user, and of ten.
  Deliveries run under the users' uids in all systems. Up to 20 at a time: qmta with `concurrencylocal` 20, the others
  with their defaults (postfix has two for each user).
"""
