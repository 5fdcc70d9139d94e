// SPDX-License-Identifier: Apache-2.0
// Twenty seconds of the soak (tests/soak/soak.mjs): mixed load, with a few clients on a bad network, sees no error, and no program
// keeps files open afterwards. How fast it was, and whether all is flat over time, is for `make soak`.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { fit, flatness, latency } from '../soak/figures.mjs';
import { soak } from '../soak/soak.mjs';
import { BIN } from './support/stack.mjs';

test('mixed load on the whole chain shows no error, and no program keeps files open', async () => {
  const result = await soak({ seconds: 20, bin: BIN, factor: 0.1, generators: 1, everyS: 2 });
  // Twenty seconds are no series, and a slow machine may be full.
  assert.deepEqual(result.faults.filter((text) => !/(rss|threads|files) grows|could not begin/.test(text)), []);
  assert.ok(result.requests > 50, `only ${result.requests} requests`);
  for (const kind of ['sign in', 'register', 'search', 'read', 'everything', 'evidence', 'appraise', 'film begin', 'film part', 'film complete', 'order'])
    assert.ok(result.seen.includes(kind), `no "${kind}" among ${result.seen}`);
});

test('the judgement of a series: what grows is not flat, what fills up once is', () => {
  const series = (value) => Array.from({ length: 180 }, (_, i) => [10 * i, value(i)]);
  assert.equal(flatness(series(() => 50000), 1024).isFlat, true);
  assert.equal(flatness(series((i) => 50000 + (i % 7) * 300), 1024).isFlat, true);
  assert.equal(flatness(series((i) => Math.min(50000, 10000 + i * 1000)), 1024).isFlat, true);
  assert.equal(flatness(series((i) => 50000 + i * 12), 1024).isFlat, false, 'two MiB in half an hour');
  assert.equal(flatness(series((i) => 40 + i / 30), 2).isFlat, false, 'six files in half an hour');
  assert.equal(flatness(series((i) => 40 + (i === 100 ? 30 : 0)), 2).isFlat, true);
  assert.ok(Math.abs(fit(series((i) => 3 * i)).slope - 0.3) < 1e-9);
  const times = latency(Array.from({ length: 1000 }, (_, i) => i + 1));
  assert.deepEqual([times.p50, times.p99, times.max], [500, 990, 1000]);
});
