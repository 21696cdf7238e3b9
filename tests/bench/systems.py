"""The mail systems that are measured: how each is set up, started, filled, drained and looked into."""
import os, subprocess, time

from dma import Dma
from exim import Exim
from mailsystem import NOBODY, System, empty, end, files, to_remote, wait
from processes import tree


class Qmta(System):
    """All of it under one ordinary user."""
    name = column = "qmta"
    durability = "message, envelope and their directory entries are on stable storage"
    programs = "/opt/qmta"
    home = "/var/qmta"
    uid = NOBODY

    def configure(self):
        self.one_shot = (self.programs + "/qmta-send", "./Maildir/")
        self.sendmail = self.programs + "/sendmail"
        self.environment = System.environment | {"QUEUEDIR": self.home + "/queue", "CONTROLDIR": self.home + "/control"}
        self.control(me="board.example\n", smtproutes=f":127.0.0.1:{self.port}\n", concurrencyremote="20\n",
                     concurrencylocal="20\n")
        self.daemon = None
        self.fix()

    def control(self, **contents):
        control = self.root.root + self.home + "/control"
        os.makedirs(control, exist_ok=True)
        for file, text in contents.items():
            with open(f"{control}/{file}", "w") as out:
                out.write(text)

    def fix(self):
        if self.uid:
            subprocess.run(["chown", "-R", f"{self.uid}:{self.uid}", self.root.root + self.home], check=True)
        self.root.run("env", *[f"{key}={value}" for key, value in self.environment.items()],
                      self.programs + "/queue-fix", self.home + "/queue", uid=self.uid, stdout=self.log)

    def start(self):
        self.begin_drain()
        wait(lambda: os.path.exists(f"{self.root.root}{self.home}/queue/lock/submit"), 20, "qmta-send to listen")

    def begin_drain(self):
        self.daemon = self.root.start(self.programs + "/qmta-send", "-d", "./Maildir/", uid=self.uid,
                                      env=self.environment, log=self.log, enter=self.group.enter)

    def stop(self):
        end(self.daemon)

    def clear(self):
        subprocess.run(["rm", "-rf", f"{self.root.root}{self.home}/queue"], check=True)
        self.fix()

    def left(self):
        return files(f"{self.root.root}{self.home}/queue/mess")

    def processes(self):
        return tree(self.daemon.pid)


class QmtaAsRoot(Qmta):
    """As a mail server has it: role users, a setuid qmail-queue, deliveries under the recipients' uids."""
    delivers_to_users = True
    programs = "/opt/qmta-root"
    home = "/var/qmta-root"
    uid = 0


class QmtaDistant(QmtaAsRoot):
    """With many destinations."""
    home = "/var/qmta-root/distant"

    def route_domains(self, ports):
        """Sends each domain to a port of its own, and waits longer for an answer than any round takes."""
        self.control(smtproutes="".join(f"d{number}.example:127.0.0.1:{port}\n" for number, port in enumerate(ports)),
                     timeoutremote="1200\n")


class QmtaRunning(QmtaAsRoot):
    """With its daemon up when messages are submitted, which takes them itself, and prepares them for delivery."""
    home = "/var/qmta-root/running"

    def open(self):
        self.control(concurrencyremote="0\n")
        self.start()

    def close(self):
        self.stop()
        self.control(concurrencyremote="20\n")


class Postfix(System):
    name = column = "postfix"
    delivers_to_users = True
    durability = "the queue file is synced"

    def configure(self):
        settings = dict(myhostname="board.example", mydestination="board.example", inet_interfaces="loopback-only",
                        inet_protocols="ipv4", relayhost=f"[127.0.0.1]:{self.port}", compatibility_level="3.6",
                        smtp_destination_concurrency_limit="20", initial_destination_concurrency="20",
                        default_process_limit="100", smtputf8_enable="no", smtp_tls_security_level="none",
                        disable_dns_lookups="yes", alias_maps="", alias_database="", maillog_file="",
                        home_mailbox="Maildir/", transport_maps="", message_size_limit="0", mailbox_size_limit="0")
        self.root.run("postconf", "-e", *[f"{key}={value}" for key, value in settings.items()])
        self.root.run("postconf", "-M#", "smtp/inet", check=False)
        self.root.run("sh", "-c", "postconf -F '*/*/chroot=n'")
        self.root.run("postconf", "-F", "smtp/unix/process_limit=-")
        self.root.run("postfix", "check", stdout=self.log, stderr=self.log)
        self.clear()

    def queue(self, count, recipient=to_remote, transport="smtp"):
        """Fills the deferred queue: accepted, written, not yet tried."""
        self.root.run("postconf", "-e", f"defer_transports={transport}")
        self.start()
        self.fill(count, recipient)
        spool = self.root.root + "/var/spool/postfix"
        wait(lambda: files(spool + "/deferred") >= count, 120, "postfix to defer the messages")
        self.stop()
        self.root.run("postsuper", "-h", "ALL", stdout=self.log, stderr=self.log)
        self.root.run("postconf", "-e", "defer_transports=")
        # Postfix takes a second to start, which says nothing about its rate: it is up, and the messages are released,
        # before the clock starts.
        self.start()
        time.sleep(2)
        self.root.run("postsuper", "-H", "ALL", stdout=self.log, stderr=self.log)

    def start(self):
        self.root.run("postfix", "start", stdout=self.log, stderr=self.log, preexec_fn=self.group.enter)

    def begin_drain(self):
        self.root.run("postqueue", "-f")

    def route_domains(self, ports):
        """Sends each domain to a port of its own, with as many deliveries in all as qmta has, and with postfix's own
        idea of how many to begin with."""
        routes = " ".join(f"{{d{number}.example=smtp:[127.0.0.1]:{port}}}" for number, port in enumerate(ports))
        self.root.run("postconf", "-e", f"transport_maps=inline:{{{routes}}}", "initial_destination_concurrency=5")
        self.root.run("postconf", "-F", "smtp/unix/process_limit=20")

    def stop(self):
        self.root.run("postfix", "stop", stdout=self.log, stderr=self.log, check=False)

    def clear(self):
        self.root.run("postsuper", "-d", "ALL", stdout=self.log, stderr=self.log)

    def left(self):
        return sum(files(f"{self.root.root}/var/spool/postfix/{sub}")
                   for sub in ("maildrop", "incoming", "active", "deferred"))

    def processes(self):
        with open(self.root.root + "/var/spool/postfix/pid/master.pid") as file:
            return tree(int(file.read()))


class OpenSmtpd(System):
    name = "opensmtpd"
    column = "OpenSMTPD"
    delivers_to_users = True
    durability = "nothing is synced, a power cut loses what was accepted; a mail is synced on its way into a Maildir"

    def configure(self):
        with open(self.root.root + "/etc/smtpd.conf", "w") as out:
            # As many connections as the others, and no pauses between them.
            out.write('smtp max-message-size 60M\nmta limit max-conn-per-host 20 max-conn-per-route 20\n'
                      'mta limit conn-delay-relay 0 conn-delay-route 0 reconn-delay-route 0 session-mail-max 1000\n'
                      f'action "users" maildir\naction "relay" relay host smtp://127.0.0.1:{self.port}\n'
                      'match from any for domain "board.example" action "users"\n'
                      'match from any for any action "relay"\n')
        with open(self.root.root + "/etc/mailname", "w") as out:
            out.write("board.example\n")
        self.daemon = None

    def start(self):
        self.daemon = self.root.start("/usr/sbin/smtpd", "-d", log=self.log, enter=self.group.enter)
        wait(lambda: self.control("show", "status"), 20, "smtpd to answer")

    def open(self):
        self.start()
        for part in ("mta", "mda"):
            self.control("pause", part)

    def control(self, *words):
        return self.root.run("smtpctl", *words, check=False, stdout=self.log, stderr=self.log).returncode == 0

    def queue(self, count, recipient=to_remote, transport="smtp"):
        self.open()
        self.fill(count, recipient)

    def begin_drain(self):
        self.control("resume", "mta")
        self.control("resume", "mda")

    def stop(self):
        end(self.daemon)

    close = stop

    def clear(self):
        for directory in ("queue", "incoming"):
            empty(self.root.root + "/var/spool/smtpd/" + directory)

    def left(self):
        return sum(files(f"{self.root.root}/var/spool/smtpd/{sub}") for sub in ("queue", "incoming"))

    def processes(self):
        return tree(self.daemon.pid)


class Nullmailer(System):
    name = column = "nullmailer"
    durability = "the message file is synced"

    def configure(self):
        etc = self.root.root + "/etc/nullmailer"
        for file, text in dict(remotes=f"127.0.0.1 smtp --port={self.port}\n", me="board.example\n",
                               defaulthost="board.example\n", defaultdomain="example\n", pausetime="60\n").items():
            with open(f"{etc}/{file}", "w") as out:
                out.write(text)
        self.daemon = None

    def start(self):
        mail = next(line.split(":") for line in open(self.root.root + "/etc/passwd") if line.startswith("mail:"))
        self.daemon = self.root.start("/usr/sbin/nullmailer-send", uid=int(mail[2]), log=self.log,
                                      enter=self.group.enter)

    begin_drain = start

    def stop(self):
        end(self.daemon)

    def clear(self):
        for sub in ("queue", "tmp", "failed"):
            empty(f"{self.root.root}/var/spool/nullmailer/{sub}")

    def left(self):
        return files(self.root.root + "/var/spool/nullmailer/queue")

    def processes(self):
        return tree(self.daemon.pid)


class Msmtp(System):
    name = column = "msmtp"
    durability = "there is no queue, the server has the message"
    sendmail = "/usr/bin/msmtp"

    def configure(self):
        with open(self.root.root + "/etc/msmtprc", "w") as out:
            out.write(f"account default\nhost 127.0.0.1\nport {self.port}\ndomain board.example\n")


KINDS = {"qmta": Qmta, "qmta-root": QmtaAsRoot, "qmta-running": QmtaRunning, "qmta-distant": QmtaDistant,
         "postfix": Postfix, "exim4": Exim, "opensmtpd": OpenSmtpd, "nullmailer": Nullmailer, "dma": Dma,
         "msmtp": Msmtp}
# Those that promise with "accepted" that a message is on stable storage.
SYNCING = ["qmta", "postfix", "exim4", "nullmailer", "dma"]
# The columns of the table, in their order.
COLUMNS = ["qmta", "postfix", "exim4", "OpenSMTPD", "nullmailer", "dma", "msmtp"]


class Systems:
    """Each is set up when a measure first asks for it."""

    def __init__(self, roots, port, columns):
        self.roots, self.port, self.columns, self.made = roots, port, columns, {}

    def kinds(self):
        """One of each column that is wanted."""
        return {kind.column: kind for kind in KINDS.values() if kind.column in self.columns}.values()

    def get(self, *names):
        """Those of these systems that are there and wanted."""
        found = [name for name in names if name in KINDS and KINDS[name].column in self.columns]
        for name in found:
            if name not in self.made:
                self.made[name] = KINDS[name](self.roots, self.port)
        return [self.made[name] for name in found]
