// SPDX-License-Identifier: Apache-2.0
//
// Reads what the platform answers inside the sealed channel. An attested platform is still not believed to answer in form:
// what is not as it must be is refused with ERR_HTTP_TYPE, so that a page says so in place of showing half of it.

import { header, type BinaryResponse } from '../channel/bhttp.js';
import { textOf } from '../trust/encoding.js';
import { Fields, isObject, type Json, type JsonObject } from '../trust/json.js';
import { Refusal } from '../trust/refusal.js';
import type { Resource } from './fhir.js';
import type { Account, CompleteFilm, Message, StagedFilm } from './platform.js';
import type { Role, Session, User } from './session.js';

export const JSON_MAX_BYTES = 16 * 1024 * 1024;
export const ENTRY_MAX_COUNT = 2000;
export const PICTURE_MAX_SIDE = 4096;
const LIST_MAX_COUNT = 1000;
const CODE = 'ERR_HTTP_TYPE';
const ID = /^[\w.-]{1,64}$/;
const NAME = /^[^]{1,512}$/;
const ROLE = /^(clerk|clinician|administrator)$/;
const SIDE_MAX = 1 << 16;
const PNG_START = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52];

export function objectIn({ body, headers }: Pick<BinaryResponse, 'body' | 'headers'>, field: string): JsonObject {
  if (body.length > JSON_MAX_BYTES) throw new Refusal('ERR_TOO_LARGE', field, `<= ${JSON_MAX_BYTES}`, `${body.length}`);
  try {
    const value: unknown = JSON.parse(textOf(body, field));
    if (isObject(value)) return value;
  } catch {
    // said below
  }
  throw new Refusal(CODE, field, 'JSON', header(headers, 'content-type') ?? '-');
}

export function fieldsIn(response: BinaryResponse, field: string): Fields {
  return Fields.of(objectIn(response, field), '', CODE);
}

export function resourceIn(response: BinaryResponse, type: string): Resource {
  const resource = objectIn(response, type);
  Fields.of(resource, type, CODE).oneOf('resourceType', type);
  return resource;
}

/** The resources of a searchset. */
export function resourcesIn(response: BinaryResponse): Resource[] {
  const bundle = Fields.of(resourceIn(response, 'Bundle'), 'Bundle', CODE);
  if (!bundle.has('entry')) return [];
  return bundle.fieldsList('entry', ENTRY_MAX_COUNT).map((entry) => {
    const resource = entry.raw('resource');
    if (!isObject(resource)) throw new Refusal(CODE, 'Bundle.entry.resource', 'object');
    return resource;
  });
}

/** Where a created patient is, by the answer to a transaction. */
export function patientIn(response: BinaryResponse): string {
  const first = Fields.of(resourceIn(response, 'Bundle'), 'Bundle', CODE).fieldsList('entry', ENTRY_MAX_COUNT)[0];
  const location = first?.fields('response').text('location') ?? '';
  return idOf(/Patient\/([^/]+)/.exec(location)?.[1], 'location');
}

export function idOf(text: string | undefined, field: string): string {
  if (text === undefined || !ID.test(text)) throw new Refusal(CODE, field, 'id', (text ?? '-').slice(0, 80));
  return text;
}

export function userOf(value: Json | undefined): User {
  const fields = Fields.of(value, 'user', CODE);
  return {
    id: fields.text('id', ID), user: fields.text('user', NAME), name: fields.text('name', NAME),
    role: fields.text('role', ROLE) as Role,
  };
}

/** Also what this tab has kept of it. */
export function sessionOf(value: Json | undefined): Session {
  const fields = Fields.of(value, 'session', CODE);
  return { token: fields.text('token', NAME), expires: fields.integer('expires'), user: userOf(fields.raw('user')) };
}

export function signedIn(response: BinaryResponse): Session {
  const { session: token, expires, user } = objectIn(response, 'session');
  return sessionOf({ token, expires, user });
}

export function accountsIn(response: BinaryResponse): Account[] {
  const list = fieldsIn(response, 'accounts').list('accounts', LIST_MAX_COUNT);
  return list.map(userOf);
}

function messageOf(fields: Fields): Message {
  return {
    id: fields.text('id', ID), patient: fields.text('patient', NAME), report: fields.text('report', NAME),
    sent: fields.moment('sent'), ...(fields.has('acknowledged') ? { acknowledged: fields.moment('acknowledged') } : {}),
  };
}

export function messagesIn(response: BinaryResponse): Message[] {
  return fieldsIn(response, 'inbox').fieldsList('messages', LIST_MAX_COUNT).map(messageOf);
}

/** The parts must be exactly those that `size` bytes make. */
export function stagedIn(response: BinaryResponse, size: number): StagedFilm {
  const fields = fieldsIn(response, 'films');
  const partSize = fields.integer('part_size', 1, 1 << 26);
  const parts = Math.ceil(size / partSize);
  return { film: fields.text('film', ID), partSize, parts: fields.integer('parts', parts, parts) };
}

export function receivedIn(response: BinaryResponse, parts: number): number[] {
  const list = fieldsIn(response, 'films').list('received', parts);
  return list.filter((item): item is number => Number.isInteger(item) && (item as number) >= 0 && (item as number) < parts);
}

export function completeIn(response: BinaryResponse): CompleteFilm {
  const fields = fieldsIn(response, 'films');
  return {
    film: fields.text('film', ID), study: fields.text('study', ID), format: fields.text('format', NAME),
    width: fields.integer('width', 1, SIDE_MAX), height: fields.integer('height', 1, SIDE_MAX),
  };
}

/** A PNG whose sides are no longer than was asked for: decoding a small file must not fill this computer's memory. */
export function pictureIn(bytes: BlobPart & Uint8Array, maximumSide: number): Blob {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 24 || PNG_START.some((byte, i) => bytes[i] !== byte)) throw new Refusal(CODE, 'image', 'PNG');
  const sides = [view.getUint32(16), view.getUint32(20)];
  if (sides.some((side) => side === 0 || side > maximumSide)) {
    throw new Refusal('ERR_TOO_LARGE', 'image', `<= ${maximumSide}`, sides.join(' x '));
  }
  return new Blob([bytes], { type: 'image/png' });
}
