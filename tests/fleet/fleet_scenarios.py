"""What is played, and what it must show: the numbers are the contract's."""

from dataclasses import dataclass, field


@dataclass
class Finding:
    """One number of one play. `text` has a place for it."""

    text: str
    value: float
    wanted: str = ""
    met: bool | None = None  # None: told for information

    def __str__(self):
        return self.text.format(number(self.value))


@dataclass
class Scenario:
    name: str
    title: str
    options: dict
    judge: object  # (what happened, options) to findings
    small: dict | None = field(default_factory=dict)  # None: not played small
    marks: list = field(default_factory=list)  # (second, text) in the chart
    limit: int = 20  # of the bucket in the chart


def number(value):
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def over_seeds(findings):
    """The same finding of several plays as one: from least to most, met if every one is."""
    first = findings[0]
    values = sorted(finding.value for finding in findings)
    ends = dict.fromkeys(number(value) for value in (values[0], values[-1]))
    met = None if first.met is None else all(finding.met for finding in findings)
    return first.text.format(" to ".join(ends)), first.wanted, met


def share(part, whole):
    return part / whole if whole else 0.0


def at_most(text, value, limit, unit=""):
    return Finding(text + " {}" + unit, value, f"at most {limit:g}{unit}", value <= limit)


def totals(happened, key, start, end=None):
    return sum(happened[key][int(start):None if end is None else int(end)])


def outside(happened, start=0, end=None):
    value = share(totals(happened, "outside_throttled", start, end),
                  totals(happened, "outside_calls", start, end))
    return at_most("outside caller throttled", 100 * value, 5, " %")


def calls_per_kite(happened, options, start, end):
    return totals(happened, "calls", start, end) / (end - start) / options["kites"]


def judge_news(happened, options, limit):
    """No throttling, and a new task is soon known to every kite of its service."""
    throttled = totals(happened, "throttled", options["measure_from"])
    kites = options["kites"] // options["services"]
    heard = [task for task in happened["heard"]
             if options["measure_from"] < task["at_s"] < options["seconds"] - 60]
    deaf = sum(task["kites"] < kites for task in heard)
    return [
        Finding("{} throttled calls", throttled, "none in steady state", throttled == 0),
        at_most("a new task reached every kite within", max(t["longest_s"] for t in heard), limit,
                " s"),
        Finding(f"{len(heard)} new tasks, of which {{}} did not reach every kite", deaf, "none",
                deaf == 0),
    ]


def judge_calm(happened, options, most=0.09):
    start, end = options["measure_from"], options["measure_from"] + options["start_every"]
    return judge_news(happened, options, 25) + [
        at_most("calls to the bucket per second and kite",
                calls_per_kite(happened, options, start, end), most),
        at_most("oldest description", max(happened["oldest_description_s"]), 30, " s"),
    ]


def judge_cloud_map(happened, options):
    start = options["measure_from"]
    seconds = options["seconds"] - start
    limit = options.get("discoveries_per_second", 1000)
    return judge_news(happened, options, 15) + [
        Finding(f"busiest 10 s of DiscoverInstances {{}} calls a second, limit {limit}",
                busiest(happened["calls"][start:], 10)),
        Finding(f"busiest 10 s of DiscoverInstancesRevision {{}} calls a second, limit {3 * limit}",
                busiest(happened["revisions"][start:], 10)),
        Finding("DiscoverInstances {} calls a second", totals(happened, "calls", start) / seconds),
        Finding("DiscoverInstancesRevision {} calls a second",
                totals(happened, "revisions", start) / seconds),
    ]


def judge_crowd(happened, options):
    start = options["measure_from"]
    throttled = share(totals(happened, "throttled", start), totals(happened, "calls", start))
    gap = max(happened["longest_gap_s"]) / happened["mean_gap_s"]
    heard = [task["longest_s"] for task in happened["heard"] if task["at_s"] > start]
    return [
        at_most("throttled calls", 100 * throttled, 5, " %"),
        at_most("longest time between two successful polls of a kite, in means of the fleet", gap,
                3),
        outside(happened, start),
        Finding("mean time between two successful polls {} s", happened["mean_gap_s"]),
        Finding("{} calls a second",
                totals(happened, "calls", start) / (options["seconds"] - start)),
        Finding("a new task reached the last kite after {} s at most", max(heard, default=0)),
        Finding("oldest description {} s", max(happened["oldest_description_s"])),
    ]


def judge_start(happened, options):
    firsts = happened["first_set_s"]
    last = max(firsts) if min(firsts) >= 0 else float("inf")
    return [at_most("all first sets within", last, 200, " s"), outside(happened, 0, 200),
            Finding("half of them within {} s", sorted(firsts)[len(firsts) // 2])]


def judge_outage(happened, options):
    down, back = int(options["outage_from"]), int(options["outage_until"])
    calls = happened["calls"]
    steady = calls[down - 600:down]
    mean = sum(steady) / len(steady)
    recovery = calls[back:back + 600]
    kept = happened["kept_in_outage"]
    return [
        Finding("{} kites served their last good set throughout", kept, "every kite",
                kept == options["kites"]),
        at_most("busiest second of the recovery, in busiest seconds of the steady state",
                max(recovery) / max(steady), 2),
        at_most("busiest 10 s of the recovery, in means of the steady state",
                busiest(recovery, 10) / mean, 2),
        outside(happened, back),
        Finding("busiest second of the recovery, in means of the steady state {}",
                max(recovery) / mean),
        Finding("steady state {} calls a second", mean),
    ]


def busiest(calls, seconds):
    """The most calls a second over so many seconds."""
    return max(sum(calls[i:i + seconds]) for i in range(len(calls) - seconds + 1)) / seconds


CALM = {"kites": 150, "services": 1, "tasks": 20, "start_within": 120, "measure_from": 600,
        "start_every": 600, "seconds": 3600}
CROWD = {"kites": 1000, "services": 20, "tasks": 20, "start_within": 600, "measure_from": 1800,
         "start_every": 60, "replace_every": 600, "seconds": 7200}
OUTAGE = {"services": 5, "tasks": 20, "outage_from": 3600, "outage_until": 7200, "seconds": 9000,
          "measure_from": 1800, "replace_every": 600}

REGISTRY = {"cloud_map": 1, "kites": 10000, "services": 100, "tasks": 20, "start_within": 60,
            "measure_from": 100, "start_every": 15, "replace_every": 600, "seconds": 270}
SMALL_REGISTRY = {"kites": 600, "services": 6, "discoveries_per_second": 60, "seconds": 300}

SCENARIOS = [
    Scenario("calm", "150 kites, calm cluster", CALM, judge_calm,
             {"seconds": 1300, "measure_from": 400, "start_every": 400}),
    Scenario("targets", "30 kites of five targets each, calm cluster",
             {**CALM, "kites": 30, "services": 5, "targets": 5},
             lambda happened, options: judge_calm(happened, options, 0.3),
             {"seconds": 1300, "measure_from": 400, "start_every": 400}),
    Scenario("crowd", "1,000 kites, tasks replaced every few seconds", CROWD, judge_crowd,
             {"seconds": 4500, "measure_from": 3000}),
    Scenario("deployment", "1,000 kites, a fifth of the services deployed",
             {**CROWD, "deploy_at": 3600}, judge_crowd,
             None, [(3600, "deployment")]),
    Scenario("start", "1,000 kites started in the same second",
             {"kites": 1000, "services": 20, "tasks": 20, "start_within": 1, "measure_from": 300,
              "seconds": 900}, judge_start, {"seconds": 220}),
    Scenario("outage-150", "150 kites, the API down for an hour",
             {**OUTAGE, "kites": 150, "start_within": 120}, judge_outage,
             {"outage_from": 900, "outage_until": 1500, "seconds": 2200, "measure_from": 600},
             [(3600, "down"), (7200, "back")]),
    Scenario("outage-1000", "1,000 kites, the API down for an hour",
             {**OUTAGE, "kites": 1000, "services": 20, "start_within": 600}, judge_outage,
             None,
             [(3600, "down"), (7200, "back")]),
    Scenario("cloud-map", "10,000 kites on Cloud Map, 100 services", REGISTRY, judge_cloud_map,
             SMALL_REGISTRY, limit=1000),
    Scenario("cloud-map-one", "10,000 kites on Cloud Map, all of one service",
             {**REGISTRY, "services": 1, "start_every": 30}, judge_cloud_map,
             {**SMALL_REGISTRY, "services": 1, "seconds": 360}, limit=1000),
]
