"""What the bench shares among mail systems: their messages, their root directories, and submitting to them."""
import json, os, signal, subprocess, sys, time

from cpugroup import CpuGroup

NOBODY = 65534
# The users of the local drain, made by tests/bench/run.
USERS = [f"u{number}" for number in range(10)]
HOMES = "/var/bench-homes"


def message(number):
    """A message of 1 KB, as a cron job would send it."""
    head = (f"From: Sensor <sensor@board.example>\nTo: Operator <operator@remote.example>\n"
            f"Subject: reading {number}\n\n")
    line = "temperature 21.5 humidity 40 pressure 1013 uptime 86400 load 0.01\n"
    return (head + line * 20)[:1023].encode() + b"\n"


class InRoot:
    """Runs work in a child process inside a root directory, under a uid, and returns its result."""

    def __init__(self, root):
        self.root = root

    def call(self, function, uid=0):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(read)
                os.chroot(self.root)
                os.chdir("/")
                if uid:
                    os.setgroups([])
                    os.setgid(uid)
                    os.setuid(uid)
                result = json.dumps(function())
                os.write(write, result.encode())
                os._exit(0)
            except BaseException as error:
                print("bench:", repr(error), file=sys.stderr)
                os._exit(1)
        os.close(write)
        text = b""
        while part := os.read(read, 65536):
            text += part
        os.close(read)
        _, status = os.waitpid(child, 0)
        if status:
            raise RuntimeError(f"the work in {self.root} failed")
        return json.loads(text)

    def run(self, *words, check=True, uid=0, **more):
        if uid:
            words = ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups") + words
        return subprocess.run(("chroot", self.root) + words, check=check, stdin=subprocess.DEVNULL, **more)

    def start(self, *words, uid=0, env=None, log, enter=None):
        if uid:
            words = ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups") + words
        return subprocess.Popen(("chroot", self.root) + words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                env=env, start_new_session=True, preexec_fn=enter)


def to_remote(number):
    return "operator@remote.example"


def submit(path, recipient, env, numbers):
    """Submits messages one after the other; returns [wall seconds], processor seconds per message."""
    walls, cpu = [], 0.0
    for number in numbers:
        arguments = [path, "-i", "-f", "sensor@board.example", recipient(number)]
        body = f"/tmp/message.{os.getpid()}"
        with open(body, "wb") as file:
            file.write(message(number))
        begin = time.monotonic()
        child = os.posix_spawn(path, arguments, env, file_actions=[(os.POSIX_SPAWN_OPEN, 0, body, os.O_RDONLY, 0),
                                                                 (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
                                                                 (os.POSIX_SPAWN_OPEN, 2, "/tmp/errors", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)])
        _, status, usage = os.wait4(child, 0)
        walls.append(time.monotonic() - begin)
        cpu += usage.ru_utime + usage.ru_stime
        if status:
            raise RuntimeError(f"{path} ended with {status}")
    return walls, cpu / len(walls)


class System:
    """What the bench asks of a mail system; each says how for itself."""
    sendmail = "/usr/sbin/sendmail"
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "USER": "nobody", "LOGNAME": "nobody"}

    def __init__(self, roots, port):
        self.root = InRoot(f"{roots}/{self.name}")
        self.port = port
        self.log = open(f"{roots}/{self.name}.log", "ab")
        self.group = CpuGroup(type(self).__name__)
        self.configure()

    def open(self):
        """Starts what has to run for messages to be taken: nothing, as a rule."""

    def close(self):
        """Stops it."""

    def submit(self, count, first=0):
        return self.root.call(lambda: submit(self.sendmail, to_remote, self.environment, range(first, first + count)),
                              uid=NOBODY)

    def fill(self, count, recipient):
        """Submits messages eight at a time."""
        def part(offset):
            child = os.fork()
            if child == 0:
                try:
                    self.root.call(lambda: submit(self.sendmail, recipient, self.environment, range(offset, count, 8)),
                                   uid=NOBODY)
                    os._exit(0)
                except BaseException as error:
                    print("bench:", repr(error), file=sys.stderr)
                os._exit(1)
            return child
        for child in [part(offset) for offset in range(8)]:
            if os.waitpid(child, 0)[1]:
                raise RuntimeError(f"{self.name} did not take all messages")

    def queue(self, count, recipient=to_remote, transport="smtp"):
        """Fills the queue."""
        self.fill(count, recipient)

    def mailboxes(self):
        """How many messages the ten users have."""
        return sum(len(os.listdir(f"{self.root.root}{HOMES}/{user}/Maildir/new")) for user in USERS)

    def empty_mailboxes(self):
        for user in USERS:
            directory = f"{self.root.root}{HOMES}/{user}/Maildir/new"
            for name in os.listdir(directory):
                os.unlink(f"{directory}/{name}")


def wait(condition, seconds, what):
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise RuntimeError("waited in vain for " + what)
        time.sleep(0.02)


def end(process):
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def files(directory):
    return sum(len(names) for _, _, names in os.walk(directory))
