// SPDX-License-Identifier: Apache-2.0
// kill -9 of the attestation service at random moments, while policies and policy signers are changed: each change is wholly there
// afterwards or not at all, and what was acknowledged is there.
//
//   node tests/tools/kill-9-policies.mjs [ROUNDS] [SEED]        (make kill-9-policies N=200 SEED=1)
//
// Half of the rounds with the state in a file, half with it in PostgreSQL, where a second replica goes on and must show the same.
// LAZARET_BIN names the programs' folder. Prints the figures; exit code 1 if anything acknowledged is lost, or a change is there by halves.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT, Stack } from '../../scripts/stack/stack.mjs';
import { portIn } from '../../scripts/stack/processes.mjs';
import { jwsOf, localBearer, localKey, makeSigner, policyPayload, signedPolicy } from '../system/support/administration.mjs';
import { Postgres, missing as noPostgres } from '../system/support/postgres.mjs';
import { fetchWith } from '../system/support/web.mjs';
import { payloadOf, randomOf } from './hospital.mjs';
import { hasEnded, processesOf } from './whole.mjs';

const ANY_PORTS = { portal: 0, platformIngress: 0, attestationIngress: 0, platform: 0, attestation: 0, diagnosis: 0, gate: 0, collateral: 0 };
const TYPES = ['SgxEnclave', 'OpenEnclave', 'SevSnpVm', 'TdxVm', 'Tpm'];
const LONGEST_LIFE_MS = 400;
const SEEN_MS = 1000; // by the other replica
const VERSION = 'api-version=2022-08-01';

/** What the service must show: policies by type (the JWS, or null for the default), and the thumbprints of its policy signers. */
class Ledger {
  constructor(first) {
    this.policies = Object.fromEntries(TYPES.map((type) => [type, null]));
    this.signers = new Set([first]);
  }

  changed({ type, jws, add, remove }) {
    const copy = new Ledger();
    copy.policies = type ? { ...this.policies, [type]: jws } : this.policies;
    copy.signers = new Set(this.signers);
    if (add) copy.signers.add(add);
    if (remove) copy.signers.delete(remove);
    return copy;
  }

  text() {
    return JSON.stringify([this.policies, [...this.signers].sort()]);
  }
}

class Run {
  constructor({ bin, seed, isShared, log }) {
    Object.assign(this, { bin, log, isShared, random: randomOf(seed), faults: [], kills: 0, acknowledged: 0, inFlight: { there: 0, notThere: 0 } });
  }

  async open() {
    this.folder = mkdtempSync(join(tmpdir(), 'lazaret-kill-policies-'));
    chmodSync(this.folder, 0o755); // programs run as users of their own
    [this.owner, ...this.others] = ['owner', 'first', 'second', 'third'].map((name) => makeSigner(this.folder, name));
    this.key = localKey();
    if (this.isShared) this.postgres = await Postgres.start();
    const management = { trust: 'isolated', policy_signers: this.owner.file, administrators: [{ key: this.key.jwk }], ...(this.isShared ? { postgres: this.postgres.connection } : {}) };
    this.stack = await Stack.open({ folder: join(this.folder, 'stack'), bin: this.bin, ports: ANY_PORTS, onUnexpectedEnd: () => {} });
    chmodSync(join(this.folder, 'stack'), 0o755);
    this.configuration = { ...this.stack.ownConfiguration('attestation'), management, rate_limit: { per_second: 0, burst: 1 } };
    await this.stack.startAttestation(this.configuration);
    this.url = this.stack.urls.attestation;
    this.fetch = fetchWith(this.stack.tls.ca);
    this.defaults = await this.#policies(this.url);
    this.ledger = new Ledger(this.#thumbprint(this.owner));
    if (this.isShared) await this.#startSurvivor();
  }

  async #startSurvivor() {
    await this.stack.startProgram('attestation', { ...this.configuration, attested_log: undefined, listen: '127.0.0.1:0', ready_file: '../state/attestation/survivor.ready' }, { name: 'survivor' });
    this.survivor = `https://localhost:${await portIn(this.stack.path('state/attestation/survivor.ready'))}`;
  }

  #thumbprint(signer) {
    return createHash('sha256').update(signer.der).digest('hex');
  }

  #call(method, path, body, { url = this.url, type = 'text/plain' } = {}) {
    return this.fetch(`${url}${path}?${VERSION}`, { method, body, headers: { authorization: `Bearer ${localBearer(this.key, this.url)}`, ...(body === undefined ? {} : { 'content-type': type }) } });
  }

  async #policies(url) {
    const shown = {};
    for (const type of TYPES) {
      const answer = await this.#call('GET', `/policies/${type}`, undefined, { url });
      shown[type] = answer.status === 200 ? payloadOf((await answer.json()).token)['x-ms-policy'] : null;
    }
    return shown;
  }

  /** What the service shows, as a ledger. */
  async #shown(url) {
    const shown = new Ledger();
    const policies = await this.#policies(url);
    for (const type of TYPES) shown.policies[type] = policies[type] === this.defaults[type] ? null : policies[type];
    const { keys } = payloadOf((await (await this.#call('GET', '/certificates', undefined, { url })).json()).token)['x-ms-policy-certificates'];
    shown.signers = new Set(keys.map(({ x5c }) => createHash('sha256').update(Buffer.from(x5c[0], 'base64')).digest('hex')));
    return shown;
  }

  /** A random change: what is sent, and what it changes in the ledger. */
  #nextChange() {
    const kind = this.random.below(10);
    const type = this.random.pick(TYPES);
    if (kind < 5) {
      // Of several pages, so that a commit takes more than one write.
      const text = `version=1.0; authorizationrules{=> permit();}; issuancerules{=> issue(type="number", value="${this.random.below(1e9)} ${'x'.repeat(this.random.below(12000))}");};`;
      const jws = signedPolicy(this.owner, text);
      return { method: 'PUT', path: `/policies/${type}`, body: jws, change: { type, jws } };
    }
    if (kind < 7) return { method: 'POST', path: `/policies/${type}:reset`, body: signedPolicy(this.owner, ''), change: { type, jws: null } };
    const subject = this.random.pick(this.others);
    const does = kind < 9 ? 'add' : 'remove';
    const jws = jwsOf({ alg: 'RS256', x5c: [this.owner.der.toString('base64')] }, { policyCertificate: { kty: 'RSA', x5c: [subject.der.toString('base64')] } }, this.owner.privateKey);
    return { method: 'POST', path: `/certificates:${does}`, body: JSON.stringify(jws), type: 'application/json', change: { [does]: this.#thumbprint(subject) } };
  }

  /** Changes, one after the other, until the service is gone. Leaves what was under way in `pending`. */
  async #work() {
    for (;;) {
      const { method, path, body, type, change } = this.#nextChange();
      this.pending = change;
      let answer;
      try {
        answer = await this.#call(method, path, body, { type });
      } catch {
        return;
      }
      if (answer.status !== 200) {
        this.faults.push(`${method} ${path}: ${answer.status} ${await answer.text()}`);
        return;
      }
      this.ledger = this.ledger.changed(change);
      this.pending = null;
      this.acknowledged++;
    }
  }

  async round() {
    const pid = processesOf(this.stack).attestation();
    const work = this.#work();
    await sleep(this.random.next() * LONGEST_LIFE_MS);
    process.kill(pid, 'SIGKILL');
    this.kills++;
    await work;
    while (!hasEnded(pid)) await sleep(1);
    await this.stack.processes.get('attestation')?.ended;
    await this.stack.startProgram('attestation', this.configuration);
    await this.#judge();
  }

  /** What is shown; by both replicas within a second, where there are two. */
  async #settled() {
    for (const end = Date.now() + SEEN_MS; ;) {
      const shown = await this.#shown(this.url);
      if (!this.survivor || (await this.#shown(this.survivor)).text() === shown.text()) return shown;
      if (Date.now() < end) continue;
      this.faults.push(`round ${this.kills}: the replica that went on shows another state`);
      return shown;
    }
  }

  async #judge() {
    const shown = await this.#settled();
    const [without, within] = [this.ledger.text(), this.pending ? this.ledger.changed(this.pending).text() : null];
    const seen = shown.text();
    if (seen !== without && seen !== within) this.faults.push(`round ${this.kills}: neither with nor without the change under way: ${seen.length} bytes seen, ${without.length} acknowledged`);
    if (this.pending && without !== within) this.inFlight[seen === within ? 'there' : 'notThere']++;
    this.ledger = shown;
    this.pending = null;
  }

  async close() {
    this.fetch?.close();
    await this.stack?.stop();
    await this.postgres?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function runOf(options, rounds) {
  const run = new Run(options);
  try {
    await run.open();
    for (let round = 0; round < rounds && run.faults.length === 0; round++) await run.round();
  } finally {
    await run.close();
  }
  const { kills, acknowledged, inFlight, faults } = run;
  return { store: options.isShared ? 'PostgreSQL' : 'file', kills, acknowledged, inFlight, faults };
}

/** Resolves to { seed, runs: [{ store, kills, acknowledged, inFlight, faults }] }. */
export async function kill9Policies({ rounds, seed, bin, log = console.log }) {
  const runs = [];
  const sharedRounds = noPostgres ? 0 : Math.floor(rounds / 2);
  if (noPostgres) log(noPostgres);
  for (const [isShared, count] of [[false, rounds - sharedRounds], [true, sharedRounds]]) {
    if (count === 0) continue;
    runs.push(await runOf({ bin, seed: seed + (isShared ? 1 : 0), isShared, log }, count));
    const { store, kills, acknowledged, inFlight, faults } = runs.at(-1);
    log(`${store}: ${kills} kills, ${acknowledged} changes acknowledged and all there; of those under way ${inFlight.there} were there, ${inFlight.notThere} were not; ${faults.length} faults`);
    for (const fault of faults) log(`  ${fault}`);
  }
  return { seed, runs };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [rounds = process.env.N || 200, seed = process.env.SEED || Math.floor(Math.random() * 1e6)] = process.argv.slice(2);
  console.log(`seed ${seed}`);
  const { runs } = await kill9Policies({ rounds: Number(rounds), seed: Number(seed), bin: process.env.LAZARET_BIN ?? join(ROOT, 'build/bin') });
  process.exitCode = runs.some(({ faults }) => faults.length > 0) ? 1 : 0;
}
