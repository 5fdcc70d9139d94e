// SPDX-License-Identifier: Apache-2.0
// A soak: mixed load at a fixed rate through the whole chain for a while, then a verdict. No error that a user would see; memory
// and open files of every process flat; p99 at most five times p50. `make soak MINUTES=30 [RATE=1]`.
//
// The load is open: stories begin by the clock, at the rate that keeps the machine's processors busy for BUSY of the time. That
// rate is found in a prelude, which counts for nothing, and does not change afterwards; RATE sets it by hand.
import { Worker } from 'node:worker_threads';
import { cpus, tmpdir } from 'node:os';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT, Stack } from '../../scripts/stack/stack.mjs';
import { SealedClient } from '../system/support/sealed-client.mjs';
import { fetchWith } from '../system/support/web.mjs';
import { flatness, latency } from './figures.mjs';
import { look, machineSeconds, processesOf, processorSeconds, proportionalKiB } from './watch.mjs';

const ANY_PORTS = { portal: 0, platformIngress: 0, attestationIngress: 0, platform: 0, attestation: 0, diagnosis: 0, gate: 0, collateral: 0 };
const NAMES = ['platform', 'diagnosis', 'attestation', 'gate', 'softtee', 'redis', 'nginx'];
const SAMPLES = join(ROOT, 'models/chest-xray/samples');
const PASSWORD = 'correct horse battery';
const BUSY = 0.65;
const GENERATORS = 4;
const PRELUDE = { rounds: 6, roundS: 10, least: 0.2, most: 6 };
/** Stories a second at rate 1. */
export const RATES = { lookUp: 40, register: 2, inbox: 0.5, film: 0.1, verify: 1, signIn: 0.2, portal: 4 };
export const LIMITS = { ratio: 5, memoryKiB: 1024, files: 2, pooledFiles: 12, fewest: 200 };

const times = (rates, factor) => Object.fromEntries(Object.entries(rates).map(([name, rate]) => [name, rate * factor]));

async function makeAccounts(stack) {
  const fetch = fetchWith(stack.tls.ca);
  try {
    const administrator = new SealedClient(stack.urls.platform, fetch);
    for (let tries = 0; ; tries++) {
      try { await administrator.connect(); break; } catch (error) { if (tries === 50) throw error; await sleep(100); }
    }
    await administrator.signIn('admin', stack.password);
    const accounts = [];
    for (const role of ['clerk', 'clinician']) {
      const account = { user: `soak.${role}`, name: `Soak ${role}`, role, password: PASSWORD };
      const answer = await administrator.request('POST', '/accounts', account);
      if (answer.status !== 201) throw new Error(`account: ${answer.status} ${answer.body}`);
      accounts.push({ user: account.user, password: PASSWORD });
    }
    return accounts;
  } finally {
    fetch.close();
  }
}

/** Memory and open files are what a program holds at rest: the least of ten looks, so that a password's hash, a picture or a
 *  stranger's connection under way is not taken for growth. */
class Watcher {
  constructor(stack, everyS) {
    Object.assign(this, { stack, everyS, series: new Map(), least: new Map() });
    this.started = performance.now();
    this.timer = setInterval(() => this.second(), 1000);
    this.seconds = 0;
  }

  second() {
    const groups = processesOf(this.stack, NAMES);
    for (const [name, pids] of groups) {
      const before = this.least.get(name) ?? { rss: Infinity, files: Infinity };
      const now = look(pids);
      this.least.set(name, { ...now, rss: Math.min(before.rss, now.rss), files: Math.min(before.files, now.files) });
    }
    if (++this.seconds % this.everyS === 0) this.sample();
  }

  sample() {
    const at = (performance.now() - this.started) / 1000;
    for (const [name, facts] of this.least) {
      if (!this.series.has(name)) this.series.set(name, []);
      const pss = proportionalKiB(processesOf(this.stack, [name.split(' ')[0]]).get(name) ?? []);
      this.series.get(name).push({ at, ...facts, pss });
    }
    this.least.clear();
  }

  processorSeconds() {
    return [...processesOf(this.stack, NAMES).values()].reduce((sum, pids) => sum + processorSeconds(pids), 0);
  }

  stop() { clearInterval(this.timer); }
}

const openFiles = (stack) => new Map([...processesOf(stack, NAMES)].map(([name, pids]) => [name, look(pids).files]));

/** Programs that still have more files open than before, some time after everybody has gone: pools may fill, nothing else. */
async function filesKept(stack, before) {
  for (let tries = 0; ; tries++) {
    const kept = [...openFiles(stack)].map(([name, now]) => ({ name, now, was: before.get(name) ?? 0 })).filter(({ now, was }) => now > was + LIMITS.pooledFiles);
    if (kept.length === 0 || tries === 60) return kept;
    await sleep(500);
  }
}

function folderBytes(folder) {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => sum + (entry.isDirectory() ? folderBytes(join(folder, entry.name)) : statSync(join(folder, entry.name)).size), 0);
}

/** The proportional share is shown, not judged: it changes whenever another process with the same libraries comes or goes. */
function judge(series) {
  const points = (name) => series.map((sample) => [sample.at, sample[name]]);
  return { rss: flatness(points('rss'), LIMITS.memoryKiB), pss: flatness(points('pss'), Infinity), files: flatness(points('files'), LIMITS.files), threads: flatness(points('threads'), 1) };
}

/** Drives the load from several threads. `begun` is called when all of them are about to begin, `second` with each of their
 *  messages. */
async function drive({ stack, accounts, seconds, factor, generators = GENERATORS, begun, second = () => {} }) {
  const share = factor / generators;
  const workers = Array.from({ length: generators }, (_, number) => new Worker(new URL('load.mjs', import.meta.url), { workerData: {
    seconds, rates: times(RATES, share), nuisancesPerS: Math.min(1, factor) / generators, clerks: Math.max(6, Math.ceil(24 * share)), clinicians: Math.max(1, Math.ceil(4 * share)),
    filmFiles: readdirSync(SAMPLES).filter((name) => name.endsWith('.dcm')).sort().reverse().map((name) => join(SAMPLES, name)),
    world: { urls: stack.urls, accounts, clerk: accounts[0], clinician: accounts[1], letter: String.fromCharCode(65 + number),
      strangersPorts: ['platform', 'platformIngress', 'attestation', 'attestationIngress', 'diagnosis', 'gate', 'collateral', 'portal'].map((name) => stack.ports[name]) } } }));
  try {
    const until = (worker, type) => new Promise((resolve, reject) => {
      worker.on('error', reject);
      worker.on('exit', () => reject(new Error('a thread of the load ended early')));
      worker.on('message', (message) => { if (message.type === type) resolve(); });
    });
    await Promise.all(workers.map((worker) => until(worker, 'ready')));
    await begun();
    const ended = Promise.all(workers.map((worker) => until(worker, 'ended')));
    for (const worker of workers) {
      worker.on('message', (message) => { if (message.type === 'second') second(message); });
      worker.postMessage('go');
    }
    await ended;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** Short runs, each at the rate that the one before promised; answers the last. */
async function findRate(stack, accounts, say) {
  let rate = 1;
  for (let round = 0; round < PRELUDE.rounds; round++) {
    let before;
    await drive({ stack, accounts, seconds: PRELUDE.roundS, factor: rate, begun: () => { before = machineSeconds(); } });
    const now = machineSeconds();
    const busy = (now.busy - before.busy) / (now.busy - before.busy + now.idle - before.idle);
    say(`prelude: at rate ${rate.toFixed(2)} the machine is ${(100 * busy).toFixed(0)} % busy`);
    if (Math.abs(busy - BUSY) < 0.03) break;
    // A machine that is full says nothing of how much too much it is.
    rate = Math.min(PRELUDE.most, Math.max(PRELUDE.least, rate * Math.min(1.6, busy > 0.95 ? 0.5 : BUSY / busy)));
  }
  return rate;
}

/** Runs it. `say` takes progress lines. Answers the report. */
export async function soak({ seconds, bin = join(ROOT, 'build/bin'), factor, generators, everyS = 10, warmS = Math.min(30, seconds / 6), progressS = 30, say = () => {} }) {
  const folder = mkdtempSync(join(tmpdir(), 'lazaret-soak-'));
  const ends = [];
  const stack = await Stack.open({ folder, bin, ports: ANY_PORTS, portal: existsSync(join(ROOT, 'build/portal')), onUnexpectedEnd: (name, end, lines) => ends.push(`${name}: ${JSON.stringify(end)}\n${lines}`) });
  if (!stack.servesPortal) throw new Error('the portal is not built: make portal');
  let watcher;
  try {
    await stack.start();
    await stack.ready(60000);
    const accounts = await makeAccounts(stack);
    if (factor === undefined) factor = await findRate(stack, accounts, say);
    const kinds = new Map();
    const state = { failures: [], failed: 0, late: 0, delayMs: [], requests: 0, seen: new Set() };
    let begunMs = 0;
    let machine, used, own, before;
    const begun = () => {
      begunMs = performance.now();
      watcher = new Watcher(stack, everyS);
      before = openFiles(stack);
      [machine, used, own] = [machineSeconds(), watcher.processorSeconds(), process.cpuUsage()];
    };
    const second = (message) => {
      const elapsed = (performance.now() - begunMs) / 1000;
      state.failed += message.failures.length;
      for (const [kind, text] of message.failures) if (state.failures.length < 20) state.failures.push(`${elapsed.toFixed(0)} s: ${kind}: ${text}`);
      state.late += message.late;
      state.requests += message.times.length;
      state.delayMs.push(message.delayMs);
      for (const [kind, ms] of message.times) {
        state.seen.add(kind);
        if (elapsed >= warmS) kinds.has(kind) ? kinds.get(kind).push(ms) : kinds.set(kind, [ms]);
      }
    };
    const progress = setInterval(() => {
      if (!begunMs) return;
      const now = machineSeconds();
      const busy = (now.busy - machine.busy) / (now.busy - machine.busy + now.idle - machine.idle);
      const memory = watcher.series.get('platform')?.at(-1);
      say(`${String(Math.round((performance.now() - begunMs) / 1000)).padStart(5)} s  ${state.requests} requests, ${state.failed} errors, machine ${(100 * busy).toFixed(0)} % busy` +
        (memory ? `, platform ${(memory.rss / 1024).toFixed(1)} MiB, ${memory.files} files` : ''));
    }, progressS * 1000);
    await drive({ stack, accounts, seconds, factor, generators, begun, second }).finally(() => clearInterval(progress));
    const elapsed = (performance.now() - begunMs) / 1000;
    const now = machineSeconds();
    const cpu = { processors: cpus().length, machineBusy: (now.busy - machine.busy) / (now.busy - machine.busy + now.idle - machine.idle),
      stack: (watcher.processorSeconds() - used) / elapsed / cpus().length, generator: Object.values(process.cpuUsage(own)).reduce((a, b) => a + b) / 1e6 / elapsed / cpus().length };
    watcher.stop();
    const kept = await filesKept(stack, before);
    const disk = folderBytes(stack.path('state/platform'));
    return report({ seconds: elapsed, factor, cpu, kinds, state, series: watcher.series, ends, disk, kept });
  } finally {
    watcher?.stop();
    await stack.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function report({ seconds, factor, cpu, kinds, state, series, ends, disk, kept }) {
  const latencies = Object.fromEntries([...kinds].sort(([a], [b]) => a.localeCompare(b)).map(([kind, values]) => [kind, latency(values)]));
  const all = [...kinds.values()];
  // Each request over the median of its kind, so that a total says something although a sign-in is meant to be slow.
  const relative = latency([...kinds].flatMap(([kind, values]) => values.map((ms) => ms / latencies[kind].p50)));
  const programs = Object.fromEntries([...series].map(([name, samples]) => [name, { last: samples.at(-1), ...judge(samples), samples }]));
  const faults = [...state.failures.map((text) => `error: ${text}`), ...ends.map((text) => `unexpected end: ${text}`)];
  if (state.failed > state.failures.length) faults.push(`and ${state.failed - state.failures.length} errors more`);
  faults.push(...kept.map(({ name, now, was }) => `${name}: ${now} open files after the load has gone, ${was} before`));
  if (state.late > 0) faults.push(`${state.late} stories could not begin: all clients were busy (the machine is saturated)`);
  for (const [name, program] of Object.entries(programs)) {
    for (const [what, unit] of [['rss', 'KiB'], ['files', 'files'], ['threads', 'threads']])
      if (!program[what].isFlat) faults.push(`${name}: ${what} grows by ${program[what].growth.toFixed(1)} ${unit} over the run (mean ${program[what].mean.toFixed(0)})`);
    if (program.last.files < 0) faults.push(`${name}: its open files may not be counted; run as root`);
  }
  const slow = Object.entries(latencies).filter(([, entry]) => entry.count >= LIMITS.fewest && entry.ratio > LIMITS.ratio).map(([kind, entry]) => `${kind}: p99 is ${entry.ratio.toFixed(1)} times p50`);
  if (relative.ratio > LIMITS.ratio) slow.push(`in total: p99 is ${relative.ratio.toFixed(1)} times p50`);
  return { seen: [...state.seen], seconds, factor, cpu, requests: state.requests, errors: state.failed, late: state.late, generatorDelayMs: latency(state.delayMs), latencies, total: latency(all.flat()), relative, programs, disk, faults, slow };
}

/** The report as a table. */
export function table(result) {
  const lines = [];
  const ms = (value) => (value < 10 ? value.toFixed(2) : value.toFixed(0)).padStart(8);
  lines.push(`soak of ${(result.seconds / 60).toFixed(1)} minutes on ${result.cpu.processors} processors at rate ${result.factor.toFixed(2)}: ${result.requests} requests (${(result.requests / result.seconds).toFixed(0)} a second), ${result.errors} errors`);
  lines.push(`processors: machine ${(100 * result.cpu.machineBusy).toFixed(0)} % busy, of it Lazaret ${(100 * result.cpu.stack).toFixed(0)} %, the load's generator ${(100 * result.cpu.generator).toFixed(0)} % ` +
    `(its event loop was late by ${result.generatorDelayMs.p50.toFixed(1)} ms in the median second's p99, ${result.generatorDelayMs.max.toFixed(0)} ms at most)`);
  lines.push(`records on disk at the end: ${(result.disk / 2 ** 20).toFixed(0)} MiB`, '');
  lines.push('request            count   p50 ms   p90 ms   p99 ms   max ms  p99/p50');
  for (const [kind, entry] of [...Object.entries(result.latencies), ['all, in ms', result.total], ['all, over medians', result.relative]])
    lines.push(`${kind.padEnd(17)}${String(entry.count).padStart(7)} ${ms(entry.p50)} ${ms(entry.p90)} ${ms(entry.p99)} ${ms(entry.max)} ${entry.ratio.toFixed(1).padStart(8)}`);
  lines.push('', 'process              RSS MiB  growth KiB  PSS MiB  growth KiB  threads  files  growth  flat');
  for (const [name, { last, rss, pss, files, threads }] of Object.entries(result.programs))
    lines.push(`${name.padEnd(20)}${(last.rss / 1024).toFixed(1).padStart(8)}${rss.growth.toFixed(0).padStart(12)}${(last.pss / 1024).toFixed(1).padStart(9)}${pss.growth.toFixed(0).padStart(12)}${String(last.threads).padStart(9)}${String(last.files).padStart(7)}${files.growth.toFixed(1).padStart(8)}  ${rss.isFlat && files.isFlat && threads.isFlat ? 'yes' : 'NO'}`);
  lines.push('', ...result.faults.map((text) => `FAULT ${text}`), ...result.slow.map((text) => `SLOW ${text}`));
  lines.push(result.faults.length + result.slow.length === 0 ? 'all flat, no errors, no long tails' : `${result.faults.length} faults, ${result.slow.length} long tails`);
  return lines.join('\n');
}

async function main() {
  const minutes = Number(process.argv[2] ?? 30);
  const factor = process.argv[3] === undefined ? undefined : Number(process.argv[3]);
  if (!(minutes > 0) || (factor !== undefined && !(factor > 0))) {
    console.error('usage: soak.mjs MINUTES [RATE]');
    process.exit(2);
  }
  const result = await soak({ seconds: minutes * 60, factor, say: (line) => console.log(line) });
  const file = join(ROOT, 'build', 'soak.json');
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  writeFileSync(file, JSON.stringify(result));
  console.log(`\n${table(result)}\nfigures: build/soak.json`);
  process.exit(result.faults.length + result.slow.length === 0 ? 0 : 1);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main();
