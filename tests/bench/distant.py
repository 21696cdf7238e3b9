"""Mail servers that are far away, or dead: what a line with a long round trip looks like to a client on loopback.

Every reply leaves a whole round trip after the request arrived, and the greeting two after the connection, one of them
for the handshake. A dead server accepts connections and never says a word.
"""
import os, select, signal, socket, threading, time


class Distant:
    """Servers on ports of their own in a child process, which tells about each message by a line on a pipe."""

    def __init__(self, count):
        """Ports are chosen now; servers run between start() and stop()."""
        probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        self.ports = [probe.getsockname()[1] for probe in probes]
        for probe in probes:
            probe.close()
        self.child = None

    def start(self, delay, dead=()):
        """Seconds of the round trip, and the numbers of the servers that never answer."""
        listeners = [socket.create_server(("127.0.0.1", port), backlog=200) for port in self.ports]
        self.read, write = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            threads = [threading.Thread(target=serve, args=(listener, number, 0 if number in dead else delay,
                                                            number in dead, write))
                       for number, listener in enumerate(listeners)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        os.close(write)
        for listener in listeners:
            listener.close()

    def wait_for(self, count, seconds):
        """Returns the moment at which the servers had taken that many messages, all together."""
        text, limit = b"", time.monotonic() + seconds
        while text.count(b"\n") < count:
            ready, _, _ = select.select([self.read], [], [], max(0, limit - time.monotonic()))
            part = os.read(self.read, 65536) if ready else b""
            if not part:
                raise RuntimeError(f"{text.count(10)} of {count} messages arrived in {seconds} s")
            text += part
        return max(float(line.split()[1]) for line in text.splitlines()[:count])

    def stop(self):
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        os.close(self.read)


def serve(listener, number, delay, dead, report):
    held = []
    while True:
        connection, _ = listener.accept()
        held.append(connection) if dead else threading.Thread(target=converse, args=(connection, number, delay, report),
                                                              daemon=True).start()


def converse(connection, number, delay, report):
    """One conversation; replies wait in a list until they are due, while further requests are read."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    waiting = [(time.monotonic() + 2 * delay, b"220 distant.example ESMTP\r\n", False)]
    text, in_data, leaving = b"", False, False
    try:
        while waiting or not leaving:
            left = max(0, waiting[0][0] - time.monotonic()) if waiting else None
            ready, _, _ = select.select([] if leaving else [connection], [], [], left)
            if ready:
                part = connection.recv(65536)
                if not part:
                    break
                text += part
                due = time.monotonic() + delay
                while True:
                    if in_data:
                        body, found, rest = text.partition(b"\r\n.\r\n")
                        if not found:
                            break
                        text, in_data = rest, False
                        waiting.append((due, b"250 2.0.0 taken\r\n", True))
                        continue
                    line, found, rest = text.partition(b"\n")
                    if not found:
                        break
                    text = rest
                    word = line.strip().upper()
                    if word.startswith(b"EHLO"):
                        waiting.append((due, b"250-distant.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n", False))
                    elif word == b"DATA":
                        waiting.append((due, b"354 go on\r\n", False))
                        in_data = True
                    elif word == b"QUIT":
                        waiting.append((due, b"221 bye\r\n", False))
                        leaving = True
                    else:
                        waiting.append((due, b"250 ok\r\n", False))
            now, replies, taken = time.monotonic(), b"", 0
            while waiting and waiting[0][0] <= now:
                _, reply, is_message = waiting.pop(0)
                replies += reply
                taken += is_message
            if replies:
                connection.sendall(replies)
            if taken:
                os.write(report, f"{number} {time.monotonic()}\n".encode() * taken)
    except OSError:
        pass
    connection.close()
