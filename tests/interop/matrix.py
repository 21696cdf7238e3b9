"""Runs the matrix (called by tests/interop/run-all inside its private namespaces): starts the peers, gives all messages
to qmta, waits until the log says what became of each, and compares what has arrived with what was sent."""
import argparse
import base64
import hashlib
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import cells as matrix
import peers
from names import RESOLVER, Names
from peers import Failure, wait

NOBODY = 65534


class Sender:
    """qmta with one set of control files, run by an ordinary user."""

    def __init__(self, top, bin_directory, name, control, certificates):
        self.directory = f"{top}/{name}"
        self.bin = bin_directory
        self.environment = {"PATH": f"{bin_directory}:/usr/bin:/bin", "HOME": self.directory, "USER": "interop",
                            "TZ": "UTC",
                            "QUEUEDIR": f"{self.directory}/queue", "CONTROLDIR": f"{self.directory}/control",
                            "ALIASDIR": f"{self.directory}/alias", "CERTDIR": f"{self.directory}/certs"}
        os.makedirs(self.directory + "/control")
        os.makedirs(self.directory + "/alias")
        # Bounces end here: a .qmail file without instructions.
        with open(self.directory + "/alias/.qmail-default", "w") as out:
            out.write("# nothing\n")
        for file, text in control.items():
            with open(f"{self.directory}/control/{file}", "w", encoding="latin-1") as out:
                out.write(text)
            os.chmod(f"{self.directory}/control/{file}", 0o600)
        for file, text in certificates.items():
            path = f"{self.directory}/certs/{file}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as out:
                out.write(text)
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", self.directory], check=True)
        self.run([f"{bin_directory}/queue-fix", f"{self.directory}/queue"])
        self.log_path = f"{self.directory}/send.log"
        self.outcomes = {}   # recipient as the log writes it: (outcome, report)
        self.deliveries, self.read = {}, 0
        self.process = None

    def run(self, words, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run(words, env=self.environment, user=NOBODY, group=NOBODY, extra_groups=[], timeout=120,
                              stdout=subprocess.PIPE if "stdout" not in more else more.pop("stdout"),
                              stderr=subprocess.STDOUT, **more)
        if done.returncode:
            raise Failure(f"{words[0]} ended with {done.returncode}: {(done.stdout or b'').decode(errors='replace')}")

    def begin(self):
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen([f"{self.bin}/qmta-send", "-d", "./Maildir/"], env=self.environment,
                                        user=NOBODY, group=NOBODY, extra_groups=[], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def inject(self, cell):
        message = cell.message() if callable(cell.message) else cell.message
        with tempfile.TemporaryFile() as file:
            file.write(message)
            file.seek(0)
            if cell.by == "sendmail":
                self.run([f"{self.bin}/sendmail", "-i", "-f", cell.sender, *cell.recipients], stdin=file)
                return
            with tempfile.TemporaryFile() as envelope:
                envelope.write(b"F" + cell.sender.encode("latin-1") + b"\0")
                for recipient in cell.recipients:
                    envelope.write(b"T" + recipient.encode("latin-1") + b"\0")
                envelope.write(b"\0")
                envelope.seek(0)
                self.run([f"{self.bin}/qmail-queue"], stdin=file, stdout=envelope)

    def tells_password(self):
        """Whether the password, as it is or as it is sent, stands in the log."""
        with open(self.log_path, "rb") as file:
            text = file.read()
        secrets = (peers.PASSWORD, "\0" + peers.USER + "\0" + peers.PASSWORD)
        return peers.PASSWORD.encode() in text or any(base64.b64encode(word.encode()) in text for word in secrets)

    def follow(self):
        """Reads what is new in the log."""
        with open(self.log_path, "rb") as file:
            file.seek(self.read)
            text = file.read()
        end = text.rfind(b"\n") + 1
        self.read += end
        for line in text[:end].decode("latin-1").splitlines():
            if found := re.search(r"starting delivery (\d+): msg \d+ to remote (.*)", line):
                self.deliveries[found[1]] = found[2]
            elif found := re.search(r"delivery (\d+): (success|failure|deferral): (.*)", line):
                recipient = self.deliveries.get(found[1])
                # The first outcome counts: what is deferred is tried again.
                self.outcomes.setdefault(recipient, (found[2], found[3]))


def logged(recipient):
    """A recipient as the log writes it."""
    return "".join("_" if char <= " " or char > "~" or char == "%" else char for char in recipient)


class Judge:
    """Says whether a cell is as expected."""

    def __init__(self, systems, sinks):
        self.systems, self.sinks = systems, sinks
        self.boxes = {}
        self.connections = {}   # made by the setting that has run last

    def collect(self):
        for name, system in self.systems.items():
            box = self.boxes[name] = {}
            for recipient, sender, data in system.mails():
                box.setdefault(recipient, []).append((sender, data))

    def verdict(self, cell, outcomes):
        """None when all is well, or what is wrong."""
        for recipient, (outcome, part) in cell.recipients.items():
            found = outcomes.get(logged(recipient))
            if found is None:
                return f"no outcome for {recipient}"
            if found[0] != outcome or part.replace(" ", "_") not in found[1]:
                return f"{recipient}: expected {outcome} {part}, but {found[0]}: {found[1]}"
        if cell.bounce:
            return self.bounced(cell)
        if not cell.at:
            return None
        message = cell.message() if callable(cell.message) else cell.message
        expected = cell.expect(message) if cell.expect else message
        place = self.in_sink if cell.at.startswith("sink:") else self.in_mailbox
        for recipient, (outcome, _) in cell.recipients.items():
            problem = place(cell, recipient, outcome, expected)
            if problem:
                return problem
        return None

    def strays(self, system, cells):
        """What has arrived at a system and was sent to nobody there: None, or what it is."""
        known = {stored(recipient) for cell in cells for recipient in cell.recipients} | {cell.sender for cell in cells}
        found = sorted(set(self.boxes.get(system, {})) - known)
        return f"{system} has mail for {found[:10]}" if found else None

    def bounced(self, cell):
        """The sender must have the report and the message, from nobody."""
        found = self.boxes[cell.bounce].get(cell.sender, [])
        if len(found) != 1:
            return f"{cell.bounce} has {len(found)} messages for {cell.sender}"
        sender, data = found[0]
        (recipient, (_, part)), = cell.recipients.items()
        for what in (recipient.encode(), part.encode(), cell.message):
            if sender or what not in data:
                return f"the bounce from {sender!r} lacks {what!r}: {data!r}"
        return None

    def in_sink(self, cell, recipient, outcome, expected):
        found = [text for text in self.sinks[cell.at[5:]].mails() if text.endswith(b"\n\n") or expected in text]
        if outcome == matrix.OK and not any(expected in text.replace(b"\r\n", b"\n") for text in found):
            return "smtp-sink has something else: " + repr(found)[:300]
        return None

    def in_mailbox(self, cell, recipient, outcome, expected):
        system = self.systems[cell.at]
        found = self.boxes[cell.at].get(stored(recipient), [])
        if outcome != matrix.OK:
            return f"{cell.at} has mail for {recipient}" if found else None
        if len(found) != 1:
            return f"{cell.at} has {len(found)} messages for {recipient}"
        sender, data = found[0]
        if sender != cell.sender:
            return f"envelope sender {sender!r}, not {cell.sender!r}"
        if not data.endswith(expected):
            return "the message has changed: " + difference(data, expected)
        names = header_names(data[:len(data) - len(expected)])
        if not names <= system.trace:
            return f"header fields were added: {sorted(names - system.trace)}"
        if cell.trace and not re.search(cell.trace, data[:len(data) - len(expected)]):
            return f"no {cell.trace!r} in {data[:len(data) - len(expected)]!r}"
        return None


def stored(recipient):
    """A recipient as the mail systems write it into their header fields: quoted where that is needed."""
    local, domain = recipient.rsplit("@", 1)
    return f'"{local}"@{domain}' if " " in local else recipient


def header_names(block):
    names = set()
    for line in block.split(b"\n"):
        if line and line[:1] not in b" \t":
            names.add(line.split(b":")[0].lower())
    return names


def difference(data, expected):
    """Where the stored message, after its trace fields, and the expected one part."""
    start = data.find(expected[:40])
    if start < 0:
        return f"its beginning is not there: {data[:600]!r}"
    data = data[start:]
    for at, (one, other) in enumerate(zip(data, expected)):
        if one != other:
            return f"byte {at}: {data[max(0, at - 20):at + 30]!r} instead of {expected[max(0, at - 20):at + 30]!r}"
    return f"{len(data)} bytes instead of {len(expected)}: ends with {data[-60:]!r}"


def run_setting(sender, cells, judge):
    """Gives all messages to one qmta and judges them; returns {cell: what is wrong or None}."""
    before = {name: system.connections() for name, system in judge.systems.items()}
    sender.begin()
    try:
        wait(lambda: os.path.exists(sender.log_path) and os.path.getsize(sender.log_path), 20, "qmta-send begins")
        limits = {}
        # The slow ones first, so that they are done when the others are.
        for cell in sorted(cells, key=lambda cell: -(cell.seconds or 0)):
            sender.inject(cell)
            limits[cell] = time.monotonic() + (cell.seconds or 60)
        open_cells = set(cells)
        while open_cells:
            sender.follow()
            now = time.monotonic()
            open_cells = {cell for cell in open_cells if now < limits[cell]
                          and any(logged(recipient) not in sender.outcomes for recipient in cell.recipients)}
            time.sleep(0.05)
        # The peers store what they have taken after they have said yes.
        results = {}
        waiting, limit = list(cells), time.monotonic() + 60
        while waiting:
            judge.collect()
            for cell in waiting:
                results[cell] = judge.verdict(cell, sender.outcomes)
            waiting = [cell for cell in waiting if results[cell] and "messages for" in results[cell]]
            if time.monotonic() > limit:
                break
            if waiting:
                time.sleep(0.3)
        judge.connections = {name: system.connections() - before[name] for name, system in judge.systems.items()}
        for cell in cells:
            made = judge.connections.get(cell.at, 0)
            if cell.connections and not 0 < made <= cell.connections:
                results[cell] = results[cell] or f"{made} connections to {cell.at}"
        if sender.tells_password():
            for cell in cells:
                if cell.table == "AUTH":
                    results[cell] = results[cell] or "the log holds the password"
        return results
    finally:
        sender.stop()


def report(results, out):
    """A line for every cell; several messages in the same cell are one. Returns (passed, failed, table)."""
    grouped = {}
    for cell, problem in results.items():
        grouped.setdefault((cell.table, cell.row, cell.column), []).append((cell, problem))
    passed = failed = 0
    for (table, row, column), entries in grouped.items():
        problems = [problem for _, problem in entries if problem]
        if problems:
            failed += 1
            count = f" ({len(problems)} of {len(entries)})" if len(entries) > 1 else ""
            print(f"FAIL  {table}: {row}, {column}{count}", file=out)
            for problem in problems[:3]:
                print(f"      | {problem[:1500]}", file=out)
        else:
            passed += 1
            print(f"ok    {table}: {row}, {column}", file=out)
    return passed, failed, grouped


WORDS = {matrix.OK: "delivered", matrix.LATER: "deferred", matrix.NEVER: "bounced"}


def cell_text(entries):
    if any(problem for _, problem in entries):
        return "**failed**"
    outcomes = {outcome for cell, _ in entries for outcome, _ in cell.recipients.values()}
    if not outcomes:
        return "none"
    return ", ".join(WORDS[outcome] for outcome in (matrix.OK, matrix.LATER, matrix.NEVER) if outcome in outcomes)


def write_table(path, grouped, versions):
    lines = ["# Interoperability", "",
             "Written by `make interop` (`tests/interop/run-all --write-table`). Every entry is one or more messages",
             "that qmta has sent to another mail system by names from real DNS servers, over loopback. What arrived is",
             "compared with what was sent, envelope, header and body, byte for byte. An entry says what rightly became",
             "of them.", "",
             "The other side: " + ", ".join(versions) + ", from Debian's packages.", ""]
    tables = {}
    for (table, row, column), entries in grouped.items():
        rows = tables.setdefault(table, {})
        rows.setdefault(row, {})[column] = cell_text(entries)
    for table, rows in tables.items():
        columns = list(dict.fromkeys(column for row in rows.values() for column in row))
        lines += [f"## {table}", "", "| | " + " | ".join(columns) + " |", "|---" * (1 + len(columns)) + "|"]
        lines += [f"| {row} | " + " | ".join(found.get(column, "") for column in columns) + " |"
                  for row, found in rows.items()]
        lines.append("")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines).rstrip("\n") + "\n")


def version(root, package):
    done = subprocess.run(["chroot", root, "dpkg-query", "-W", "-f", "${Version}", package], stdout=subprocess.PIPE,
                          check=True, timeout=60)
    return done.stdout.decode().split("-")[0].split("+")[0].split(":")[-1]


def certificates():
    """Certificates for one key, new for each run: {file name: bytes}, and the digests for TLSA records."""
    with tempfile.TemporaryDirectory() as directory:
        def openssl(*words):
            done = subprocess.run(["openssl", *words], cwd=directory, timeout=60, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
            if done.returncode:
                raise Failure(f"openssl {' '.join(words)}: {done.stderr.decode(errors='replace')}")
            return done.stdout

        def request(name, hosts):
            openssl("req", "-new", "-key", "server.key", "-subj", "/CN=" + hosts[0], "-addext",
                    "subjectAltName=" + ",".join("DNS:" + host for host in hosts), "-out", name + ".csr")

        def sign(name, days):
            openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", days,
                    "-copy_extensions", "copy", "-out", name + ".pem")
            with open(f"{directory}/{name}.pem", "ab") as out, open(directory + "/ca.pem", "rb") as authority:
                out.write(authority.read())
        for name in ("ca", "otherca"):
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", f"/CN=interop {name}", "-keyout", name + ".key", "-out", name + ".pem")
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "server.key")
        hosts = [f"{host}.{peer}.test" for peer in matrix.PEERS for host in ("mx", "mx4", "mx6", "mx.dane-authority")]
        request("server", hosts)
        sign("server", "30")
        openssl("x509", "-req", "-in", "server.csr", "-signkey", "server.key", "-days", "30",
                "-copy_extensions", "copy", "-out", "self-signed.pem")
        shutil.copy(directory + "/server.csr", directory + "/expired.csr")
        sign("expired", "-1")
        request("for-another-name", ["mx.elsewhere.test"])
        sign("for-another-name", "30")
        key, authority = (openssl("pkey", "-in", "server.key", "-pubout", "-outform", "DER"),
                          openssl("x509", "-in", "ca.pem", "-outform", "DER"))
        digests = {"key": hashlib.sha256(key).hexdigest(), "authority": hashlib.sha256(authority).hexdigest()}
        files = {}
        request("client", ["board.test"])
        sign("client", "30")
        with open(directory + "/client.pem", "ab") as out, open(directory + "/server.key", "rb") as key:
            out.write(key.read())
        for name in ("server.pem", "server.key", "ca.pem", "otherca.pem", "client.pem", *(f"{name}.pem" for name in
                                                                            matrix.BAD_CERTIFICATES.values())):
            with open(f"{directory}/{name}", "rb") as file:
                files[name] = file.read()
        return files, digests


def main():
    arguments = argparse.ArgumentParser(prog="run-all")
    arguments.add_argument("--top", required=True)
    arguments.add_argument("--roots", required=True)
    arguments.add_argument("--bin")
    arguments.add_argument("--write-table", action="store_true")
    arguments.add_argument("--keep", action="store_true")
    arguments.add_argument("patterns", nargs="*")
    options = arguments.parse_args()
    if options.write_table and options.patterns:
        print("a table is written of all cells only, not of some", file=sys.stderr)
        return 100
    programs = os.path.realpath(options.bin or options.top + "/artifacts/bin")

    chosen = [cell for cell in matrix.cells()
              if not options.patterns or any(pattern in cell.name for pattern in options.patterns)]
    if not chosen:
        print("no cell has such a name", file=sys.stderr)
        return 100
    top = tempfile.mkdtemp(prefix="qmta-interop.")
    os.chmod(top, 0o755)
    shutil.copytree(programs, top + "/bin", symlinks=True)
    logs = top + "/logs"
    os.mkdir(logs)

    # postfix wants to see its addresses on an interface.
    for address in [*matrix.V4.values(), *matrix.V6.values(), matrix.SELF, matrix.SELF6, "127.0.0.14"]:
        bits = 128 if ":" in address else 32
        subprocess.run(["ip", "address", "add", f"{address}/{bits}", "dev", "lo"], check=True)
    with open(top + "/resolv.conf", "w") as file:
        file.write(f"nameserver {RESOLVER}\noptions edns0 trust-ad timeout:5 attempts:2\n")
    subprocess.run(["mount", "--bind", top + "/resolv.conf", os.path.realpath("/etc/resolv.conf")], check=True)

    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind((matrix.SILENT, 53))
    started, failed = [], 1
    try:
        begin = time.monotonic()
        keys, digests = certificates()
        names = Names(options.roots, logs, matrix.zones(digests))
        systems = {kind.name: kind(options.roots, logs, keys) for kind in (peers.Postfix, peers.Exim, peers.OpenSmtpd)}
        for program in [names, *systems.values()]:
            started.append(program)
            program.begin()
        # The broken servers share postfix's root directory and are only started when a cell wants them.
        wanted = {cell.at[5:] for cell in chosen if cell.at and cell.at.startswith("sink:")} | {"busy", "no TLS"}
        sinks = {}
        for name, (address, words) in matrix.sinks().items():
            if name in wanted:
                sinks[name] = peers.Sink(options.roots, logs, re.sub(r"\W+", "-", name), address, words)
                started.append(sinks[name])
        for program in started:
            # smtp-sink that has no greeting for anybody still accepts connections.
            program.ready()
        print(f"peers are up after {time.monotonic() - begin:.0f} s", file=sys.stderr)
        results = {}
        judge = Judge(systems, sinks)
        control = matrix.control(peers.USER, peers.PASSWORD)
        trusted = matrix.certificates(keys["ca.pem"], keys["otherca.pem"], keys["client.pem"])
        for setting in control:
            these = [cell for cell in chosen if cell.setting == setting]
            if these:
                sender = Sender(top, top + "/bin", setting, control["main"] | control[setting], trusted[setting])
                sender.environment.update(matrix.environment(setting))
                results.update(run_setting(sender, these, judge))
        results = {cell: results[cell] for cell in chosen}
        asked = bool(select.select([silent], [], [], 0)[0])
        for cell in chosen:
            if cell.setting == "silent server" and not asked:
                results[cell] = "nobody has asked the silent server"
        for system in systems:
            cell = matrix.Cell("Messages", "mail that nobody has sent", system, {}, b"")
            results[cell] = judge.strays(system, chosen)
        passed, failed, grouped = report(results, sys.stdout)
        if options.write_table:
            versions = [f"{text} {version(systems[name].root, systems[name].package)}"
                        for text, name in (("postfix", "postfix"), ("exim", "exim"), ("OpenSMTPD", "opensmtpd"))]
            versions += [f"{name} {version(names.root, name)}" for name in ("nsd", "unbound")]
            write_table(options.top + "/docs/interop.md", grouped, versions)
    except Failure as failure:
        print(f"FAIL  {failure}")
        passed = 0
    finally:
        for program in reversed(started):
            program.stop()
        if failed or options.keep:
            print(f"logs: {top}")
        else:
            shutil.rmtree(top)
    print(f"in {time.monotonic() - begin:.0f} s", file=sys.stderr)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())
