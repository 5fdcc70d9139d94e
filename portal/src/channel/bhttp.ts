// SPDX-License-Identifier: Apache-2.0
//
// Binary HTTP messages (RFC 9292), known-length framing. Written in full; read with the truncation and padding that the
// RFC allows. Every length that the other side chooses has a maximum.

import { concat, textOf, utf8, type Bytes } from '../trust/encoding.js';
import { Refusal } from '../trust/refusal.js';

export type Headers = readonly (readonly [name: string, value: string])[];

export interface BinaryRequest {
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: Bytes;
}

export interface BinaryResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Bytes;
}

const KNOWN_LENGTH_REQUEST = 0;
const KNOWN_LENGTH_RESPONSE = 1;
const FIELDS_MAX_BYTES = 64 * 1024;
const CONTROL_MAX_BYTES = 8 * 1024;
const BODY_MAX_BYTES = 96 * 1024 * 1024;
const INFORMATIONAL_MAX_COUNT = 8;
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
// control characters other than tab have no place in a field value
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\uffff]*$/;

function refuse(field: string, expected: string, seen: number | string): never {
  throw new Refusal('ERR_BHTTP', field, expected, String(seen));
}

/** A QUIC variable-length integer (RFC 9000, section 16). */
export function varint(value: number): Bytes {
  if (value < 0x40) return Uint8Array.of(value);
  if (value < 0x4000) return Uint8Array.of(0x40 | (value >> 8), value & 0xff);
  if (value < 0x40000000) {
    return Uint8Array.of(0x80 | (value >>> 24), (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
  }
  return refuse('length', '< 2^30', value);
}

function withLength(bytes: Uint8Array): Bytes {
  return concat(varint(bytes.length), bytes);
}

function fieldSection(headers: Headers): Bytes {
  const lines = headers.map(([name, value]) => {
    if (!FIELD_NAME.test(name)) refuse('field name', 'lower-case token', name);
    if (!FIELD_VALUE.test(value)) refuse(name, 'field value', '-');
    return concat(withLength(utf8(name)), withLength(utf8(value)));
  });
  return withLength(concat(...lines));
}

export function encodeRequest(request: BinaryRequest): Bytes {
  const control = [request.method, request.scheme, request.authority, request.path].map((text) => withLength(utf8(text)));
  return concat(
    varint(KNOWN_LENGTH_REQUEST), ...control, fieldSection(request.headers), withLength(request.body), varint(0));
}

export function encodeResponse(response: BinaryResponse): Bytes {
  return concat(
    varint(KNOWN_LENGTH_RESPONSE), varint(response.status), fieldSection(response.headers), withLength(response.body),
    varint(0));
}

class Cursor {
  private at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  get atEnd(): boolean {
    return this.at === this.bytes.length;
  }

  take(count: number): Bytes {
    if (count > this.bytes.length - this.at) throw new Refusal('ERR_TRUNCATED', 'message', `${count}`);
    this.at += count;
    return this.bytes.slice(this.at - count, this.at);
  }

  varint(): number {
    const first = this.take(1)[0] ?? 0;
    const rest = this.take((1 << (first >> 6)) - 1);
    const value = rest.reduce((sum, byte) => sum * 256 + byte, first & 0x3f);
    return Number.isSafeInteger(value) ? value : refuse('integer', '< 2^53', value);
  }

  block(maximum: number, field: string): Bytes {
    const length = this.varint();
    if (length > maximum) throw new Refusal('ERR_TOO_LARGE', field, `<= ${maximum}`, String(length));
    return this.take(length);
  }

  text(maximum: number, field: string): string {
    return textOf(this.block(maximum, field), field);
  }

  /** What may follow the message: zeros, which are padding. */
  padding(): void {
    if (this.bytes.subarray(this.at).some((byte) => byte !== 0)) throw new Refusal('ERR_TRAILING_BYTES', 'message');
  }
}

function readFields(cursor: Cursor): Headers {
  if (cursor.atEnd) return []; // RFC 9292 section 3.8: empty parts at the end may be left out
  const section = new Cursor(cursor.block(FIELDS_MAX_BYTES, 'fields'));
  const headers: [string, string][] = [];
  while (!section.atEnd) {
    const name = section.text(FIELDS_MAX_BYTES, 'field name');
    if (!FIELD_NAME.test(name)) refuse('field name', 'lower-case token', name);
    const value = section.text(FIELDS_MAX_BYTES, name);
    if (!FIELD_VALUE.test(value)) refuse(name, 'field value', '-');
    headers.push([name, value]);
  }
  return headers;
}

function readRest(cursor: Cursor): { headers: Headers; body: Bytes } {
  const headers = readFields(cursor);
  const body = cursor.atEnd ? new Uint8Array(0) : cursor.block(BODY_MAX_BYTES, 'content');
  readFields(cursor); // trailers: read so that the form is checked, not used
  cursor.padding();
  return { headers, body };
}

function requireFraming(cursor: Cursor, framing: number): void {
  const seen = cursor.varint();
  if (seen !== framing) refuse('framing', String(framing), seen);
}

export function decodeRequest(bytes: Uint8Array): BinaryRequest {
  const cursor = new Cursor(bytes);
  requireFraming(cursor, KNOWN_LENGTH_REQUEST);
  const method = cursor.text(CONTROL_MAX_BYTES, 'method');
  const scheme = cursor.text(CONTROL_MAX_BYTES, 'scheme');
  const authority = cursor.text(CONTROL_MAX_BYTES, 'authority');
  const path = cursor.text(CONTROL_MAX_BYTES, 'path');
  return { method, scheme, authority, path, ...readRest(cursor) };
}

export function decodeResponse(bytes: Uint8Array): BinaryResponse {
  const cursor = new Cursor(bytes);
  requireFraming(cursor, KNOWN_LENGTH_RESPONSE);
  for (let count = 0; count <= INFORMATIONAL_MAX_COUNT; count++) {
    const status = cursor.varint();
    if (status < 100 || status > 599) refuse('status', '100 to 599', status);
    if (status >= 200) return { status, ...readRest(cursor) };
    readFields(cursor);
  }
  return refuse('informational responses', `<= ${INFORMATIONAL_MAX_COUNT}`, INFORMATIONAL_MAX_COUNT + 1);
}

export function header(headers: Headers, name: string): string | undefined {
  return headers.find(([item]) => item === name)?.[1];
}
