// SPDX-License-Identifier: Apache-2.0
// What a soak's samples say: percentiles of latencies, and whether a series is flat.

/** The value below which `part` (0 to 1) of the sorted values lie. */
export function percentile(sorted, part) {
  return sorted.length === 0 ? NaN : sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)];
}

export function latency(values) {
  const sorted = Float64Array.from(values).sort();
  const [p50, p99] = [percentile(sorted, 0.5), percentile(sorted, 0.99)];
  return { count: sorted.length, p50, p90: percentile(sorted, 0.9), p99, max: sorted.at(-1) ?? NaN, ratio: p99 / p50 };
}

/** Least squares: value = start + slope * time. */
export function fit(points) {
  const count = points.length;
  const meanTime = points.reduce((sum, [time]) => sum + time, 0) / count;
  const meanValue = points.reduce((sum, [, value]) => sum + value, 0) / count;
  const spread = points.reduce((sum, [time]) => sum + (time - meanTime) ** 2, 0);
  const slope = spread === 0 ? 0 : points.reduce((sum, [time, value]) => sum + (time - meanTime) * (value - meanValue), 0) / spread;
  return { slope, mean: meanValue };
}

/** A series of [seconds, value] is flat if the line through its last two thirds would rise, over the whole run, by no more than
 *  2 % of the mean or `tolerance`, whichever is greater. The first third is for what fills up once: pools, caches, windows. */
export function flatness(points, tolerance) {
  const end = points.at(-1)?.[0] ?? 0;
  const late = points.filter(([time]) => time >= end / 3);
  if (late.length < 3) return { isFlat: true, growth: 0, mean: late.at(-1)?.[1] ?? 0, tooShort: true };
  const { slope, mean } = fit(late);
  const growth = slope * end;
  return { isFlat: growth <= Math.max(0.02 * mean, tolerance), growth, mean };
}
