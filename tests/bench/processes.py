"""What the kernel says of a set of processes: who belongs to it, how much memory it has, how often it woke."""
import os, re


def tree(root):
    """A process and all its descendants."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    children.setdefault(int(file.read().rsplit(")", 1)[1].split()[1]), []).append(int(name))
            except (FileNotFoundError, ProcessLookupError):
                pass
    found, todo = [], [root]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children.get(one, [])
    return found


def memory(pids):
    """Proportional and unique set size of them all, in KiB: pages shared with others count in parts, or not at all."""
    proportional = unique = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                sizes = {name: int(size) for name, size in re.findall(r"^(\w+):\s+(\d+)", file.read(), re.M)}
        except (FileNotFoundError, ProcessLookupError):
            continue
        proportional += sizes["Pss"]
        unique += sizes["Private_Clean"] + sizes["Private_Dirty"]
    return proportional, unique


def switches(pids):
    """Context switches of each of their threads since it began."""
    counts = {}
    for pid in pids:
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/status") as file:
                    counts[task] = sum(int(n) for n in re.findall(r"ctxt_switches:\s+(\d+)", file.read()))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return counts
