"""The names of the matrix: nsd serves the zones, unbound resolves and verifies them.

"test" is signed and unbound has its key. "plain" is not signed, and unbound is told so. "bogus" should be signed and is
not, so that every question about it ends in SERVFAIL.
"""
import os
import re
import socket
import subprocess

from peers import Program, wait

RESOLVER, AUTHORITY = "127.0.0.53", "127.0.0.54"

HEAD = """$ORIGIN {zone}.
$TTL 300
@ SOA ns.{zone}. hostmaster.{zone}. 1 3600 600 86400 300
@ NS ns.{zone}.
ns A 127.0.0.54
"""


class Names(Program):
    """The two servers. The zones are texts without SOA and NS."""

    def __init__(self, roots, logs, zones):
        super().__init__(f"{roots}/names", open(f"{logs}/names.log", "ab"))
        self.run("sh", "-c", "rm -rf /etc/interop /var/lib/interop; mkdir -p /etc/interop/run /var/lib/interop")
        for zone, text in zones.items():
            self.write(f"/etc/interop/{zone}.zone", HEAD.format(zone=zone) + text)
        make_key = "cd /etc/interop; ldns-keygen -a ECDSAP256SHA256 -r /dev/urandom -k test"
        key = self.run("sh", "-c", make_key).split()[-1]
        self.run("sh", "-c", f"cd /etc/interop; ldns-signzone -f test.signed test.zone {key}")
        anchor = re.sub(r"\s+", " ", open(f"{self.root}/etc/interop/{key}.ds").read().split(";")[0].strip())
        self.write("/etc/interop/nsd.conf", f"""server:
  ip-address: {AUTHORITY}@53
  username: ""
  zonesdir: /etc/interop
  database: ""
  pidfile: /etc/interop/run/nsd.pid
  xfrdfile: /etc/interop/run/xfrd.state
  zonelistfile: /etc/interop/run/zone.list
remote-control:
  control-enable: no
""" + "".join(f"zone:\n  name: {zone}\n  zonefile: {'test.signed' if zone == 'test' else zone + '.zone'}\n"
              for zone in zones))
        self.write("/etc/interop/unbound.conf", f"""server:
  interface: {RESOLVER}
  access-control: 127.0.0.0/8 allow
  do-daemonize: no
  username: ""
  chroot: ""
  directory: /etc/interop
  pidfile: /etc/interop/run/unbound.pid
  do-not-query-localhost: no
  use-syslog: no
  logfile: ""
  module-config: "validator iterator"
  root-hints: ""
  trust-anchor: "{anchor}"
  trust-anchor: "bogus. DS 12345 13 2 {'00' * 32}"
  domain-insecure: plain
  do-ip6: no
  num-threads: 1
""" + "".join(f"  local-zone: {zone}. nodefault\n" for zone in zones) + """remote-control:
  control-enable: no
""" + "".join(f"stub-zone:\n  name: {zone}\n  stub-addr: {AUTHORITY}@53\n  stub-prime: no\n" for zone in zones))

    def begin(self):
        self.start("nsd", "-d", "-c", "/etc/interop/nsd.conf")
        self.start("unbound", "-d", "-c", "/etc/interop/unbound.conf")

    def ready(self):
        for address in (AUTHORITY, RESOLVER):
            wait(lambda: knows(address), 20, f"the DNS server {address} answers")


def knows(address):
    """Whether the server knows the zone test: it answers with a record."""
    question = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x02ns\x04test\0\0\x01\0\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as query:
        query.settimeout(1)
        try:
            query.sendto(question, (address, 53))
            reply = query.recv(4096)
        except OSError:
            return False
    return reply[3] & 15 == 0 and reply[6:8] != b"\0\0"
