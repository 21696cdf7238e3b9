"""A message of 50 MB: the most memory that any process has on its whole way, submission and delivery."""
from mailsystem import Caller, message, to_one_user, to_remote, wait
from peaks import Peaks
from report import Row

SIZE = 50_000_000


def large(number):
    head = message(number).partition(b"\n\n")[0] + b"\n\n"
    line = b"0123456789abcdef" * 4 + b"\n"
    return head + line * ((SIZE - len(head)) // len(line))


def measure(bench):
    rows, words = [], []
    for title, recipient, wanted in (("to a remote host", to_remote, lambda system: True),
                                     ("into a Maildir", to_one_user, lambda system: system.delivers_to_users)):
        values = {}
        for system in bench.systems.get("qmta-root", "postfix", "exim4", "opensmtpd", "nullmailer", "dma", "msmtp"):
            if wanted(system):
                found = deliver(bench, system, recipient)
                values[system.column] = max(found.values()) * 1.024 / 1000
                bench.say(f"50 MB {title}, {system.column}: " +
                          ", ".join(f"{name} {kib} KiB" for name, kib in sorted(found.items())))
                if system.column == "qmta":
                    words.append(f"{title}: " + ", ".join(f"`{name}` {kib * 1.024 / 1000:.1f}"
                                                          for name, kib in sorted(found.items())))
        rows.append(Row(f"50 MB message {title}, largest process, peak RSS, MB", values, "1"))
    if words:
        bench.note("large", "qmta's programs, MB: " + "; ".join(words) + ".")
    return rows


def deliver(bench, system, recipient):
    """Most KiB of each program."""
    bench.sink.start()
    system.start()
    caller = Caller(system, recipient, large)
    peaks = Peaks([*system.processes(), caller.pid])
    try:
        caller.ask(0, 1)
        caller.done()
        if recipient is to_remote:
            bench.sink.wait_for(1, 120)
        else:
            wait(lambda: system.mailboxes() == 1, 120, f"{system.column} to deliver 50 MB")
        wait(lambda: system.left() == 0, 70, f"{system.column}'s queue to be empty")
    finally:
        found = peaks.end()
        caller.end()
        system.put_away(bench.sink)
    return found


def describe(bench):
    return f"""- 50 MB: the peak RSS of the largest process from `sendmail` to delivery, daemons included (ptrace
  stops each as it ends). {bench.notes.get("large", "")}
"""
