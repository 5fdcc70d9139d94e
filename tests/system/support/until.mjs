// SPDX-License-Identifier: Apache-2.0
// Waits on a condition, never on a sleep. What it answered last, or the error that it threw, stands in the failure.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** The first answer of `condition` (may be a promise) that is true. */
export async function until(condition, what, timeoutMs = 40000, pauseMs = 20) {
  let last;
  for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(pauseMs)) {
    try {
      last = await condition();
      if (last) return last;
    } catch (error) {
      last = error.message;
    }
  }
  return assert.fail(`${what}: not within ${timeoutMs / 1000} s; last: ${JSON.stringify(last)}`);
}
