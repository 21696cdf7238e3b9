"""The cells of the matrix: which message goes where, and what must become of it."""
import itertools
import re

OK, LATER, NEVER = "success", "deferral", "failure"
PEERS = ("postfix", "exim", "opensmtpd")
V4 = {"postfix": "127.0.0.11", "exim": "127.0.0.12", "opensmtpd": "127.0.0.13"}
V6 = {name: "fd00::" + address[-2:] for name, address in V4.items()}
# An address where nobody listens, and two that are this host's own.
DEAD, SELF, SELF6 = "127.0.0.98", "127.0.0.77", "fd00::77"
# A DNS server that listens and says nothing.
SILENT = "127.0.0.99"


class Cell:
    """One message, and what becomes of it.

    recipients: what is expected of each, (OK, LATER or NEVER, part of the report). at: the system that must have it.
    message: bytes or a function that makes them. expect: what must be stored, when that is not the message itself.
    trace: what the header fields before it must say. bounce: the system that must have a bounce for the sender.
    connections: how many the whole setting may make to the system.
    """

    def __init__(self, table, row, column, recipients, message, *, at=None, sender="sensor@board.test", by="queue",
                 expect=None, setting="main", trace=b"", seconds=None, bounce=None, connections=None):
        self.table, self.row, self.column, self.recipients = table, row, column, recipients
        self.message, self.at, self.sender, self.by, self.expect = message, at, sender, by, expect
        self.setting, self.trace, self.seconds = setting, trace, seconds
        self.bounce, self.connections = bounce, connections

    @property
    def name(self):
        return f"{self.table}: {self.row}, {self.column}"


HEAD = (b"From: Sensor <sensor@board.test>\nTo: Operator <operator@remote.test>\nSubject: %s\n"
        b"Date: Fri, 20 Nov 2026 12:00:00 +0000\nMessage-ID: <%s@board.test>\n")
BODY = b"Temperature 21.5\n\nHumidity 40\n"
counter = itertools.count(1)


def mail(body=BODY, subject=b"reading", extra=b""):
    """A message with a header of its own."""
    return HEAD % (subject, b"m%d" % next(counter)) + extra + b"\n" + body


def on_the_wire(data):
    """What a message becomes by RFC 5321's rules, with LF for line ends: a lone CR a space, an LF at the end."""
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b" ")
    return data if data.endswith(b"\n") else data + b"\n"


def large(megabytes):
    """What makes a message of so many MiB; it is held only while it is needed."""
    head, line = mail(b""), b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/0123456789+\n"
    return lambda: head + line * (megabytes * 1024 * 1024 // len(line))


def fresh(word="box"):
    return f"{word}{next(counter)}"


def to(domain, outcome=OK, part=""):
    """One recipient whom no other cell has, and what is expected."""
    return {f"{fresh()}@{domain}": (outcome, part)}


# Ports where postfix shows a certificate that is no good, and the domains that are routed there.
BAD_CERTIFICATES = {2601: "expired", 2602: "for-another-name", 2603: "self-signed"}

# ---- zones

def peer_names(name):
    return f"""
mx.{name} A {V4[name]}
mx.{name} AAAA {V6[name]}
mx4.{name} A {V4[name]}
mx6.{name} AAAA {V6[name]}
v4.{name} MX 10 mx4.{name}
v6.{name} MX 10 mx6.{name}
both.{name} MX 10 mx.{name}
nomx.{name} A {V4[name]}
nomx6.{name} AAAA {V6[name]}
alias.{name} CNAME v4.{name}
aliased.{name} MX 10 nick.{name}
nick.{name} CNAME mx4.{name}
chain.{name} CNAME chain1.{name}
chain1.{name} CNAME chain2.{name}
chain2.{name} CNAME v4.{name}
fallback.{name} MX 10 dead
fallback.{name} MX 20 mx4.{name}
busy.{name} MX 10 busy
busy.{name} MX 20 mx4.{name}
six.{name} MX 10 mixed.{name}
mixed.{name} A {DEAD}
mixed.{name} AAAA {V6[name]}
gone.{name} MX 10 no-such-host
gone.{name} MX 20 mx4.{name}
own.{name} MX 10 self
own.{name} MX 5 mx4.{name}
""" + "".join(f"many.{name} MX {10 + n} dead{n}.a-name-long-enough-to-fill-the-answer.{name}\n" for n in range(200)) \
        + f"many.{name} MX 5 mx4.{name}\n"


def zones(tlsa):
    """The zones' texts. tlsa: digests of the peers' key and of their authority."""
    other = dict(zip(PEERS, PEERS[1:] + PEERS[:1]))
    test = f"dead A {DEAD}\nself A {SELF}\nbusy A 127.0.1.250\n"
    for name in PEERS:
        test += peer_names(name) + f"order.{name} MX 20 mx4.{other[name]}\norder.{name} MX 10 mx4.{name}\n" \
            + f"unproved.{name} AAAA {V6[name]}\n"
    test += f"""
null MX 0 .
nodata TXT "neither MX nor address"
dangling MX 10 no-such-host
dangling-alias CNAME no-such-host
alldead MX 10 dead
loop MX 10 self
loop MX 20 dead
dane-clear MX 10 clear
clear A 127.0.1.251
_25._tcp.clear TLSA 3 1 1 {tlsa["key"]}
cname1 CNAME cname2
cname2 CNAME cname1
"""
    wrong = "00" * 32
    unsigned = ""
    for name in PEERS:
        for word, record in (("key", f"3 1 1 {tlsa['key']}"), ("authority", f"2 0 1 {tlsa['authority']}"),
                             ("wrong", f"3 1 1 {wrong}"), ("two", f"3 1 1 {wrong}"), ("odd", f"0 0 9 {wrong}")):
            test += f"""
dane-{word}.{name} MX 10 mx.dane-{word}.{name}
mx.dane-{word}.{name} A {V4[name]}
_25._tcp.mx.dane-{word}.{name} TLSA {record}
"""
        test += f"_25._tcp.mx.dane-two.{name} TLSA 3 1 1 {tlsa['key']}\n"
        unsigned += f"{name} MX 10 mx.{name}\nmx.{name} A {V4[name]}\n_25._tcp.mx.{name} TLSA 3 1 1 {wrong}\n"
    return {"test": test, "plain": unsigned, "bogus": "www A 127.0.0.11\n"}


# ---- groups of cells

def plain():
    for peer in PEERS:
        for kind, domain in (("IPv4", f"v4.{peer}.test"), ("IPv6", f"v6.{peer}.test")):
            yield Cell("Plain SMTP", kind, peer, to(f"{domain}"), mail(), at=peer, by="sendmail")
        yield Cell("Plain SMTP", "IPv4 literal", peer, to(f"[{V4[peer]}]"), mail(), at=peer)
        yield Cell("Plain SMTP", "IPv6 literal", peer, to(f"[IPv6:{V6[peer]}]"), mail(), at=peer)
        yield Cell("Plain SMTP", "null sender", peer, to(f"v4.{peer}.test"), mail(), at=peer, sender="")
        quoted = f"{fresh('two words')}"
        # OpenSMTPD knows no quoted local parts.
        yield Cell("Plain SMTP", "local part that needs quotes", peer, {f"{quoted}@v4.{peer}.test":
                   (NEVER, "5.1.3") if peer == "opensmtpd" else (OK, "")}, mail(), at=peer)


def routing():
    table = "Names"
    rows = [("A and no MX", "nomx"), ("AAAA and no MX", "nomx6"), ("lowest preference first", "order"),
            ("second MX when the first is dead", "fallback"), ("second MX when the first says 421", "busy"),
            ("IPv6 when IPv4 is dead", "six"), ("second MX when the first has no address", "gone"),
            ("own address among the later MX", "own"),
            ("CNAME for the domain", "alias"), ("three CNAMEs for the domain", "chain"),
            ("MX names a CNAME", "aliased"), ("201 MX, answer only by TCP", "many")]
    for peer in PEERS:
        for row, label in rows:
            yield Cell(table, row, peer, to(f"{label}.{peer}.test"), mail(), at=peer)
        route = f"routed-{peer}.test"
        yield Cell(table, "smtproutes to a name", peer, to(f"{route}"), mail(), at=peer)
        yield Cell(table, "smtproutes to IPv6", peer, to(f"six-{route}"), mail(), at=peer)
        for row, setting in (("first DNS server does not exist", "absent server"),
                             ("first DNS server is silent", "silent server"), ("DNS by TCP only", "use-vc")):
            yield Cell(table, row, peer, to(f"v4.{peer}.test"), mail(), at=peer, setting=setting)
    for row, domain, outcome, words in (
            ("null MX", "null.test", NEVER, "5.1.10"), ("no such domain", "no-such-domain.test", NEVER, "5.1.2"),
            ("neither MX nor address", "nodata.test", NEVER, "5.4.4"),
            ("MX without address", "dangling.test", NEVER, "5.4.4"),
            ("CNAME to nothing", "dangling-alias.test", NEVER, "5.1.2"),
            ("all MX dead", "alldead.test", LATER, "4.4.1"), ("this host is the best MX", "loop.test", NEVER, "5.4.6"),
            ("CNAME loop", "cname1.test", LATER, ""), ("SERVFAIL: bogus signature", "www.bogus", LATER, "4.1.2")):
        yield Cell("Names that cannot work", row, "report", to(f"{domain}", outcome, words), mail())


def text():
    table = "Messages"
    every_byte = bytes(byte for byte in range(1, 256) if byte not in (10, 13))
    for peer in PEERS:
        domain = f"v4.{peer}.test"

        def cell(row, message, expect=None, recipients=None, **more):
            return Cell(table, row, peer, recipients or to(f"{domain}"), message, at=peer,
                        expect=expect, **more)
        yield cell("8-bit", mail("Grüße aus Zürich, ½ µm\n".encode() + "Gr\xfc\xdfe\n".encode("latin-1")))
        yield cell("every byte but NUL, CR and LF", mail(every_byte + b"\n"))
        yield cell("empty body", mail(b""))
        yield cell("no line end at the end", mail(b"the last line"), expect=on_the_wire)
        yield cell("CRLF line ends", mail().replace(b"\n", b"\r\n"), expect=on_the_wire)
        yield cell("lines of 998 bytes", mail((b"x" * 998 + b"\n") * 40))
        yield cell("lines of 9,000 bytes", mail((b"y" * 9000 + b"\n") * 3))
        # Longer than any buffer on the way.
        yield cell("a line of 1 MB", mail(b"y" * 1_000_000 + b"\n"),
                   recipients=to(domain, NEVER, "500") if peer == "opensmtpd" else to(domain))
        yield cell("10,000 lines of dots", mail(b"".join(b"." * (n % 5) + b"\n" for n in range(10000))))
        yield cell("25 MB", large(25), seconds=240)
        yield cell("41 MB, refused by SIZE", large(41), seconds=240,
                   recipients=to(f"{domain}", NEVER, "5.3.4"))
        yield cell("3 recipients: one refused, one deferred", mail(), recipients={
            f"{fresh()}@{domain}": (OK, ""), f"{fresh('reject')}@{domain}": (NEVER, "5.1.1"),
            f"{fresh('defer')}@{domain}": (LATER, "4.3.0")})
        yield cell("all recipients refused", mail(), recipients={f"{fresh('reject')}@{domain}": (NEVER, "5.1.1")})
        yield cell("200 recipients", mail(), recipients={f"{fresh()}@{domain}": (OK, "") for _ in range(200)})
        utf8 = f"{fresh('jürgen')}@{domain}".encode().decode("latin-1")
        if peer == "opensmtpd":
            # It has no SMTPUTF8.
            yield cell("SMTPUTF8", mail(), recipients={utf8: (NEVER, "5.6.7")})
        else:
            yield cell("SMTPUTF8", mail("Grüße\n".encode(), subject="Grüße".encode()), recipients={utf8: (OK, "")},
                       trace=rb"(?i)with utf8e?smtp")


def dots():
    """CR, LF and dot in every arrangement of 3 to 5 bytes, at the beginning, in the middle and at the end."""
    for length in (3, 4, 5):
        for peer in ("postfix", "exim"):
            for arrangement in itertools.product(b"\r\n.", repeat=length):
                part = bytes(arrangement)
                body = part + b"x" + part + b"MAIL FROM:<smuggled@board.test>\r\n" + part
                yield Cell("Messages", f"CR, LF and dot in all {3 ** length} arrangements of {length} bytes", peer,
                           {f"{fresh('dots')}@v4.{peer}.test": (OK, "")}, mail(body), at=peer, expect=on_the_wire)


def connections():
    """Where connections come from, what is said first, and how many there are."""
    for peer in PEERS:
        for kind, source in (("4", SELF), ("6", SELF6)):
            trace = (rb"(?s)(?=.*from[^;]*relay\.board\.test)(?=.*from[^;]*\[(IPv6:)?" + re.escape(source.encode())
                     + rb"\])")
            yield Cell("Connections", f"outgoingip and helohost, IPv{kind}", peer, to(f"v{kind}.{peer}.test"), mail(),
                       at=peer, setting="bound", trace=trace)
        for _ in range(20):
            yield Cell("Connections", "20 messages one after the other over at most 2 connections", peer,
                       to(f"v4.{peer}.test"), mail(), at=peer, setting="one by one", connections=2)


def bounces():
    for peer, home in zip(PEERS, PEERS[1:] + PEERS[:1]):
        yield Cell("Messages", f"refused, the bounce goes to {home}", peer,
                   {f"{fresh('reject')}@v4.{peer}.test": (NEVER, "5.1.1")}, mail("Gr\xfc\xdfe\n".encode("latin-1")),
                   at=peer, sender=f"{fresh()}@v4.{home}.test", bounce=home)


# What smtp-sink is told, and what becomes of a message: outcome, part of the report, whether the sink has it.
FAULTS = [
    ("greets with 5xx", ["-f", "CONNECT"], LATER, ""), ("greets with 4xx", ["-r", "CONNECT"], LATER, ""),
    ("greets with 421 and hangs up", ["-Q", "CONNECT"], LATER, ""), ("hangs up at once", ["-q", "CONNECT"], LATER, ""),
    ("EHLO: 5xx, knows HELO", ["-f", "EHLO"], OK, ""), ("EHLO and HELO: 5xx", ["-f", "EHLO,HELO"], LATER, ""),
    ("EHLO and HELO: 4xx", ["-r", "EHLO,HELO"], LATER, ""), ("EHLO: 421", ["-Q", "EHLO"], LATER, ""),
    ("EHLO: hangs up", ["-q", "EHLO"], LATER, ""),
    ("QUIT: hangs up", ["-q", "QUIT"], OK, ""), ("QUIT: 5xx", ["-f", "QUIT"], OK, ""),
    ("DATA: 550 and reads no further", ["-A", "0"], NEVER, "550"),
    ("no ESMTP", ["-e"], OK, ""), ("no PIPELINING", ["-p"], OK, ""), ("no 8BITMIME", ["-8"], OK, ""),
    ("PIX greeting", ["-P"], OK, ""), ("no enhanced status codes", ["-E"], OK, ""),
    ("TCP window of 100 bytes", ["-T", "100"], OK, ""), ("waits 2 s at DATA", ["-w", "2"], OK, ""),
    ("reads after 2 s", ["-H", "2"], OK, ""),
] + [
    (f"{command}: {words}", [option, command], outcome, part)
    for command in ("MAIL", "RCPT", "DATA", ".")
    for words, option, outcome, part in (("5xx", "-f", NEVER, "500"), ("4xx", "-r", LATER, "450"),
                                         ("421 and hangs up", "-Q", LATER, "421"),
                                         ("hangs up", "-q", LATER, ""))
] + [
    ("words of its own: 552 at the end", ["-B", "552 5.2.2 mailbox is full", "-f", "."], NEVER, "mailbox_is_full"),
    ("words of its own: 452 at RCPT", ["-b", "452 4.2.2 come back", "-r", "RCPT"], LATER, "come_back"),
]
# With timeoutremote 3: it must end in time.
SILENCES = [(f"silent for a minute at {step}", ["-W", f"{step}:60"], LATER, "")
            for step in ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", ".")]
SILENCES.append(("reads nothing for a minute", ["-H", "60"], LATER, ""))


def sinks():
    """name: (address, options) of every broken server."""
    found = {}
    for number, (row, options, *_) in enumerate(FAULTS + SILENCES, 1):
        found[row] = (f"127.0.1.{number}", options)
    found["no TLS"] = ("127.0.1.251", [])
    found["busy"] = ("127.0.1.250", ["-r", "CONNECT"])
    return found


def faults():
    for number, (row, _, outcome, part) in enumerate(FAULTS, 1):
        body = BODY if "window" not in row else BODY * 500
        yield Cell("Broken servers", row, "smtp-sink", to(f"[127.0.1.{number}]", outcome, part), mail(body),
                   at="sink:" + row)
    for number, (row, _, outcome, part) in enumerate(SILENCES, 1 + len(FAULTS)):
        body = BODY if "reads nothing" not in row else BODY * 300_000
        yield Cell("Broken servers", row, "smtp-sink", to(f"[127.0.1.{number}]", outcome, part), mail(body),
                   setting="impatient", at="sink:" + row, seconds=40)


NEW = rb"(?i)TLSv?1.3"  # how each of them writes it into Received


def tls():
    for peer in PEERS:
        for version in ("1.2", "1.3"):
            setting, trace = "tls" + version, rf"(?i)TLSv?{version}".encode()

            def cell(row, domain):
                return Cell("TLS", f"{row}, TLS {version}", peer, to(domain), mail(), at=peer, setting=setting,
                            trace=trace)
            yield cell("STARTTLS, IPv4", f"v4.{peer}.test")
            yield cell("STARTTLS, IPv6", f"v6.{peer}.test")
            yield cell("SMTPS, IPv4", f"smtps-{peer}.test")
            yield cell("SMTPS, IPv6", f"smtps6-{peer}.test")
        yield Cell("TLS", "10 MB by STARTTLS", peer, to(f"v4.{peer}.test"), large(10), at=peer, setting="tls1.3",
                   trace=NEW)
        for row, domain, outcome, part in (
                ("the key's digest (3 1 1)", f"dane-key.{peer}.test", OK, ""),
                ("the authority's digest (2 0 1)", f"dane-authority.{peer}.test", OK, ""),
                ("a wrong digest", f"dane-wrong.{peer}.test", LATER, "no matching DANE TLSA records"),
                ("a wrong and a right digest", f"dane-two.{peer}.test", OK, ""),
                ("a record of an unknown kind", f"dane-odd.{peer}.test", OK, ""),
                ("a wrong digest in a zone that is not signed", f"{peer}.plain", OK, "")):
            yield Cell("DANE", row, peer, to(domain, outcome, part), mail(), at=peer, setting="tls1.3",
                       trace=NEW if outcome == OK else b"")
        yield Cell("TLS", "host in notlshosts: in the clear", peer, to(f"nomx.{peer}.test"), mail(), at=peer,
                   setting="tls1.3", trace=rb"with (?i:ESMTP) ")
        yield Cell("Certificates", "authority in tlshosts", peer, to(f"v4.{peer}.test"), mail(), at=peer,
                   setting="verified", trace=NEW)
        # Nothing vouches for these: the file is there and holds another authority.
        yield Cell("Certificates", "another authority in tlshosts", peer,
                   to(f"v6.{peer}.test", LATER, "certificate verify failed"), mail(), at=peer, setting="verified")
    yield Cell("Certificates", "this client's certificate", "postfix", to("v4.postfix.test"), mail(), at="postfix",
               setting="verified", trace=rb'Client CN "board.test", Issuer "interop ca" \(verified OK\)')
    for row, part in (("expired", "certificate has expired"), ("for another name", "hostname mismatch"),
                      ("self-signed", "self-signed certificate")):
        domain = row.replace(" ", "-") + ".test"
        yield Cell("Certificates", row, "postfix", to(domain, LATER, part), mail(), at="postfix", setting="verified")
        yield Cell("Certificates", row + ", not asked for", "postfix", to(domain), mail(), at="postfix",
                   setting="tls1.3", trace=NEW)
    yield Cell("Broken servers", "TLSA record, but no STARTTLS", "smtp-sink",
               to("dane-clear.test", LATER, "does not offer STARTTLS"), mail(), at="sink:no TLS", setting="tls1.3")


# What each offers; exim's through Cyrus SASL where it has no mechanism of its own, postfix's through Dovecot.
MECHANISMS = {"postfix": ("PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"),
              "exim": ("PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"),
              "opensmtpd": ("PLAIN", "LOGIN")}
# How Received says that somebody has logged in, through TLS and in the clear.
AUTHENTICATED = {"postfix": rb"Authenticated sender: joe@relay.test", "exim": rb"esmtpsa ", "opensmtpd": rb"ESMTPSA "}
AUTHENTICATED_CLEAR = {"postfix": rb"Authenticated sender: joe@relay.test", "exim": rb"esmtpa "}


def auth():
    for peer in PEERS:
        def cell(row, recipients, trace=b""):
            return Cell("AUTH", row, peer, recipients, mail(), at=peer, setting="tls1.3", trace=trace)
        for mechanism in MECHANISMS[peer]:
            word = f"{mechanism.lower()}-{peer}.test"
            yield cell(mechanism + " by STARTTLS, port 587", to("auth-" + word), AUTHENTICATED[peer])
            # OpenSMTPD lets nobody log in without TLS.
            if peer != "opensmtpd":
                yield cell(mechanism + " without TLS", to("clear-" + word), AUTHENTICATED_CLEAR[peer])
            yield cell(mechanism + ", wrong password", to("wrong-" + word, LATER, "authentication was rejected"))
        yield cell("strongest offered, port 465", to(f"auth-any-{peer}.test"), AUTHENTICATED[peer])
        yield cell("server that cannot prove who it is", to(f"auth-unproved-{peer}.test", LATER, "hostname mismatch"))
        yield cell("log-in wanted, none configured", to(f"auth-none-{peer}.test", *REFUSALS[peer]))


# What they say to strangers: postfix and exim at RCPT, OpenSMTPD at MAIL.
REFUSALS = {"postfix": (NEVER, "Access denied"), "exim": (NEVER, "log in first"), "opensmtpd": (NEVER, "530")}


def auth_routes(user, password):
    # By IPv6: a server in 127.0.0.0/8 would not have to prove who it is.
    text = ""
    for peer in PEERS:
        for mechanism in MECHANISMS[peer]:
            # To Cyrus SASL's DIGEST-MD5 the domain is the realm, which it names itself, and no part of the user.
            name = user.split("@")[0] if (peer, mechanism) == ("exim", "DIGEST-MD5") else user
            word, only = f"{mechanism.lower()}-{peer}.test", f"AUTH_SMTP={mechanism}"
            text += f"auth-{word}:mx6.{peer}.test:587 {name} {password} {only}\n"
            text += f"wrong-{word}:mx6.{peer}.test:587 {name} x{password} {only}\n"
            text += f"clear-{word}:mx6.{peer}.test:2525 {name} {password} AUTH_WITHOUT_TLS=1 {only}\n"
        text += f"auth-any-{peer}.test:mx6.{peer}.test:465 {user} {password}\n"
        text += f"auth-unproved-{peer}.test:unproved.{peer}.test:587 {user} {password}\n"
        text += f"auth-none-{peer}.test:mx6.{peer}.test:587\n"
    return text


def cells():
    for group in (plain, routing, connections, text, bounces, dots, tls, auth, faults):
        yield from group()


def control(user, password):
    """Control files by setting; "main" is the basis of each."""
    routes = "".join(f"""routed-{peer}.test:mx4.{peer}.test
six-routed-{peer}.test:[{V6[peer]}]:25
smtps-{peer}.test:mx4.{peer}.test:465
smtps6-{peer}.test:mx6.{peer}.test:465
""" for peer in PEERS)
    routes += "".join(f"{row}.test:mx4.postfix.test:{port}\n" for port, row in BAD_CERTIFICATES.items())
    return {
        "main": {"me": "board.test\n", "smtproutes": routes, "concurrencyremote": "40\n", "timeoutconnect": "10\n",
                 "timeoutremote": "120\n",
                 # The peers' addresses are this host's, too.
                 "notipme": "127.0.0.0/26\n127.0.0.64/29\n127.0.0.80/28\n127.0.0.96/28\n127.0.1.0/24\nfd00::/64\n"},
        "impatient": {"timeoutremote": "3\n", "timeoutconnect": "3\n"},
        "tls1.2": {"tlsclientmethod": "TLSv1_2\n"},
        "tls1.3": {"tlsclientmethod": "TLSv1_3\n", "smtproutes": routes + auth_routes(user, password),
                   "notlshosts": "".join(f"nomx.{peer}.test\n" for peer in PEERS)},
        "verified": {},
        "bound": {"outgoingip": f"{SELF}\n{SELF6}\n", "helohost": "relay.board.test\n"},
        "one by one": {"concurrencyremote": "1\n"},
        "absent server": {}, "silent server": {}, "use-vc": {},
    }


def certificates(authority, other, client):
    """Files below CERTDIR by setting: what is to be verified, by which authority, and this client's own."""
    verified = {f"tlshosts/mx4.{peer}.test.pem": authority for peer in PEERS}
    verified |= {f"tlshosts/mx6.{peer}.test.pem": other for peer in PEERS}
    nothing = {"tlshosts/exhaustivelist": b""}
    return {"tls1.2": {}, "tls1.3": {"clientca.pem": authority}, "verified": verified | {"clientcert.pem": client},
            **dict.fromkeys(("main", "impatient", "bound", "one by one", "absent server", "silent server", "use-vc"),
                            nothing)}


def environment(setting):
    """Variables that differ from setting to setting."""
    return {"absent server": {"DNSCACHEIP": DEAD + " 127.0.0.53"}, "use-vc": {"RES_OPTIONS": "use-vc"},
            "silent server": {"DNSCACHEIP": SILENT + " 127.0.0.53", "RES_OPTIONS": "timeout:1"}}.get(setting, {})
