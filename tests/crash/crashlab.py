"""What the tests share that crash programs on purpose: a directory with queue and mailboxes, scenarios, and the check
that nothing was lost, halved or left behind.

Started as root, everything runs as uid 65534.
"""
import argparse
import hashlib
import os
import pwd
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import concurrent.futures

HERE = os.path.dirname(os.path.realpath(__file__))
SPLIT = 3
HOST = "host.example"
# How old an orphan must be, with some to spare.
ORPHAN_AGE = 45 * 3600


class Broken(Exception):
    """A promise that was not kept."""


def has_attributes(directory):
    """Whether files there have extended attributes: without them half a message may stay in an mbox."""
    with tempfile.NamedTemporaryFile(dir=directory) as file:
        try:
            os.setxattr(file.name, "user.qmta.test", b"1")
            return True
        except OSError:
            return False


class Lab:
    """The programs, and directories in which they run."""

    def __init__(self, bin_directory, on_disk=False):
        self.top = tempfile.mkdtemp(prefix="qmta-crash.", dir=os.environ.get("TMPDIR", "/tmp"))
        os.chmod(self.top, 0o755)
        self.bin = self.top + "/bin"
        shutil.copytree(bin_directory, self.bin, symlinks=True)
        self.inject = self.top + "/inject"
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        subprocess.run([compiler, "-O1", "-Wall", "-Wextra", "-Werror", "-o", self.inject, HERE + "/inject.c"], check=True)
        self.sink = None
        sink = os.path.join(bin_directory, "../tests")
        if os.path.exists(sink + "/mailsink"):
            shutil.copytree(sink, self.top + "/sink")
            self.sink = self.top + "/sink/mailsink"
        subprocess.run(["chmod", "-R", "go+rX", self.top], check=True)
        # Syncs cost nothing in memory, and a killed process loses nothing of what it gave to the kernel.
        self.work = self.top + "/work"
        # What runs there runs as on most machines' disks: see OrderedFilesystem.
        self.journal = os.environ.get("CRASH_JOURNAL")
        if self.journal:
            self.journal = tempfile.mkdtemp(prefix="work.", dir=self.journal)
            os.chmod(self.journal, 0o755)
        if not on_disk and os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 1 << 28 and has_attributes("/dev/shm"):
            self.work = tempfile.mkdtemp(prefix="qmta-crash.", dir="/dev/shm")
        os.makedirs(self.work, exist_ok=True)
        os.chmod(self.work, 0o755)
        shutil.copy(HERE + "/smtp-client", self.top)
        if os.geteuid() == 0:
            for directory in filter(None, (self.work, self.journal)):
                os.chown(directory, 65534, 65534)
            subprocess.run(["chown", "-hR", "65534:65534", self.top], check=True)
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        try:
            self.account = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            self.account = os.environ.setdefault("USER", "operator")
        dotnet = shutil.which("dotnet")
        self.dotnet_root = os.environ.get("DOTNET_ROOT") or (os.path.dirname(os.path.realpath(dotnet)) if dotnet else "")
        self.failed = False
        self.broken = None
        self.boxes = 0

    def move_to_journal(self):
        """Everything from now on happens on the journalled filesystem; False when there is none."""
        if not self.journal:
            return False
        self.work, self.journal = self.journal, self.work
        return True

    def scenarios(self, only):
        """The scenarios that can run here, by name; one of them when a name is given."""
        return {one.name: one for one in ALL if only.split(":")[0] in ("", one.name) and (self.sink or not one.needs_sink)
                and (one.name != "mbox" or has_attributes(self.work))}

    def kept(self):
        """Where states that broke a promise stay; the journalled filesystem goes with the test."""
        if self.broken is None:
            on_journal = self.work.startswith(os.environ.get("CRASH_JOURNAL", "\n"))
            self.broken = tempfile.mkdtemp(prefix="qmta-crash.", dir=os.environ["CRASH_KEPT"]) if on_journal else self.work
        return self.broken

    def end(self):
        if self.failed:
            print(f"left for looking at: {self.kept()}")
            return
        for directory in filter(None, (self.work, self.journal, self.top)):
            shutil.rmtree(directory, ignore_errors=True)


def with_journal():
    """Goes on where CRASH_JOURNAL is a journalled ext4 filesystem; or as it is, where that cannot be had."""
    if "CRASH_JOURNAL" in os.environ:
        return
    code = subprocess.run([HERE + "/on-journal", sys.executable, *sys.argv], check=False).returncode
    if code != 77:
        sys.exit(code)
    print("without a journalled filesystem, for which root and a loop device are needed", flush=True)


def prepare(chosen):
    """The lab that the arguments ask for, or the end of a test that cannot be done here."""
    on_journal = getattr(chosen, "journal", False)
    if on_journal:
        with_journal()
    lab = Lab(chosen.bin)
    if on_journal and not lab.move_to_journal():
        skip(lab, "there is no journalled filesystem to try")
    if subprocess.run([lab.inject, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 99:
        skip(lab, "this machine does not let processes be traced (ptrace)")
    return lab


class Box:
    """One queue with its mailboxes and control files, made anew for each run."""

    def __init__(self, lab, number):
        self.lab = lab
        self.top = f"{lab.work}/{number}"
        self.queue = self.top + "/queue"
        self.home = self.top + "/home"
        self.alias = self.top + "/alias"
        os.makedirs(self.top + "/empty")
        self.sink_directory = f"{lab.work}/sink.{number}"
        self.sink = None
        self.port = 0
        self.environment = {
            "PATH": lab.bin + ":/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC",
            "QUEUEDIR": self.queue, "CONTROLDIR": self.top + "/control", "HOME": self.home, "ALIASDIR": self.alias,
            "USER": os.environ.get("USER", "operator"), "DOTNET_ROOT": lab.dotnet_root, "CONFSPLIT": str(SPLIT),
            "TMPDIR": self.top, "BOX": self.top, "LAB": lab.top, "ACCOUNT": lab.account,
        }
        self.queue_template = f"{lab.work}/template.{number}"
        subprocess.run(["queue-fix", "-s", str(SPLIT), self.queue_template], env=self.environment, check=True,
                       stdout=subprocess.DEVNULL)

    def start_sink(self):
        if self.sink or not self.lab.sink:
            return
        os.makedirs(self.sink_directory, exist_ok=True)
        port_file = self.sink_directory + ".port"
        self.sink = subprocess.Popen([self.lab.sink, "--port-file", port_file, "--dir", self.sink_directory],
                                     env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        limit = time.monotonic() + 60
        while not os.path.exists(port_file):
            if time.monotonic() > limit:
                raise Broken("mailsink does not start")
            time.sleep(0.02)
        with open(port_file) as file:
            self.port = int(file.read())

    def stop(self):
        if self.sink:
            self.sink.kill()
            self.sink.wait()

    def reset(self, scenario):
        shutil.rmtree(self.top, ignore_errors=True)
        if scenario.needs_sink:
            self.start_sink()
            for name in os.listdir(self.sink_directory):
                os.unlink(self.sink_directory + "/" + name)
        for directory in ("control", "alias", "home/Maildir/new", "home/Maildir/cur", "home/Maildir/tmp", "alias/Second/new",
                          "alias/Second/cur", "alias/Second/tmp"):
            os.makedirs(f"{self.top}/{directory}")
        subprocess.run(["cp", "-a", self.queue_template, self.queue], check=True)
        control = {"me": HOST, "concurrencylocal": "3", "concurrencyremote": "3", "smtproutes": f":127.0.0.1:{self.port}", **scenario.control}
        for name, text in control.items():
            self.write("control/" + name, text + "\n")
        for name, text in {"second": "./Second/", "box": "./box", "fwd": f"{self.lab.account}@{HOST}",
                           "later": f"|test -e {self.top}/open || exit 111\n./Second/"}.items():
            self.write("alias/.qmail-" + name, text + "\n", 0o600)
        for message in scenario.messages(self):
            self.write("msg." + message.tag, message.text())
            self.write("env." + message.tag, message.envelope())
            if message.queued:
                code = self.run(f"qmail-queue <msg.{message.tag} 1<env.{message.tag}")
                if code:
                    raise Broken(f"qmail-queue ends with {code} when nothing is wrong")
        scenario.prepare(self)

    def write(self, name, text, mode=0o644):
        path = f"{self.top}/{name}"
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode("latin-1"))
        os.chmod(path, mode)

    def run(self, script, inject=(), limit=40, environment=None):
        """Runs a shell script; returns its exit code."""
        command = ["bash", "-c", script]
        if inject:
            command = [self.lab.inject, "-b", self.lab.bin, "-t", str(limit), *inject, *command]
        with open(self.top + "/log", "ab") as log:
            process = subprocess.Popen(command, cwd=self.top, env={**self.environment, **(environment or {})}, stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, start_new_session=True)
            try:
                return process.wait(limit + 20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise Broken(f"still running after {limit + 20} seconds: {script}") from None

    def files(self, *directories):
        found = []
        for directory in directories:
            for path, _, names in os.walk(f"{self.queue}/{directory}"):
                found += [f"{path}/{name}" for name in names]
        return found

    def read(self, name):
        try:
            with open(f"{self.top}/{name}", "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""


class Message:
    """A message of the tests: complete when the checksum at its end is right."""

    def __init__(self, tag, recipients, size=200, sender=None, queued=False, places=(), bounces=0):
        self.tag, self.recipients, self.queued, self.places, self.bounces = tag, recipients, queued, places, bounces
        self.sender = sender if sender is not None else "someone@far.example"
        self.size = size

    def text(self):
        lines = []
        length = 0
        number = 0
        while length < self.size:
            number += 1
            lines.append(f"{number}: {self.tag} says the quick brown fox jumps over the lazy dog\n")
            length += len(lines[-1])
        body = "".join(lines)
        checksum = hashlib.sha1(body.encode()).hexdigest()
        return f"From: Someone <someone@far.example>\nSubject: message {self.tag}\n\nBEGIN {self.tag}\n{body}END {self.tag} {checksum}\n"

    def envelope(self):
        return "F" + self.sender + "\0" + "".join("T" + one + "\0" for one in self.recipients) + "\0"


def whole(text, where):
    """The tag of a complete message; anything less is a broken promise."""
    begin = re.search(rb"^BEGIN (\S+)\r?\n", text, re.M)
    if not begin:
        raise Broken(f"{where}: a part of a message, {len(text)} bytes")
    end = re.compile(rb"^END " + re.escape(begin.group(1)) + rb" ([0-9a-f]{40})\r?\n", re.M).search(text, begin.end())
    if not end or hashlib.sha1(text[begin.end():end.start()].replace(b"\r\n", b"\n")).hexdigest().encode() != end.group(1):
        raise Broken(f"{where}: half of message {begin.group(1).decode()}, {len(text)} bytes")
    return begin.group(1).decode()


def mbox_messages(text):
    if text and not text.startswith(b"From "):
        raise Broken("the mbox does not begin with From")
    parts = re.split(rb"^(?=From )", text, flags=re.M)[1:]
    for part in parts:
        if not part.endswith(b"\n\n"):
            raise Broken("a message in the mbox does not end with an empty line")
    return parts


def arrived(box):
    """Where each tag is: {(tag, place): copies}; place is Maildir, Second, box, sink or bounce."""
    found = {}

    def note(text, place, where):
        if b"Hi. This is the qmta-send program" in text:
            place = "bounce"
            if b"\n--- The message itself is lost.\n" in text:
                return
        key = (whole(text, where), place)
        found[key] = found.get(key, 0) + 1

    for place, directory in (("Maildir", box.home + "/Maildir"), ("Second", box.alias + "/Second"), ("sink", box.sink_directory)):
        for part in ("",) if place == "sink" else ("/new", "/cur"):
            if not os.path.isdir(directory + part):
                continue
            for name in sorted(os.listdir(directory + part)):
                if place == "sink" and not name.endswith(".eml"):
                    continue
                with open(f"{directory}{part}/{name}", "rb") as file:
                    note(file.read(), place, f"{place}{part}/{name}")
    for text in mbox_messages(box.read("alias/box")):
        note(text, "box", "alias/box")
    return found


def settle(box, scenario, ignored=()):
    """Has everything in the queue delivered, as a restart would; what remains must be nothing, or of ignored numbers."""
    def files(*directories):
        return [path for path in box.files(*directories) if os.path.basename(path) not in ignored]

    box.write("open", "")
    delivery = scenario.delivery
    runs = 0
    while True:
        for path in box.files("hold"):
            # In the middle of being held, removed or returned: the operator lets it go.
            box.run(f"qmta queue release {os.path.basename(path)}")
        due = time.time() - 10
        for path in box.files("local", "remote"):
            os.utime(path, (due, due))
        code = box.run(f"exec qmta-send '{delivery}'")
        runs += 1
        left = files("todo", "info")
        if not left:
            break
        if runs == 6:
            raise Broken(f"after {runs} runs of qmta-send (exit code {code}) there is still "
                         + " ".join(sorted(path[len(box.queue) + 1:] for path in left)))
    old = time.time() - ORPHAN_AGE
    orphans = files("pid", "mess", "intd")
    if orphans:
        for path in orphans:
            os.utime(path, (old, old))
        box.run(f"exec qmta-send '{delivery}'")
    left = files("pid", "mess", "intd", "todo", "info", "local", "remote", "bounce", "hold", "defer")
    if left:
        raise Broken("not removed: " + " ".join(sorted(path[len(box.queue) + 1:] for path in left)))


def check(box, scenario, accepted, ignored=()):
    """Nothing that was accepted is missing, and nothing that is here is half."""
    settle(box, scenario, ignored)
    found = arrived(box)
    for message in scenario.messages(box):
        if message.tag not in accepted and not message.queued:
            continue
        scenario.check_message(box, message, found)


class Scenario:
    """A few programs at work. A subclass says which messages there are and what runs."""

    name = ""
    script = ""
    control = {}
    delivery = "./Maildir/"
    needs_sink = False
    environment = {}
    queues = False  # whether it accepts messages

    def messages(self, box):
        return []

    def prepare(self, box):
        """Further preparation."""

    def accepted(self, box, notes=None):
        """The tags that their senders know are accepted."""
        return set((box.read("accepted") if notes is None else notes.get("accepted", b"")).decode().split())

    def check_message(self, box, message, found):
        for place in message.places:
            if not found.get((message.tag, place)):
                raise Broken(f"message {message.tag} was accepted and is not in {place}")
        if message.bounces and not found.get((message.tag, "bounce")):
            raise Broken(f"message {message.tag} failed, and its sender was not told")

    def go(self, box, inject=()):
        code = box.run(self.script, inject, environment=self.environment)
        if code in (98, 99) and inject:
            raise Broken("it did not come to its end" if code == 98 else "inject could not do its work; see the log")
        return code


class Queue(Scenario):
    """qmail-queue, as any program calls it."""
    name = "queue"
    queues = True
    script = """for t in a b c; do
            if qmail-queue <msg.$t 1<env.$t; then echo $t >>accepted; else echo qmail-queue $? >>codes; fi
        done"""

    def messages(self, box):
        me = f"{box.lab.account}@{HOST}"
        return [Message("a", [me], 100, places=["Maildir"]), Message("b", [me, f"second@{HOST}"], 70000, places=["Maildir", "Second"]),
                Message("c", [me], 3000, places=["Maildir"])]


class Serve(Queue):
    """sendmail, and the qmail-queue behind lock/submit that a daemon starts."""
    name = "serve"
    script = """qmta-send -d ./Maildir/ & daemon=$!
        for ((i = 0; i < 100; i++)); do
            [ ! -S queue/lock/submit ] && kill -0 $daemon 2>/dev/null || break
            sleep 0.01
        done
        for t in a b c; do
            to=$(tr '\\0' '\\n' <env.$t | sed -n 's/^T//p')
            if sendmail -i -f someone@far.example $to <msg.$t; then echo $t >>accepted; else echo sendmail $? >>codes; fi
        done
        kill $daemon 2>/dev/null; wait $daemon; echo qmta-send $? >>codes"""


class Sleeping(Queue):
    """A daemon that sleeps before each message, and after the last."""
    name = "sleep"
    environment = {"QMTA_IDLE": "30"}
    script = """qmta-send -d ./Maildir/ & daemon=$!
        until_asleep() {
            for ((i = 0; i < 50; i++)); do
                awk '/^VmData:/ { small = $2 < 10000 } END { exit !small }' /proc/$daemon/status 2>/dev/null && break
                sleep 0.02
            done
        }
        for t in a b; do
            until_asleep
            if qmail-queue <msg.$t 1<env.$t; then echo $t >>accepted; else echo qmail-queue $? >>codes; fi
            sleep 0.1
        done
        until_asleep
        kill $daemon 2>/dev/null; wait $daemon; echo qmta-send $? >>codes"""

    def messages(self, box):
        return super().messages(box)[:2]


class Sendmail(Queue):
    """sendmail and the qmail-queue it starts."""
    name = "sendmail"
    script = """for t in a b; do
            to=$(tr '\\0' '\\n' <env.$t | sed -n 's/^T//p')
            if sendmail -i -f someone@far.example $to <msg.$t; then echo $t >>accepted; else echo sendmail $? >>codes; fi
        done"""

    def messages(self, box):
        return super().messages(box)[:2]


class Smtpd(Queue):
    """mini-smtpd with two messages in one conversation, and the qmail-queue that serves it."""
    name = "smtpd"
    script = "$LAB/smtp-client a b"
    environment = {"PROTO": "TCP", "TCPREMOTEIP": "192.0.2.7", "TCPREMOTEPORT": "4711", "TCPLOCALIP": "192.0.2.1", "TCPLOCALPORT": "25",
                   "RELAYCLIENT": ""}

    def messages(self, box):
        return super().messages(box)[:2]


class Qmqpd(Queue):
    """qmail-qmqpd with one message."""
    name = "qmqpd"
    script = "qmail-qmqpd <request >replies; echo mini-smtpd $? >>codes"
    environment = Smtpd.environment

    def messages(self, box):
        return super().messages(box)[1:2]

    def prepare(self, box):
        def netstring(text):
            return f"{len(text)}:{text},"
        message = self.messages(box)[0]
        parts = [message.text(), message.sender, *message.recipients]
        box.write("request", netstring("".join(netstring(one) for one in parts)))

    def accepted(self, box, notes=None):
        replies = box.read("replies") if notes is None else notes.get("replies", b"")
        return {"b"} if re.fullmatch(rb"\d+:K.*,", replies, re.S) else set()


class Local(Scenario):
    """A one-shot run: messages with one recipient, straight from todo into Maildirs."""
    name = "local"
    script = "qmta-send ./Maildir/; echo qmta-send $? >>codes"

    def messages(self, box):
        me = f"{box.lab.account}@{HOST}"
        return [Message("a", [me], 100, queued=True, places=["Maildir"]), Message("b", [me], 70000, queued=True, places=["Maildir"]),
                Message("c", [f"second@{HOST}"], 300, queued=True, places=["Second"])]


class Many(Local):
    """Messages with several recipients: written down first, one marked after the other; one recipient fails."""
    name = "many"

    def messages(self, box):
        me = f"{box.lab.account}@{HOST}"
        return [Message("a", [me, f"second@{HOST}", f"fwd@{HOST}"], 5000, queued=True, places=["Maildir", "Second"]),
                Message("b", [f"second@{HOST}", f"nosuch@{HOST}", me], 300, sender=me, queued=True, places=["Maildir", "Second"], bounces=1)]


class Mbox(Local):
    """Into an mbox."""
    name = "mbox"

    def messages(self, box):
        return [Message("a", [f"box@{HOST}"], 300, queued=True, places=["box"]), Message("b", [f"box@{HOST}"], 70000, queued=True, places=["box"]),
                Message("c", [f"box@{HOST}"], 20000, queued=True, places=["box"])]


class ForwardAndBounce(Local):
    """A forward and a message that fails: both put new messages into the queue that is being worked on."""
    name = "bounce"

    def messages(self, box):
        me = f"{box.lab.account}@{HOST}"
        return [Message("a", [f"fwd@{HOST}"], 40000, queued=True, places=["Maildir"]),
                Message("b", [f"nosuch@{HOST}"], 300, sender=me, queued=True, bounces=1)]


class Defer(Local):
    """Attempts that fail for now: the state is written down, and the message waits."""
    name = "defer"

    def messages(self, box):
        me = f"{box.lab.account}@{HOST}"
        return [Message("a", [f"later@{HOST}"], 300, queued=True, places=["Second"]),
                Message("b", [f"later@{HOST}", me], 300, queued=True, places=["Maildir", "Second"])]


class Remote(Local):
    """Out by SMTP."""
    name = "remote"
    needs_sink = True

    def messages(self, box):
        return [Message("a", ["someone@far.example"], 300, queued=True, places=["sink"]),
                Message("b", ["one@far.example", "two@other.example"], 40000, queued=True, places=["sink"])]


class Orphans(Local):
    """Beside a message there are files that crashed writers left two days ago."""
    name = "orphans"

    def messages(self, box):
        return Local.messages(self, box)[:1]

    def prepare(self, box):
        old = time.time() - ORPHAN_AGE
        for name in ("pid/1.2.3", f"mess/{4000000000 % SPLIT}/4000000000", f"mess/{4000000001 % SPLIT}/4000000001", "intd/4000000001"):
            box.write("queue/" + name, "half a mess")
            os.utime(f"{box.queue}/{name}", (old, old))


class Requests(Local):
    """The operator holds one message, removes one and returns one."""
    name = "requests"
    script = """qmta queue hold $(cat id.a) && echo held >>accepted
        qmta queue remove $(cat id.b) && echo removed >>accepted
        qmta queue bounce $(cat id.c) && echo returned >>accepted"""

    def messages(self, box):
        me = f"{box.lab.account}@{HOST}"
        return [Message("a", [me], 300, queued=True, places=["Maildir"]), Message("b", [me, f"second@{HOST}"], 300, sender=me, queued=True),
                Message("c", [me, f"second@{HOST}"], 300, sender=me, queued=True)]

    def prepare(self, box):
        for path in box.files("mess"):
            with open(path, "rb") as file:
                box.write("id." + whole(file.read(), path), os.path.basename(path))

    def check_message(self, box, message, found):
        def times(*places):
            return sum(found.get((message.tag, place), 0) for place in places)
        accepted = self.accepted(box)
        if message.tag == "b" and "removed" in accepted and times("Maildir", "Second", "bounce"):
            raise Broken("message b was removed, and is here")
        if message.tag == "c" and not times("bounce") and not (times("Maildir") and times("Second")):
            raise Broken("message c is neither returned nor delivered")
        Local.check_message(self, box, message, found)


ALL = [Queue(), Serve(), Sleeping(), Sendmail(), Smtpd(), Qmqpd(), Local(), Many(), Mbox(), ForwardAndBounce(), Defer(), Remote(), Orphans(), Requests()]


def recorded(path):
    """The lines of inject's log, in fields, and the number of calls of each program."""
    lines, counts = [], {}
    with open(path, encoding="latin-1", newline="\n") as file:
        for line in file:
            fields = line[:-1].split("\t")
            if fields[0] == "#":
                counts[fields[1]] = int(fields[2])
            else:
                lines.append(fields)
    return lines, counts


def in_parallel(lab, jobs, tasks, work):
    """Calls work(box, task) for every task; returns [(task, sentence)] of those that broke a promise."""
    failures = []
    boxes = []
    gate = threading.Lock()
    local = threading.local()

    def one(task):
        if not hasattr(local, "box"):
            with gate:
                lab.boxes += 1
                local.box = Box(lab, lab.boxes)
                boxes.append(local.box)
        try:
            work(local.box, task)
        except Broken as broken:
            with gate:
                failures.append((task, str(broken)))
                kept = f"{lab.kept()}/failure.{len(failures)}"
                shutil.copytree(local.box.top, kept, symlinks=True, ignore=lambda path, names: ["trigger", "submit"]
                                if path.endswith("/lock") else [name for name in names if name.startswith(("clr-debug", "dotnet-diag"))])
                print(f"BROKEN {task}: {broken} ({kept})", flush=True)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(one, task) for task in tasks]:
            future.result()
    for box in boxes:
        box.stop()
    lab.failed = lab.failed or bool(failures)
    return failures


def skip(lab, why):
    """Ends the test as skipped."""
    lab.end()
    print("skipped: " + why)
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)


def arguments(description, sample, may_choose_filesystem=True):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--bin", default=HERE + "/../../artifacts/bin", help="the executables to try")
    parser.add_argument("--seed", type=int, default=None, help="which sample is taken; printed, so that a run can be repeated")
    parser.add_argument("--sample", type=int, default=sample, help=f"how many points to try; {sample} unless given")
    parser.add_argument("--all", action="store_true", help="try all of them")
    parser.add_argument("--only", default="", help="SCENARIO, or one point as a broken promise names it")
    if may_choose_filesystem:
        parser.add_argument("--journal", action="store_true", help="queue and mailboxes on a journalled ext4, in place of memory")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    chosen = parser.parse_args()
    chosen.bin = os.path.realpath(chosen.bin)
    if chosen.seed is None:
        chosen.seed = random.SystemRandom().randrange(65536)
    return chosen


def report(failures, points, what, begin, seed):
    print(f"{points} {what} in {time.monotonic() - begin:.0f} s, seed {seed}")
    print(f"{0 if failures else 1} passed, {1 if failures else 0} failed")
    return 1 if failures else 0
