#!/usr/bin/env python3
"""How long qmail-qmqpc takes from start to exit, and what it needs, with a hub on loopback whose queue is in memory.

    qmqpc.py [--bin DIR] [--runs N]

The last lines are the medians beside /bin/true started in the same way, the peak of resident memory and the size of the
executable. Run as an ordinary user.
"""
import argparse
import os
import re
import socket
import statistics
import subprocess
import tempfile
import time

parser = argparse.ArgumentParser()
parser.add_argument("--bin", default=os.path.dirname(os.path.realpath(__file__)) + "/../../artifacts/bin")
parser.add_argument("--runs", type=int, default=200)
options = parser.parse_args()
binaries = os.path.realpath(options.bin)


def measure(words, stdin, stdout, environment):
    """Median milliseconds from start to exit."""
    times = []
    for _ in range(options.runs):
        stdin.seek(0)
        stdout.seek(0)
        began = time.perf_counter()
        pid = os.posix_spawn(words[0], words, environment, file_actions=[
            (os.POSIX_SPAWN_DUP2, stdin.fileno(), 0), (os.POSIX_SPAWN_DUP2, stdout.fileno(), 1)])
        _, status = os.waitpid(pid, 0)
        times.append((time.perf_counter() - began) * 1000)
        if status != 0:
            raise SystemExit(f"{words[0]} ended with status {status}")
    return statistics.median(times)


def resident(client, message, envelope, environment):
    """Most kilobytes resident, asked for while it waits for the hub's answer: this program is the hub."""
    message.seek(0)
    envelope.seek(0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        words = [client, f"127.0.0.1:{server.getsockname()[1]}"]
        with subprocess.Popen(words, stdin=message, stdout=envelope, env=environment) as process:
            connection, _ = server.accept()
            received = b""
            while not received.endswith(b",,"):
                received += connection.recv(65536)
            with open(f"/proc/{process.pid}/status") as file:
                peak = int(re.search(r"VmHWM:\s+(\d+)", file.read())[1])
            connection.sendall(b"3:Kok,")
            connection.close()
    return peak


with tempfile.TemporaryDirectory(dir="/dev/shm") as directory, tempfile.TemporaryFile() as message, \
        tempfile.TemporaryFile() as envelope:
    environment = {"PATH": binaries + ":/usr/bin:/bin", "CONTROLDIR": directory, "QUEUEDIR": directory + "/queue"}
    with open(directory + "/me", "w") as file:
        file.write("hub.example\n")
    subprocess.run(["queue-fix", directory + "/queue"], env=environment, check=True, stdout=subprocess.DEVNULL)
    message.write(b"From: joe@client.example\nSubject: test\n\n" + b"Hello.\n" * 140)
    envelope.write(b"Fjoe@client.example\0Tann@remote.example\0\0")
    message.flush()
    envelope.flush()
    with subprocess.Popen(["qmail-qmqpd", "--listen", "127.0.0.1:0"], env=environment | {"RELAYCLIENT": ""},
                          stderr=subprocess.PIPE, text=True) as hub:
        port = re.search(r" port (\d+)", hub.stderr.readline())[1]
        # What it says of each message must not fill the pipe.
        drain = subprocess.Popen(["cat"], stdin=hub.stderr, stdout=subprocess.DEVNULL)
        client = binaries + "/qmail-qmqpc"
        nothing = measure(["/bin/true"], message, envelope, environment)
        found = measure([client, "127.0.0.1:" + port], message, envelope, environment)
        hub.terminate()
        drain.wait()
    peak = resident(client, message, envelope, environment)
    print(f"/bin/true    {nothing:.1f} ms")
    print(f"qmail-qmqpc  {found:.1f} ms, {peak / 1024:.1f} MiB resident, executable {os.path.getsize(client) / 1e6:.2f} MB")
