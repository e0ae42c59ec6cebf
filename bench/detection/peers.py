#!/usr/bin/env python3
"""The usual detectors on the same windows (numpy, pyarrow).

  peers.py DATA.parquet --start S --calibrated S --end S --window S [--event-time event_time]     (seconds since 1970)

Prints a JSON line an alarm: {"detector", "time" (end of the window, seconds), "feature"}. Rows before `calibrated` are the
reference. Detectors, with the settings that are most often used:

  psi        PSI > 0.2, ten quantile bins of the reference; categories as they are
  ks         Kolmogorov-Smirnov p < .05 for numbers, chi-square p < .05 for categories (Evidently's choice below 1,000 rows)
  distance   Wasserstein distance > 0.1 reference SD for numbers, Jensen-Shannon distance > 0.1 for categories (above 1,000)
  sigma2/3   Shewhart: the window's mean is 2 (3) SD of the reference's window means away. A category's mean is the share of
             its most frequent value; nulls' share and the number of rows are charted too
  cusum      the same series, two-sided, allowance .5, limit 5

A vector is read as the mean of its elements. With one row a window only sigma2, sigma3 and cusum make sense.
"""
import argparse
import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

REFERENCE_ROWS = 50_000


def ks_p(d, n, m):
    root = math.sqrt(n * m / (n + m))
    x = (root + 0.12 + 0.11 / root) * d
    if x < 0.3:
        return 1.0
    return min(1.0, 2 * sum((-1) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 101)))


def chi2_p(value, df):
    """Wilson and Hilferty's cube root."""
    if df < 1:
        return 1.0
    z = ((value / df) ** (1 / 3) - (1 - 2 / (9 * df))) / math.sqrt(2 / (9 * df))
    return 0.5 * math.erfc(z / math.sqrt(2))


def psi(p, q):
    p, q = np.maximum(p, 1e-4), np.maximum(q, 1e-4)
    return float(((p - q) * np.log(p / q)).sum())


class Number:
    def __init__(self, reference):
        rng = np.random.default_rng(0)
        if len(reference) > REFERENCE_ROWS:
            reference = rng.choice(reference, REFERENCE_ROWS, replace=False)
        self.sorted = np.sort(reference)
        self.sd = float(reference.std()) or 1.0
        self.edges = np.unique(np.quantile(reference, np.arange(1, 10) / 10))
        self.shares = self.bins(reference)
        self.levels = np.quantile(reference, (np.arange(200) + 0.5) / 200)

    def bins(self, values):
        return np.bincount(np.searchsorted(self.edges, values, side="left"), minlength=len(self.edges) + 1) / len(values)

    def alarms(self, values):
        values = np.sort(values)
        n, m = len(values), len(self.sorted)
        if psi(self.bins(values), self.shares) > 0.2:
            yield "psi"
        below = np.searchsorted(self.sorted, values, side="right") / m
        before = np.searchsorted(self.sorted, values, side="left") / m
        up = np.searchsorted(values, values, side="right") / n
        down = np.searchsorted(values, values, side="left") / n
        d = max(np.abs(up - below).max(), np.abs(down - before).max())
        if ks_p(d, n, m) < 0.05:
            yield "ks"
        levels = np.quantile(values, (np.arange(200) + 0.5) / 200)
        if np.abs(levels - self.levels).mean() / self.sd > 0.1:
            yield "distance"

    def mean(self, values):
        return float(values.mean())


class Category:
    def __init__(self, reference):
        values, counts = np.unique(reference, return_counts=True)
        self.total = counts.sum()
        self.counts = dict(zip(values.tolist(), counts.tolist()))
        self.top = values[counts.argmax()]

    def alarms(self, values):
        seen, counts = np.unique(values, return_counts=True)
        now = dict(zip(seen.tolist(), counts.tolist()))
        names = sorted(set(now) | set(self.counts))
        a = np.array([now.get(x, 0) for x in names], float)
        b = np.array([self.counts.get(x, 0) for x in names], float)
        p, q = a / a.sum(), b / b.sum()
        if psi(p, q) > 0.2:
            yield "psi"
        pooled = (a + b) / (a.sum() + b.sum())
        expected_a, expected_b = pooled * a.sum(), pooled * b.sum()
        value = float(((a - expected_a) ** 2 / expected_a).sum() + ((b - expected_b) ** 2 / expected_b).sum())
        if chi2_p(value, len(names) - 1) < 0.05:
            yield "ks"
        mid = (p + q) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            js = 0.5 * np.nansum(p * np.log2(p / mid)) + 0.5 * np.nansum(q * np.log2(q / mid))
        if math.sqrt(max(0.0, js)) > 0.1:
            yield "distance"

    def mean(self, values):
        return float((values == self.top).mean())


class Chart:
    """Shewhart at 2 and 3 SD, and CUSUM, of one number a window."""

    def __init__(self, reference):
        reference = np.asarray([x for x in reference if x is not None and math.isfinite(x)], float)
        self.mean = float(reference.mean()) if len(reference) else 0.0
        self.sd = float(reference.std(ddof=1)) if len(reference) > 1 else 0.0
        self.high = self.low = 0.0

    def alarms(self, value):
        if value is None or not math.isfinite(value):
            return
        if self.sd == 0:
            if value != self.mean:
                yield from ("sigma2", "sigma3", "cusum")
            return
        z = (value - self.mean) / self.sd
        if abs(z) > 2:
            yield "sigma2"
        if abs(z) > 3:
            yield "sigma3"
        self.high = max(0.0, self.high + z - 0.5)
        self.low = max(0.0, self.low - z - 0.5)
        if max(self.high, self.low) > 5:
            self.high = self.low = 0.0
            yield "cusum"


def column_of(array):
    """Values and where they are present; a vector as the mean of its elements, a bool as 0 and 1."""
    array = array.combine_chunks()
    present = ~np.asarray(array.is_null())
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_fixed_size_list(array.type):
        flat = np.asarray(array.flatten())
        return flat.reshape(-1, array.type.list_size).mean(axis=1), present
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return np.array(array.fill_null("").to_pylist()), present
    values = array.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.nan_to_num(values, nan=np.nan, posinf=np.inf, neginf=-np.inf), present


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    for key in ("start", "calibrated", "end", "window"):
        parser.add_argument(f"--{key}", type=float, required=True)
    parser.add_argument("--event-time", default="event_time")
    a = parser.parse_args()
    data = pq.read_table(a.data)
    t = data[a.event_time].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy() / 1e6
    order = np.argsort(t, kind="stable")
    index = np.floor((t[order] - a.start) / a.window + 1e-9).astype(int)
    total = int(math.ceil((a.end - a.start) / a.window - 1e-9))
    cuts = np.searchsorted(index, np.arange(total + 1))
    calibrated = int(round((a.calibrated - a.start) / a.window))
    single = len(t) < 3 * total

    def emit(detector, window, feature):
        print(json.dumps({"detector": detector, "time": a.start + (window + 1) * a.window, "feature": feature}))

    def chart(series, feature):
        one = Chart(series[:calibrated])
        for w in range(calibrated, total):
            for detector in one.alarms(series[w]):
                emit(detector, w, feature)

    if not single:
        chart(np.diff(cuts).astype(float).tolist(), None)
    for name in data.column_names:
        if name == a.event_time:
            continue
        values, present = column_of(data[name])
        values, present = values[order], present[order]
        number = values.dtype.kind == "f"
        usable = present & (np.isfinite(values) if number else True)
        if not usable[: cuts[calibrated]].any():
            continue
        reference = values[: cuts[calibrated]][usable[: cuts[calibrated]]]
        kind = Number(reference) if number else Category(reference)
        means, nulls = [], []
        for w in range(total):
            rows = slice(cuts[w], cuts[w + 1])
            inside = values[rows][usable[rows]]
            means.append(kind.mean(inside) if len(inside) else None)
            nulls.append(float(1 - present[rows].mean()) if cuts[w + 1] > cuts[w] else None)
            if w >= calibrated and len(inside) > 1 and not single:
                for detector in kind.alarms(inside):
                    emit(detector, w, name)
        chart(means, name)
        if any(x for x in nulls if x):
            chart(nulls, name)


if __name__ == "__main__":
    main()
