// SPDX-License-Identifier: Apache-2.0
// kill -9 of every program of the stack, at random moments, under load: is the stack whole again, and how soon; is what was
// acknowledged there; is nothing there by halves or twice; is nothing accepted that must not be.
//
//   node tests/tools/kill-9.mjs [ROUNDS] [SEED]        (make kill-9 N=300 SEED=1)
//
// LAZARET_BIN names the programs' folder; MINUTES ends the rounds sooner. Prints a table and writes the figures as JSON; exit code 1 if anything acknowledged is lost,
// by halves, twice, or wrongly accepted, or if the stack does not become whole.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT, Stack } from '../../scripts/stack/stack.mjs';
import { Clerk, Clinician, Person, Tally, randomOf, someFilms, wronglyAccepted } from './hospital.mjs';
import { Probe, hasEnded, processesOf } from './whole.mjs';

const ANY_PORTS = { portal: 0, platformIngress: 0, attestationIngress: 0, platform: 0, attestation: 0, diagnosis: 0, gate: 0, collateral: 0 };
const CATCH_MS = 1500;

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
const maximum = (numbers) => Math.max(0, ...numbers);

class Run {
  constructor({ seed, bin, clerks = 5, pauseMs = 60, calmMs = 1200, log = console.log }) {
    Object.assign(this, { seed, bin, clerkCount: clerks, pauseMs, calmMs, log });
    this.random = randomOf(seed);
    this.tally = new Tally();
    this.results = [];
    this.faults = []; // what must not be: each is a reason for exit code 1
  }

  async open() {
    this.folder = mkdtempSync(join(tmpdir(), 'lazaret-kill-'));
    this.supervised = [];
    this.stack = await Stack.open({ folder: this.folder, bin: this.bin, portal: true, ports: ANY_PORTS,
      supervision: { log: (line) => this.supervised.push(line), giveUp: (name, end, lines) => this.faults.push(`${name} was given up: ${lines}`) } });
    await this.stack.start();
    await this.stack.ready(60000);
    // Through the load balancer, as browsers come.
    this.platform = this.stack.urls.platformIngress;
    this.attestation = this.stack.urls.attestationIngress;
    const administrator = this.#person(Person, 'admin', this.stack.password);
    const hire = async (user, role) => {
      const password = `password of ${user}`;
      await administrator.must(201, 'POST', '/accounts', { user, name: user, role, password });
      return password;
    };
    const films = someFilms(this.random);
    this.clerks = [];
    for (let i = 0; i < this.clerkCount; i++) {
      const user = `clerk.${i}`;
      this.clerks.push(this.#person(Clerk, user, await hire(user, 'clerk'), { random: randomOf(this.seed * 1000 + i), films }));
    }
    this.clinician = this.#person(Clinician, 'doctor', await hire('doctor', 'clinician'));
    this.probe = new Probe({ stack: this.stack, platform: this.platform, attestation: this.attestation, clerk: this.#person(Person, 'probe', await hire('probe', 'clerk')) });
    await this.probe.prepare(films[0]);
    this.loads = [...this.clerks, this.clinician].map((person) => person.work(this.pauseMs));
  }

  #person(Kind, user, password, more = {}) {
    return new Kind({ platform: this.platform, user, password, tally: () => this.tally, ...more });
  }

  /** The kinds in random order, each as often as the others. */
  #nextKind() {
    if (!this.queue?.length) {
      this.queue = Object.keys(processesOf(this.stack));
      for (let i = this.queue.length - 1; i > 0; i--) {
        const j = this.random.below(i + 1);
        [this.queue[i], this.queue[j]] = [this.queue[j], this.queue[i]];
      }
    }
    return this.queue.pop();
  }

  /** A child that lives for one picture must be met first. */
  async #victim(kind) {
    const find = processesOf(this.stack)[kind];
    for (const end = Date.now() + CATCH_MS; Date.now() < end; await sleep(1)) {
      const pid = find();
      if (pid && !hasEnded(pid)) return pid;
    }
    return undefined;
  }

  async round() {
    const kind = this.#nextKind();
    await sleep(this.random.below(this.calmMs));
    const pid = await this.#victim(kind);
    if (!pid) return this.results.push({ kind, isMissed: true });
    const before = this.tally;
    this.tally = new Tally();
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      return this.results.push({ kind, isMissed: true });
    }
    const killedMs = Date.now();
    while (!hasEnded(pid)) await sleep(1);
    const recoveredMs = await this.probe.untilWhole(killedMs);
    // What was asked while it was away is answered, or given up, in a while.
    await sleep(this.calmMs / 3 + this.random.below(this.calmMs / 2));
    const { attempts, lost, refusedForNow, signedInAgain, errors, latenciesMs } = this.tally;
    const wrong = await wronglyAccepted(this.platform, this.clerks);
    this.faults.push(...wrong);
    await this.#checkSome();
    this.results.push({ kind, recoveredMs, attempts, lost, refusedForNow, signedInAgain, errors, slowestMs: maximum(latenciesMs), wronglyAccepted: wrong.length });
    this.calmErrors = [...this.calmErrors ?? [], ...before.errors.filter((error) => !this.results.some((result) => result.errors?.includes(error)))];
    return undefined;
  }

  /** The newest patients of each clerk, read by another pair of eyes while the work goes on. */
  async #checkSome() {
    for (const clerk of this.clerks) {
      for (const { id, family } of [...clerk.ledger.patients.values()].slice(-2)) {
        const answer = await this.probe.clerk.must(200, 'GET', `/fhir/Patient/${id}`);
        if (answer && answer.json().name[0].family !== family) this.faults.push('a patient opens as another');
        if (!answer) this.faults.push('an acknowledged patient does not open');
      }
    }
  }

  async stopWork() {
    for (const person of [...this.clerks, this.clinician]) person.isStopped = true;
    await Promise.all(this.loads);
  }

  /** All that was acknowledged, after every program was stopped and started again. */
  async checkAll() {
    await this.stack.stop();
    this.stack = await Stack.open({ folder: this.folder, bin: this.bin, portal: true, log: () => {},
      supervision: { log: () => {}, giveUp: () => {} } });
    await this.stack.start();
    await this.stack.ready(60000);
    this.platform = this.stack.urls.platformIngress;
    const reader = this.#person(Person, this.probe.clerk.user, this.probe.clerk.password);
    const doctor = this.#person(Clinician, this.clinician.user, this.clinician.password);
    const inbox = (await doctor.must(200, 'GET', '/inbox'))?.json().messages ?? [];
    this.checked = { patients: 0, updates: 0, films: 0, orders: 0, acknowledgements: 0 };
    for (const clerk of this.clerks) {
      for (const patient of clerk.ledger.patients.values()) await this.#checkPatient(reader, patient);
      for (const family of clerk.ledger.unsureFamilies) {
        const total = (await reader.must(200, 'GET', `/fhir/Patient?name=${family}`))?.json().total;
        if (total > 1) this.faults.push('a patient was registered twice');
      }
    }
    for (const id of this.clinician.acknowledged) {
      const message = inbox.find((entry) => entry.id === id);
      // Old messages make way for new ones.
      if (message && !message.acknowledged) this.faults.push('an acknowledged message is not acknowledged');
      this.checked.acknowledgements++;
    }
    await this.stack.stop();
  }

  async #checkPatient(reader, patient) {
    const read = await reader.must(200, 'GET', `/fhir/Patient/${patient.id}`);
    if (!read) return void this.faults.push('an acknowledged patient is lost');
    this.checked.patients++;
    const phone = read.json().telecom[0].value;
    if (phone !== patient.phone && phone !== patient.unsure.phone) this.faults.push('an acknowledged update is lost');
    if (!patient.unsure.phone && read.fields.etag !== `W/"${patient.version}"`) this.faults.push('an update was made twice, or one that was not acknowledged');
    this.checked.updates += patient.version - 1;
    const found = await reader.must(200, 'GET', `/fhir/Patient?name=${patient.family}`);
    if (found?.json().total !== 1) this.faults.push('a patient was registered twice, or is not found');
    const all = (await reader.must(200, 'GET', `/fhir/Patient/${patient.id}/$everything`))?.json().entry.map((entry) => entry.resource) ?? [];
    const of = (type) => all.filter((resource) => resource.resourceType === type);
    await this.#checkFilms(reader, patient, of('ImagingStudy'));
    this.#checkOrders(patient, of);
  }

  async #checkFilms(reader, patient, studies) {
    for (const { study } of patient.films) {
      if (!studies.some((one) => one.id === study)) this.faults.push('an acknowledged study is lost');
      this.checked.films++;
    }
    if (studies.length > patient.films.length + patient.unsure.films) this.faults.push('a film was completed twice');
    for (const study of studies) {
      const film = study.identifier.find((entry) => entry.system === 'urn:lazaret:film').value;
      const shown = (await reader.must(200, 'GET', `/films/${film}`))?.json();
      if (shown?.state !== 'complete' || shown.study !== study.id) this.faults.push('half a record: a study whose film is not complete');
      if ((await reader.must(200, 'GET', `/films/${film}/image?size=64`))?.fields['content-type'] !== 'image/png') this.faults.push('a film does not open');
    }
  }

  #checkOrders(patient, of) {
    const [orders, reports, observations, messages] = ['ServiceRequest', 'DiagnosticReport', 'Observation', 'Communication'].map(of);
    const names = (resource, id) => JSON.stringify(resource).includes(id);
    for (const { order, report } of patient.orders) {
      if (!orders.some((one) => one.id === order)) this.faults.push('an acknowledged order is lost');
      if (!reports.some((one) => one.id === report && names(one, order))) this.faults.push('an acknowledged report is lost');
      this.checked.orders++;
    }
    if (orders.length > patient.orders.length + patient.unsure.orders) this.faults.push('an order was carried out twice');
    for (const order of orders) if (reports.filter((one) => names(one, order.id)).length !== 1) this.faults.push('half a record: an order without its report');
    for (const report of reports) {
      const results = report.result?.length ?? 0;
      if (report.status === 'preliminary' ? results !== 1 : results !== 0) this.faults.push('half a record: a report without its observation');
      if (messages.filter((one) => names(one, report.id)).length !== 1) this.faults.push('half a record: a report without its message');
    }
    for (const observation of observations) if (!reports.some((one) => names(one, observation.id))) this.faults.push('half a record: an observation without its report');
    if (reports.length !== orders.length || messages.length !== reports.length) this.faults.push('half a record: orders, reports and messages do not match');
  }

  report() {
    const kinds = [...new Set(this.results.map((result) => result.kind))].sort();
    const programs = {};
    for (const kind of kinds) {
      const rounds = this.results.filter((result) => result.kind === kind && !result.isMissed);
      const sum = (name) => rounds.reduce((total, round) => total + round[name], 0);
      programs[kind] = {
        kills: rounds.length, missed: this.results.filter((result) => result.kind === kind && result.isMissed).length, requests: sum('attempts'), unanswered: sum('lost'),
        refused_for_now: sum('refusedForNow'), signed_in_again: sum('signedInAgain'), wrongly_accepted: sum('wronglyAccepted'),
        user_errors: rounds.reduce((total, round) => total + round.errors.length, 0), slowest_request_ms: maximum(rounds.map((round) => round.slowestMs)),
        recovery_ms: { median: median(rounds.map((round) => round.recoveredMs)), max: maximum(rounds.map((round) => round.recoveredMs)) },
      };
    }
    const killed = this.results.filter((result) => !result.isMissed);
    const errors = {};
    for (const error of [...killed.flatMap((result) => result.errors), ...this.calmErrors ?? []]) errors[error] = (errors[error] ?? 0) + 1;
    return { seed: this.seed, kills: killed.length, programs, recovery_ms: { median: median(killed.map((one) => one.recoveredMs)), max: maximum(killed.map((one) => one.recoveredMs)) },
      checked: this.checked, faults: this.faults, user_errors: errors };
  }

  async close() {
    await this.stack?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function tableOf(report) {
  const head = ['program', 'kills', 'requests', 'unanswered', 'for now', 'signed in', 'wrong', 'user errors', 'slowest ms', 'whole ms (median)', '(max)'];
  const lines = Object.entries(report.programs).map(([name, one]) => [name, one.kills, one.requests, one.unanswered, one.refused_for_now, one.signed_in_again,
    one.wrongly_accepted, one.user_errors, one.slowest_request_ms, one.recovery_ms.median, one.recovery_ms.max]);
  lines.push(['all', report.kills, '', '', '', '', '', '', '', report.recovery_ms.median, report.recovery_ms.max]);
  const widths = head.map((title, i) => Math.max(title.length, ...lines.map((line) => String(line[i]).length)));
  return [head, ...lines].map((line) => line.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i]))).join('  ')).join('\n');
}

/** Runs so many rounds; answers the report. `report.faults` is empty if all is well. */
export async function kill9(options) {
  const run = new Run(options);
  const untilMs = Date.now() + (options.minutes ?? 600) * 60000;
  try {
    await run.open();
    for (let i = 1; i <= options.rounds && Date.now() < untilMs; i++) {
      await run.round();
      if (i % 20 === 0) run.log(`${i} of ${options.rounds}, ${run.faults.length} faults`);
    }
    await run.stopWork();
    await run.checkAll();
  } catch (error) {
    run.faults.push(`${error.message}`);
  } finally {
    for (const person of [...run.clerks ?? [], ...(run.clinician ? [run.clinician] : [])]) person.isStopped = true;
    await Promise.all(run.loads ?? []);
    await run.close();
  }
  return run.report();
}

async function main() {
  const rounds = Number(process.argv[2] || process.env.N || 300);
  const seed = Number(process.argv[3] || process.env.SEED || Math.floor(Math.random() * 1e6));
  const bin = process.env.LAZARET_BIN ?? join(ROOT, 'build/bin');
  console.log(`kill -9: ${rounds} rounds, SEED=${seed}`);
  const report = await kill9({ rounds, seed, bin, minutes: process.env.MINUTES ? Number(process.env.MINUTES) : undefined });
  console.log(tableOf(report));
  for (const [error, count] of Object.entries(report.user_errors)) console.log(`user error, ${count}x: ${error}`);
  for (const fault of report.faults) console.log(`FAULT: ${fault}`);
  console.log(`read back after a fresh start: ${JSON.stringify(report.checked)}`);
  const file = join(ROOT, 'build/reports/kill-9.json');
  mkdirSync(join(ROOT, 'build/reports'), { recursive: true });
  writeFileSync(file, JSON.stringify({ ...report, machine: { cores: Number(readFileSync('/proc/cpuinfo', 'utf8').match(/^processor/gm).length) } }, null, 2));
  console.log(`figures: ${file}`);
  process.exit(report.faults.length > 0 ? 1 : 0);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main();
