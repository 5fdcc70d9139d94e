// SPDX-License-Identifier: Apache-2.0
// The table of faults: what a clerk sees while a part is gone, hangs, or lacks what it needs; what is lost; how soon all is well
// again, by itself. Each fault is made in a real stack while two clerks work.
//
//   node tests/tools/faults.mjs [NAME...]        (make faults FAULTS="disk-full redis-gone")
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT, Stack } from '../../scripts/stack/stack.mjs';
import { Clerk, Person, Tally, codeOf, connected, noisePicture, orderOf, randomOf, someFilms, wronglyAccepted } from './hospital.mjs';
import { Probe, hasEnded, processesOf } from './whole.mjs';

const ANY_PORTS = { portal: 0, platformIngress: 0, attestationIngress: 0, platform: 0, attestation: 0, diagnosis: 0, gate: 0, collateral: 0 };
const TOKEN_AGE_S = 60;

const patient = (family = `Kin${randomBytes(6).toString('hex')}`) => ({ resourceType: 'Patient', name: [{ family }], gender: 'other', birthDate: '2020-02-02' });

/** The stack with its load, and what a fault needs to be made and seen. */
class Ward {
  /** `isBrief`: what hangs does not hang until those who wait give up. */
  constructor({ bin, isBrief = false }) {
    Object.assign(this, { bin, isBrief });
    this.tally = new Tally();
    this.faults = [];
  }

  async open() {
    this.folder = mkdtempSync(join(tmpdir(), 'lazaret-faults-'));
    this.stack = await Stack.open({ folder: this.folder, bin: this.bin, portal: true, ports: ANY_PORTS, manifest: (payload) => ({ ...payload, token_max_age: TOKEN_AGE_S }),
      supervision: { log: () => {}, giveUp: (name, end, lines) => this.faults.push(`${name} was given up: ${lines}`) } });
    await this.stack.start();
    await this.stack.ready(60000);
    this.platform = this.stack.urls.platformIngress;
    const administrator = this.#person(Person, 'admin', this.stack.password);
    const hire = async (user) => {
      await administrator.must(201, 'POST', '/accounts', { user, name: user, role: 'clerk', password: `password of ${user}` });
      return `password of ${user}`;
    };
    const random = randomOf(7);
    const films = someFilms(random);
    this.probe = new Probe({ stack: this.stack, platform: this.platform, attestation: this.stack.urls.attestationIngress, clerk: this.#person(Person, 'probe', await hire('probe')) });
    await this.probe.prepare(films[0]);
    this.clerks = [];
    for (const user of ['clerk.1', 'clerk.2']) this.clerks.push(this.#person(Clerk, user, await hire(user), { random: randomOf(user.length), films, patienceMs: 90000 }));
    this.loads = this.clerks.map((clerk) => clerk.work(120));
    this.eye = await this.#eye();
  }

  #person(Kind, user, password, more = {}) {
    return new Kind({ platform: this.platform, user, password, tally: () => this.tally, ...more });
  }

  /** A client that retries nothing: what it is told is what a clerk sees. */
  async #eye() {
    await this.probe.look();
    const client = await connected(this.platform);
    client.session = this.probe.clerk.session;
    return client;
  }

  async freshEye() {
    this.eye = await this.#eye();
  }

  pid(kind) {
    const pid = processesOf(this.stack)[kind]();
    if (!pid) throw new Error(`no ${kind} runs`);
    return pid;
  }

  signal(kind, name) {
    const pid = this.pid(kind);
    process.kill(pid, name);
    return pid;
  }

  /** One request: status, code or title, and how long it took. */
  async see(method, path, body, fields) {
    const startedMs = Date.now();
    try {
      const answer = await this.eye.request(method, path, body, fields);
      return { status: answer.status, says: answer.status < 400 ? '' : codeOf(answer), ms: Date.now() - startedMs, answer };
    } catch (error) {
      return { status: 0, says: error.cause?.code ?? error.name, ms: Date.now() - startedMs };
    }
  }

  read() {
    return this.see('GET', `/fhir/Patient/${this.probe.patient}`);
  }

  write() {
    return this.see('POST', '/fhir/Patient', patient());
  }

  order() {
    return this.see('POST', '/fhir/ServiceRequest', orderOf(this.probe.patient, this.probe.study));
  }

  signIn() {
    return this.see('POST', '/session', { user: this.probe.clerk.user, password: this.probe.clerk.password });
  }

  /** Repeats until `wanted(seen)`; the last that was seen. */
  async until(look, wanted, timeoutMs = 30000) {
    let seen;
    for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(50)) {
      seen = await look();
      if (wanted(seen)) return seen;
    }
    return seen;
  }

  redis(...words) {
    const socket = this.stack.redisSocket ?? this.stack.path('redis.sock');
    return execFileSync('redis-cli', ['-s', socket, ...words], { encoding: 'utf8', timeout: 10000 }).trim();
  }

  /** Everything that was acknowledged to the clerks opens, and nothing is there twice. */
  async check() {
    const reader = this.#person(Person, this.probe.clerk.user, this.probe.clerk.password);
    for (const clerk of this.clerks) {
      for (const one of clerk.ledger.patients.values()) {
        const read = await reader.must(200, 'GET', `/fhir/Patient/${one.id}`);
        if (read?.json().name[0].family !== one.family) this.faults.push('an acknowledged patient is lost');
        else if (![one.phone, one.unsure.phone].includes(read.json().telecom[0].value)) this.faults.push('an acknowledged update is lost');
        const all = (await reader.must(200, 'GET', `/fhir/Patient/${one.id}/$everything`))?.json().entry.map((entry) => entry.resource) ?? [];
        const count = (type) => all.filter((resource) => resource.resourceType === type).length;
        if (count('ImagingStudy') < one.films.length || count('DiagnosticReport') < one.orders.length) this.faults.push('an acknowledged film or report is lost');
        if (count('ImagingStudy') > one.films.length + one.unsure.films || count('ServiceRequest') > one.orders.length + one.unsure.orders) this.faults.push('something was done twice');
        if (count('ServiceRequest') !== count('DiagnosticReport')) this.faults.push('half a record: orders and reports do not match');
      }
    }
    return this.clerks.reduce((total, clerk) => total + clerk.ledger.patients.size, 0);
  }

  async close() {
    for (const clerk of this.clerks ?? []) clerk.isStopped = true;
    await Promise.all(this.loads ?? []);
    await this.stack?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const told = (name, seen) => `${name}: ${seen.status} ${seen.says} in ${seen.ms} ms`;
const isOk = (seen) => seen.status >= 200 && seen.status < 300;

/** Sets the soft limit `what` of a running process, as the user that it runs as. */
function setLimit(pid, what, value) {
  const [user, group] = ['Uid', 'Gid'].map((name) => readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${name}:\\t(\\d+)`, 'm'))[1]);
  const words = ['prlimit', '--pid', String(pid), `--${what}=${value}:`];
  if (Number(user) !== process.getuid()) words.unshift('setpriv', '--reuid', user, '--regid', group, '--clear-groups', '--');
  execFileSync(words[0], words.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Milliseconds of processor time that a process has used. */
function usedMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function filmUpload(ward, bytes) {
  const created = (await ward.see('POST', '/films', { patient: ward.probe.patient, size: bytes.length })).answer.json();
  for (let part = 0; part < created.parts; part++) await ward.see('PUT', `/films/${created.film}/parts/${part}`, bytes.subarray(part * created.part_size, (part + 1) * created.part_size));
  return { film: created.film, complete: () => ward.see('POST', `/films/${created.film}/complete`, { sha256: createHash('sha256').update(bytes).digest('hex') }) };
}

/** Kills up to `count` processes of a kind, each as it comes up, while `work` is under way. */
async function whileKilling(ward, kind, count, work) {
  const find = processesOf(ward.stack)[kind];
  const state = { killed: 0, isOver: false };
  const seen = new Set();
  const killing = (async () => {
    while (!state.isOver && state.killed < count) {
      const pid = find();
      if (pid && !seen.has(pid) && !hasEnded(pid)) {
        seen.add(pid);
        try {
          process.kill(pid, 'SIGKILL');
          state.killed++;
        } catch { /* it ended by itself */ }
      }
      await new Promise(setImmediate);
    }
  })();
  const result = await work();
  state.isOver = true;
  await killing;
  return { ...result, killed: state.killed };
}

/** Each: `make(ward, say, want)` makes the fault, looks, and takes it back. `say` adds to what the clerk sees; `want(condition, what)`
 *  says what must hold. The time to recover runs from the return. */
export const FAULTS = {
  'redis-gone': {
    recovers: 'reconnects by itself; sessions are gone with Redis, clerks sign in again',
    async make(ward, say, want) {
      await ward.stack.processes.stop('redis');
      const signIn = await ward.until(() => ward.signIn(), (seen) => !isOk(seen));
      say(told('sign-in', signIn));
      want([502, 503, 409].includes(signIn.status), 'a sealed refusal');
      say(told('read', await ward.read()));
      ward.stack.startRedis();
    },
  },
  'redis-flushed': {
    recovers: 'clerks sign in again',
    async make(ward, say, want) {
      ward.redis('FLUSHALL');
      const read = await ward.read();
      say(told('read', read));
      want(read.status === 401, 'a session that is over');
      const signIn = await ward.signIn();
      say(told('sign-in', signIn));
      want(signIn.status === 201, 'a new session');
    },
  },
  'redis-slow': {
    recovers: 'as soon as it answers in time',
    async make(ward, say, want) {
      ward.redis('CLIENT', 'PAUSE', '3000', 'ALL');
      const read = await ward.read();
      say(told('read, answers take 3 s', read));
      want(read.ms < 13000, 'an answer in bounded time');
      await sleep(1500);
    },
  },
  'redis-hangs': {
    recovers: 'as soon as it goes on',
    async make(ward, say, want) {
      ward.signal('redis', 'SIGSTOP');
      const read = await ward.read();
      say(told('read', read));
      want(read.status >= 500 && read.ms < 13000, 'a refusal in bounded time');
      ward.signal('redis', 'SIGCONT');
    },
  },
  'gate-hangs': {
    recovers: 'as soon as it goes on',
    async make(ward, say, want) {
      ward.signal('gate', 'SIGSTOP');
      const read = await ward.read();
      say(told('read', read));
      want(!isOk(read) && read.ms < 15000, 'a refusal in bounded time');
      ward.signal('gate', 'SIGCONT');
    },
  },
  'attestation-gone': {
    recovers: 'each hop takes a token within 2 s of its return; then clients verify anew',
    async make(ward, say, want) {
      await ward.stack.processes.stop('attestation');
      const write = await ward.write();
      say(`at once: ${told('write', write)} (tokens are still good)`);
      want(isOk(write), 'work goes on while tokens are good');
      // As after an hour with tokens of an hour: past their age, whatever was renewed last.
      await sleep((TOKEN_AGE_S + 5) * 1000);
      await ward.eye.connect().catch(() => {});
      const order = await ward.order();
      say(`tokens too old: ${told('order', order)}`);
      want(!isOk(order), 'no work under tokens that are too old');
      await ward.stack.startProgram('attestation');
    },
  },
  'attestation-hangs': {
    recovers: 'as soon as it goes on; a stop does not wait for it',
    async make(ward, say, want) {
      ward.signal('attestation', 'SIGSTOP');
      const write = await ward.write();
      say(told('write', write));
      want(isOk(write), 'work goes on while tokens are good');
      // A gate that starts now waits for its first token.
      await ward.stack.processes.stop('gate');
      await ward.stack.startProgram('gate');
      await sleep(500);
      const startedMs = Date.now();
      await ward.stack.processes.stop('gate', 20000);
      const stopMs = Date.now() - startedMs;
      say(`a gate without a token stops in ${stopMs} ms`);
      want(stopMs < 6000, 'a stop that does not wait for the attestation service');
      ward.signal('attestation', 'SIGCONT');
      await ward.stack.startProgram('gate');
    },
  },
  'collateral-gone': {
    recovers: 'not noticed while the last collateral is valid, not even by an attestation service that starts anew',
    async make(ward, say, want) {
      await ward.stack.processes.stop('softtee');
      const pid = ward.signal('attestation', 'SIGKILL');
      while (!hasEnded(pid)) await sleep(5);
      const write = await ward.write();
      say(told('write', write));
      want(isOk(write), 'work goes on');
      await sleep(1500);
      ward.stack.startCollateral();
    },
  },
  'collateral-hangs': {
    recovers: 'a stop does not wait for it; appraisals go on when it does',
    async make(ward, say, want) {
      await ward.stack.processes.stop('attestation');
      rmSync(ward.stack.path('state/attestation/collateral'), { recursive: true, force: true });
      ward.signal('collateral', 'SIGSTOP');
      await ward.stack.startProgram('attestation');
      const write = await ward.write();
      say(told('write', write));
      want(isOk(write), 'work goes on');
      await sleep(1000);
      const startedMs = Date.now();
      await ward.stack.processes.stop('attestation', 20000);
      const stopMs = Date.now() - startedMs;
      say(`the attestation service stops in ${stopMs} ms`);
      want(stopMs < 6000, 'a stop that does not wait for the source');
      ward.signal('collateral', 'SIGCONT');
      await ward.stack.startProgram('attestation');
    },
  },
  'disk-full': {
    recovers: 'the next write after there is room succeeds; nothing is started anew',
    async make(ward, say, want) {
      const pid = ward.pid('platform');
      const limit = (value) => setLimit(pid, 'fsize', value);
      // The journal is written from its start again after a checkpoint: no room at all is the surest limit.
      limit(4096);
      const write = await ward.until(() => ward.write(), (seen) => !isOk(seen), 10000);
      say(told('write', write));
      want(write.status === 507, 'a sealed 507');
      const read = await ward.read();
      say(told('read', read));
      want(isOk(read), 'reading goes on');
      want(isOk(await ward.signIn()), 'signing in goes on');
      limit('unlimited');
      const again = await ward.write();
      say(`with room: ${told('write', again)}`);
      want(isOk(again), 'writing goes on once there is room');
      want(ward.pid('platform') === pid, 'the same process');
    },
  },
  'disk-full-mounted': {
    needsRoot: true,
    recovers: 'the next write after there is room succeeds; nothing is started anew, and the records open afterwards',
    async make(ward, say, want) {
      const state = ward.stack.path('state/platform');
      const aside = ward.stack.path('state/platform.aside');
      const move = (from, to) => execFileSync('cp', ['-a', `${from}/.`, to]);
      await ward.stack.processes.stop('platform');
      mkdirSync(aside, { mode: 0o700 });
      move(state, aside);
      const kilobytes = Number(execFileSync('du', ['-sk', state], { encoding: 'utf8' }).split('\t')[0]) + 48 * 1024;
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k,mode=0700`, 'tmpfs', state]);
      try {
        move(aside, state);
        await ward.stack.startProgram('platform');
        await ward.probe.untilWhole(Date.now());
        await ward.freshEye();
        const filler = join(state, 'filler');
        execFileSync('sh', ['-c', `dd if=/dev/zero of=${filler} bs=64k 2> /dev/null; true`]);
        const write = await ward.until(() => ward.write(), (seen) => !isOk(seen), 20000);
        say(told('write', write));
        want(write.status === 507, 'a sealed 507');
        const read = await ward.read();
        say(told('read', read));
        want(isOk(read), 'reading goes on');
        const pid = ward.pid('platform');
        rmSync(filler);
        const again = await ward.write();
        say(`with room: ${told('write', again)}`);
        want(isOk(again) && ward.pid('platform') === pid, 'writing goes on once there is room, in the same process');
        await ward.stack.processes.stop('platform');
        rmSync(aside, { recursive: true, force: true });
        mkdirSync(aside, { mode: 0o700 });
        move(state, aside);
      } finally {
        await ward.stack.processes.stop('platform');
        execFileSync('umount', [state]);
      }
      rmSync(state, { recursive: true, force: true });
      mkdirSync(state, { mode: 0o700 });
      move(aside, state);
      rmSync(aside, { recursive: true, force: true });
      await ward.stack.startProgram('platform');
    },
  },
  'descriptors-exhausted': {
    recovers: 'connections wait, or are closed, until there are descriptors',
    async make(ward, say, want) {
      const pid = ward.pid('platform');
      const [, soft] = readFileSync(`/proc/${pid}/limits`, 'utf8').match(/Max open files\s+(\S+)/);
      const limit = (value) => setLimit(pid, 'nofile', value);
      limit(readdirSync(`/proc/${pid}/fd`).length);
      const usedBefore = usedMs(pid);
      const seen = await Promise.all(Array.from({ length: 8 }, () => Promise.race([ward.read(), sleep(3000).then(() => ({ status: 0, says: 'waits', ms: 3000 }))])));
      const usedMsThen = usedMs(pid) - usedBefore;
      say(`8 reads: ${[...new Set(seen.map((one) => `${one.status} ${one.says}`.trim()))].join(', ')}; processor time ${usedMsThen} ms in 3 s`);
      want(usedMsThen < 2500, 'no spinning');
      limit(soft);
      want(!hasEnded(pid) && ward.pid('platform') === pid, 'the same process');
    },
  },
  'model-child-dies': {
    recovers: 'another process reads the film',
    async make(ward, say, want) {
      ward.signal('model child', 'SIGKILL');
      const order = await ward.order();
      say(told('order', order));
      want(isOk(order), 'the clerk sees nothing');
    },
  },
  'model-child-hangs': {
    recovers: 'it is given up after 10 s, the next one is there at once',
    async make(ward, say, want) {
      const stopped = ward.signal('model child', 'SIGSTOP');
      const waiting = ward.order();
      await sleep(500);
      const read = await ward.read();
      say(told('read meanwhile', read));
      want(isOk(read), 'others go on');
      const order = await waiting;
      say(told('order', order));
      want(order.ms < 20000, 'an answer in bounded time');
      try {
        process.kill(stopped, 'SIGKILL');
      } catch { /* it was ended already */ }
    },
  },
  'diagnosis-hangs': {
    recovers: 'as soon as it goes on; orders in between are refused, nothing of them is kept',
    async make(ward, say, want) {
      ward.signal('diagnosis', 'SIGSTOP');
      const orders = Array.from({ length: 14 }, () => ward.order());
      await sleep(1000);
      const signIn = await ward.signIn();
      say(told('sign-in beside 14 orders', signIn));
      want(signIn.status === 201, 'signing in goes on');
      const write = await ward.write();
      want([201, 409].includes(write.status), 'writing goes on');
      if (ward.isBrief) ward.signal('diagnosis', 'SIGCONT');
      const seen = await Promise.all(orders);
      want(seen.some((one) => one.status === 429), 'places left for others');
      if (ward.isBrief) return;
      const slowest = Math.max(...seen.map((one) => one.ms));
      say(`orders: ${[...new Set(seen.map((one) => `${one.status} ${one.says}`))].join(', ')} in ${slowest} ms at most`);
      want(seen.every((one) => !isOk(one)) && slowest < 45000, 'refusals in bounded time');
      ward.signal('diagnosis', 'SIGCONT');
    },
  },
  'decoder-dies': {
    recovers: 'another process decodes the picture',
    async make(ward, say, want) {
      let seen;
      for (let tries = 0; tries < 20 && !seen?.killed; tries++) {
        const { complete } = await filmUpload(ward, noisePicture(1500, randomOf(tries)));
        seen = await whileKilling(ward, 'decoder child', 1, complete);
      }
      say(told(`film, ${seen.killed} process killed`, seen));
      want(isOk(seen), 'the clerk sees nothing');
      for (let tries = 0; tries < 20 && seen.status !== 422; tries++) {
        const { complete } = await filmUpload(ward, noisePicture(1500, randomOf(tries)));
        seen = await whileKilling(ward, 'decoder child', 2, complete);
      }
      say(told(`film, ${seen.killed} processes killed`, seen));
      want([201, 422, 503].includes(seen.status), 'only that film is refused');
    },
  },
  'nursery-dies': {
    recovers: 'the program ends and is started again: its children cannot be forked anew',
    async make(ward, say, want) {
      const before = ward.pid('platform');
      ward.signal('decoder nursery', 'SIGKILL');
      for (const end = Date.now() + 10000; Date.now() < end && !hasEnded(before);) await sleep(10);
      say(told('read', await ward.read()));
      want(hasEnded(before), 'the platform has noticed');
    },
  },
};

/** Makes the named faults one after the other; answers the report. */
export async function makeFaults({ bin, isBrief, names = Object.keys(FAULTS), log = console.log }) {
  const ward = new Ward({ bin, isBrief });
  const rows = {};
  try {
    await ward.open();
    for (const name of names) {
      if (FAULTS[name].needsRoot && process.getuid() !== 0) {
        log(`${name}: skipped, because it needs root`);
        continue;
      }
      const row = { clerk_sees: [], amiss: [], recovers: FAULTS[name].recovers };
      await ward.freshEye();
      ward.tally = new Tally();
      await FAULTS[name].make(ward, (text) => row.clerk_sees.push(text), (condition, what) => condition || row.amiss.push(what)).catch((error) => row.amiss.push(error.message));
      row.whole_after_ms = await ward.probe.untilWhole(Date.now()).catch((error) => void row.amiss.push(error.message));
      const wrong = await wronglyAccepted(ward.platform, ward.clerks);
      ward.faults.push(...wrong);
      Object.assign(row, { requests: ward.tally.attempts, unanswered: ward.tally.lost, wrongly_accepted: wrong.length, refused_for_now: ward.tally.refusedForNow, user_errors: ward.tally.errors });
      rows[name] = row;
      log(`${name}: whole after ${row.whole_after_ms} ms; ${row.requests} requests, ${row.unanswered} unanswered, ${row.refused_for_now} refused for now, ${row.wrongly_accepted} wrongly accepted\n    ${row.clerk_sees.join('\n    ')}\n    ${row.recovers}${row.amiss.map((what) => `\n    AMISS: ${what}`).join('')}`);
    }
    const checked = await ward.check();
    return { faults: rows, acknowledged_patients_read_back: checked, lost: ward.faults };
  } finally {
    await ward.close();
  }
}

async function main() {
  const chosen = process.argv.slice(2).flatMap((word) => word.split(' ')).filter(Boolean);
  const report = await makeFaults({ bin: process.env.LAZARET_BIN ?? join(ROOT, 'build/bin'), names: chosen.length > 0 ? chosen : undefined });
  mkdirSync(join(ROOT, 'build/reports'), { recursive: true });
  writeFileSync(join(ROOT, 'build/reports/faults.json'), JSON.stringify(report, null, 2));
  for (const fault of report.lost) console.log(`LOST: ${fault}`);
  console.log(`${report.acknowledged_patients_read_back} acknowledged patients read back, ${report.lost.length} faults; figures: build/reports/faults.json`);
  process.exit(report.lost.length > 0 || Object.values(report.faults).some((row) => row.amiss.length > 0) ? 1 : 0);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main();
