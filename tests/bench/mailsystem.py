"""What the bench shares among mail systems: their messages, their root directories, and submitting to them."""
import json, os, signal, socket, subprocess, sys, time

from cpugroup import CpuGroup

NOBODY = 65534
# The users of the local deliveries, made by tests/bench/run.
USERS = [f"u{number}" for number in range(10)]
HOMES = "/var/bench-homes"


def to_remote(number):
    return "operator@remote.example"


def to_users(number):
    return USERS[number % len(USERS)] + "@board.example"


def to_one_user(number):
    return USERS[0] + "@board.example"


def message(number):
    """A message of 1 KB, as a cron job would send it."""
    head = (f"From: Sensor <sensor@board.example>\nTo: Operator <operator@remote.example>\n"
            f"Subject: reading {number}\n\n")
    line = "temperature 21.5 humidity 40 pressure 1013 uptime 86400 load 0.01\n"
    return (head + line * 20)[:1023].encode() + b"\n"


class InRoot:
    """Runs work inside a root directory, under a uid."""

    def __init__(self, root):
        self.root = root

    def call(self, function, uid=0):
        """Calls a function in a child process there and returns its result."""
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(read)
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                self.become(uid)
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

    def become(self, uid):
        os.chroot(self.root)
        os.chdir("/")
        if uid:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)

    def run(self, *words, check=True, uid=0, **more):
        return subprocess.run(self.words(words, uid), check=check, stdin=subprocess.DEVNULL, **more)

    def start(self, *words, uid=0, env=None, log, enter=None):
        return subprocess.Popen(self.words(words, uid), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env,
                                start_new_session=True, preexec_fn=enter)

    def words(self, words, uid):
        if uid:
            words = ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups") + words
        return ("chroot", self.root) + words


def submit(path, recipient, env, numbers, make=message):
    """Submits messages one after the other; returns the moment of the last one's begin, [wall seconds], and processor
    seconds per message."""
    walls, cpu, begin = [], 0.0, time.monotonic()
    for number in numbers:
        arguments = [path, "-i", "-f", "sensor@board.example", recipient(number)]
        body = f"/tmp/message.{os.getpid()}"
        with open(body, "wb") as file:
            file.write(make(number))
        begin = time.monotonic()
        child = os.posix_spawn(path, arguments, env, file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, body, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, "/tmp/errors", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)])
        _, status, usage = os.wait4(child, 0)
        walls.append(time.monotonic() - begin)
        cpu += usage.ru_utime + usage.ru_stime
        if status:
            raise RuntimeError(f"{path} ended with {status}")
    return begin, walls, cpu / max(1, len(walls))


class Caller:
    """A process in a system's root directory that hands over messages when it is told to."""

    def __init__(self, system, recipient, make=message):
        self.system = system
        requests, self.requests = os.pipe()
        self.answers, answers = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.requests)
                os.close(self.answers)
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                system.root.become(NOBODY)
                while (request := os.read(requests, 64)) not in (b"", b"end"):
                    first, last, step = (int(word) for word in request.split())
                    begin, *_ = submit(system.sendmail, recipient, system.environment, range(first, last, step), make)
                    os.write(answers, repr(begin).encode())
                os._exit(0)
            except BaseException as error:
                print("bench:", repr(error), file=sys.stderr)
                os._exit(1)
        os.close(requests)
        os.close(answers)

    def ask(self, first, last, step=1):
        """Has it hand over these messages; done() waits for that."""
        os.write(self.requests, f"{first} {last} {step}".encode())

    def done(self):
        """Waits until it has; returns the moment at which it began with the last one."""
        answer = os.read(self.answers, 64)
        if not answer:
            raise RuntimeError(f"{self.system.column} did not take all messages")
        return float(answer)

    def end(self):
        # Others that were started later hold the pipe, too: closing it says nothing.
        os.write(self.requests, b"end")
        os.close(self.requests)
        os.close(self.answers)
        os.waitpid(self.pid, 0)


class System:
    """What the bench asks of a mail system; each says how for itself."""
    # The column of the table.
    column = None
    # What the bench may ask of it.
    delivers_to_users = False
    sendmail = "/usr/sbin/sendmail"
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "USER": "nobody", "LOGNAME": "nobody"}

    def __init__(self, roots, port):
        self.root = InRoot(f"{roots}/{self.name}")
        self.port = port
        self.log = open(f"{roots}/{self.name}.log", "ab")
        self.group = CpuGroup(type(self).__name__)
        self.configure()

    def start(self):
        """Starts what delivers."""

    def stop(self):
        """Stops it; messages stay queued."""

    def clear(self):
        """Empties the queue of a system that is stopped."""

    def put_away(self, sink):
        """Stops it and its destination; nothing of its messages is left."""
        self.stop()
        sink.stop()
        self.clear()
        self.empty_mailboxes()

    def left(self):
        """How much is in the queue; 0 when everything is delivered."""
        return 0

    def processes(self):
        """The running system's processes."""
        return []

    def open(self):
        """Starts what has to run for messages to be taken, but not delivered: nothing, as a rule."""

    def close(self):
        """Stops it."""

    def submit(self, count, first=0):
        return self.root.call(lambda: submit(self.sendmail, to_remote, self.environment, range(first, first + count)),
                              uid=NOBODY)

    def fill(self, count, recipient):
        """Submits messages eight at a time."""
        callers = [Caller(self, recipient) for _ in range(8)]
        for number, caller in enumerate(callers):
            caller.ask(number, count, len(callers))
        for caller in callers:
            caller.done()
            caller.end()

    def queue(self, count, recipient=to_remote, transport="smtp"):
        """Fills the queue."""
        self.fill(count, recipient)

    def mailboxes(self):
        """How many messages the ten users have."""
        return sum(files(f"{self.root.root}{HOMES}/{user}/Maildir/new") for user in USERS)

    def empty_mailboxes(self):
        for user in USERS if self.delivers_to_users else ():
            empty(f"{self.root.root}{HOMES}/{user}/Maildir/new")


def wait(condition, seconds, what, pause=0.02):
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise RuntimeError("waited in vain for " + what)
        time.sleep(pause)


def end(process):
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port():
    """A port on loopback that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def files(directory):
    """How many files are below a directory. Looking leaves no access time behind, which would have to be written."""
    try:
        opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOATIME)
    except FileNotFoundError:
        return 0
    try:
        with os.scandir(opened) as found:
            below = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
    finally:
        os.close(opened)
    return sum(files(f"{directory}/{name}") if is_directory else 1 for name, is_directory in below)


def empty(directory):
    """Removes every file below a directory."""
    for path, _, names in os.walk(directory):
        for name in names:
            os.unlink(os.path.join(path, name))
