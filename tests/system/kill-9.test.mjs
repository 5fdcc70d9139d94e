// SPDX-License-Identifier: Apache-2.0
// A share of `make kill-9`: programs are killed at random moments while a small hospital works. Figures are that tool's to report;
// here counts what must hold whatever the machine.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { BIN } from './support/stack.mjs';
import { kill9 } from '../tools/kill-9.mjs';

test('after kill -9 of any program all that was acknowledged is there, nothing is there by halves or twice', async () => {
  const report = await kill9({ rounds: 10, seed: Math.floor(Math.random() * 1e6), bin: BIN, clerks: 2, pauseMs: 150, calmMs: 300, log: () => {} });
  assert.deepEqual(report.faults, [], `seed ${report.seed}`);
  assert.ok(report.kills >= 6, `only ${report.kills} kills`);
  const { patients, updates, films, orders } = report.checked;
  assert.ok(patients >= 2 && updates + films + orders > 0, `too little was acknowledged to test anything: ${JSON.stringify(report.checked)}`);
});
