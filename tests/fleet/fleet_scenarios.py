"""What is played, and what it must show: the numbers are the contract's."""

from dataclasses import dataclass, field

BUCKET_PER_SECOND = 20


@dataclass
class Finding:
    text: str
    wanted: str = ""
    met: bool | None = None  # None: told for information


@dataclass
class Scenario:
    name: str
    title: str
    options: dict
    judge: object  # (what happened, options) to findings
    small: dict = field(default_factory=dict)
    marks: list = field(default_factory=list)  # (second, text) in the chart


def share(part, whole):
    return part / whole if whole else 0.0


def at_most(name, value, limit, unit=""):
    return Finding(f"{name} {value:.3g}{unit}", f"at most {limit:g}{unit}", value <= limit)


def totals(happened, key, start, end=None):
    return sum(happened[key][int(start):None if end is None else int(end)])


def outside(happened, start=0, end=None):
    value = share(totals(happened, "outside_throttled", start, end),
                  totals(happened, "outside_calls", start, end))
    return at_most("outside caller throttled", 100 * value, 5, " %")


def calls_per_kite(happened, options, start, end):
    return totals(happened, "calls", start, end) / (end - start) / options["kites"]


def judge_calm(happened, options):
    start, end = options["measure_from"], options["measure_from"] + options["start_every"]
    # News is not calm: the kites look twice then.
    throttled = sum(calls for second, calls in enumerate(happened["throttled"])
                    if second >= start and all(not 0 <= second - task["at_s"] < 60
                                               for task in happened["heard"]))
    heard = [task for task in happened["heard"] if task["at_s"] + 60 < options["seconds"]]
    everywhere = all(task["kites"] == options["kites"] / options["services"] for task in heard)
    return [
        Finding(f"{throttled} throttled calls", "none in steady state", throttled == 0),
        at_most("calls to the bucket per second and kite",
                calls_per_kite(happened, options, start, end), 0.09),
        at_most("a new task reached every kite within", max(t["longest_s"] for t in heard), 25,
                " s"),
        Finding(f"{len(heard)} new tasks, each heard of by all", "all", everywhere),
        Finding(f"{totals(happened, 'throttled', start) - throttled} throttled calls in the minute "
                "after a new task"),
        Finding(f"oldest description {max(happened['oldest_description_s']):.0f} s"),
    ]


def judge_crowd(happened, options):
    start = options["measure_from"]
    throttled = share(totals(happened, "throttled", start), totals(happened, "calls", start))
    gap = max(happened["longest_gap_s"]) / happened["mean_gap_s"]
    heard = [task["longest_s"] for task in happened["heard"] if task["kites"]]
    return [
        at_most("throttled calls", 100 * throttled, 5, " %"),
        at_most("longest time between two successful polls of a kite, in means of the fleet", gap,
                3),
        outside(happened, start),
        Finding(f"mean time between two successful polls {happened['mean_gap_s']:.0f} s"),
        Finding(f"{totals(happened, 'calls', start) / (options['seconds'] - start):.1f} calls a "
                "second"),
        Finding(f"a new task reached the last kite after {max(heard, default=0):.0f} s at most"),
        Finding(f"oldest description {max(happened['oldest_description_s']):.0f} s"),
    ]


def judge_start(happened, options):
    firsts = happened["first_set_s"]
    last = max(firsts) if min(firsts) >= 0 else float("inf")
    middle = sorted(firsts)[len(firsts) // 2]
    return [at_most("all first sets within", last, 200, " s"), outside(happened, 0, 200),
            Finding(f"half of them within {middle:.0f} s")]


def judge_outage(happened, options):
    down, back = int(options["outage_from"]), int(options["outage_until"])
    calls = happened["calls"]
    steady = calls[down - 600:down]
    recovery = calls[back:back + 600]
    kept = happened["kept_in_outage"]
    return [
        Finding(f"{kept} kites served their last good set throughout", "every kite",
                kept == options["kites"]),
        at_most("busiest second of the recovery, in busiest seconds of the steady state",
                max(recovery) / max(steady), 2),
        Finding(f"busiest 10 s of the recovery {busiest(recovery, 10):.1f} calls a second, steady "
                f"{sum(steady) / len(steady):.1f}", "at most twice",
                busiest(recovery, 10) <= 2 * sum(steady) / len(steady)),
        outside(happened, back),
    ]


def busiest(calls, seconds):
    """The most calls a second over so many seconds."""
    return max(sum(calls[i:i + seconds]) for i in range(len(calls) - seconds + 1)) / seconds


CALM = {"kites": 150, "services": 1, "tasks": 20, "start_within": 120, "measure_from": 600,
        "start_every": 600, "seconds": 3600}
CROWD = {"kites": 1000, "services": 20, "tasks": 20, "start_within": 600, "measure_from": 3600,
         "start_every": 60, "replace_every": 600, "seconds": 7200}
OUTAGE = {"services": 5, "tasks": 20, "outage_from": 3600, "outage_until": 7200, "seconds": 9000,
          "measure_from": 1800, "replace_every": 600}

SCENARIOS = [
    Scenario("calm", "150 kites, calm cluster", CALM, judge_calm,
             {"seconds": 1300, "measure_from": 400, "start_every": 400}),
    Scenario("crowd", "1,000 kites, tasks replaced every few seconds", CROWD, judge_crowd,
             {"seconds": 4500, "measure_from": 3600}),
    Scenario("deployment", "1,000 kites, a fifth of the services deployed",
             {**CROWD, "deploy_at": 4500}, judge_crowd,
             {"seconds": 4500, "measure_from": 3600, "deploy_at": 3900}, [(4500, "deployment")]),
    Scenario("start", "1,000 kites started in the same second",
             {"kites": 1000, "services": 20, "tasks": 20, "start_within": 1, "measure_from": 300,
              "seconds": 900}, judge_start, {"seconds": 220}),
    Scenario("outage-150", "150 kites, the API down for an hour",
             {**OUTAGE, "kites": 150, "start_within": 120}, judge_outage,
             {"outage_from": 900, "outage_until": 1500, "seconds": 2200, "measure_from": 600},
             [(3600, "down"), (7200, "back")]),
    Scenario("outage-1000", "1,000 kites, the API down for an hour",
             {**OUTAGE, "kites": 1000, "services": 20, "start_within": 600}, judge_outage,
             {"outage_from": 3600, "outage_until": 4200, "seconds": 4900},
             [(3600, "down"), (7200, "back")]),
]
