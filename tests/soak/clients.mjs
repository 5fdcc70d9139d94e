// SPDX-License-Identifier: Apache-2.0
// The clients of a soak: people of a hospital over the sealed channel, by way of the ingress as their browsers go, and strangers
// on a bad network. Each request is timed from its first byte out to its last byte in; sealing is the client's own work.
import http from 'node:http';
import net from 'node:net';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SealedClient } from '../system/support/sealed-client.mjs';

const TIMEOUT_MS = 60000;
const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });

export const closeAgent = () => agent.destroy();

function send(url, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, agent, timeout: TIMEOUT_MS, headers: { ...headers, ...(body ? { 'content-length': Buffer.byteLength(body) } : {}) } }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: response.statusCode, headers: response.headers, arrayBuffer: async () => bytes, text: async () => bytes.toString(), json: async () => JSON.parse(bytes) });
      });
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    request.on('error', (error) => reject(Object.assign(error, { wasReused: request.reusedSocket })));
    request.end(body);
  });
}

/** As a browser does: a kept connection that turns out to be closed is replaced by a new one. */
async function fetchAsBrowser(url, options) {
  try {
    return await send(url, options);
  } catch (error) {
    if (error.code !== 'ECONNRESET' || !error.wasReused) throw error;
    return send(url, options);
  }
}

/** A person at a browser. `note(kind, ms)` takes each request's time, `fail(kind, text)` what a user would have seen. */
export class Person extends SealedClient {
  constructor(world, note, fail) {
    super(world.urls.platformIngress, fetchAsBrowser);
    Object.assign(this, { world, note, fail });
  }

  /** One request outside the seal. */
  async plain(kind, url, options, expected = 200) {
    const started = performance.now();
    const answer = await this.fetch(url, options);
    this.note(kind, performance.now() - started);
    if (answer.status !== expected) throw new Error(`${answer.status} instead of ${expected}: ${(await answer.text()).slice(0, 200)}`);
    return answer;
  }

  async post(sealed) {
    const started = performance.now();
    const answer = await super.post(sealed);
    this.tookMs = performance.now() - started;
    return answer;
  }

  /** What the portal does before it sends anything: takes the platform's evidence and has it appraised. */
  async verify() {
    const started = performance.now();
    await this.connect();
    this.note('evidence', performance.now() - started);
    const { evidence, runtimeData } = this.evidence;
    await this.plain('appraise', `${this.world.urls.attestationIngress}/attest/SgxEnclave?api-version=2022-08-01`, { method: 'POST',
      headers: { 'content-type': 'application/json' }, body: JSON.stringify({ quote: evidence, runtimeData: { data: runtimeData, dataType: 'JSON' } }) });
  }

  async ask(kind, expected, method, path, body, fields) {
    let answer = await this.request(method, path, body, fields);
    if (answer.status === 409 && answer.body.includes('chain-changed')) {
      await this.verify();
      answer = await this.request(method, path, body, fields);
    }
    this.note(kind, this.tookMs);
    if (answer.status !== expected) throw new Error(`${answer.status} instead of ${expected}: ${answer.body.toString().slice(0, 200)}`);
    return answer;
  }

  async enter(account) {
    const { user, password } = account;
    this.session = (await this.ask('sign in', 201, 'POST', '/session', { user, password })).json().session;
  }
}

const bundle = (family) => ({ resourceType: 'Bundle', type: 'transaction', entry: [
  { fullUrl: 'urn:uuid:6f1b0c0e-6a51-4b9e-9a57-0d1f6a2b7c01', request: { method: 'POST', url: 'Patient' }, resource: { resourceType: 'Patient',
    name: [{ family, given: ['Robin'] }], gender: 'female', birthDate: '2022-03-14', telecom: [{ system: 'phone', value: '+1 555 0100' }],
    address: [{ line: ['1 Example Street'], city: 'Exampleton', postalCode: '00000' }] } },
  { request: { method: 'POST', url: 'AllergyIntolerance' }, resource: { resourceType: 'AllergyIntolerance', code: { text: 'Penicillin' },
    patient: { reference: 'urn:uuid:6f1b0c0e-6a51-4b9e-9a57-0d1f6a2b7c01' },
    clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] } } }] });

/** Names as different as people's are: a search by name looks at all whose first letters are the same. */
const syllables = (number) => {
  const sounds = ['ba', 'ce', 'di', 'fo', 'gu', 'ha', 'je', 'ki', 'lo', 'mu', 'na', 'pe', 'ri', 'so', 'tu', 'va'];
  const spread = Math.imul(number + 1, 0x9e3779b1) >>> 0;
  return [0, 4, 8, 12, 16].map((shift) => sounds[(spread >>> shift) & 15]).join('').replace(/^./, (letter) => letter.toUpperCase());
};

const pick = (list) => list[Math.floor(Math.random() * list.length)];
/** Recent patients: what is looked up and gets films. */
const RECENT = 200;

/** Each takes the world and a person who is signed in. */
export const STORIES = {
  async register(world, clerk) {
    const family = `${syllables(world.counter++)} ${world.letter}${world.counter}`;
    const answer = (await clerk.ask('register', 200, 'POST', '/fhir', bundle(family))).json();
    const id = /Patient\/([^/]+)/.exec(JSON.stringify(answer))[1];
    world.patients.push({ id, family });
    if (world.patients.length > RECENT) world.patients.shift();
  },

  async lookUp(world, clerk) {
    const patient = pick(world.patients);
    const found = (await clerk.ask('search', 200, 'GET', `/fhir/Patient?name=${encodeURIComponent(patient.family)}`)).json();
    if (!found.entry?.some((entry) => entry.resource.id === patient.id)) throw new Error('search: a registered patient is not found');
    const read = (await clerk.ask('read', 200, 'GET', `/fhir/Patient/${patient.id}`)).json();
    if (read.name[0].family !== patient.family) throw new Error('read: another patient');
    await clerk.ask('everything', 200, 'GET', `/fhir/Patient/${patient.id}/$everything`);
  },

  async film(world, clerk) {
    const patient = pick(world.patients);
    const bytes = world.films[world.filmCounter++ % world.films.length];
    const { film, part_size: size, parts } = (await clerk.ask('film begin', 201, 'POST', '/films', { patient: patient.id, size: bytes.length })).json();
    for (let part = 0; part < parts; part++) {
      const piece = bytes.subarray(part * size, (part + 1) * size);
      await clerk.ask(piece.length === size ? 'film part' : 'film last part', 204, 'PUT', `/films/${film}/parts/${part}`, piece);
    }
    const { study } = (await clerk.ask('film complete', 201, 'POST', `/films/${film}/complete`, { sha256: createHash('sha256').update(bytes).digest('hex') })).json();
    await clerk.ask('order', 201, 'POST', '/fhir/ServiceRequest', { resourceType: 'ServiceRequest', status: 'active', intent: 'order', code: { text: 'Chest film' },
      subject: { reference: `Patient/${patient.id}` }, supportingInfo: [{ reference: `ImagingStudy/${study}` }] });
  },

  async inbox(world, clinician) {
    const { messages } = (await clinician.ask('inbox', 200, 'GET', '/inbox')).json();
    for (const message of messages.filter((entry) => !entry.acknowledged).slice(0, 3)) {
      await clinician.ask('report', 200, 'GET', `/fhir/DiagnosticReport/${message.report.split('/').at(-1)}`);
      await clinician.ask('acknowledge', 204, 'POST', `/inbox/${message.id}/acknowledge`);
    }
  },

  async signIn(world, person) {
    const visitor = new Person(world, person.note, person.fail);
    await visitor.verify();
    await visitor.enter(pick(world.accounts));
    await visitor.ask('session', 200, 'GET', '/session');
    await visitor.ask('sign out', 204, 'DELETE', '/session');
  },

  verify: (world, person) => person.verify(),

  async portal(world, person) {
    await person.plain('portal', `${world.urls.portal}/`);
  },
};

/** What strangers do to a listener's port; each ends by itself, and nothing that it sees counts. */
const NUISANCES = [
  async (socket) => sleep(15000, null, { ref: false }),
  async (socket) => { for (const byte of 'GET / HTTP/1.1\r\nHost: x\r\n') { socket.write(byte); await sleep(300); } },
  async (socket) => socket.write(Buffer.alloc(4096, 0x16)),
  async (socket) => { socket.write('POST /sealed/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf'); await sleep(1000); socket.resetAndDestroy(); },
  async (socket) => { socket.end('GET /'); await sleep(2000); },
  async (socket) => { socket.resetAndDestroy(); },
];

export async function annoy(world, number) {
  const port = world.strangersPorts[number % world.strangersPorts.length];
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await new Promise((resolve) => { socket.once('connect', resolve); socket.once('error', resolve); });
  await NUISANCES[number % NUISANCES.length](socket);
  socket.destroy();
}
