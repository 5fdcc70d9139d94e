// SPDX-License-Identifier: Apache-2.0
// A share of `make kill-9-policies`: the attestation service is killed at random moments while its policies and policy signers change.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { BIN } from './support/stack.mjs';
import { kill9Policies } from '../tools/kill-9-policies.mjs';

test('after kill -9 each change is wholly there or not at all, and what was acknowledged is there', async () => {
  const { seed, runs } = await kill9Policies({ rounds: 10, seed: Math.floor(Math.random() * 1e6), bin: BIN, log: () => {} });
  for (const { store, kills, acknowledged, faults } of runs) {
    assert.deepEqual(faults, [], `${store}, seed ${seed}`);
    assert.ok(kills >= 5 && acknowledged > 0, `${store}: too little was acknowledged to test anything`);
  }
});
