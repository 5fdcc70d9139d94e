// SPDX-License-Identifier: Apache-2.0
//
// What the mock platform answers inside the sealed channel: enough to work on the pages, kept in memory.

import { base64url, randomBytes, textHash, utf8 } from '../../src/trust/encoding.js';
import type { BinaryRequest, BinaryResponse } from '../../src/channel/bhttp.js';
import { sign, type Deployment } from '../support/deployment.js';
import { drawnFilm, drawnHeat } from './pictures.js';

type Item = Record<string, any>;

interface Film {
  id: string;
  patient: string;
  size: number;
  received: number[];
  study: string;
}

const PART = 1048576;
const newId = () => base64url(randomBytes(12));
const json = (status: number, value: unknown, extra: [string, string][] = []): BinaryResponse => ({
  status, headers: [['content-type', 'application/json'], ...extra], body: utf8(JSON.stringify(value)),
});
const empty = (status: number): BinaryResponse => ({ status, headers: [], body: new Uint8Array(0) });
const problem = (status: number, code: string, more: Item = {}): BinaryResponse => ({
  status, headers: [['content-type', 'application/problem+json']], body: utf8(JSON.stringify({ type: 'about:blank', title: code, status, code, ...more })),
});

export class Records {
  private readonly resources = new Map<string, Item>();
  private readonly films = new Map<string, Film>();
  private readonly sessions = new Map<string, Item>();
  private readonly messages: Item[] = [];
  private readonly accounts: Item[] = [
    { id: 'a1', user: 'admin', name: 'Demo Administrator', role: 'administrator' },
    { id: 'a2', user: 'clerk', name: 'A. Clerk', role: 'clerk' },
    { id: 'a3', user: 'doctor', name: 'Dr. B. Well', role: 'clinician' },
  ];

  constructor(private readonly deployment: Deployment, private readonly slowMs: number) {
    const people = [
      ['Marlow', 'Ada', '2021-03-14', 'female'], ['Okafor', 'Chidi Emeka', '2019-11-02', 'male'],
      ['陈', '小明', '2022-06-30', 'male'], ['Lindqvist', 'Freja', '2020-01-21', 'female'],
    ];
    people.forEach(([family, given, birthDate, gender], i) => this.put({
      resourceType: 'Patient', name: [{ family, given: [given] }], birthDate, gender,
      identifier: [{ value: `7300${i}81${i}4` }], telecom: [{ system: 'phone', value: `+49 30 90${i}8 1${i}` }],
    }));
  }

  private put(resource: Item): Item {
    const id = newId();
    const stored = { ...resource, id, meta: { versionId: '1', lastUpdated: new Date().toISOString() } };
    this.resources.set(`${resource.resourceType}/${id}`, stored);
    return stored;
  }

  private bundle(items: Item[]): BinaryResponse {
    return json(200, { resourceType: 'Bundle', type: 'searchset', total: items.length, entry: items.map((resource) => ({ resource })) });
  }

  private all(type: string): Item[] {
    return [...this.resources.values()].filter((item) => item.resourceType === type).reverse();
  }

  async handle(request: BinaryRequest): Promise<BinaryResponse> {
    const url = new URL(request.path, 'https://platform');
    const body = () => JSON.parse(Buffer.from(request.body).toString() || '{}');
    const named = request.headers.find(([name]) => name === 'authorization')?.[1].slice(7) ?? '';
    if (request.method === 'POST' && url.pathname === '/session') return this.signIn(body());
    const account = this.sessions.get(named);
    if (account === undefined) return problem(401, 'ERR_SESSION');
    const [, first = '', second = '', third = '', fourth = ''] = url.pathname.split('/');
    if (first === 'session') {
      this.sessions.delete(named);
      return empty(204);
    }
    if (first === 'accounts') return this.account(request.method, body);
    if (first === 'inbox') return this.inbox(second);
    if (first === 'films') return this.film(request, url, second, third, fourth, body);
    return this.fhir(request, url, second, third, fourth, body);
  }

  private signIn({ user, password }: Item): BinaryResponse {
    const account = this.accounts.find((item) => item.user === user);
    if (account === undefined || password !== 'lazaret-demo') return problem(401, 'ERR_SIGN_IN');
    const session = newId();
    this.sessions.set(session, account);
    return json(201, { session, expires: this.deployment.now + 28800, user: account });
  }

  private account(method: string, body: () => Item): BinaryResponse {
    if (method === 'GET') return json(200, { accounts: this.accounts });
    const { user, name, role } = body();
    if (this.accounts.some((item) => item.user === user)) return problem(412, 'ERR_CONFLICT', { field: 'user' });
    this.accounts.push({ id: newId(), user, name, role });
    return json(201, this.accounts.at(-1));
  }

  private inbox(id: string): BinaryResponse {
    if (id === '') return json(200, { messages: this.messages });
    const message = this.messages.find((item) => item.id === id);
    if (message) message.acknowledged = this.deployment.now;
    return empty(204);
  }

  private async film(request: BinaryRequest, url: URL, id: string, action: string, part: string, body: () => Item) {
    if (id === '') {
      const { patient, size } = body();
      const film = { id: newId(), patient, size, received: [], study: '' };
      this.films.set(film.id, film);
      return json(201, { film: film.id, part_size: PART, parts: Math.ceil(size / PART) });
    }
    const film = this.films.get(id);
    if (film === undefined) return problem(404, 'ERR_NOT_FOUND');
    if (action === 'parts') {
      await new Promise((wake) => setTimeout(wake, this.slowMs));
      film.received.push(Number(part));
      return empty(204);
    }
    if (action === 'image') {
      const side = Number(url.searchParams.get('size'));
      const picture = drawnFilm(Math.min(side, 900), Math.min(Math.round(side * 0.86), 774));
      return { status: 200, headers: [['content-type', 'image/png']] as const, body: new Uint8Array(picture) };
    }
    if (action === 'complete') return this.complete(film);
    if (request.method === 'DELETE') {
      this.films.delete(id);
      return empty(204);
    }
    return json(200, { film: id, patient: film.patient, state: 'staging', received: film.received, size: film.size });
  }

  private complete(film: Film): BinaryResponse {
    if (film.size === 666) {
      this.films.delete(film.id);
      return problem(422, 'ERR_IMAGE_MALFORMED', { field: 'png.IDAT', expected: 'pixels', seen: 'end of file' });
    }
    const study = this.put({
      resourceType: 'ImagingStudy', status: 'available', started: new Date().toISOString(),
      subject: { reference: `Patient/${film.patient}` }, identifier: [{ system: 'urn:lazaret:film', value: film.id }],
    });
    film.study = study.id;
    return json(201, { film: film.id, study: study.id, format: 'png', width: 1424, height: 1224 });
  }

  private async fhir(request: BinaryRequest, url: URL, type: string, id: string, action: string, body: () => Item) {
    if (request.method === 'POST' && type === '') return this.transaction(body());
    if (request.method === 'POST' && type === 'ServiceRequest') return this.order(body());
    if (action === '$everything') {
      const mine = [...this.resources.values()].filter((item) =>
        item.id === id || [item.subject, item.patient, item.beneficiary].some((ref) => ref?.reference === `Patient/${id}`));
      return this.bundle(mine);
    }
    if (id !== '') {
      const found = this.resources.get(`${type}/${id}`);
      return found === undefined ? problem(404, 'ERR_NOT_FOUND') : json(200, found);
    }
    const asked = (name: string) => (url.searchParams.get(name) ?? '').toLowerCase();
    return this.bundle(this.all(type).filter((item) =>
      JSON.stringify(item.name ?? '').toLowerCase().includes(asked('name')) &&
      String(item.birthDate ?? '').includes(asked('birthdate')) &&
      JSON.stringify(item.identifier ?? '').includes(asked('identifier'))));
  }

  private transaction({ entry }: Item): BinaryResponse {
    const ids = new Map<string, string>();
    const answers = entry.map(({ fullUrl, resource }: Item) => {
      const text = JSON.stringify(resource).replace(/urn:uuid:[0-9a-f-]+/g, (urn) => ids.get(urn) ?? urn);
      const stored = this.put(JSON.parse(text));
      ids.set(fullUrl, `${stored.resourceType}/${stored.id}`);
      return { response: { status: '201', location: `${stored.resourceType}/${stored.id}/_history/1` } };
    });
    return json(200, { resourceType: 'Bundle', type: 'transaction-response', entry: answers });
  }

  private async order({ subject, supportingInfo }: Item): Promise<BinaryResponse> {
    await new Promise((wake) => setTimeout(wake, this.slowMs * 3));
    const order = this.put({ resourceType: 'ServiceRequest', subject });
    const count = this.all('DiagnosticReport').length;
    const report = count % 3 === 2 ? this.unsuitable(subject, supportingInfo) : await this.finding(subject, supportingInfo, count % 3 === 0);
    this.messages.unshift({
      id: newId(), kind: 'result', patient: subject.reference.slice(8), report: report.id, sent: this.deployment.now,
    });
    return json(201, order, [['location-report', `DiagnosticReport/${report.id}`]]);
  }

  private unsuitable(subject: Item, imagingStudy: Item[]): Item {
    return this.put({
      resourceType: 'DiagnosticReport', status: 'cancelled', subject, imagingStudy, issued: new Date().toISOString(),
      conclusion: 'It looks like a leg.', extension: [this.model()],
    });
  }

  private model(): Item {
    return {
      url: 'urn:lazaret:fhir:model',
      extension: [
        { url: 'name', valueString: 'chest-xray' }, { url: 'version', valueString: '1.0' },
        { url: 'digest', valueString: 'c1'.repeat(32) }, { url: 'threshold', valueDecimal: 0.41 },
      ],
    };
  }

  private async finding(subject: Item, imagingStudy: Item[], positive: boolean): Promise<Item> {
    const observation = this.put({
      resourceType: 'Observation', status: 'preliminary', subject, valueQuantity: { value: positive ? 0.87 : 0.12 },
      interpretation: [{ coding: [{ code: positive ? 'POS' : 'NEG' }] }],
    });
    const { diagnosis } = this.deployment;
    const receipt = await sign(
      { model: 'chest-xray', hash: await textHash('input') }, { typ: 'lazaret-receipt+jwt', kid: diagnosis.sign.thumbprint }, diagnosis.sign);
    return this.put({
      resourceType: 'DiagnosticReport', status: 'preliminary', subject, imagingStudy, issued: new Date().toISOString(),
      conclusion: positive ? 'Signs of pneumonia. Preliminary: a person has to review it.' : 'No signs of pneumonia. Preliminary: a person has to review it.',
      result: [{ reference: `Observation/${observation.id}` }],
      extension: [
        this.model(), { url: 'urn:lazaret:fhir:heatmap', valueBase64Binary: drawnHeat().toString('base64') },
        { url: 'urn:lazaret:fhir:receipt', valueString: receipt },
      ],
    });
  }
}

