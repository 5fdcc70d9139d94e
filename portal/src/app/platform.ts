// SPDX-License-Identifier: Apache-2.0
//
// What the portal asks of the platform, each as one call over the sealed channel (docs/protocols.md, section 8).

import { header, type BinaryResponse } from '../channel/bhttp.js';
import { problemOf } from '../channel/problem.js';
import { jsonBytes, newIdempotencyKey, type SealedChannel, type SealedRequest } from '../channel/sealed.js';
import type { Bytes } from '../trust/encoding.js';
import type { JsonObject } from '../trust/json.js';
import {
  accountsIn, completeIn, idOf, messagesIn, patientIn, pictureIn, receivedIn, resourceIn, resourcesIn, signedIn, stagedIn,
} from './answers.js';
import { idIn, orderOf, type Resource } from './fhir.js';
import { loseSession, type Role, type Session } from './session.js';

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
  readonly patient: string;
  readonly report: string;
  /** Unix seconds */
  readonly sent: number;
  readonly acknowledged?: number;
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

export class Platform {
  constructor(private readonly channel: SealedChannel) {}

  private async ask(request: SealedRequest): Promise<BinaryResponse> {
    const response = await this.channel.send(request);
    if (response.status >= 200 && response.status < 300) return response;
    const problem = problemOf(response);
    if (response.status === 401 && request.path !== '/session') loseSession();
    throw problem;
  }

  private get(path: string): Promise<BinaryResponse> {
    return this.ask({ method: 'GET', path });
  }

  private post(path: string, body: unknown, type = JSON_TYPE, key = newIdempotencyKey()): Promise<BinaryResponse> {
    return this.ask({ method: 'POST', path, type, body: jsonBytes(body), idempotencyKey: key });
  }

  async signIn(user: string, password: string): Promise<Session> {
    return signedIn(await this.post('/session', { user, password }));
  }

  async signOut(): Promise<void> {
    await this.ask({ method: 'DELETE', path: '/session' });
  }

  async accounts(): Promise<Account[]> {
    return accountsIn(await this.get('/accounts'));
  }

  async createAccount(account: { user: string; name: string; role: Role; password: string }, key: string): Promise<void> {
    await this.post('/accounts', account, JSON_TYPE, key);
  }

  async patients(query: Readonly<Record<string, string>> = {}): Promise<Resource[]> {
    const search = new URLSearchParams(query).toString();
    return resourcesIn(await this.get(`/fhir/Patient${search === '' ? '' : `?${search}`}`));
  }

  async resource(type: string, id: string): Promise<Resource> {
    return resourceIn(await this.get(`/fhir/${type}/${encodeURIComponent(id)}`), type);
  }

  async everything(patient: string): Promise<Resource[]> {
    return resourcesIn(await this.get(`/fhir/Patient/${encodeURIComponent(patient)}/$everything`));
  }

  /** Registers in one transaction; answers the patient's id. The same bundle again under the same key registers once. */
  async register(bundle: JsonObject, key: string): Promise<string> {
    return patientIn(await this.post('/fhir', bundle, FHIR_TYPE, key));
  }

  async stageFilm(patient: string, size: number, name: string): Promise<StagedFilm> {
    return stagedIn(await this.post('/films', { patient, size, name }), size);
  }

  async receivedParts({ film, parts }: StagedFilm): Promise<number[]> {
    return receivedIn(await this.get(`/films/${encodeURIComponent(film)}`), parts);
  }

  async sendPart(film: string, part: number, body: Bytes, signal: AbortSignal): Promise<void> {
    const path = `/films/${encodeURIComponent(film)}/parts/${part}`;
    await this.ask({ method: 'PUT', path, type: 'application/octet-stream', body, signal });
  }

  async completeFilm(film: string, sha256: string): Promise<CompleteFilm> {
    return completeIn(await this.post(`/films/${encodeURIComponent(film)}/complete`, { sha256 }));
  }

  async forgetFilm(film: string): Promise<void> {
    await this.ask({ method: 'DELETE', path: `/films/${encodeURIComponent(film)}` });
  }

  async filmImage(film: string, size: number): Promise<Blob> {
    return pictureIn((await this.get(`/films/${encodeURIComponent(film)}/image?size=${size}`)).body, size);
  }

  /** Has the model read a study; answers the report's id. */
  async order(patient: string, study: string, key: string): Promise<string> {
    const response = await this.post('/fhir/ServiceRequest', orderOf(patient, study), FHIR_TYPE, key);
    return idOf(idIn(header(response.headers, 'location-report') ?? ''), 'location-report');
  }

  async inbox(): Promise<Message[]> {
    return messagesIn(await this.get('/inbox'));
  }

  async acknowledge(message: string): Promise<void> {
    await this.ask({
      method: 'POST', path: `/inbox/${encodeURIComponent(message)}/acknowledge`, idempotencyKey: newIdempotencyKey(),
    });
  }
}
