"""Installed size: programs, data and configuration of each system, and the shared libraries its programs need."""
import os, re, subprocess

from report import Bar, Row

PACKAGES = {"postfix": ["postfix"], "exim4": ["exim4-daemon-light", "exim4-base", "exim4-config"],
            "OpenSMTPD": ["opensmtpd"], "nullmailer": ["nullmailer"], "dma": ["dma"], "msmtp": ["msmtp"]}
# Neither do they count for qmta.
DOCUMENTATION = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/lintian/", "/usr/share/info/")


def measure(bench):
    own, libraries, mini = {}, {}, {}
    for system in bench.systems.get("qmta-root", "postfix", "exim4", "opensmtpd", "nullmailer", "dma", "msmtp"):
        root = system.root.root
        if system.column == "qmta":
            programs = f"{root}{system.programs}"
            files = {f"{system.programs}/{name}" for name in os.listdir(programs)
                     if not os.path.islink(f"{programs}/{name}")}
            mini["qmta"] = sum(os.path.getsize(f"{programs}/{name}") for name in ("sendmail", "qmail-qmqpc")) / 1e6
        else:
            files = of_packages(root, PACKAGES[system.column])
        own[system.column] = sum(os.path.getsize(root + file) for file in files) / 1e6
        needed = {library for file in files if is_program(root + file) for library in needed_by(system, file)} - files
        libraries[system.column] = own[system.column] + sum(os.path.getsize(root + file) for file in needed) / 1e6
        bench.say(f"size, {system.column}: {own[system.column]:.1f} MB, "
                  f"with libraries {libraries[system.column]:.1f} MB")
    small = {column: own[column] for column in ("nullmailer", "dma", "msmtp") if column in own}
    return [Row("installed, a client without services, MB", mini | small, "2",
                Bar("≤ 4 MB", mini["qmta"] <= 4 if mini else None)),
            Row("installed, all programs, MB", own, "1",
                Bar("≤ 16 MB", own["qmta"] <= 16 if "qmta" in own else None)),
            Row("the same with the shared libraries they need, MB", libraries, "1")]


def of_packages(root, packages):
    """Paths of the packages' regular files, without documentation."""
    listed = subprocess.run(["chroot", root, "dpkg", "-L", *packages], check=True, capture_output=True, text=True)
    return {file for file in listed.stdout.splitlines() if not file.startswith(DOCUMENTATION)
            and os.path.isfile(root + file) and not os.path.islink(root + file)}


def is_program(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def needed_by(system, file):
    """Paths of the shared libraries that the loader finds for a program."""
    found = subprocess.run(["chroot", system.root.root, "ldd", file], capture_output=True, text=True).stdout
    for path in re.findall(r"(/\S+) \(0x", found):
        yield system.root.call(lambda path=path: os.path.realpath(path))


def describe(bench):
    return """- Installed size: the regular files of the packages without documentation and translations; of qmta all
  executables, or `sendmail` and `qmail-qmqpc`, which is what a client without a queue needs. Shared libraries are
  those that `ldd` names, libc among them; qmta loads OpenSSL's when a server offers TLS, which is not in its figure.
"""
