"""Measures how fast mail is taken in by SMTP, by qmta's mini-smtpd and by other mail servers (called by run-reception).

Messages of 1 KiB come in ten connections at a time, to queues that nobody empties: one message in each connection, or
100. Rounds are interleaved; medians are reported. Processor time is that of all processes of the system, by its control
group, without the clients. Memory is the difference that 200 idle connections make.
"""
import argparse, json, os, shutil, socket, statistics, subprocess, time

import exim
from cpugroup import CpuGroup
from mailsystem import NOBODY, end, files, free_port, wait
from processes import memory, tree

CONNECTIONS, PER_CONNECTION, IDLE = 10, 100, 200
LOADS = {1: "one message in each connection", PER_CONNECTION: f"{PER_CONNECTION} messages in each connection"}


class Server:
    """A mail server in a root directory of its own, and its queue on the measured filesystem."""
    name = title = None
    # Whether 250 means that the message is on stable storage.
    syncs = True
    # When it is asleep most of the time with one message in each connection, fewer say as much.
    sleeps = False

    def __init__(self, given):
        self.group = CpuGroup(f"{self.name}-in")
        self.root = f"{given.work}/root/{self.name}"
        self.spool = f"{given.work}/queues/{self.name}"
        self.log = open(f"{given.work}/{self.name}.log", "ab")
        self.process, self.port = None, free_port()
        self.configure(given)

    def write(self, path, text):
        with open(self.root + path, "w") as out:
            out.write(text)

    def run(self, *command, check=True):
        return subprocess.run(["chroot", self.root, *command], check=check, stdin=subprocess.DEVNULL, stdout=self.log,
                              stderr=self.log, preexec_fn=self.group.enter)

    def start(self):
        self.clear()
        self.process = self.launch()
        wait(lambda: greets(self.port), 20, f"{self.name}'s greeting")

    def stop(self):
        end(self.process)

    def daemon(self, *command, enter=None, **more):
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                start_new_session=True, preexec_fn=enter or self.group.enter, **more)


class Qmta(Server):
    """mini-smtpd under an ordinary user, who owns the queue; qmta-send does not run."""
    name = title = "qmta"

    def configure(self, given):
        self.bin = given.work + "/queues/bin"
        os.makedirs(self.spool + "/control", exist_ok=True)
        with open(self.spool + "/control/me", "w") as out:
            out.write("board.example\n")
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", self.spool], check=True)
        self.environment = dict(PATH=self.bin + ":/usr/bin:/bin", QUEUEDIR=self.spool + "/queue",
                                CONTROLDIR=self.spool + "/control", MAXDAEMONS="400", MAXPERIP="400")

    def as_nobody(self):
        self.group.enter()
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)

    def clear(self):
        shutil.rmtree(self.spool + "/queue", ignore_errors=True)
        subprocess.run([self.bin + "/queue-fix", self.spool + "/queue"], env=self.environment, check=True,
                       preexec_fn=self.as_nobody, stdout=self.log)

    def launch(self):
        return self.daemon(self.bin + "/mini-smtpd", "--listen", f"127.0.0.1:{self.port}", enter=self.as_nobody,
                           env=self.environment)

    def queued(self):
        return files(self.spool + "/queue/todo")


class Postfix(Server):
    """Every message is put on hold: cleanup(8) writes it where it stays, and qmgr(8) never hears of it."""
    name = title = "postfix"

    def configure(self, given):
        self.run("postconf", "-e", "myhostname=board.example", "mydestination=board.example", "inet_protocols=ipv4",
                 "inet_interfaces=loopback-only", "compatibility_level=3.6", "maillog_file=", "alias_maps=",
                 "alias_database=", "local_recipient_maps=", "smtpd_tls_security_level=none", "smtputf8_enable=no",
                 "default_process_limit=300", "smtpd_client_connection_count_limit=0", "smtpd_peername_lookup=no",
                 "disable_dns_lookups=yes", "smtpd_client_connection_rate_limit=0", "in_flow_delay=0",
                 "smtpd_client_restrictions=check_client_access static:HOLD")
        self.run("postconf", "-M#", "smtp/inet", check=False)
        # Ports of runs before.
        self.run("sed", "-i", "/^[0-9]\\+ *inet /d", "/etc/postfix/master.cf")
        self.run("postconf", "-M", f"{self.port}/inet={self.port} inet n - n - - smtpd")
        self.run("sh", "-c", "postconf -F '*/*/chroot=n'")
        self.run("postfix", "check")

    def clear(self):
        self.run("postsuper", "-d", "ALL", check=False)

    def launch(self):
        self.run("postfix", "start")

    def stop(self):
        self.run("postfix", "stop", check=False)

    def queued(self):
        return files(self.spool + "/hold")

    def processes(self):
        with open(self.spool + "/pid/master.pid") as file:
            return int(file.read())


class Exim(Server):
    """It only queues; nothing runs the queue. It answers QUIT 200 ms late: the client might be content and go first."""
    name = title = "exim4"
    sleeps = True

    def configure(self, given):
        self.write("/etc/exim4/exim4.conf", exim.CONFIGURATION % dict(port=9, queueing="queue_only"))

    def clear(self):
        shutil.rmtree(self.spool + "/input", ignore_errors=True)

    def launch(self):
        return self.daemon("chroot", self.root, "/usr/sbin/exim4", "-bdf", "-oX", f"127.0.0.1.{self.port}")

    def queued(self):
        return sum(name.endswith("-H") for _, _, names in os.walk(self.spool + "/input") for name in names)


class OpenSmtpd(Server):
    """Its deliveries are paused. Of ten clients that come at once some find its backlog of five full, and wait."""
    name, title = "opensmtpd", "OpenSMTPD"
    syncs = False
    sleeps = True

    def configure(self, given):
        # It would ask for the client's name, each time. The second word is libasr's own.
        self.write("/etc/resolv.conf", "lookup file\n")
        self.write("/etc/smtpd.conf", f'listen on lo port {self.port}\naction "relay" relay host smtp://127.0.0.1:9\n'
                                      'match from any for any action "relay"\n')

    def clear(self):
        for directory in ("queue", "incoming"):
            shutil.rmtree(f"{self.spool}/{directory}", ignore_errors=True)

    def launch(self):
        process = self.daemon("chroot", self.root, "/usr/sbin/smtpd", "-d")
        wait(lambda: self.run("smtpctl", "pause", "mta", check=False).returncode == 0, 20, "smtpd to answer")
        return process

    def queued(self):
        """Envelopes: their names are the sixteen digits of their numbers."""
        return sum(len(name) == 16 for _, _, names in os.walk(self.spool + "/queue") for name in names)


KINDS = {kind.name: kind for kind in (Qmta, Postfix, Exim, OpenSmtpd)}


def greets(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as connection:
            return connection.recv(3) == b"220"
    except OSError:
        return False


def load(work, server, messages, per_connection):
    """Sends them; returns messages per second and milliseconds of processor time for each."""
    command = ["chroot", work + "/root/postfix", "/usr/sbin/smtp-source", "-l", "1024", "-f", "a@far.example",
               "-t", "operator@board.example", f"inet:127.0.0.1:{server.port}"]
    if per_connection == 1:
        command[3:3] = ["-s", str(CONNECTIONS), "-m", str(messages)]
    else:
        # One with many sessions shares the messages out among them as it comes; one with a single session is exact.
        command[3:3] = ["-s", "1", "-d", "-m", str(per_connection)]
        times = messages // CONNECTIONS // per_connection
        command = ["sh", "-c", 'for i in $(seq "$0"); do "$@" || exit; done', str(times), *command]
    subprocess.run(["sync", "-f", server.spool], check=True)
    before, begin = server.group.seconds(), time.monotonic()
    clients = [subprocess.Popen(command) for _ in range(1 if per_connection == 1 else CONNECTIONS)]
    if any([client.wait(300) for client in clients]):
        raise RuntimeError(f"{server.name} did not take all messages")
    seconds = time.monotonic() - begin
    time.sleep(0.5)  # what the server does after its answer counts, too
    used = None if before is None else (server.group.seconds() - before) / messages * 1000
    return messages / seconds, used


def idle(server):
    """What so many connections cost that have said EHLO, and then nothing."""
    root = server.processes() if server.process is None else server.process.pid
    greets(server.port)
    time.sleep(0.5)
    before = memory(tree(root))
    held = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(IDLE)]
    for connection in held:
        connection.recv(512)
        connection.sendall(b"EHLO idle.example\r\n")
    for connection in held:
        connection.recv(1024)
    time.sleep(0.5)
    after = memory(tree(root))
    for connection in held:
        connection.close()
    return [now - then for now, then in zip(after, before)]


def measure(given, servers):
    """The figures: {measure: {system: [value of a round]}}."""
    found = {}

    def add(measure, server, value):
        if value is not None:
            found.setdefault(measure, {}).setdefault(server.title, []).append(value)

    for number in range(given.rounds):
        for server in servers:
            try:
                server.start()
                load(given.work, server, CONNECTIONS * PER_CONNECTION, PER_CONNECTION)  # processes that stay are there
                wanted = CONNECTIONS * PER_CONNECTION
                for per_connection, words in LOADS.items():
                    messages = given.messages // 20 if server.sleeps and per_connection == 1 else given.messages
                    wanted += messages
                    rate, used = load(given.work, server, messages, per_connection)
                    add(f"{words}: messages/s", server, rate)
                    add(f"{words}: processor time per message, ms", server, used)
                    print(f"{server.name}, round {number + 1}, {words}: {rate:.0f} messages/s, {used or 0:.3f} ms",
                          flush=True)
                if (queued := server.queued()) != wanted:
                    raise RuntimeError(f"{server.name} has {queued} messages in its queue, and was sent {wanted}")
                if number == 0:
                    proportional, unique = idle(server)
                    add(f"{IDLE} idle connections: PSS, KiB", server, proportional)
                    add(f"{IDLE} idle connections: USS, KiB", server, unique)
            finally:
                server.stop()
    return found


def table(figures, servers):
    """One line for each measure; the last column is qmta's figure by the best of those that sync."""
    titles = [server.title for server in servers]
    rivals = [server.title for server in servers if server.syncs and server.name != "qmta"]
    lines = [["", *titles, "qmta / the best that syncs"], ["---", *["---:"] * (len(titles) + 1)]]
    for measure, values in figures.items():
        better = max if measure.endswith("/s") else min
        best = better((values[title] for title in rivals if title in values), default=0)
        digits = 3 if measure.endswith("ms") else 0
        ratio = f"{values['qmta'] / best:.2f}" if best and "qmta" in values else "–"
        cells = [f"{values[title]:.{digits}f}" if title in values else "–" for title in titles]
        lines.append([measure, *cells, ratio])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main():
    parser = argparse.ArgumentParser(prog="run-reception")
    parser.add_argument("--work", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--systems", default=",".join(KINDS), metavar="SYSTEM[,..]")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=2000, help=f"a multiple of {CONNECTIONS * PER_CONNECTION}")
    parser.add_argument("--json", help="a file for the figures, too")
    given = parser.parse_args()
    if given.messages % (CONNECTIONS * PER_CONNECTION):
        parser.error(f"--messages must be a multiple of {CONNECTIONS * PER_CONNECTION}")
    servers = [KINDS[name](given) for name in given.systems.split(",")]
    figures = {measure: {system: statistics.median(values) for system, values in systems.items()}
               for measure, systems in measure(given, servers).items()}
    print("\n" + table(figures, servers))
    if given.json:
        with open(given.json, "w") as out:
            json.dump(figures, out, indent=1)


if __name__ == "__main__":
    main()
