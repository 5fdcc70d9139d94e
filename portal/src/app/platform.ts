// SPDX-License-Identifier: Apache-2.0
//
// What the portal asks of the platform, each as one call over the sealed channel (docs/protocols.md, section 8).

import { header, type BinaryResponse } from '../channel/bhttp.js';
import { jsonBody, problemOf } from '../channel/problem.js';
import { jsonBytes, newIdempotencyKey, type SealedChannel, type SealedRequest } from '../channel/sealed.js';
import type { Bytes } from '../trust/encoding.js';
import { isObject, type Json, type JsonObject } from '../trust/json.js';
import { idIn, orderOf, resourcesOf, textAt, type Resource } from './fhir.js';
import { loseSession, type Role, type Session, type User } from './session.js';

const JSON_TYPE = 'application/json';
const FHIR_TYPE = 'application/fhir+json';

export interface Account {
  readonly id: string;
  readonly user: string;
  readonly name: string;
  readonly role: Role;
}

export interface Message {
  readonly id: string;
  readonly kind: string;
  readonly patient: string;
  readonly report: string;
  readonly sent: number | string;
  readonly acknowledged?: number | string;
}

export interface StagedFilm {
  readonly film: string;
  readonly partSize: number;
  readonly parts: number;
}

export interface CompleteFilm {
  readonly film: string;
  readonly study: string;
  readonly format: string;
  readonly width: number;
  readonly height: number;
}

function number(value: Json | undefined): number {
  return typeof value === 'number' ? value : 0;
}

export class Platform {
  constructor(private readonly channel: SealedChannel) {}

  private async ask(request: SealedRequest): Promise<BinaryResponse> {
    const response = await this.channel.send(request);
    if (response.status >= 200 && response.status < 300) return response;
    const problem = problemOf(response);
    if (response.status === 401 && request.path !== '/session') loseSession();
    throw problem;
  }

  private async read(path: string): Promise<JsonObject> {
    return jsonBody((await this.ask({ method: 'GET', path })).body);
  }

  private post(path: string, body: unknown, type = JSON_TYPE, key = newIdempotencyKey()): Promise<BinaryResponse> {
    return this.ask({ method: 'POST', path, type, body: jsonBytes(body), idempotencyKey: key });
  }

  async signIn(user: string, password: string): Promise<Session> {
    const body = jsonBody((await this.post('/session', { user, password })).body);
    const { session, expires, user: account } = body;
    if (typeof session !== 'string' || !isObject(account)) throw new TypeError('session');
    const until = typeof expires === 'number' ? expires : Date.parse(String(expires)) / 1000;
    return { token: session, expires: until, user: account as unknown as User };
  }

  async signOut(): Promise<void> {
    await this.ask({ method: 'DELETE', path: '/session' });
  }

  async accounts(): Promise<Account[]> {
    const { accounts } = await this.read('/accounts');
    return Array.isArray(accounts) ? (accounts as unknown as Account[]) : [];
  }

  async createAccount(account: { user: string; name: string; role: Role; password: string }, key: string): Promise<void> {
    await this.post('/accounts', account, JSON_TYPE, key);
  }

  async patients(query: Readonly<Record<string, string>> = {}): Promise<Resource[]> {
    const search = new URLSearchParams(query).toString();
    return resourcesOf(await this.read(`/fhir/Patient${search === '' ? '' : `?${search}`}`));
  }

  resource(type: string, id: string): Promise<Resource> {
    return this.read(`/fhir/${type}/${encodeURIComponent(id)}`);
  }

  async everything(patient: string): Promise<Resource[]> {
    return resourcesOf(await this.read(`/fhir/Patient/${encodeURIComponent(patient)}/$everything`));
  }

  /** Registers in one transaction; answers the patient's id. The same bundle again under the same key registers once. */
  async register(bundle: JsonObject, key: string): Promise<string> {
    const body = jsonBody((await this.post('/fhir', bundle, FHIR_TYPE, key)).body);
    const location = textAt(body, 'entry', 0, 'response', 'location');
    const fromLocation = /Patient\/([^/]+)/.exec(location)?.[1];
    return fromLocation ?? textAt(body, 'entry', 0, 'resource', 'id');
  }

  async stageFilm(patient: string, size: number, name: string): Promise<StagedFilm> {
    const body = jsonBody((await this.post('/films', { patient, size, name })).body);
    return { film: String(body.film), partSize: number(body.part_size), parts: number(body.parts) };
  }

  async receivedParts(film: string): Promise<{ state: string; received: number[] }> {
    const body = await this.read(`/films/${encodeURIComponent(film)}`);
    const received = Array.isArray(body.received) ? body.received.filter((item) => typeof item === 'number') : [];
    return { state: String(body.state), received };
  }

  async sendPart(film: string, part: number, body: Bytes, signal: AbortSignal): Promise<void> {
    const path = `/films/${encodeURIComponent(film)}/parts/${part}`;
    await this.ask({ method: 'PUT', path, type: 'application/octet-stream', body, signal });
  }

  async completeFilm(film: string, sha256: string): Promise<CompleteFilm> {
    const body = jsonBody((await this.post(`/films/${encodeURIComponent(film)}/complete`, { sha256 })).body);
    return {
      film: String(body.film), study: String(body.study), format: String(body.format), width: number(body.width),
      height: number(body.height),
    };
  }

  async forgetFilm(film: string): Promise<void> {
    await this.ask({ method: 'DELETE', path: `/films/${encodeURIComponent(film)}` });
  }

  async filmImage(film: string, size: number): Promise<Blob> {
    const response = await this.ask({ method: 'GET', path: `/films/${encodeURIComponent(film)}/image?size=${size}` });
    return new Blob([response.body], { type: 'image/png' });
  }

  /** Has the model read a study; answers the report's id. */
  async order(patient: string, study: string, key: string): Promise<string> {
    const response = await this.post('/fhir/ServiceRequest', orderOf(patient, study), FHIR_TYPE, key);
    return idIn(header(response.headers, 'location-report') ?? '');
  }

  async inbox(): Promise<Message[]> {
    const { messages } = await this.read('/inbox');
    return Array.isArray(messages) ? (messages as unknown as Message[]) : [];
  }

  async acknowledge(message: string): Promise<void> {
    await this.ask({
      method: 'POST', path: `/inbox/${encodeURIComponent(message)}/acknowledge`, idempotencyKey: newIdempotencyKey(),
    });
  }
}
