// SPDX-License-Identifier: Apache-2.0
//
// RFC 9458: its own example byte for byte, and what must be refused.

import './support/webcrypto.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sealingKey } from './support/deployment.js';
import { openRequest, sealResponse } from './support/gateway.js';
import { shared } from './support/shared.js';
import { encapsulate, parseKeyConfig, requestInfo, suiteOf } from '../src/channel/ohttp.js';
import { base64url, concat, fromHex, hex, utf8 } from '../src/trust/encoding.js';
import type { Code, Refusal } from '../src/trust/refusal.js';

const text = shared('vectors/ohttp/rfc9458.json');
const bytes = (value: string) => fromHex(value, 'vector');

// RFC 9458, Appendix A: what the example's request and response are on the wire
const REQUEST =
  '010020000100014b28f881333e7c164ffc499ad9796f877f4e1051ee6d31bad19dec96c208b4726374e469135906992e1268c594d2a10c695d' +
  '858c40a026e7965e7d86b83dd440b2c0185204b4d63525';
// its ephemeral key; the vector file's own one belongs to no message that the RFC prints
const EPHEMERAL = 'bc51d5e930bda26589890ac7032f70ad12e4ecb37abb1b65b1256c9c48999c73';
const RESPONSE = 'c789e7151fcba46158ca84b04464910d86f9013e404feea014e7be4a441f234f857fbd';

async function pair(secret: string) {
  const pkcs8 = concat(bytes('302e020100300506032b656e04220420'), bytes(secret));
  const algorithm = { name: 'X25519' } as never;
  const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, algorithm, true, ['deriveBits']);
  const { x } = await crypto.subtle.exportKey('jwk', privateKey);
  const jwk = { kty: 'OKP', crv: 'X25519', x: x as string };
  const publicKey = await crypto.subtle.importKey('jwk', jwk, algorithm, true, []);
  return { privateKey, publicKey };
}

test('the example of RFC 9458', { skip: text === undefined ? 'vectors/ohttp is not at hand' : false }, async () => {
  const [vector] = JSON.parse(text as string).vectors;
  const config = bytes(vector.keyConfig);
  const sealed = await encapsulate(config, bytes(vector.request), await pair(EPHEMERAL));
  assert.equal(hex(sealed.request), REQUEST);
  const opened = hex(await sealed.open(bytes(RESPONSE)));
  assert.equal(opened, vector.response);
});

test('the gateway of the example opens it and seals the same answer', {
  skip: text === undefined ? 'vectors/ohttp is not at hand' : false,
}, async () => {
  const [vector] = JSON.parse(text as string).vectors;
  const request = bytes(REQUEST);
  const enc = request.slice(7, 39);
  const context = await suiteOf(1).createRecipientContext({
    recipientKey: (await pair(vector.privateKey)) as never, enc: enc.buffer, info: requestInfo(request.slice(0, 7)).buffer,
  });
  assert.equal(hex(new Uint8Array(await context.open(request.slice(39).buffer))), vector.request);
  // the RFC's response nonce has the AEAD's key length, 16 bytes
  const answer = await sealResponse(context, enc, 1, bytes(vector.response), bytes(RESPONSE).slice(0, 16));
  assert.equal(hex(answer), RESPONSE);
});

test('prefers AES-256-GCM, takes AES-128-GCM', async () => {
  const { config } = await sealingKey();
  assert.equal(parseKeyConfig(config).aead, 2);
  const only128 = concat(config.slice(0, 35), Uint8Array.of(0, 4, 0, 1, 0, 1));
  assert.equal(parseKeyConfig(only128).aead, 1);
});

test('goes there and back', async () => {
  const key = await sealingKey();
  const sealed = await encapsulate(key.config, utf8('question'));
  const opened = await openRequest(key, sealed.request);
  assert.equal(Buffer.from(opened.message).toString(), 'question');
  const answer = await opened.seal(utf8('answer'));
  assert.equal(Buffer.from(await sealed.open(answer)).toString(), 'answer');
});

test('each request has its own encapsulated key', async () => {
  const { config } = await sealingKey();
  const [one, two] = [await encapsulate(config, utf8('a')), await encapsulate(config, utf8('a'))];
  assert.notEqual(base64url(one.request.slice(7, 39)), base64url(two.request.slice(7, 39)));
});

function refusedAs(code: Code) {
  return (thrown: Refusal) => thrown.code === code;
}

test('an answer to another request: ERR_AUTHENTICATION', async () => {
  const key = await sealingKey();
  const [one, two] = [await encapsulate(key.config, utf8('a')), await encapsulate(key.config, utf8('a'))];
  const answer = await (await openRequest(key, one.request)).seal(utf8('answer'));
  await assert.rejects(two.open(answer), refusedAs('ERR_AUTHENTICATION'));
});

test('one byte of an answer changed: ERR_AUTHENTICATION', async () => {
  const key = await sealingKey();
  const sealed = await encapsulate(key.config, utf8('a'));
  const answer = await (await openRequest(key, sealed.request)).seal(utf8('answer'));
  for (let at = 0; at < answer.length; at += 7) {
    const changed = answer.slice();
    changed[at] ^= 1;
    await assert.rejects(sealed.open(changed), refusedAs('ERR_AUTHENTICATION'));
  }
});

test('a truncated answer: ERR_TRUNCATED', async () => {
  const sealed = await encapsulate((await sealingKey()).config, utf8('a'));
  await assert.rejects(sealed.open(new Uint8Array(47)), refusedAs('ERR_TRUNCATED'));
});

test('key configurations that are refused: ERR_OHTTP_FORMAT', async () => {
  const { config } = await sealingKey();
  const otherKem = config.slice();
  otherKem[2] = 0x21;
  const otherSuites = concat(config.slice(0, 35), Uint8Array.of(0, 4, 0, 1, 0, 3));
  for (const bad of [new Uint8Array(0), config.slice(0, 40), concat(config, Uint8Array.of(0)), otherKem, otherSuites]) {
    assert.throws(() => parseKeyConfig(bad), refusedAs('ERR_OHTTP_FORMAT'));
  }
});
