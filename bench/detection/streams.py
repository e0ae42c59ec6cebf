#!/usr/bin/env python3
"""Synthetic feature streams with one known fault each (numpy, pyarrow).

  streams.py list
  streams.py one SCENARIO OUTDIR [--seed 1] [--epw 1000] [--base 120] [--clean 60] [--drift 60] [--period-min 1]

Writes OUTDIR/SCENARIO.parquet and OUTDIR/SCENARIO.labels.json. In windows: [0, base) is the baseline, [base, base + clean)
is live and clean, the last `drift` windows are drifted (bursts: the first few of them). Columns: event_time, 20 features
(`base_block` says which), and `emb`, 16 floats, where an embedding drifts.
"""
import argparse
import json
import os
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MINUTE = 60_000_000
T0 = 1_700_000_000_000_000 // MINUTE * MINUTE  # µs: 2023-11-14T22:13Z
COUNTRIES = np.array(["US", "DE", "FR", "GB", "IN", "BR", "JP", "CA"])
COUNTRY_SHARES = np.array([0.40, 0.15, 0.12, 0.10, 0.09, 0.07, 0.05, 0.02])
SKUS = np.array([f"sku_{i:03d}" for i in range(50)])
SKU_SHARES = 1 / np.arange(1, 51) ** 1.1
SKU_SHARES /= SKU_SHARES.sum()
MEANS = np.array([0, 100, -5, 1e4, 0.5, 37.0])
SDS = np.array([1, 15, 2, 2500, 0.05, 0.4])
FEATURES = [f"f{i:02d}" for i in range(20)]


def base_block(rng, n, window, state, period_min):
    """One clean window of n events: an array a feature, `f17_null` says where f17 is null."""
    d = {}
    for i in range(6):  # f00 … f05: normal
        d[f"f{i:02d}"] = rng.normal(MEANS[i], SDS[i], n)
    d["f06"] = rng.lognormal(0, 1, n)
    d["f07"] = rng.lognormal(3, 0.5, n)
    d["f08"] = rng.lognormal(0, 2, n)
    d["f09"] = rng.standard_t(2.5, n)
    d["f10"] = rng.pareto(2.2, n) + 1
    noise = rng.normal(0, np.sqrt(1 - 0.49), n)  # f11: AR(1) from event to event
    walk = np.empty(n)
    previous = state.get("ar", 0.0)
    for k in range(n):
        previous = 0.7 * previous + noise[k]
        walk[k] = previous
    state["ar"] = previous
    d["f11"] = walk
    # f12: the mean itself wanders from window to window, AR(1), SD .15
    state["war"] = 0.7 * state.get("war", 0.0) + rng.normal(0, 0.15 * np.sqrt(1 - 0.49))
    d["f12"] = rng.normal(state["war"], 1, n)
    d["f13"] = rng.poisson(4, n).astype(float)
    d["f14"] = rng.random(n) < 0.03
    d["f15"] = SKUS[rng.choice(50, n, p=SKU_SHARES)]
    d["f16"] = COUNTRIES[rng.choice(8, n, p=COUNTRY_SHARES)]
    d["f17"] = rng.normal(10, 3, n)
    d["f17_null"] = rng.random(n) < 0.02
    d["f18"] = 0.8 * d["f00"] + 0.6 * rng.normal(0, 1, n)
    t = window * period_min  # f19: a day and a week
    day, week = 2 * np.pi * t / 1440, 2 * np.pi * t / 10080
    d["f19"] = rng.normal(50 + 10 * np.sin(day) + 5 * np.sin(week), 10, n)
    return d


# A fault changes the columns of one window: fault(d, rng, j, ramp, n), j = windows since the onset.
def nothing(d, rng, j, ramp, n):
    pass


def shifted(column, sds):
    def fault(d, rng, j, ramp, n):
        d[column] = d[column] + sds * SDS[int(column[1:])]

    return fault


def gradual(sds):
    def fault(d, rng, j, ramp, n):
        d["f01"] = d["f01"] + sds * SDS[1] * min(1.0, (j + 1) / ramp)

    return fault


def widened(column, factor):
    i = int(column[1:])

    def fault(d, rng, j, ramp, n):
        d[column] = MEANS[i] + (d[column] - MEANS[i]) * np.sqrt(factor)

    return fault


def renamed(share_of_us):
    def fault(d, rng, j, ramp, n):
        c = d["f16"].astype("U16")
        c[(c == "US") & (rng.random(n) < share_of_us)] = "United States"
        d["f16"] = c

    return fault


def nulled(rate):
    def fault(d, rng, j, ramp, n):
        d["f17_null"] = rng.random(n) < rate

    return fault


def spoiled(value, rate):
    def fault(d, rng, j, ramp, n):
        d["f01"] = np.where(rng.random(n) < rate, value, d["f01"])

    return fault


def scaled(column, factor):
    def fault(d, rng, j, ramp, n):
        d[column] = d[column] * factor

    return fault


def newcomer(rate):
    def fault(d, rng, j, ramp, n):
        c = d["f15"].astype("U12")
        c[rng.random(n) < rate] = "sku_NEW"
        d["f15"] = c

    return fault


def seasonal(sds):
    def fault(d, rng, j, ramp, n):
        d["f19"] = d["f19"] + sds * 10

    return fault


def flipped(p):
    def fault(d, rng, j, ramp, n):
        d["f14"] = rng.random(n) < p

    return fault


def permuted(d, rng, j, ramp, n):
    d["f18"] = rng.permutation(d["f18"])


def tailed(d, rng, j, ramp, n):
    d["f06"] = np.where(rng.random(n) < 0.005, d["f06"] * 50, d["f06"])


def rounded(d, rng, j, ramp, n):
    d["f01"] = np.round(d["f01"] / 10) * 10


def swapped(d, rng, j, ramp, n):
    c = d["f15"].astype("U12")
    second, tenth = c == "sku_001", c == "sku_009"
    c[second], c[tenth] = "sku_009", "sku_001"
    d["f15"] = c


def scenario(kind, features, fault=nothing, **more):
    return dict(kind=kind, features=features, fault=fault, **more)


def scenarios():
    s = {"stationary": scenario("none", [])}
    for k in (0.05, 0.1, 0.25, 0.5, 1, 2, 5):
        s[f"mean_{k}sd"] = scenario("mean_shift", ["f01"], shifted("f01", k))
    for m in (1.5, 2):
        s[f"var_x{m}"] = scenario("variance", ["f02"], widened("f02", m))
    for share in (0.005, 0.01, 0.05, 0.20, 0.99):
        s[f"catswap_{share}"] = scenario("category_swap", ["f16"], renamed(share))
    for rate in (0.03, 0.05, 0.2, 1.0):
        s[f"null_{rate}"] = scenario("null_rate", ["f17"], nulled(rate))
    for name, value in (("nan", np.nan), ("inf", np.inf)):
        for rate in (0.002, 0.2):
            s[f"{name}burst_{rate}"] = scenario(f"{name}_burst", ["f01"], spoiled(value, rate), burst=3)
    for ramp in (10, 30, 60):
        s[f"gradual_1sd_{ramp}w"] = scenario("gradual_mean", ["f01"], gradual(1.0), ramp=ramp)
    for k in (0.5, 2):
        s[f"seasonal_plus_{k}sd"] = scenario("mean_shift_under_seasonality", ["f19"], seasonal(k))
    for jump in (0.05, 0.2, 1, 5, 50, 500):  # L2 norm of the mean's move
        s[f"embed_jump_{jump}"] = scenario("embedding_mean_jump", ["emb"], emb=True, jump=jump)
    for factor in (1.609, 100, 0.01):
        s[f"unit_x{factor}"] = scenario("unit_change", ["f01"], scaled("f01", factor))
    for share in (0.05, 0.3, 1.0):
        s[f"stuck_{share}"] = scenario("stuck_value", ["f01"], spoiled(101.25, share))
    s["corr_break"] = scenario("correlation_only", ["f00", "f18"], permuted)
    for rate in (0.003, 0.02):
        s[f"newcat_{rate}"] = scenario("new_category", ["f15"], newcomer(rate))
    s["dup_burst_x3"] = scenario("duplicates", ["__rows__"], copies=3, burst=5)
    s["volume_10pct"] = scenario("volume_drop", ["__volume__"], volume=0.1)
    s["volume_zero"] = scenario("volume_drop", ["__volume__"], volume=0.0)
    s["late_out_of_order"] = scenario("late_events", [], late=0.10)
    s["tail_0.5pct_x50"] = scenario("tail", ["f06"], tailed)
    s["rounding"] = scenario("precision_loss", ["f01"], rounded)
    s["bool_p.03_to_.05"] = scenario("rate_shift", ["f14"], flipped(0.05))
    s["catrank_swap"] = scenario("category_rank_swap", ["f15"], swapped)
    return s


SCENARIOS = scenarios()
CLEAN = ("none", "late_events")


def windows(name, a):
    s = SCENARIOS[name]
    rng = np.random.default_rng([a.seed, zlib.crc32(name.encode())])
    state, onset, size = {}, a.base + a.clean, MINUTE * a.period_min
    for w in range(onset + a.drift):
        on = onset <= w < onset + s.get("burst", a.drift)
        n = rng.poisson(a.epw)
        if on and "volume" in s:
            n = int(n * s["volume"])
        d = base_block(rng, n, w, state, a.period_min)
        if s.get("emb"):
            vectors = rng.normal(0, 1, (n, 16))
            if on:
                vectors += s["jump"] / 4.0
            d["emb"] = vectors.astype(np.float32)
        if on:
            s["fault"](d, rng, w - onset, s.get("ramp", 1), n)
        t = np.sort(rng.integers(0, size, n)) + T0 + w * size
        if on and "copies" in s:
            at = np.repeat(np.arange(n), s["copies"])
            t, d = t[at], {k: v[at] for k, v in d.items()}
        yield t, d


def table(name, a):
    parts = []
    for t, d in windows(name, a):
        arrays, names = [pa.array(t, pa.timestamp("us", tz="UTC"))], ["event_time", *FEATURES]
        for c in FEATURES:
            if c in ("f15", "f16"):
                arrays.append(pa.array(d[c].tolist(), pa.string()))
            elif c == "f14":
                arrays.append(pa.array(d[c]))
            elif c == "f17":
                arrays.append(pa.array(np.round(d[c], 4), mask=d["f17_null"]))
            else:
                arrays.append(pa.array(np.round(d[c], 2 if c == "f03" else 5)))
        if "emb" in d:
            arrays.append(pa.FixedSizeListArray.from_arrays(pa.array(d["emb"].ravel()), 16))
            names.append("emb")
        parts.append(pa.table(arrays, names=names))
    whole = pa.concat_tables(parts)
    late = SCENARIOS[name].get("late")
    if late:  # some events arrive up to five minutes late
        rng = np.random.default_rng([a.seed, 99])
        t = whole["event_time"].cast(pa.int64()).to_numpy()
        delay = np.where(rng.random(len(t)) < late, rng.exponential(90e6, len(t)).clip(0, 300e6), 0)
        whole = whole.take(pa.array(np.argsort(t + delay, kind="stable")))
    return whole


def labels(name, a):
    s, size, onset = SCENARIOS[name], MINUTE * a.period_min, a.base + a.clean
    end = onset + s.get("burst", a.drift)
    truth = [] if s["kind"] in CLEAN else [
        dict(kind=s["kind"], features=s["features"], start_us=T0 + onset * size, end_us=T0 + end * size)
    ]
    return dict(scenario=name, seed=a.seed, window_seconds=60 * a.period_min, events_per_window=a.epw,
                baseline_windows=[0, a.base], n_windows=onset + a.drift, t0_us=T0, truth=truth)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["list", "one"])
    parser.add_argument("rest", nargs="*")
    for key, value in dict(seed=1, epw=1000, base=120, clean=60, drift=60).items():
        parser.add_argument(f"--{key}", type=int, default=value)
    parser.add_argument("--period-min", type=int, default=1)
    a = parser.parse_args()
    if a.command == "list":
        print("\n".join(SCENARIOS))
        return
    name, out = a.rest
    os.makedirs(out, exist_ok=True)
    pq.write_table(table(name, a), f"{out}/{name}.parquet", compression="zstd",
                   use_dictionary=["f13", "f14", "f15", "f16"], row_group_size=131072)
    with open(f"{out}/{name}.labels.json", "w", encoding="utf8") as file:
        json.dump(labels(name, a), file)


if __name__ == "__main__":
    main()
