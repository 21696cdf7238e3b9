"""Measures how fast mail is taken in by SMTP: mini-smtpd --listen and postfix's smtpd (called by run-reception).

smtp-source sends messages of 1 KiB in ten sessions at a time, to a queue that nobody empties: one message in each
connection, or all in ten connections. Rounds are interleaved; medians are reported. Processor time is that of all
processes of the system, by its control group, without smtp-source. Memory is the difference in PSS that 200 idle
connections make.
"""
import argparse, os, re, shutil, socket, statistics, subprocess, time

from cpugroup import CpuGroup

PORTS = dict(qmta=2601, postfix=2602)
NOBODY = 65534


def wait(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def greets(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as connection:
            return connection.recv(3) == b"220"
    except OSError:
        return False


def files(directory):
    return sum(len(names) for _, _, names in os.walk(directory))


class Qmta:
    name = "qmta"

    def __init__(self, given):
        self.group, self.directory = CpuGroup("qmta-in"), given.directory + "/qmta"
        os.makedirs(self.directory + "/control", exist_ok=True)
        with open(self.directory + "/control/me", "w") as out:
            out.write("board.example\n")
        os.chmod(given.directory, 0o755)
        self.bin = given.directory + "/bin"
        self.environment = dict(PATH=self.bin + ":/usr/bin:/bin", QUEUEDIR=self.directory + "/queue",
                                CONTROLDIR=self.directory + "/control", MAXDAEMONS="400", MAXPERIP="400")
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", self.directory], check=True)

    def as_nobody(self):
        self.group.enter()
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)

    def clear(self):
        shutil.rmtree(self.directory + "/queue", ignore_errors=True)
        subprocess.run([self.bin + "/queue-fix", self.directory + "/queue"], env=self.environment, check=True,
                       preexec_fn=self.as_nobody, stdout=subprocess.DEVNULL)

    def start(self):
        self.clear()
        with open(self.directory + "/log", "a") as log:
            self.process = subprocess.Popen([self.bin + "/mini-smtpd", "--listen", f"127.0.0.1:{PORTS['qmta']}"],
                                            env=self.environment, preexec_fn=self.as_nobody, stderr=log, stdin=subprocess.DEVNULL)
        wait(lambda: greets(PORTS["qmta"]), 20, "mini-smtpd greets")

    def stop(self):
        self.process.terminate()
        self.process.wait(40)

    def queued(self):
        return files(self.directory + "/queue/todo")

    def root_process(self):
        return self.process.pid


class Postfix:
    name = "postfix"

    def __init__(self, given):
        self.group, self.root = CpuGroup("postfix-in"), given.postfix
        self.run("postconf", "-e", "myhostname=board.example", "mydestination=board.example", "inet_protocols=ipv4",
                 "inet_interfaces=loopback-only", "compatibility_level=3.6", "maillog_file=", "alias_maps=",
                 "alias_database=", "local_recipient_maps=", "smtpd_tls_security_level=none", "smtputf8_enable=no",
                 "default_process_limit=300", "smtpd_client_connection_count_limit=0", "smtpd_peername_lookup=no",
                 "disable_dns_lookups=yes", "defer_transports=local", "smtpd_client_connection_rate_limit=0",
                 "in_flow_delay=0")
        self.run("postconf", "-M#", "smtp/inet", check=False)
        self.run("postconf", "-M", f"{PORTS['postfix']}/inet={PORTS['postfix']} inet n - n - - smtpd")
        self.run("sh", "-c", "postconf -F '*/*/chroot=n'")

    def run(self, *command, check=True):
        return subprocess.run(["chroot", self.root, *command], check=check, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, preexec_fn=self.group.enter)

    def start(self):
        self.run("postfix", "check")
        self.run("postsuper", "-d", "ALL", check=False)
        self.run("postfix", "start")
        wait(lambda: greets(PORTS["postfix"]), 20, "postfix greets")

    def stop(self):
        self.run("postfix", "stop", check=False)

    def queued(self):
        return sum(files(f"{self.root}/var/spool/postfix/{sub}") for sub in ("incoming", "active", "deferred"))

    def root_process(self):
        with open(self.root + "/var/spool/postfix/pid/master.pid") as file:
            return int(file.read())


def source(given, system, messages, keep):
    before, begin = system.group.seconds(), time.monotonic()
    command = ["chroot", given.postfix, "/usr/sbin/smtp-source", "-s", "10", "-m", str(messages), "-l", "1024"]
    if keep:
        command.append("-d")
    command += ["-f", "a@far.example", "-t", "operator@board.example", f"127.0.0.1:{PORTS[system.name]}"]
    subprocess.run(command, check=True)
    seconds = time.monotonic() - begin
    time.sleep(0.5)
    return messages / seconds, (system.group.seconds() - before) / messages * 1000


def pss(pid):
    """Of a process and all below it, in KiB."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    parents[int(entry)] = int(file.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                pass
    tree = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in tree} - tree
        if not more:
            break
        tree |= more
    total = 0
    for each in tree:
        try:
            with open(f"/proc/{each}/smaps_rollup") as file:
                total += int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M)[1])
        except OSError:
            pass
    return total


def idle(system):
    greets(PORTS[system.name])
    time.sleep(0.5)
    before = pss(system.root_process())
    held = [socket.create_connection(("127.0.0.1", PORTS[system.name])) for _ in range(200)]
    for connection in held:
        connection.recv(512)
        connection.sendall(b"EHLO idle.example\r\n")
    for connection in held:
        connection.recv(1024)
    cost = pss(system.root_process()) - before
    for connection in held:
        connection.close()
    return cost


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--postfix", required=True)
    parser.add_argument("--directory", required=True)
    parser.add_argument("--docs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    systems = [Qmta(given), Postfix(given)]
    load = os.getloadavg()[0]
    rates = {(system.name, keep): [] for system in systems for keep in (False, True)}
    memory = {}
    for round in range(given.rounds):
        for system in systems:
            system.start()
            try:
                source(given, system, 50, True)  # processes that stay are there
                for keep in (False, True):
                    rates[system.name, keep].append(source(given, system, given.messages, keep))
                if system.queued() < 2 * given.messages:
                    raise SystemExit(f"{system.name} has {system.queued()} messages in its queue")
                if round == 0:
                    memory[system.name] = idle(system)
            finally:
                system.stop()
    rows = []
    for keep, words in ((False, "one message in each connection"), (True, "all in ten connections")):
        for index, (unit, digits) in enumerate((("messages/s", 0), ("processor time per message, ms", 3))):
            mine, other = (statistics.median(value[index] for value in rates[name, keep]) for name in ("qmta", "postfix"))
            rows.append(f"| {words}: {unit} | {mine:.{digits}f} | {other:.{digits}f} | {mine / other:.2f} |")
    mine, other = memory["qmta"], memory["postfix"]
    rows.append(f"| 200 idle connections: PSS, KiB | {mine} | {other} | {mine / other:.2f} |")
    table = "|  | mini-smtpd | postfix | ratio |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"
    print(table)
    if given.write:
        with open(given.docs, "w") as out:
            out.write(f"""# Reception, side by side

Written by `tests/bench/run-reception --write` on {time.strftime("%Y-%m-%d")}: Linux {os.uname().release}, Debian
{open("/etc/debian_version").read().strip()}, postfix from Debian's packages, {os.cpu_count()} processors.
The machine's load average before the run was {load:.1f}.

{table}
How it is measured:

- `smtp-source -s 10 -m {given.messages} -l 1024`: messages of 1 KiB in ten sessions at a time, in the median of {given.rounds} rounds, the
  two systems by turns. Nobody empties the queues meanwhile.
- Both queues are on one ext4 image, journalled, mounted through a loop device with direct I/O. A message is answered
  with 250 when it is on stable storage: qmta fsyncs its files and their directories, postfix its queue file.
- Processor time is that of all processes of the system, as its control group ({CpuGroup.kind or "none could be made"}) says; `smtp-source` is outside.
- Idle connections have said EHLO. For postfix each is a process.
""")


main()
