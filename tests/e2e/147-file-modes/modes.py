"""Which files the programs of a trace (strace -f) create, and with which modes when each process's umask is taken off.

What others could read or write makes the script fail; programs that users wrote themselves, which these files do not
belong to, are told by the name of their output."""
import re
import sys

CREATION = re.compile(r'(openat|open|creat|mkdirat|mkdir|mknodat|mknod)\((?:AT_FDCWD, )?"([^"]*)"(.*)\)\s+= (-?\d+)')
FORK = re.compile(r"(?:clone|clone3|fork|vfork)\(")
USERS_OWN = re.compile(r"program\.out$|^/dev/")
bad = 0
for trace in sys.argv[1:]:
    umasks, begun, first = {}, {}, None
    for line in open(trace, errors="replace"):
        pid, _, call = line.rstrip("\n").partition(" ")
        call = call.strip()
        if first is None:
            first = pid
            umasks[pid] = 0
        if call.endswith("<unfinished ...>"):
            begun[pid] = call[: -len("<unfinished ...>")].rstrip()
            continue
        if pid not in umasks:
            # A child that runs before its creation is reported: its parent is in the middle of that.
            umasks[pid] = min((umasks[other] for other in begun if FORK.match(begun[other]) and other in umasks), default=0)
        resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", call)
        if resumed:
            call = begun.pop(pid, "") + resumed.group(1)
        child = re.match(FORK.pattern + r".*= (\d+)", call)
        if child:
            umasks.setdefault(child.group(1), umasks[pid])
        mask = re.match(r"umask\((\w+)\)", call)
        if mask:
            umasks[pid] = int(mask.group(1), 8)
        found = CREATION.match(call)
        if not found or int(found.group(4)) < 0 or USERS_OWN.search(found.group(2)):
            continue
        name, path, rest = found.group(1), found.group(2), found.group(3)
        if name in ("open", "openat") and "O_CREAT" not in rest:
            continue
        mode = re.search(r"(?:S_IF\w+\|)?(0[0-7]*)(?:, makedev.*)?$", rest)
        wanted = int(mode.group(1), 8)
        real = wanted & ~umasks[pid]
        print(f"{real:04o} {path}")
        if real & 0o007:
            bad += 1
            print(f"^^^ readable or writable for others: {trace}: {line.strip()} with umask {umasks[pid]:03o}")
sys.exit(1 if bad else 0)
