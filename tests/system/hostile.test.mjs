// SPDX-License-Identifier: Apache-2.0
// A short siege (tests/hostile/hostile.mjs): legitimate clients are served in the midst of it and nothing of theirs is refused or lost,
// the service's memory stays bounded, and it is as before afterwards. How fast it was is for `make hostile`.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { hostile } from '../hostile/hostile.mjs';
import { BIN } from './support/stack.mjs';

const KINDS = { idle: 300, slow: 30, oversize: 8, endless: 8, flood: 8, appraise: 8, reconnect: 8 };
const MEMORY_MAX_MIB = 100; // connections by the hundred, with their buffers; many times that under the sanitizers

test('legitimate clients are served while others attack', async () => {
  const result = await hostile({ bin: BIN, seconds: 3, buildUpS: 2, kinds: KINDS });
  const isSanitized = /sanitize/.test(BIN);
  for (const served of [result.alone, result.attacked.served, result.afterwards]) {
    assert.deepEqual(Object.keys(served.statuses), ['200']);
    assert.equal(served.lost, 0);
    assert.ok(served.answers > 0);
  }
  // From the same addresses, clients share what their address may ask for.
  assert.deepEqual(Object.keys(result.shared.served.statuses).filter((status) => status !== '200' && status !== '429'), []);
  const did = Object.fromEntries(result.attacked.attacks.map((one) => [one.kind, one]));
  assert.ok(did.idle.open > 100, JSON.stringify(did.idle));
  assert.ok(isSanitized || result.attacked.memoryMiB < MEMORY_MAX_MIB, String(result.attacked.memoryMiB));
});
