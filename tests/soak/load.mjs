// SPDX-License-Identifier: Apache-2.0
// The load of a soak, in a thread of its own, so that looking at it does not disturb it. Open loop: every story begins when its
// time has come, whether those before it have ended or not. Posts what happened each second. Several of these share the load, so
// that a request's time does not hold the wait for the sealing of others.
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Person, STORIES, annoy, closeAgent } from './clients.mjs';

const { seconds, rates, clerks, clinicians, nuisancesPerS, filmFiles } = workerData;
const world = { ...workerData.world, counter: 0, filmCounter: 0, patients: [], films: filmFiles.map((file) => readFileSync(file)) };
const MOST_AT_ONCE = 200;
const VERIFY_AGAIN_MS = 240000;

let batch = { times: [], failures: [], late: 0 };
const note = (kind, ms) => batch.times.push([kind, ms]);
const fail = (kind, text) => batch.failures.push([kind, text]);

/** Signed-in people, each at one thing at a time. */
class Staff {
  constructor() { this.free = []; this.size = 0; }

  async hire(account) {
    const person = new Person(world, note, fail);
    await person.verify();
    await person.enter(account);
    person.verifiedMs = Date.now();
    this.free.push(person);
    this.size++;
  }

  async with(work) {
    const person = this.free.shift();
    if (!person) { batch.late++; return; }
    try {
      if (Date.now() - person.verifiedMs > VERIFY_AGAIN_MS) {
        await person.verify();
        person.verifiedMs = Date.now();
      }
      await work(person);
    } finally {
      this.free.push(person);
    }
  }
}

const staff = { clerk: new Staff(), clinician: new Staff() };
let running = 0;

async function begin(name) {
  if (running >= MOST_AT_ONCE) { batch.late++; return; }
  running++;
  try {
    await staff[name === 'inbox' ? 'clinician' : 'clerk'].with((person) => STORIES[name](world, person));
  } catch (error) {
    fail(name, error.message);
  } finally {
    running--;
  }
}

/** Calls `start` at a fixed rate until `endMs`, each time a little early or late. */
async function atRate(perSecond, endMs, start) {
  if (!(perSecond > 0)) return;
  const periodMs = 1000 / perSecond;
  for (let dueMs = performance.now() + Math.random() * Math.min(periodMs, 2000); dueMs < endMs; dueMs += periodMs) {
    const waitMs = dueMs + (Math.random() - 0.5) * 0.4 * periodMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    void start();
  }
}

for (let i = 0; i < clerks; i++) await staff.clerk.hire(world.clerk);
for (let i = 0; i < clinicians; i++) await staff.clinician.hire(world.clinician);
for (let i = 0; i < 20; i++) await staff.clerk.with((person) => STORIES.register(world, person));
batch = { times: [], failures: [], late: 0 };
const start = once(parentPort, 'message');
parentPort.postMessage({ type: 'ready' });
await start;

const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
const tick = setInterval(() => {
  parentPort.postMessage({ type: 'second', ...batch, running, delayMs: delay.percentile(99) / 1e6 - 10 });
  delay.reset();
  batch = { times: [], failures: [], late: 0 };
}, 1000);

const endMs = performance.now() + seconds * 1000;
let nuisances = 0;
await Promise.all([
  ...Object.entries(rates).map(([name, perSecond]) => atRate(perSecond, endMs, () => begin(name))),
  atRate(nuisancesPerS, endMs, () => annoy(world, nuisances++)),
]);
for (let i = 0; running > 0 && i < 600; i++) await sleep(100);
if (running > 0) fail('end', `${running} stories have not ended a minute after the last began`);
clearInterval(tick);
parentPort.postMessage({ type: 'second', ...batch, running, delayMs: delay.percentile(99) / 1e6 - 10 });
parentPort.postMessage({ type: 'ended' });
closeAgent();
parentPort.close();
