// SPDX-License-Identifier: Apache-2.0
//
// The whole check: each way in which it can fail is refused at the right subject, and leaves nothing accepted.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Deployment, signingKey } from './support/deployment.js';
import { verifyChain, type ChainReport, type SubjectName } from '../src/trust/chain.js';
import { fromBase64url, textHash, utf8 } from '../src/trust/encoding.js';
import type { Send } from '../src/trust/fetching.js';
import { NOTHING_SEEN, type Seen } from '../src/trust/memory.js';
import { Refusal, type Code } from '../src/trust/refusal.js';

let deployment: Deployment;
let seen: Seen;
let asked: string[];
let down: string[];

beforeEach(async () => {
  deployment = await Deployment.make();
  seen = NOTHING_SEEN;
  asked = [];
  down = [];
});

const reply = (status: number, text: string) => ({ status, type: 'application/json', body: utf8(text) });

const send: Send = async (url, question) => {
  asked.push(url);
  const { origin, pathname, searchParams } = new URL(url);
  if (down.includes(origin)) throw new Refusal('ERR_CONNECT', 'address', '', origin);
  if (pathname === '/manifest.jws') return reply(200, deployment.manifest());
  if (pathname === '/.well-known/lazaret/attestation') {
    const nonce = searchParams.get('nonce') ?? '';
    assert.equal(fromBase64url(nonce, 'nonce').length, 32);
    return reply(200, JSON.stringify(await deployment.evidence(nonce, await deployment.statement())));
  }
  const body = JSON.parse(Buffer.from(question.body ?? []).toString());
  assert.equal(body.runtimeData.dataType, 'JSON');
  return reply(200, JSON.stringify(await deployment.appraise(body.nonce)));
};

function verify(): Promise<ChainReport> {
  const memory = { load: () => seen, save: (value: Seen) => { seen = value; return true; } };
  return verifyChain({ trust: deployment.trust, send, memory, now: () => deployment.now });
}

async function refused(subject: SubjectName, code: Code): Promise<ChainReport> {
  const report = await verify();
  assert.equal(report.accepted, undefined);
  assert.equal(report.failed?.subject, subject);
  assert.equal(report.failed?.check.code, code);
  return report;
}

test('accepts a good chain', async () => {
  const report = await verify();
  assert.equal(report.failed, undefined);
  assert.deepEqual(report.subjects.map((item) => `${item.name} ${item.verdict}`), [
    'manifest accepted', 'platform accepted', 'gate accepted', 'diagnosis accepted',
  ]);
  assert.equal(report.simulated, true);
  assert.equal(report.version, '0.1.0');
  assert.equal(report.accepted?.keyThumbprint, deployment.platform.hpke?.thumbprint);
  assert.equal(seen.manifestVersion, 2);
  assert.equal(seen.heads.records.generation, 7);
});

test('the cache away is not a refusal', async () => {
  deployment.hopBends.gate = { verdict: 'unreachable', token: null, key: null, code: 'ERR_CONNECT', reason: 'away' };
  const report = await verify();
  assert.ok(report.accepted);
  assert.equal(report.subjects[2].verdict, 'unreachable');
});

test('the diagnosis service away: ERR_CONNECT', async () => {
  deployment.hopBends.diagnosis = { verdict: 'unreachable', token: null, key: null, code: 'ERR_CONNECT' };
  await refused('diagnosis', 'ERR_CONNECT');
});

test('the platform away: ERR_CONNECT', async () => {
  down = ['https://platform.test'];
  const report = await refused('platform', 'ERR_CONNECT');
  assert.equal(report.subjects[1].verdict, 'unreachable');
});

test('the attestation service away: ERR_CONNECT', async () => {
  down = ['https://attestation.test'];
  await refused('platform', 'ERR_CONNECT');
});

test('a manifest of another key: ERR_MANIFEST_SIGNATURE, and nothing more is asked', async () => {
  const other = await signingKey();
  await deployment.remake({ jwk: other.jwk });
  await refused('manifest', 'ERR_MANIFEST_SIGNATURE');
  assert.equal(asked.length, 1);
});

test('a manifest older than one seen: ERR_MANIFEST_OLD', async () => {
  seen = { ...NOTHING_SEEN, manifestVersion: 3 };
  await refused('manifest', 'ERR_MANIFEST_OLD');
});

test('a platform with another measurement: ERR_TOKEN_IDENTITY', async () => {
  deployment.platformBend = { payload: { 'x-ms-sgx-mrenclave': 'ab'.repeat(32) } };
  await refused('platform', 'ERR_TOKEN_IDENTITY');
});

test('a proof for another nonce: ERR_TOKEN_NONCE', async () => {
  deployment.proofBend = { payload: { nonce: 'AAAA' } };
  await refused('platform', 'ERR_TOKEN_NONCE');
});

test('an old proof: ERR_TOKEN_EXPIRED', async () => {
  deployment.proofBend = { payload: { iat: deployment.now - 301 } };
  await refused('platform', 'ERR_TOKEN_EXPIRED');
});

test('a proof by another key: ERR_TOKEN_SIGNATURE', async () => {
  deployment.proofBend = { key: await signingKey() };
  await refused('platform', 'ERR_TOKEN_SIGNATURE');
});

test('a proof of another type: ERR_TOKEN_TYPE', async () => {
  deployment.proofBend = { header: { typ: 'lazaret-statement+jwt' } };
  await refused('platform', 'ERR_TOKEN_TYPE');
});

test('a proof over another statement: ERR_TOKEN_KEY_BINDING', async () => {
  deployment.proofBend = { payload: { statement_hash: await textHash('other') } };
  await refused('platform', 'ERR_TOKEN_KEY_BINDING');
});

test('a proof over another token: ERR_TOKEN_KEY_BINDING', async () => {
  deployment.proofBend = { payload: { token_hash: await textHash('other') } };
  await refused('platform', 'ERR_TOKEN_KEY_BINDING');
});

test('an appraisal for another nonce: ERR_TOKEN_NONCE', async () => {
  deployment.freshBend = { payload: { nonce: 'other' } };
  await refused('platform', 'ERR_TOKEN_NONCE');
});

test('an appraisal of another enclave of the same code: ERR_TOKEN_KEY_BINDING', async () => {
  const { jwk, thumbprint } = await signingKey();
  const runtime = {
    keys: [jwk],
    lazaret: { deployment: deployment.root.thumbprint, service: 'platform', version: '0.1.0', use: { sign: thumbprint } },
  };
  deployment.freshBend = { payload: { 'x-ms-runtime': runtime } };
  await refused('platform', 'ERR_TOKEN_KEY_BINDING');
});

test('a key configuration with another key: ERR_TOKEN_KEY_BINDING', async () => {
  const config = Buffer.from(deployment.platform.hpke!.config);
  config[5] ^= 1;
  deployment.freshBend = { lazaret: { ohttp: config.toString('base64url') } };
  await refused('platform', 'ERR_TOKEN_KEY_BINDING');
});

test('a statement by another key: ERR_TOKEN_SIGNATURE', async () => {
  deployment.statementBend = { key: await signingKey() };
  await refused('platform', 'ERR_TOKEN_SIGNATURE');
});

test('a statement that names another key: ERR_TOKEN_KEY_BINDING', async () => {
  deployment.statementBend = { header: { kid: deployment.platform.tls.thumbprint } };
  await refused('platform', 'ERR_TOKEN_KEY_BINDING');
});

test('a statement for somebody else: ERR_TOKEN_CLAIM', async () => {
  deployment.statementBend = { payload: { aud: 'gate' } };
  await refused('platform', 'ERR_TOKEN_CLAIM');
});

test('a statement that lives too long: ERR_TOKEN_CLAIM', async () => {
  deployment.statementBend = { payload: { exp: deployment.now + 596 } };
  await refused('platform', 'ERR_TOKEN_CLAIM');
});

test('an expired statement: ERR_TOKEN_EXPIRED', async () => {
  deployment.statementBend = { payload: { iat: deployment.now - 600, exp: deployment.now } };
  await refused('platform', 'ERR_TOKEN_EXPIRED');
});

test('a statement from the future: ERR_TOKEN_NOT_YET_VALID', async () => {
  deployment.statementBend = { payload: { iat: deployment.now + 301, exp: deployment.now + 900 } };
  await refused('platform', 'ERR_TOKEN_NOT_YET_VALID');
});

test('a statement of another deployment: ERR_TOKEN_DEPLOYMENT', async () => {
  deployment.statementBend = { payload: { deployment: 'F'.repeat(43) } };
  await refused('platform', 'ERR_TOKEN_DEPLOYMENT');
});

test('a statement under another manifest: ERR_MANIFEST_OLD', async () => {
  deployment.statementBend = { payload: { manifest_version: 1 } };
  await refused('platform', 'ERR_MANIFEST_OLD');
});

test('a store that was set back: ERR_STORE_ROLLBACK', async () => {
  await verify();
  deployment.heads = [{ ...deployment.heads[0], generation: 6 }];
  await refused('platform', 'ERR_STORE_ROLLBACK');
});

test('a store that is not shown any more is one that was set back to nothing: ERR_STORE_ROLLBACK', async () => {
  await verify();
  deployment.heads = [{ ...deployment.heads[0], store: 'another' }];
  await refused('platform', 'ERR_STORE_ROLLBACK');
  deployment.heads = [];
  await refused('platform', 'ERR_STORE_LOCKED');
});

test('a check that began before another tab noted more does not lower what was noted', async () => {
  const before = await verify();
  const newer = { manifestVersion: 9, heads: { records: { generation: 99, head: 'newer' } }, since: 1 };
  let reads = 0;
  const memory = { load: () => (++reads > 2 ? newer : NOTHING_SEEN), save: (value: Seen) => { seen = value; return true; } };
  const report = await verifyChain({ trust: deployment.trust, send, memory, now: () => deployment.now });
  assert.ok(before.accepted && report.accepted && reads > 2);
  assert.deepEqual(seen, newer);
});

test('the report says since when this browser watches, and when it cannot', async () => {
  assert.deepEqual((await verify()).memory, { since: deployment.now, kept: true });
  deployment.now += 50;
  await deployment.remake();
  assert.deepEqual((await verify()).memory, { since: deployment.now - 50, kept: true });
  const memory = { load: () => NOTHING_SEEN, save: () => false };
  const report = await verifyChain({ trust: deployment.trust, send, memory, now: () => deployment.now });
  assert.equal(report.memory?.kept, false);
});

test('a store with another history at the same generation: ERR_STORE_ROLLBACK', async () => {
  await verify();
  deployment.heads = [{ ...deployment.heads[0], head: 'other' }];
  await refused('platform', 'ERR_STORE_ROLLBACK');
});

test('a statement that leaves a hop out: ERR_STATEMENT_HOPS', async () => {
  deployment.missingHops = ['diagnosis'];
  await refused('diagnosis', 'ERR_STATEMENT_HOPS');
});

test('a hop that the platform refused: ERR_PEER_REFUSED', async () => {
  deployment.hopBends.diagnosis = { verdict: 'refused', code: 'ERR_TOKEN_IDENTITY', reason: 'measurement' };
  await refused('diagnosis', 'ERR_PEER_REFUSED');
});

test('a hop that the platform accepts without a token: ERR_TOKEN_MISSING', async () => {
  deployment.hopBends.gate = { token: null };
  await refused('gate', 'ERR_TOKEN_MISSING');
});

test('a hop that showed another key: ERR_TOKEN_KEY_BINDING', async () => {
  deployment.hopBends.diagnosis = { key: deployment.gate.tls.thumbprint };
  await refused('diagnosis', 'ERR_TOKEN_KEY_BINDING');
});

test('a hop with the token of another role: ERR_TOKEN_SERVICE', async () => {
  deployment.hopBends.diagnosis = { token: await deployment.token(deployment.gate), key: deployment.gate.tls.thumbprint };
  await refused('diagnosis', 'ERR_TOKEN_SERVICE');
});

test('a hop with another measurement, which the platform accepts: ERR_TOKEN_IDENTITY', async () => {
  const payload = { 'x-ms-sgx-mrenclave': 'ab'.repeat(32) };
  deployment.hopBends.diagnosis = { token: await deployment.token(deployment.diagnosis, { payload }) };
  await refused('diagnosis', 'ERR_TOKEN_IDENTITY');
});

test('what was refused is not remembered as seen', async () => {
  deployment.statementBend = { key: await signingKey() };
  await verify();
  assert.deepEqual(seen, NOTHING_SEEN);
});
