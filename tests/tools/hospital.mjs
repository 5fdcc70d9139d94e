// SPDX-License-Identifier: Apache-2.0
// A hospital at work: clients of the sealed channel that register, update, upload, order, read, search, look into the inbox and
// sign in and out, each on its own, and keep a ledger of what was acknowledged. A client behaves as a careful one must: after an
// unknown outcome it sends the same request under the same idempotency key, after a 409 it verifies anew, after a 401 it signs in.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import zlib from 'node:zlib';
import { setTimeout as sleep } from 'node:timers/promises';
import { SealedClient, decodeResponse, encodeRequest } from '../system/support/sealed-client.mjs';
import { ROOT } from '../../scripts/stack/stack.mjs';

const ATTEMPT_MS = 20000;
const PATIENCE_MS = 20000;
const SAMPLE = readFileSync(join(ROOT, 'models/chest-xray/samples/synthetic-normal.dcm'));

export function randomOf(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, below: (n) => Math.floor(next() * n), pick: (list) => list[Math.floor(next() * list.length)] };
}

export const payloadOf = (jws) => JSON.parse(Buffer.from(jws.split('.')[1], 'base64url'));

function crc32(bytes) {
  if (zlib.crc32) return zlib.crc32(bytes);
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}

/** A grey picture of noise, so large that it takes `side * side` bytes: several parts if that is over a megabyte. */
export function noisePicture(side, random) {
  const rows = Buffer.alloc(side * (side + 1));
  for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) rows[y * (side + 1) + 1 + x] = random.next() * 256;
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length, 0);
    ends.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head[8] = 8;
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', head), chunk('IDAT', zlib.deflateSync(rows, { level: 0 })), chunk('IEND', Buffer.alloc(0))]);
}

/** What one request came to, for the report: each attempt without an answer, each error that the user would see in the end. */
export class Tally {
  attempts = 0;
  lost = 0;
  refusedForNow = 0;
  signedInAgain = 0;
  verifiedAnew = 0;
  errors = [];
  latenciesMs = [];
}

export const web = (url, options = {}) => fetch(url, { ...options, signal: AbortSignal.timeout(options.timeoutMs ?? ATTEMPT_MS) });

/** Connects through the load balancer and looks at the statement: every hop must be accepted. */
export async function connected(platform) {
  const client = new SealedClient(platform, web);
  await client.connect();
  const unwell = payloadOf(client.evidence.statement).hops.filter((hop) => hop.verdict !== 'accepted');
  client.isVerified = unwell.length === 0;
  return client;
}

const isTransient = (status) => [408, 425, 429, 500, 502, 503, 504, 507].includes(status);

/** One person at a browser. `tally()` gives the tally of the present round. */
export class Person {
  constructor({ platform, user, password, tally, patienceMs = PATIENCE_MS }) {
    Object.assign(this, { platform, user, password, tally, patienceMs });
    this.session = null;
    this.client = null;
    this.isStopped = false;
  }

  async #verify() {
    this.tally().verifiedAnew++;
    const client = await connected(this.platform);
    if (!client.isVerified) throw new Error('a hop is not accepted');
    this.client = client;
  }

  /** One attempt: answer, or null when it is to be made again. */
  async #attempt(method, path, body, fields, withSession) {
    const tally = this.tally();
    if (!this.client) await this.#verify();
    if (withSession && !this.session) await this.#signIn();
    this.client.session = withSession ? this.session : undefined;
    tally.attempts++;
    const answer = await this.client.request(method, path, body, fields);
    const type = answer.status === 409 || answer.clear ? typeOf(answer) : '';
    if (answer.clear || /chain-changed/.test(type)) {
      // Another platform's key, a load balancer's word, or another chain: nothing was done under this statement.
      if (answer.clear && answer.status >= 500) tally.lost++;
      this.client = null;
      return null;
    }
    if (answer.status === 401 && withSession) {
      this.session = null;
      return null;
    }
    if (isTransient(answer.status)) {
      tally.refusedForNow++;
      return null;
    }
    return answer;
  }

  async #signIn() {
    const client = this.client;
    client.session = undefined;
    this.tally().signedInAgain++;
    const answer = await client.request('POST', '/session', { user: this.user, password: this.password });
    if (answer.clear || answer.status === 409) this.client = null;
    if (answer.status !== 201) throw new Error(`sign-in: ${answer.status}`);
    this.session = answer.json().session;
  }

  /** The request, until there is an answer that counts; undefined if patience ends first, which is an error that the user sees. */
  async request(method, path, body, fields = {}, withSession = true) {
    const tally = this.tally();
    const startedMs = Date.now();
    const key = { 'idempotency-key': randomBytes(12).toString('hex'), ...fields };
    let last = '';
    for (let pauseMs = 25; Date.now() - startedMs < this.patienceMs && !this.isStopped; pauseMs = Math.min(pauseMs * 2, 400)) {
      try {
        const answer = await this.#attempt(method, path, body, key, withSession);
        if (answer) {
          tally.latenciesMs.push(Date.now() - startedMs);
          return answer;
        }
        last = 'refused for now';
      } catch (error) {
        if (error.cause || error.name === 'TimeoutError' || error.name === 'AbortError') tally.lost++;
        last = error.cause?.code ?? error.message;
        this.client = null;
      }
      await sleep(pauseMs);
    }
    if (!this.isStopped) this.sees(method, path, `no answer that counts within ${this.patienceMs / 1000} s: ${last}`);
    return undefined;
  }

  sees(method, path, what) {
    this.tally().errors.push(`${method} ${path.split('?')[0].replaceAll(/[0-9a-f]{8,}/g, '{}')}: ${what}`);
  }

  /** The answer if it has the status that it must have; otherwise the user sees an error. */
  async must(status, method, path, body, fields) {
    const answer = await this.request(method, path, body, fields);
    if (!answer || answer.status === status) return answer;
    this.sees(method, path, `${answer.status} ${codeOf(answer)}`);
    return undefined;
  }
}

function typeOf(answer) {
  try {
    return answer.json().type ?? '';
  } catch {
    return '';
  }
}

export function codeOf(answer) {
  try {
    const json = answer.json();
    return json.code ?? json.issue?.[0]?.details?.coding?.[0]?.code ?? json.type ?? '';
  } catch {
    return '';
  }
}

export const orderOf = (patient, study) => ({ resourceType: 'ServiceRequest', status: 'active', intent: 'order', code: { text: 'Chest film' },
  subject: { reference: `Patient/${patient}` }, supportingInfo: [{ reference: `ImagingStudy/${study}` }] });

const patientOf = (family, phone) => ({ resourceType: 'Patient', name: [{ family, given: ['Robin'] }], gender: 'female', birthDate: '2021-05-04',
  telecom: [{ system: 'phone', value: phone }] });

/** Uploads in parts; answers `{ film, study, sha256 }`, or undefined. */
export async function upload(person, patient, bytes) {
  const created = await person.must(201, 'POST', '/films', { patient, size: bytes.length });
  if (!created) return undefined;
  const { film, parts, part_size: size } = created.json();
  for (let part = 0; part < parts; part++) {
    if (!await person.must(204, 'PUT', `/films/${film}/parts/${part}`, bytes.subarray(part * size, (part + 1) * size))) return undefined;
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const done = await person.must(201, 'POST', `/films/${film}/complete`, { sha256 });
  return done && { film, study: done.json().study };
}

/** A clerk and what the clerk was told. `ledger.patients`: id → { family, phone, versions, films, orders, unsure }. Where the outcome
 *  is not known because patience ended, `unsure` counts what may be there beyond what was acknowledged. */
export class Clerk extends Person {
  constructor(options) {
    super(options);
    this.random = options.random;
    this.films = options.films;
    this.ledger = { patients: new Map(), unsureFamilies: [], endedSessions: [] };
    this.replays = [];
  }

  #patient() {
    const all = [...this.ledger.patients.values()];
    // Mostly the latest ones, as at a desk.
    return all[Math.max(0, all.length - 1 - this.random.below(Math.min(all.length, 12)))];
  }

  async register() {
    const family = `Kin${randomBytes(6).toString('hex')}`;
    const phone = `+1 555 ${this.random.below(9000) + 1000}`;
    const answer = await this.must(201, 'POST', '/fhir/Patient', patientOf(family, phone));
    if (!answer) return void this.ledger.unsureFamilies.push(family);
    const id = answer.json().id;
    this.ledger.patients.set(id, { id, family, phone, version: 1, films: [], orders: [], unsure: { films: 0, orders: 0, phone: null } });
  }

  async update() {
    const patient = this.#patient();
    if (!patient || patient.unsure.phone) return;
    const phone = `+1 555 ${this.random.below(9000) + 1000}`;
    const changed = { ...patientOf(patient.family, phone), id: patient.id };
    const answer = await this.must(200, 'PUT', `/fhir/Patient/${patient.id}`, changed, { 'if-match': `W/"${patient.version}"` });
    if (!answer) patient.unsure.phone = phone;
    else Object.assign(patient, { phone, version: patient.version + 1 });
  }

  async film() {
    const patient = this.#patient();
    if (!patient) return;
    const film = await upload(this, patient.id, this.random.pick(this.films));
    if (film) patient.films.push(film);
    else patient.unsure.films++;
  }

  async order() {
    const patient = [...this.ledger.patients.values()].filter((one) => one.films.length > 0).at(-1);
    if (!patient) return;
    const answer = await this.must(201, 'POST', '/fhir/ServiceRequest', orderOf(patient.id, this.random.pick(patient.films).study));
    if (answer) patient.orders.push({ order: answer.json().id, report: answer.fields['location-report'].split('/')[1] });
    else patient.unsure.orders++;
  }

  async read() {
    const patient = this.#patient();
    if (!patient) return;
    const answer = await this.must(200, 'GET', `/fhir/Patient/${patient.id}`);
    if (answer && answer.json().name[0].family !== patient.family) this.sees('GET', '/fhir/Patient', 'another patient');
  }

  async search() {
    const patient = this.#patient();
    if (!patient) return;
    const answer = await this.must(200, 'GET', `/fhir/Patient?name=${patient.family}`);
    if (answer && answer.json().total !== 1) this.sees('GET', '/fhir/Patient?name', `${answer.json().total} found`);
  }

  /** Signs out; what was acknowledged as ended must stay ended. */
  async signOut() {
    if (!this.session) return;
    const session = this.session;
    const answer = await this.request('DELETE', '/session');
    if (answer?.status === 204 && session === this.session) this.ledger.endedSessions.push(session);
    this.session = null;
  }

  /** A request whose very bytes are kept, to be sent again later by somebody else. */
  async keepForReplay() {
    if (!this.client || !this.session) return;
    const client = this.client;
    client.session = this.session;
    const family = `Kin${randomBytes(6).toString('hex')}`;
    const body = Buffer.from(JSON.stringify(patientOf(family, '+1 555 0000')));
    const { sealed, sender } = await client.seal(encodeRequest({ method: 'POST', path: '/fhir/Patient', fields: client.fields({ 'content-type': 'application/fhir+json' }), body }));
    const answer = await client.post(sealed).catch(() => null);
    if (answer?.status !== 200) return void this.ledger.unsureFamilies.push(family);
    const opened = decodeResponse(await client.open(sender, Buffer.from(await answer.arrayBuffer())));
    if (opened.status !== 201) return;
    const { id } = JSON.parse(opened.body);
    this.ledger.patients.set(id, { id, family, phone: '+1 555 0000', version: 1, films: [], orders: [], unsure: { films: 0, orders: 0, phone: null } });
    this.replays.push({ client, sealed, sender });
  }

  async work(pauseMs) {
    const steps = [['register', 4], ['update', 3], ['film', 2], ['order', 3], ['read', 4], ['search', 2], ['signOut', 1], ['keepForReplay', 1]]
      .flatMap(([step, weight]) => Array(weight).fill(step));
    await this.register();
    while (!this.isStopped) {
      await this[this.random.pick(steps)]().catch((error) => this.isStopped || this.sees('-', '-', error.message));
      await sleep(this.random.below(2 * pauseMs));
    }
  }
}

/** Bytes that were sent before, sessions that were ended, a statement that nobody issued: none of it is accepted, ever. Answers what
 *  was. */
export async function wronglyAccepted(platform, clerks) {
  const wrong = [];
  const client = await connected(platform).catch(() => null);
  for (const clerk of clerks) {
    const replay = clerk.replays.at(-1);
    const again = replay && await replay.client.post(replay.sealed).catch(() => null);
    if (again?.status === 200) {
      const opened = decodeResponse(await replay.client.open(replay.sender, Buffer.from(await again.arrayBuffer())));
      if (opened.status < 400) wrong.push('wrongly accepted: a request that was sent before');
    }
    const ask = async (session, path, fields) => {
      if (!client || !session) return 0;
      client.session = session;
      return (await client.request('GET', path, undefined, fields).catch(() => ({ status: 0 }))).status;
    };
    if (await ask(clerk.ledger.endedSessions.at(-1), '/session') === 200) wrong.push('wrongly accepted: a session that was ended');
    if (await ask(clerk.session, '/fhir/Patient?name=kin', { 'lazaret-statement': 'A'.repeat(43) }) === 200) wrong.push('wrongly accepted: a statement that nobody issued');
  }
  return wrong;
}

/** Reads the inbox and acknowledges; keeps what was acknowledged. */
export class Clinician extends Person {
  acknowledged = new Set();

  async work(pauseMs) {
    while (!this.isStopped) {
      const inbox = await this.must(200, 'GET', '/inbox');
      const waiting = inbox?.json().messages.filter((message) => !message.acknowledged) ?? [];
      for (const { id } of waiting.slice(0, 4)) {
        if (await this.must(204, 'POST', `/inbox/${id}/acknowledge`)) this.acknowledged.add(id);
      }
      await sleep(4 * pauseMs);
    }
  }
}

export const someFilms = (random) => [SAMPLE, noisePicture(1100, random), noisePicture(300, random)];
