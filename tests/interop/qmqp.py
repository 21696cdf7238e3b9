"""QMQP and QMTP with postfix's programs and tcpserver: the cases, and the table of what they found.

Called by run-qmqp as root in a private network. Postfix takes mail from 127.0.0.2 and not from 127.0.0.1, which is where qmqp-source comes from.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from peers import VMAIL, Failure, Peer, answers, wait

NOBODY = 65534
ALLOWED, STRANGER = "127.0.0.2", "127.0.0.1"
POSTFIX, QMQP_SINK = "127.0.0.11", "127.0.0.15"
LISTENING, UNDER_TCPSERVER = "127.0.0.21", "127.0.0.22"

SMALL = b"From: joe@client.test\nSubject: small\n\nHello.\n.\n\tgr\xfc\xdfe\n"
# No CR: postfix makes it a space.
ODD = b"Subject: odd\n\n.\n..\nFrom here\n\x01\xff\x80 and no CR\n" + b"x" * 5000 + b"\n"


class Postfix(Peer):
    """Postfix as a hub: its qmqpd, and a Maildir for everything."""
    name = "postfix"
    reports = b"x-original-to"

    def configure(self):
        settings = dict(
            myhostname="postfix.test", mydestination="", compatibility_level="3.6", inet_interfaces=POSTFIX,
            inet_protocols="ipv4", maillog_file="/dev/stdout", alias_maps="", alias_database="",
            qmqpd_authorized_clients=ALLOWED, message_size_limit="40000000", mailbox_size_limit="0",
            virtual_mailbox_limit="0", virtual_mailbox_domains="regexp:/etc/interop/everything",
            virtual_mailbox_maps="static:interop/", local_transport="virtual", local_recipient_maps="",
            virtual_mailbox_base="/var/mail", virtual_uid_maps=f"static:{VMAIL}", virtual_gid_maps=f"static:{VMAIL}")
        self.write("/etc/interop/everything", "/./ all\n")
        self.run("sh", "-c", "cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf; : >/etc/postfix/main.cf")
        self.run("postconf", "-e", *[f"{key}={value}" for key, value in settings.items()])
        self.run("postconf", "-F", "*/*/chroot=n")
        self.run("postconf", "-M", "628/inet=628 inet n - n - - qmqpd")
        self.run("sh", "-c", "find /var/spool/postfix -type f -delete; rm -f /var/lib/postfix/master.lock")

    def begin(self):
        self.start("postfix", "start-fg")
        self.start("qmqp-sink", f"inet:{QMQP_SINK}:628", "100")
        for address in (POSTFIX, QMQP_SINK):
            wait(lambda: answers(address, 628), 30, f"QMQP at {address}")


class Host:
    """The programs of this project with a directory of their own."""

    def __init__(self, directory, binaries):
        self.directory = directory
        os.makedirs(directory + "/control")
        os.chmod(directory, 0o755)
        self.environment = {
            "PATH": binaries + ":/usr/sbin:/usr/bin:/sbin:/bin", "CONTROLDIR": directory + "/control",
            "QUEUEDIR": directory + "/queue", "TMPDIR": directory, "LC_ALL": "C", "TZ": "UTC"}
        self.write("control/me", "hub.test\n")
        self.write("control/relayclients", f"{ALLOWED}:\n{STRANGER}:\n")
        subprocess.run(["chown", "-R", str(NOBODY), directory], check=True)
        self.log = open(directory + "/log", "ab")
        self.started = []
        self.run(["queue-fix", directory + "/queue"])

    def write(self, name, text):
        with open(f"{self.directory}/{name}", "w") as file:
            file.write(text)

    def run(self, words, code=0, **more):
        done = subprocess.run(words, env=self.environment | more.pop("variables", {}), user=NOBODY, group=NOBODY,
                              extra_groups=[], stderr=subprocess.STDOUT, timeout=60, cwd=self.directory,
                              **({"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE} | more))
        text = (done.stdout or b"").decode(errors="replace")
        if done.returncode != code:
            raise Failure(f"{words[0]} ended with {done.returncode}: {text}")
        return text

    def start(self, words, address, port, variables=None):
        # Ports below 1024 need root, and the programs are told whom to become.
        self.started.append(subprocess.Popen(words, env=self.environment | (variables or {}), stdin=subprocess.DEVNULL,
                                             stdout=self.log, stderr=self.log, cwd=self.directory))
        wait(lambda: answers(address, port), 20, f"{words[0]} at {address} port {port}")

    def stop(self):
        for process in self.started:
            process.terminate()
        for process in self.started:
            process.wait(20)

    def submit(self, program, message, sender, recipients, servers, code=0, source=ALLOWED):
        """Hands a message over as qmail-queue would get it."""
        with tempfile.TemporaryFile() as text, tempfile.TemporaryFile() as envelope:
            text.write(message)
            envelope.write(b"F" + sender.encode() + b"\0")
            for recipient in recipients:
                envelope.write(b"T" + recipient.encode() + b"\0")
            envelope.write(b"\0")
            text.seek(0)
            envelope.seek(0)
            self.run([program, *servers], code, stdin=text, stdout=envelope, variables={"OUTGOINGIP": source})

    def queued(self):
        """The messages in the queue: (sender, recipients, bytes) each; the queue is empty afterwards."""
        found = []
        for name in os.listdir(self.directory + "/queue/todo"):
            with open(f"{self.directory}/queue/todo/{name}", "rb") as file:
                records = file.read().split(b"\0")
            path = f"{self.directory}/queue/mess/{int(name) % 23}/{name}"
            with open(path, "rb") as file:
                message = file.read()
            recipients = [record[1:].decode() for record in records if record[:1] == b"T"]
            found.append((next(record[1:].decode() for record in records if record[:1] == b"F"), recipients, message))
            for gone in (f"{self.directory}/queue/todo/{name}", path):
                os.unlink(gone)
        return found


class Cases:
    """Each method whose name begins with "case" is one; its first line is what the table says of it."""

    def __init__(self, postfix, host, tools):
        self.postfix, self.host, self.tools = postfix, host, tools

    def arrived(self, recipient, message):
        """Postfix has delivered the message to the recipient once, its body byte for byte; it completes headers."""
        def mails():
            return [data for to, _, data in self.postfix.mails() if to == recipient]
        wait(mails, 30, f"postfix delivers to {recipient}")
        got = mails()
        if len(got) != 1:
            raise Failure(f"{len(got)} copies for {recipient}")
        if got[0].partition(b"\n\n")[2] != message.partition(b"\n\n")[2]:
            raise Failure(f"the message for {recipient} has changed")

    def case_postfix_small(self):
        """`qmail-qmqpc` to postfix `qmqpd`: a message arrives byte for byte, also after a hub that is down"""
        self.host.submit("qmail-qmqpc", SMALL, "joe@client.test", ["small@box.test"], [POSTFIX])
        self.arrived("small@box.test", SMALL)
        self.host.submit("qmail-qmqpc", SMALL, "", ["null@box.test"], ["127.0.0.99:1", f"{POSTFIX}:628"])
        self.arrived("null@box.test", SMALL)

    def case_postfix_odd(self):
        """`qmail-qmqpc` to postfix `qmqpd`: control characters, lines of 5,000 bytes, dots"""
        self.host.submit("qmail-qmqpc", ODD, "joe@client.test", ["odd@box.test"], [POSTFIX])
        self.arrived("odd@box.test", ODD)

    def case_postfix_large(self):
        """`qmail-qmqpc` to postfix `qmqpd`: 10 MB to 50 recipients"""
        message = b"Subject: large\n\n" + b"".join(b"line %d\n" % i for i in range(900_000))
        recipients = [f"large{i}@box.test" for i in range(50)]
        self.host.submit("qmail-qmqpc", message, "joe@client.test", recipients, [POSTFIX])
        for recipient in recipients:
            wait(lambda: recipient in [to for to, _, _ in self.postfix.mails()], 60, f"postfix delivers to {recipient}")
        self.arrived(recipients[-1], message)

    def case_postfix_refuses(self):
        """`qmail-qmqpc` to postfix `qmqpd`, from a host that may not: permanently refused, with postfix's words"""
        self.host.submit("qmail-qmqpc", SMALL, "joe@client.test", ["no@box.test"], [POSTFIX], code=31, source=STRANGER)
        large = b"Subject: large\n\n" + b"x" * 5_000_000
        self.host.submit("qmail-qmqpc", large, "joe@client.test", ["no@box.test"], [POSTFIX], code=31, source=STRANGER)

    def case_postfix_sendmail(self):
        """`sendmail` of a host without a queue, postfix as the hub"""
        self.host.write("control/qmqpservers", POSTFIX + "\n")
        self.host.run(["sendmail", "-i", "-f", "joe@client.test", "mail@box.test"], stdin=self.file(SMALL),
                      variables={"QMAILQUEUE": "qmail-qmqpc", "OUTGOINGIP": ALLOWED})
        self.arrived("mail@box.test", SMALL)

    def case_qmqp_sink(self):
        """`qmail-qmqpc` to postfix `qmqp-sink`: 20 messages, all acknowledged"""
        for i in range(20):
            self.host.submit("qmail-qmqpc", SMALL * 100, "joe@client.test", [f"sink{i}@box.test"], [QMQP_SINK])

    def source(self, address, *options):
        return self.postfix.run("qmqp-source", "-f", "joe@client.test", "-t", "to@box.test", *options, f"inet:{address}:628")

    def case_qmqp_source(self):
        """postfix `qmqp-source` to `qmail-qmqpd --listen`: 100 messages of 4 KB in 10 sessions, 3 recipients each"""
        self.source(LISTENING, "-s", "10", "-m", "100", "-l", "4096", "-r", "3")
        self.expect_queued(100, 3, 4096)

    def case_qmqp_source_large(self):
        """postfix `qmqp-source` to `qmail-qmqpd --listen`: a message of 10 MB"""
        self.source(LISTENING, "-m", "1", "-l", "10000000")
        self.expect_queued(1, 1, 10_000_000)

    def case_qmqp_source_tcpserver(self):
        """postfix `qmqp-source` to `qmail-qmqpd` under tcpserver with access rules"""
        self.source(UNDER_TCPSERVER, "-s", "5", "-m", "25", "-l", "1000")
        self.expect_queued(25, 1, 1000)

    def case_tcpserver_refuses(self):
        """`qmail-qmqpd` under tcpserver, for a client that a rule lets in without RELAYCLIENT: refused"""
        self.host.submit("qmail-qmqpc", SMALL, "joe@client.test", ["no@box.test"], [UNDER_TCPSERVER], code=31,
                         source="127.0.0.3")
        self.expect_queued(0, 0, 0)

    def case_tcpserver_deny(self):
        """`qmail-qmqpc` to tcpserver, whose rules keep it out: a temporary failure, and nothing is queued"""
        self.host.submit("qmail-qmqpc", SMALL, "joe@client.test", ["no@box.test"], [UNDER_TCPSERVER], code=74,
                         source="127.0.0.4")
        self.expect_queued(0, 0, 0)

    def case_qmtpd_tcpserver(self):
        """`qmail-remote` by `qmtproutes` to `qmail-qmtpd` under tcpserver: an answer for each recipient"""
        self.host.write("control/qmtproutes", f"hub.test:{UNDER_TCPSERVER}:209\n")
        report = self.host.run(["qmail-remote", "hub.test", "joe@client.test", "", str(len(SMALL)), "a@hub.test", "b@far.test"],
                               stdin=self.file(SMALL), variables={"OUTGOINGIP": "127.0.0.3"})
        parts = report.split("\0")
        if parts[0] != "r" or not parts[1].startswith("h") or "rcpthosts" not in parts[1]:
            raise Failure(report)
        self.expect_queued(1, 1, len(SMALL))
        self.host.submit("qmail-qmtpc", SMALL, "joe@client.test", ["a@far.test", "b@far.test"], [UNDER_TCPSERVER])
        self.expect_queued(1, 2, len(SMALL))

    def expect_queued(self, count, recipients, size):
        found = self.host.queued()
        if len(found) != count:
            raise Failure(f"{len(found)} messages in the queue instead of {count}")
        for sender, to, message in found:
            body = re.sub(rb"\A(Received: [^\n]*\n([ \t][^\n]*\n)*){2}", b"", message)
            if sender != "joe@client.test" or len(to) != recipients or len(body) < size:
                raise Failure(f"queued: from {sender} to {to}, {len(body)} bytes")

    def file(self, message):
        file = tempfile.TemporaryFile()
        file.write(message)
        file.seek(0)
        return file


def begin(host, tools):
    host.start(["qmail-qmqpd", "--listen", f"{LISTENING}:628", "--user", "nobody"], LISTENING, 628)
    rules = "127.0.0.1-2:allow,RELAYCLIENT=\"\"\n127.0.0.4:deny\n:allow\n"
    subprocess.run([tools + "/tcprules", host.directory + "/rules.cdb", host.directory + "/rules.tmp"],
                   input=rules.encode(), check=True)
    for port, program in ((628, "qmail-qmqpd"), (209, "qmail-qmtpd")):
        host.start([tools + "/tcpserver", "-vRHl0", "-x", host.directory + "/rules.cdb", "-u", str(NOBODY), "-g", str(NOBODY),
                    UNDER_TCPSERVER, str(port), program], UNDER_TCPSERVER, port)
    host.write("control/rcpthosts", "hub.test\n")


def table(path, results):
    lines = ["# Interoperability: QMQP and QMTP", "",
             "What `tests/interop/run-qmqp` found; it writes this page. Other people's programs: postfix's `qmqpd`,",
             "`qmqp-source` and `qmqp-sink`, ucspi-tcp's `tcpserver` and `tcprules`, of Debian.", "",
             "| case | result |", "|---|---|"]
    lines += [f"| {title} | {result} |" for title, result in results]
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--top", required=True)
    parser.add_argument("--roots", required=True)
    parser.add_argument("--bin")
    parser.add_argument("--write-table", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("patterns", nargs="*")
    options = parser.parse_args()
    binaries = os.path.realpath(options.bin or options.top + "/artifacts/bin")
    work = tempfile.mkdtemp(prefix="qmta-interop-qmqp.", dir="/tmp")
    os.chmod(work, 0o755)
    shutil.copytree(binaries, work + "/bin", symlinks=True)
    tools = options.top + "/artifacts/tools/ucspi-tcp/usr/bin"
    shutil.copytree(tools, work + "/tools", symlinks=True)
    postfix = Postfix(options.roots, work, {})
    host = Host(work + "/host", work + "/bin")
    passed = failed = 0
    results = []
    try:
        postfix.begin()
        begin(host, work + "/tools")
        host.queued()
        cases = Cases(postfix, host, work + "/tools")
        for name in [name for name in vars(Cases) if name.startswith("case_")]:
            if options.patterns and not any(pattern in name for pattern in options.patterns):
                continue
            case = getattr(cases, name)
            began = time.monotonic()
            try:
                case()
                passed += 1
                results.append((case.__doc__, "as expected"))
                print(f"ok    {name[5:]} ({time.monotonic() - began:.1f} s)", flush=True)
            except (Failure, subprocess.SubprocessError) as failure:
                failed += 1
                results.append((case.__doc__, "**not as expected**"))
                print(f"FAIL  {name[5:]}: {failure}", flush=True)
    finally:
        postfix.stop()
        host.stop()
    if options.write_table and not options.patterns and not failed:
        table(options.top + "/docs/interop-qmqp.md", results)
    if failed or options.keep:
        print(f"logs: {work}")
    else:
        shutil.rmtree(work)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
