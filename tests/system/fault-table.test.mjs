// SPDX-License-Identifier: Apache-2.0
// A share of `make faults`: each fault's clerk sees what the table says, nothing that was acknowledged is lost, and all is well
// again by itself.
import { before, test } from 'node:test';
import assert from 'node:assert/strict';
import { BIN } from './support/stack.mjs';
import { makeFaults } from '../tools/faults.mjs';

const NAMES = ['redis-flushed', 'disk-full', 'descriptors-exhausted', 'model-child-dies', 'decoder-dies', 'nursery-dies', 'collateral-hangs', 'attestation-hangs', 'diagnosis-hangs'];

let report;
before(async () => { report = await makeFaults({ bin: BIN, isBrief: true, names: NAMES, log: () => {} }); });

for (const name of NAMES) {
  test(name, () => {
    const { amiss, clerk_sees: seen, whole_after_ms: whole } = report.faults[name];
    assert.deepEqual(amiss, [], seen.join('\n'));
    assert.ok(whole >= 0, 'never whole again');
  });
}

test('nothing that was acknowledged is lost, and nothing done twice', () => {
  assert.deepEqual(report.lost, []);
  assert.ok(report.acknowledged_patients_read_back > 0, 'nothing was acknowledged: nothing was tested');
});
