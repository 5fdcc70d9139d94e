// SPDX-License-Identifier: Apache-2.0
// Whether the stack is whole: every program does its part, seen from outside through the load balancer; and the programs that it is
// made of, for those who end them.
import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connected, orderOf, upload, web } from './hospital.mjs';

function childrenOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function nameOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

/** Whether it has ended, be it that nobody has waited for it yet. */
export function hasEnded(pid) {
  try {
    return / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/\(.*\)/, ''));
  } catch {
    return true;
  }
}

const programOf = (launcher) => launcher && childrenOf(launcher)[0];
const nurseryOf = (launcher) => programOf(launcher) && childrenOf(programOf(launcher)).find((pid) => /^lazaret-/.test(nameOf(pid)));
const contained = (launcher) => nurseryOf(launcher) && childrenOf(nurseryOf(launcher))[0];

/** Every process of the stack by what it is: name → function that gives its id now, or undefined. */
export function processesOf(stack) {
  const launcher = (role) => stack.processes.get(role)?.child.pid;
  return {
    platform: () => programOf(launcher('platform')),
    'platform launcher': () => launcher('platform'),
    'decoder nursery': () => nurseryOf(launcher('platform')),
    'decoder child': () => contained(launcher('platform')),
    diagnosis: () => programOf(launcher('diagnosis')),
    'diagnosis launcher': () => launcher('diagnosis'),
    'model nursery': () => nurseryOf(launcher('diagnosis')),
    'model child': () => contained(launcher('diagnosis')),
    gate: () => programOf(launcher('gate')),
    'gate launcher': () => launcher('gate'),
    attestation: () => programOf(launcher('attestation')),
    'attestation launcher': () => launcher('attestation'),
    redis: () => launcher('redis'),
    collateral: () => launcher('softtee'),
    'nginx master': () => launcher('nginx'),
    'nginx worker': () => childrenOf(launcher('nginx'))[0],
  };
}

/** Looks at the stack as one clerk would, with a film of its own that it orders a reading of. */
export class Probe {
  constructor({ stack, clerk, platform, attestation }) {
    Object.assign(this, { stack, clerk, platform, attestation });
  }

  async prepare(film) {
    const answer = await this.clerk.must(201, 'POST', '/fhir/Patient', { resourceType: 'Patient', name: [{ family: `Probe${randomBytes(4).toString('hex')}` }], gender: 'other', birthDate: '2020-02-02' });
    this.patient = answer.json().id;
    this.study = (await upload(this.clerk, this.patient, film)).study;
    this.orders = 0;
  }

  async #is200(url, options) {
    const answer = await web(url, { timeoutMs: 5000, ...options });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${url.split('/').slice(3).join('/').split('?')[0]}: ${answer.status}`);
    return text;
  }

  /** Every hop once: static files, readiness, evidence and its appraisal, collateral, then a diagnosis. Throws what is amiss. */
  async look() {
    await this.#is200(`${this.stack.urls.portal}/`);
    await this.#is200(`${this.stack.urls.collateral}/sgx/certification/v4/rootcacrl`);
    await this.#is200(`${this.platform}/readyz`);
    const client = await connected(this.platform);
    if (!client.isVerified) throw new Error('the statement says of a hop that it is not accepted');
    const { evidence, runtimeData } = client.evidence;
    await this.#is200(`${this.attestation}/attest/SgxEnclave?api-version=2022-08-01`, { method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ quote: evidence, runtimeData: { data: runtimeData, dataType: 'JSON' }, nonce: randomBytes(32).toString('base64url') }) });
    client.session = this.clerk.session;
    if (!client.session || (await client.request('GET', '/session')).status !== 200) {
      const answer = await client.signIn(this.clerk.user, this.clerk.password);
      if (answer.status !== 201) throw new Error(`sign-in: ${answer.status}`);
      this.clerk.session = client.session;
    }
    const order = await client.request('POST', '/fhir/ServiceRequest', orderOf(this.patient, this.study));
    if (order.status !== 201) throw new Error(`order: ${order.status}`);
    this.orders++;
  }

  /** Waits until all of it goes well; answers how long that took from `sinceMs`. */
  async untilWhole(sinceMs, timeoutMs = 60000) {
    let last;
    while (Date.now() - sinceMs < timeoutMs) {
      try {
        await this.look();
        return Date.now() - sinceMs;
      } catch (error) {
        last = error;
      }
      await sleep(20);
    }
    throw new Error(`not whole after ${timeoutMs / 1000} s: ${last?.message}`);
  }
}
