"""Exim among the measured mail systems: a smart host, and Maildirs of users."""
import os, subprocess

from mailsystem import System, end, free_port
from processes import tree

# Queue runners that share a drain. More of them only get into each other's way, since each tries every message: with
# 400 messages to a sink on loopback and two processors two runners sent 176/s, one 99, four 153, eight and twenty 107;
# a run in two phases (-qq), with or without queue_fast_ramp, 59 to 69. Local deliveries did not differ as much.
RUNNERS = os.cpu_count()

CONFIGURATION = """\
primary_hostname = board.example
domainlist local_domains = board.example
untrusted_set_sender = *
qualify_domain = board.example

%(queueing)s
split_spool_directory
queue_run_max = 50
remote_max_parallel = 20

# Nothing is looked up by DNS, and a message has no log of its own; the main log goes to syslog, which nobody reads.
host_lookup =
rfc1413_hosts =
dns_ipv4_lookup = !*
no_message_logs
log_file_path = syslog
syslog_timestamp = false

# Reception: as many connections as are asked for.
tls_advertise_hosts =
smtp_accept_max = 400
smtp_accept_max_per_connection = 0
smtp_accept_reserve = 0
smtp_connect_backlog = 400
acl_smtp_rcpt = accept_all
acl_smtp_data = accept_all

begin acl
accept_all:
  accept

begin routers
user:
  driver = accept
  domains = +local_domains
  check_local_user
  transport = maildir
sink:
  driver = manualroute
  domains = ! +local_domains
  transport = smtp
  route_list = * 127.0.0.1
  self = send

begin transports
maildir:
  driver = appendfile
  directory = $home/Maildir
  maildir_format
smtp:
  driver = smtp
  port = %(port)d
  allow_localhost
  hosts_try_fastopen =
  connection_max_messages = 500

begin retry
* * F,2h,15m
"""


class Exim(System):
    name = column = "exim4"
    one_shot = ("/usr/sbin/exim4", "-q")
    delivers_to_users = True
    durability = "message and envelope are synced"
    daemon = None

    def configure(self):
        self.runners = []
        self.write_configuration(True)

    def write_configuration(self, waiting):
        """Waiting, messages are only queued, until there is a queue run; or each is delivered as soon as it comes."""
        with open(self.root.root + "/etc/exim4/exim4.conf", "w") as out:
            out.write(CONFIGURATION % dict(port=self.port, queueing="queue_only" if waiting else ""))

    def start(self):
        """A daemon that starts a queue run every half hour, as Debian has it; meanwhile what comes in is delivered."""
        self.write_configuration(False)
        self.daemon = self.root.start("/usr/sbin/exim4", "-bdf", "-q30m", "-oX", f"127.0.0.1.{free_port()}",
                                      log=self.log, enter=self.group.enter)

    def begin_drain(self):
        """Each runner delivers one message at a time, in an order of its own, and passes over what others have."""
        self.runners = [self.root.start("/usr/sbin/exim4", "-qf", log=self.log, enter=self.group.enter)
                        for _ in range(RUNNERS)]

    def stop(self):
        for process in [*self.runners, self.daemon]:
            end(process)
        self.runners, self.daemon = [], None
        self.write_configuration(True)

    def clear(self):
        """The hints databases go, too: what they know of past rounds must not help or hinder."""
        for directory in ("input", "msglog", "db"):
            subprocess.run(["rm", "-rf", f"{self.root.root}/var/spool/exim4/{directory}"], check=True)

    def left(self):
        """Messages, by their files with the header."""
        walk = os.walk(self.root.root + "/var/spool/exim4/input")
        return sum(name.endswith("-H") for _, _, names in walk for name in names)

    def processes(self):
        return tree(self.daemon.pid)
