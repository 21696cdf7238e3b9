"""Where remote mail goes: postfix's smtp-sink on loopback, with its running counter on a pipe."""
import os, re, select, socket, subprocess, time

from mailsystem import end, free_port, wait


class Sink:
    """Its port is chosen once; it listens between start() and stop()."""

    def __init__(self, root):
        self.root = root
        self.port = free_port()
        self.process = None

    def start(self, counting=True):
        """Without anybody to read the counter it must not count, or it would wait for the pipe."""
        self.text = b""
        self.process = subprocess.Popen(["chroot", self.root, "smtp-sink", *["-c"] * counting, "-u", "nobody",
                                         f"inet:127.0.0.1:{self.port}", "1000"], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, start_new_session=True)

        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        wait(listens, 10, "smtp-sink to listen")

    def wait_for(self, count, seconds):
        """Returns the moment the sink had counted that many messages."""
        limit = time.monotonic() + seconds
        while (left := limit - time.monotonic()) > 0:
            numbers = re.findall(rb"mesg=(\d+)", self.text)
            if numbers and int(numbers[-1]) >= count:
                return time.monotonic()
            if not self.read(left):
                break
        raise RuntimeError(f"the sink did not receive {count} messages in {seconds} s; its last words: "
                           f"{self.text[-200:]}")

    def read(self, seconds=0):
        """Reads on, which somebody has to do; returns whether the sink is still there."""
        if select.select([self.process.stdout], [], [], seconds)[0]:
            part = os.read(self.process.stdout.fileno(), 65536)
            self.text = (self.text + part)[-4096:]
            return bool(part)
        return True

    def stop(self):
        end(self.process)
