// SPDX-License-Identifier: Apache-2.0
//
// The sealed channel against a platform's side made here: what each request carries, and what happens when the chain or
// the key has changed.

import './support/webcrypto.js';
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { sealingKey, type SealingKey } from './support/deployment.js';
import { openRequest } from './support/gateway.js';
import { decodeRequest, encodeResponse, header, type BinaryRequest } from '../src/channel/bhttp.js';
import { CHAIN_CHANGED, REPLAY, UNKNOWN_KEY, problemOf } from '../src/channel/problem.js';
import { jsonBytes, SealedChannel } from '../src/channel/sealed.js';
import type { Accepted } from '../src/trust/chain.js';
import { utf8 } from '../src/trust/encoding.js';
import type { Send } from '../src/trust/fetching.js';
import type { Refusal } from '../src/trust/refusal.js';

const NOW = 1_790_000_000;
let key: SealingKey;
let accepted: Accepted | undefined;
let urls: string[];
let received: BinaryRequest[];
let again: string[];
let answers: { status: number; type?: string; body: string }[];
let plain: { status: number; body: string } | undefined;

const send: Send = async (url, question) => {
  urls.push(url);
  if (plain !== undefined) {
    const { status, body } = plain;
    plain = undefined;
    return { status, type: 'application/problem+json', body: utf8(body) };
  }
  const opened = await openRequest(key, question.body ?? new Uint8Array(0));
  received.push(decodeRequest(opened.message));
  const { status, type = 'application/json', body } = answers.shift() ?? { status: 204, body: '' };
  const sealed = encodeResponse({ status, headers: [['content-type', type]], body: utf8(body) });
  return { status: 200, type: 'message/ohttp-res', body: await opened.seal(sealed) };
};

function channel(session?: string): SealedChannel {
  return new SealedChannel({
    send, now: () => NOW, accepted: () => accepted, session: () => session,
    verifyAgain: async (why) => {
      again.push(why);
      if (accepted !== undefined) accepted = { ...accepted, statementHash: 'second' };
    },
  });
}

beforeEach(async () => {
  key = await sealingKey();
  accepted = {
    platform: 'https://platform.test', keyThumbprint: key.thumbprint, keyConfig: key.config, statementHash: 'first',
    until: NOW + 600,
  };
  [urls, received, again, answers, plain] = [[], [], [], [], undefined];
});

test('a request carries what the protocol asks for, all of it sealed', async () => {
  answers = [{ status: 201, body: '{"a":1}' }];
  const response = await channel('secret').send({
    method: 'POST', path: '/fhir/Patient', type: 'application/fhir+json', body: jsonBytes({ b: 2 }), idempotencyKey: 'k1',
  });
  assert.equal(response.status, 201);
  assert.deepEqual(urls, [`https://platform.test/sealed/${key.thumbprint}`]);
  const [request] = received;
  assert.deepEqual([request.method, request.scheme, request.authority, request.path],
    ['POST', 'https', 'platform', '/fhir/Patient']);
  assert.equal(header(request.headers, 'date'), new Date(NOW * 1000).toUTCString());
  assert.equal(header(request.headers, 'lazaret-statement'), 'first');
  assert.equal(header(request.headers, 'authorization'), 'Bearer secret');
  assert.equal(header(request.headers, 'idempotency-key'), 'k1');
  assert.equal(header(request.headers, 'content-type'), 'application/fhir+json');
  assert.equal(Buffer.from(request.body).toString(), '{"b":2}');
});

test('reading needs no idempotency key; signing in no session', async () => {
  await channel().send({ method: 'GET', path: '/session' });
  assert.equal(header(received[0].headers, 'idempotency-key'), undefined);
  assert.equal(header(received[0].headers, 'authorization'), undefined);
});

test('nothing is sent before the chain is accepted', async () => {
  accepted = undefined;
  await assert.rejects(channel().send({ method: 'POST', path: '/session' }), (thrown: Refusal) =>
    thrown.code === 'ERR_NOT_VERIFIED');
  assert.deepEqual(urls, []);
});

test('nothing is sent under a statement that is over', async () => {
  accepted = { ...(accepted as Accepted), until: NOW };
  await assert.rejects(channel().send({ method: 'GET', path: '/inbox' }), (thrown: Refusal) =>
    thrown.code === 'ERR_NOT_VERIFIED');
  assert.deepEqual(urls, []);
});

test('the chain has changed: verified anew, then sent again under the same idempotency key', async () => {
  answers = [
    { status: 409, type: 'application/problem+json', body: JSON.stringify({ type: CHAIN_CHANGED, statement: 'x' }) },
    { status: 201, body: '{}' },
  ];
  const response = await channel('s').send({ method: 'POST', path: '/films', body: jsonBytes({}) });
  assert.equal(response.status, 201);
  assert.deepEqual(again, ['chain-changed']);
  const keys = received.map((request) => header(request.headers, 'idempotency-key'));
  assert.equal(keys[0], keys[1]);
  assert.deepEqual(received.map((request) => header(request.headers, 'lazaret-statement')), ['first', 'second']);
});

test('the chain has changed to one that is refused: not sent again', async () => {
  answers = [{ status: 409, type: 'application/problem+json', body: JSON.stringify({ type: CHAIN_CHANGED }) }];
  const refusing = new SealedChannel({
    send, now: () => NOW, accepted: () => accepted, session: () => 's',
    verifyAgain: async () => { accepted = undefined; },
  });
  await assert.rejects(refusing.send({ method: 'POST', path: '/films' }), (thrown: Refusal) =>
    thrown.code === 'ERR_NOT_VERIFIED');
  assert.equal(urls.length, 1);
});

test('an unknown key is a hint to verify anew, no more', async () => {
  plain = { status: 400, body: JSON.stringify({ type: UNKNOWN_KEY, status: 400 }) };
  const response = await channel('s').send({ method: 'GET', path: '/inbox' });
  assert.equal(response.status, 204);
  assert.deepEqual(again, ['unknown-key']);
});

test('a platform that never agrees is given up: ERR_NOT_VERIFIED', async () => {
  answers = Array.from({ length: 9 }, () => ({
    status: 409, type: 'application/problem+json', body: JSON.stringify({ type: CHAIN_CHANGED }),
  }));
  await assert.rejects(channel('s').send({ method: 'POST', path: '/films' }), (thrown: Refusal) =>
    thrown.code === 'ERR_NOT_VERIFIED');
  assert.equal(urls.length, 3);
});

test('taken for a replay: sealed anew and sent again', async () => {
  const replay = (problem: object) => ({ status: 409, type: 'application/problem+json', body: JSON.stringify(problem) });
  answers = [replay({ type: REPLAY }), replay({ type: 'about:blank', code: 'ERR_REPLAY' })];
  assert.equal((await channel('s').send({ method: 'DELETE', path: '/session' })).status, 204);
  assert.deepEqual(again, []);
  assert.equal(received.length, 3);
});

test('an unsealed answer is not the platform\'s word: ERR_HTTP_STATUS', async () => {
  plain = { status: 403, body: '{}' };
  await assert.rejects(channel('s').send({ method: 'GET', path: '/inbox' }), (thrown: Refusal) =>
    thrown.code === 'ERR_HTTP_STATUS');
});

test('an unsealed 200 is not believed: ERR_HTTP_STATUS', async () => {
  plain = { status: 200, body: '{"session":"x"}' };
  await assert.rejects(channel('s').send({ method: 'GET', path: '/inbox' }), (thrown: Refusal) =>
    thrown.code === 'ERR_HTTP_STATUS');
});

test('problems are read from problem documents and OperationOutcomes', () => {
  const of = (type: string, body: unknown) =>
    problemOf({ status: 422, headers: [['content-type', type]], body: jsonBytes(body) });
  const problem = of('application/problem+json', { code: 'ERR_FHIR', field: 'birthDate', expected: 'date', seen: 'text' });
  assert.deepEqual([problem.code, problem.field, problem.expected], ['ERR_FHIR', 'birthDate', 'date']);
  const issue = { diagnostics: 'no', expression: ['Patient.name'], details: { coding: [{ code: 'ERR_FHIR' }] } };
  const outcome = of('application/fhir+json', { resourceType: 'OperationOutcome', issue: [issue] });
  assert.deepEqual([outcome.code, outcome.field, outcome.detail], ['ERR_FHIR', 'Patient.name', 'no']);
  assert.equal(of('text/plain', {}).code, '');
});
