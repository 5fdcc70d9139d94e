// SPDX-License-Identifier: Apache-2.0

import './support/webcrypto.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse, header, varint } from '../src/channel/bhttp.js';
import { concat, fromHex, hex, utf8, type Bytes } from '../src/trust/encoding.js';
import type { Code, Refusal } from '../src/trust/refusal.js';

const bytes = (value: string) => fromHex(value, 'test');

function refused(code: Code, run: () => unknown) {
  assert.throws(run, (thrown: Refusal) => thrown.code === code);
}

test('a request goes there and back', () => {
  const request = {
    method: 'POST', scheme: 'https', authority: 'platform', path: '/films/7/parts/1?x=1',
    headers: [['date', 'Sat, 22 Nov 2025 08:00:00 GMT'], ['idempotency-key', 'abc']] as const, body: utf8('body'),
  };
  assert.deepEqual(decodeRequest(encodeRequest(request)), { ...request, headers: request.headers.map((item) => [...item]) });
});

test('a response goes there and back', () => {
  const body = new Uint8Array(70000).fill(7);
  const decoded = decodeResponse(encodeResponse({ status: 201, headers: [['location', '/fhir/Patient/1']], body }));
  assert.equal(decoded.status, 201);
  assert.equal(header(decoded.headers, 'location'), '/fhir/Patient/1');
  assert.equal(decoded.body.length, 70000);
});

test('the messages of RFC 9458, whose empty ends are left out', () => {
  const request = decodeRequest(bytes('00034745540568747470730b6578616d706c652e636f6d012f'));
  assert.deepEqual([request.method, request.scheme, request.authority, request.path], ['GET', 'https', 'example.com', '/']);
  assert.equal(decodeResponse(bytes('0140c8')).status, 200);
});

test('integers have the forms of RFC 9000', () => {
  assert.deepEqual([0x3f, 0x40, 0x3fff, 0x4000, 0x3fffffff].map((value) => hex(varint(value))),
    ['3f', '4040', '7fff', '80004000', 'bfffffff']);
});

test('informational responses are passed over', () => {
  const final = encodeResponse({ status: 204, headers: [], body: new Uint8Array(0) }).slice(1);
  assert.equal(decodeResponse(concat(bytes('01406600'), final)).status, 204);
});

test('padding after the end is borne, other bytes are not', () => {
  const message = encodeResponse({ status: 200, headers: [], body: utf8('a') });
  assert.equal(decodeResponse(concat(message, new Uint8Array(9))).status, 200);
  refused('ERR_TRAILING_BYTES', () => decodeResponse(concat(message, Uint8Array.of(0, 1))));
});

test('every cut inside a part is refused', () => {
  const message = encodeResponse({ status: 200, headers: [['a', 'b']], body: utf8('abc') });
  const whole = new Set([3, 8, message.length - 1, message.length]); // where a part ends, RFC 9292 lets the message end
  for (let length = 0; length < message.length; length++) {
    if (!whole.has(length)) refused('ERR_TRUNCATED', () => decodeResponse(message.slice(0, length)));
  }
});

test('a length beyond the maximum: ERR_TOO_LARGE', () => {
  refused('ERR_TOO_LARGE', () => decodeResponse(concat(bytes('0140c800'), bytes('bfffffff'))));
});

test('malformed messages: ERR_BHTTP', () => {
  const field = (name: string, value: string): Bytes => {
    const line = concat(varint(name.length), utf8(name), varint(value.length), utf8(value));
    return concat(bytes('0140c8'), varint(line.length), line);
  };
  refused('ERR_BHTTP', () => decodeResponse(bytes('00')));
  refused('ERR_BHTTP', () => decodeResponse(bytes('0114')));
  refused('ERR_BHTTP', () => decodeResponse(field('Upper', 'x')));
  refused('ERR_BHTTP', () => decodeResponse(field('a', 'b\r\nc: d')));
  refused('ERR_BHTTP', () => encodeRequest({
    method: 'GET', scheme: 'https', authority: 'platform', path: '/', headers: [['a', 'b\nc']], body: new Uint8Array(0),
  }));
});
