"""The other side of the matrix: postfix, exim and OpenSMTPD with their mailboxes, and the broken servers.

Each runs in its own root directory and listens on an address of its own. All take mail for every domain and store it
in one Maildir, so that a cell is told from the others by its recipient. A local part that begins with "reject" is
refused for good, one that begins with "defer" for now, and mail of more than SIZE_LIMIT bytes is too large.
"""
import os
import re
import signal
import socket
import subprocess
import time

from cells import BAD_CERTIFICATES

VMAIL = 5000
SIZE_LIMIT = 40_000_000
USER, PASSWORD = "joe@relay.test", 'S3cret"=,word'


class Failure(Exception):
    """The test bed could not be set up; says why."""


def wait(condition, seconds, what):
    """Waits until condition() is true; after the time, a Failure that says what was waited for."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise Failure(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def answers(address, port, greeting=b""):
    """Whether a server listens and, where that is wanted, begins with the greeting."""
    try:
        with socket.create_connection((address, port), timeout=5) as connection:
            return not greeting or connection.recv(100).startswith(greeting)
    except OSError:
        return False


class Program:
    """A program in a root directory, started in the foreground and stopped by its number."""

    def __init__(self, root, log):
        self.root, self.log = root, log
        self.started = []

    def run(self, *words, **more):
        done = subprocess.run(("chroot", self.root) + words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60, **more)
        if done.returncode:
            raise Failure(f"{' '.join(words)} in {self.root}: {done.stdout.decode(errors='replace')}")
        return done.stdout.decode(errors="replace")

    def start(self, *words):
        process = subprocess.Popen(("chroot", self.root) + words, stdin=subprocess.DEVNULL, stdout=self.log,
                                   stderr=self.log, start_new_session=True)
        self.started.append(process)
        return process

    def stop(self):
        for process in reversed(self.started):
            process.terminate()
        for process in reversed(self.started):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def write(self, path, text, mode=0o644, owner=0):
        path = self.root + path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)
        os.chmod(path, mode)
        os.chown(path, owner, owner)


class Peer(Program):
    """A mail system with a Maildir of what it has taken."""
    trace = {b"return-path", b"received", b"delivered-to"}
    reports = b"delivered-to"
    connection_log = None

    def __init__(self, roots, logs, certificates):
        self.log_path = f"{logs}/{self.name}.log"
        super().__init__(f"{roots}/{self.name}", open(self.log_path, "ab"))
        self.mailbox = f"{self.root}/var/mail/interop"
        subprocess.run(["rm", "-rf", self.mailbox], check=True)
        # A user who owns the mailbox; only the first time.
        if "interop:" not in open(self.root + "/etc/passwd").read():
            self.run("useradd", "--system", "--uid", str(VMAIL), "--user-group", "--no-create-home", "interop")
        for sub in ("", "/new", "/cur", "/tmp"):
            os.makedirs(self.mailbox + sub, mode=0o700, exist_ok=True)
            os.chown(self.mailbox + sub, VMAIL, VMAIL)
        for name, text in certificates.items():
            self.write(f"/etc/interop/{name}", text, 0o600)
        self.seen = {}
        self.configure()

    def configure(self):
        raise NotImplementedError

    def mails(self):
        """Everything in the mailbox: (recipient, sender, bytes) each."""
        for name in os.listdir(self.mailbox + "/new"):
            if name not in self.seen:
                with open(f"{self.mailbox}/new/{name}", "rb") as file:
                    self.seen[name] = self.parse(file.read())
        return list(self.seen.values())

    def parse(self, data):
        """The envelope, which stands in header fields before the message."""
        # The first field of each name is the one this system wrote.
        head = data[:data.find(b"\n\n") + 1]
        recipient = re.search(rb"^" + self.reports + rb": *(.*)$", head, re.M | re.I)
        sender = re.search(rb"^return-path: *<?(.*?)>?$", head, re.M | re.I)
        # OpenSMTPD writes nothing for the null sender.
        text = [found.group(1).strip().decode("latin-1") if found else "" for found in (recipient, sender)]
        return text[0], text[1], data

    def connections(self):
        """How many connections have been made to it."""
        with open(self.connection_log or self.log_path, "rb") as file:
            return len(re.findall(self.connection, file.read()))

    def ready(self):
        for address, port in self.listens:
            wait(lambda: answers(address, port, b"" if port == 465 else b"220"), 30,
                 f"{self.name} greets on {address} port {port}")


class Postfix(Peer):
    name, v4, v6 = "postfix", "127.0.0.11", "fd00::11"
    package = "postfix"
    connection = rb"\]: connect from"
    reports = b"x-original-to"
    trace = Peer.trace | {b"x-original-to"}

    def configure(self):
        settings = dict(
            myhostname="postfix.test", mydestination="", compatibility_level="3.6", smtputf8_enable="yes",
            inet_interfaces=f"{self.v4}, 127.0.0.14, [{self.v6}]", inet_protocols="all", maillog_file="/dev/stdout",
            mynetworks="127.0.0.0/8 [fd00::]/64", alias_maps="", alias_database="",
            smtpd_relay_restrictions="permit_mynetworks, reject", smtpd_peername_lookup="no",
            smtpd_client_connection_count_limit="0",
            smtpd_recipient_restrictions="check_recipient_access regexp:/etc/interop/access, permit",
            smtpd_client_restrictions="", message_size_limit=str(SIZE_LIMIT), mailbox_size_limit="0",
            virtual_mailbox_limit="0", virtual_mailbox_domains="regexp:/etc/interop/everything",
            virtual_mailbox_maps="static:interop/",
            # Address literals count as local.
            local_transport="virtual", local_recipient_maps="", virtual_mailbox_base="/var/mail",
            virtual_uid_maps=f"static:{VMAIL}", virtual_gid_maps=f"static:{VMAIL}",
            # Line ends other than CRLF are refused: a stray one would show.
            smtpd_forbid_bare_newline="yes",
            smtpd_tls_cert_file="/etc/interop/server.pem", smtpd_tls_key_file="/etc/interop/server.key",
            smtpd_tls_ask_ccert="yes", smtpd_tls_CAfile="/etc/interop/ca.pem",
            smtpd_tls_security_level="may", smtpd_tls_loglevel="1", smtpd_tls_received_header="yes",
            smtpd_sasl_authenticated_header="yes", smtpd_sasl_type="dovecot", smtpd_sasl_path="private/auth",
            default_process_limit="30")
        self.write("/etc/interop/access", "/^reject/ 550 5.1.1 no such user here\n/^defer/ 451 4.3.0 not now\n")
        self.write("/etc/interop/everything", "/./ all\n")
        self.run("sh", "-c", "cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf; : >/etc/postfix/main.cf")
        self.run("postconf", "-e", *[f"{key}={value}" for key, value in settings.items()])
        self.run("postconf", "-F", "*/*/chroot=n")
        self.run("sh", "-c", "mkdir -p /var/spool/postfix/private && find /var/spool/postfix -type f -delete")
        for port, extra in (("465", ["smtpd_tls_wrappermode=yes"]), ("587", ["smtpd_tls_security_level=encrypt"]),
                            ("2525", ["smtpd_tls_security_level=none"])):
            self.run("postconf", "-M", f"{port}/inet={port} inet n - n - - smtpd")
            if port != "465":
                extra += ["smtpd_recipient_restrictions=permit_sasl_authenticated,reject"]
            options = dict(item.split("=", 1) for item in extra + ["smtpd_sasl_auth_enable=yes"])
            self.run("postconf", "-P", *[f"{port}/inet/{key}={value}" for key, value in options.items()])
        for port, name in BAD_CERTIFICATES.items():
            self.run("postconf", "-M", f"{port}/inet={port} inet n - n - - smtpd")
            self.run("postconf", "-P", f"{port}/inet/smtpd_tls_cert_file=/etc/interop/{name}.pem")
        self.listens = [(address, port) for address in (self.v4, self.v6)
                        for port in (25, 465, 587, 2525, *BAD_CERTIFICATES)]
        self.write("/etc/interop/dovecot.conf", f"""protocols =
auth_mechanisms = plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256
disable_plaintext_auth = no
ssl = no
log_path = /dev/stderr
auth_verbose = yes
base_dir = /run/dovecot-interop
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u /etc/interop/users
}}
userdb {{
  driver = static
  args = uid={VMAIL} gid={VMAIL} home=/nonexistent
}}
service auth {{
  unix_listener /var/spool/postfix/private/auth {{
    mode = 0666
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
""")
        self.write("/etc/interop/users", f"{USER}:{{PLAIN}}{PASSWORD}\n", 0o644)

    def begin(self):
        self.start("dovecot", "-F", "-c", "/etc/interop/dovecot.conf")
        self.start("postfix", "start-fg")


class Exim(Peer):
    name, v4, v6 = "exim", "127.0.0.12", "fd00::12"
    package = "exim4-daemon-heavy"
    connection = rb"SMTP connection from \S+ \(TCP"
    reports = b"envelope-to"
    trace = Peer.trace | {b"envelope-to"}

    def configure(self):
        secure = ("server_advertise_condition = ${if or{{def:tls_in_cipher}{eq{$received_port}{2525}}}{yes}{no}}\n"
                  "  server_set_id = $auth1")
        sasl = "".join(f"""
{name.lower().replace('-', '_')}:
  driver = cyrus_sasl
  public_name = {name}
  server_hostname = exim.test
  server_realm = relay.test
  {secure}
""" for name in ("SCRAM-SHA-1", "SCRAM-SHA-256", "DIGEST-MD5"))
        quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
        self.write("/etc/exim4/exim4.conf", f"""
primary_hostname = exim.test
local_interfaces = <; {self.v4} ; {self.v6}
daemon_smtp_ports = 25 : 465 : 587 : 2525
tls_on_connect_ports = 465
tls_advertise_hosts = ${{if eq{{$received_port}}{{2525}}{{}}{{*}}}}
tls_certificate = /etc/interop/server.pem
tls_privatekey = /etc/interop/server.key
smtputf8_advertise_hosts = *
message_size_limit = {SIZE_LIMIT}
allow_domain_literals
smtp_accept_max = 200
smtp_accept_queue_per_connection = 0
host_lookup =
rfc1413_hosts =
log_file_path = /var/log/exim4/%slog
log_selector = +smtp_connection
acl_smtp_rcpt = recipient
begin acl
recipient:
  deny local_parts = ^reject
    message = 550 5.1.1 no such user here
  defer local_parts = ^defer
    message = 451 4.3.0 not now
  deny condition = ${{if or{{{{eq{{$received_port}}{{587}}}}{{eq{{$received_port}}{{2525}}}}}}}}
    !authenticated = *
    message = 550 5.7.1 log in first
  accept
begin routers
all:
  driver = accept
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = /var/mail/interop
  maildir_format
  user = interop
  group = interop
  envelope_to_add
  return_path_add
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{USER}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  {secure.replace('$auth1', '$auth2')}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_condition = ${{if and{{{{eq{{$auth1}}{{{USER}}}}}{{eq{{$auth2}}{{{PASSWORD}}}}}}}}}
  {secure}
cram_md5:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{if eq{{$auth1}}{{{USER}}}{{{PASSWORD}}}fail}}
  {secure}
{sasl}
""", 0o640)
        self.run("chgrp", "Debian-exim", "/etc/exim4/exim4.conf")
        for name in ("server.pem", "server.key"):
            self.run("chown", "Debian-exim", f"/etc/interop/{name}")
        self.write("/etc/sasl2/exim.conf", "pwcheck_method: auxprop\nauxprop_plugin: sasldb\n"
                   "sasldb_path: /etc/interop/sasldb2\nmech_list: SCRAM-SHA-1 SCRAM-SHA-256 DIGEST-MD5\n")
        self.write("/usr/lib/sasl2/exim.conf", open(self.root + "/etc/sasl2/exim.conf").read())
        local, domain = USER.split("@")
        self.run("sh", "-c", "rm -rf /etc/interop/sasldb2 /var/spool/exim4/input /var/spool/exim4/db /var/log/exim4/*")
        words = ["saslpasswd2", "-p", "-c", "-f", "/etc/interop/sasldb2", "-u", domain, local]
        subprocess.run(["chroot", self.root, *words], input=PASSWORD.encode(), check=True, timeout=60)
        self.run("chown", "Debian-exim", "/etc/interop/sasldb2")
        self.listens = [(address, port) for address in (self.v4, self.v6) for port in (25, 465, 587, 2525)]

        self.connection_log = self.root + "/var/log/exim4/mainlog"
        self.write("/var/log/exim4/mainlog", "")
        self.run("chown", "Debian-exim", "/var/log/exim4/mainlog")

    def begin(self):
        self.start("exim4", "-bdf", "-q5m")


class OpenSmtpd(Peer):
    name, v4, v6 = "opensmtpd", "127.0.0.13", "fd00::13"
    package = "opensmtpd"
    connection = rb"smtp connected address="

    def configure(self):
        crypt = self.run("smtpctl", "encrypt", PASSWORD).strip()
        local = USER
        listens = "".join(f"""
listen on {address} port 25 tls pki peer filter "names"
listen on {address} port 465 smtps pki peer auth-optional <users> filter "names"
listen on {address} port 587 tls-require pki peer auth <users> filter "names"
""" for address in (self.v4, self.v6))
        self.write("/etc/interop/users.smtpd", f"{local} {crypt}\n")
        self.write("/etc/interop/everybody", "@ interop\n")
        self.write("/etc/smtpd.conf", f"""
pki peer cert "/etc/interop/server.pem"
pki peer key "/etc/interop/server.key"
table users file:/etc/interop/users.smtpd
table everybody file:/etc/interop/everybody
smtp max-message-size {SIZE_LIMIT}
filter "gone" phase rcpt-to match rcpt-to regex {{ "^<?reject" }} reject "550 5.1.1 no such user here"
filter "later" phase rcpt-to match rcpt-to regex {{ "^<?defer" }} reject "451 4.3.0 not now"
filter "names" chain {{ "gone", "later" }}
{listens}
action "store" maildir "/var/mail/interop" virtual <everybody>
match from any for any action "store"
""")
        self.run("sh", "-c", "! test -d /var/spool/smtpd || find /var/spool/smtpd -type f -delete")
        self.listens = [(address, port) for address in (self.v4, self.v6) for port in (25, 465, 587)]

    def begin(self):
        self.start("smtpd", "-dv")


class Sink(Program):
    """A broken mail server: postfix's smtp-sink with one of its faults. It keeps what it has taken."""

    def __init__(self, roots, logs, name, address, options):
        super().__init__(f"{roots}/postfix", open(f"{logs}/sinks.log", "ab"))
        self.name, self.address = name, address
        self.directory = f"/tmp/sinks/{name}"
        os.makedirs(self.root + self.directory, exist_ok=True)
        for old in os.listdir(self.root + self.directory):
            os.unlink(f"{self.root}{self.directory}/{old}")
        os.chown(self.root + self.directory, VMAIL, VMAIL)
        self.start("smtp-sink", "-u", "interop", "-d", self.directory + "/mail.", *options, f"inet:{address}:25", "100")

    def ready(self):
        wait(lambda: answers(self.address, 25), 20, f"smtp-sink {self.name} listens")

    def mails(self):
        """The texts it has taken, complete ones: with what it writes before them."""
        found = []
        for name in os.listdir(self.root + self.directory):
            with open(f"{self.root}{self.directory}/{name}", "rb") as file:
                found.append(file.read())
        return found
