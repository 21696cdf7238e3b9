"""Fairness: messages to ten domains, each with a server of its own that is a round trip of 50 ms away; the time until
nine of them have theirs, when the tenth never answers and when it does not exist."""
import statistics, time

from distant import Distant
from report import Row

DOMAINS = 10
ROUND_TRIP = 0.050


def to_domain(domains):
    return lambda number: f"operator@d{number % domains}.example"


def per_domain(bench):
    return 20 if bench.quick else 100


def measure(bench):
    times = {}
    distant = Distant(DOMAINS)
    systems = bench.systems.get("qmta-distant", "postfix")
    for system in systems:
        system.route_domains(distant.ports)
    try:
        for number in range(bench.rounds):
            # Once is enough for postfix, which takes longer and is here for comparison.
            for system in systems if number == 0 else systems[:1]:
                for dead in (False, True):
                    system.queue(per_domain(bench) * (DOMAINS - 1 + dead), to_domain(DOMAINS - 1 + dead))
                    distant.start(ROUND_TRIP, {DOMAINS - 1} if dead else ())
                    begin = time.monotonic()
                    system.begin_drain()
                    seconds = distant.wait_for(per_domain(bench) * (DOMAINS - 1), 300) - begin
                    times.setdefault(system.column, ([], []))[dead].append(seconds)
                    bench.say(f"nine destinations, {system.column}, round {number + 1}, "
                              f"{'with' if dead else 'without'} a dead one: {seconds:.2f} s")
                    distant.stop()
                    system.stop()
                    system.clear()
    finally:
        for system in systems:
            system.configure()
    without = {column: statistics.median(found[0]) for column, found in times.items()}
    beside = {column: statistics.median(found[1]) for column, found in times.items()}
    return [Row("nine distant destinations, s", without, "2"), Row("the same beside a dead one, s", beside, "2")]


def describe(bench):
    return f"""- Distant destinations: {per_domain(bench)} messages for each domain, each with a server of its own
  whose replies come a round trip of {ROUND_TRIP * 1000:.0f} ms after the request, and whose greeting comes after two.
  A dead one accepts connections and says nothing; its messages are in the queue among the others, and nobody's
  patience ends before the round does. Up to 20 deliveries in all; postfix with its default of five to a destination
  at first, and in one round only.
"""
