// SPDX-License-Identifier: Apache-2.0
// Recorded requests and genuine quotes of TDs, posted to the running service at times when their collateral was current: the claims of
// the tokens are the recorded ones.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { openStack, closeStack } from './support/stack.mjs';
import { fetchWith } from './support/web.mjs';
import { skipWithoutVectors as skip, vectors } from './support/vectors.mjs';

const vector = (name) => readFileSync(`${vectors}/${name}`);
const fields = (name) => JSON.parse(vector(`${name}/expected.json`)).fields;

/** The stack's manifests are issued at that time, too, or its floor would hold the service's clock to ours. */
async function at(seconds, work) {
  const now = Date.now;
  const behind = now() - seconds * 1000;
  Date.now = () => now() - behind;
  try {
    return await work();
  } finally {
    Date.now = now;
  }
}

/** The service with a clock and with collateral of those platforms alone. */
function world(seconds, collateral) {
  const the = {};
  before(async () => {
    the.stack = await openStack();
    const [folder, clock] = [the.stack.path('genuine'), the.stack.path('config', 'attestation.clock')];
    for (const [platform, source] of Object.entries(collateral)) cpSync(`${vectors}/${source}`, `${folder}/${platform}`, { recursive: true });
    writeFileSync(clock, `${seconds - Math.floor(Date.now() / 1000)}\n`, { mode: 0o644 }); // what its clock is off by
    await at(seconds, () => the.stack.startAttestation({ collateral: { folder }, insecure_clock_file: clock }));
    the.fetch = fetchWith(the.stack.tls.ca);
    the.keys = createLocalJWKSet(await (await the.fetch(`${the.stack.urls.attestation}/certs`)).json());
  });
  after(async () => {
    the.fetch?.close();
    await closeStack(the.stack);
  });
  the.attest = async (type, body) => {
    const options = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const url = `${the.stack.urls.attestation}/attest/${type}?api-version=2023-04-01-preview`;
    let answer = await the.fetch(url, options);
    // Who asks about a platform first is told to come again.
    for (let i = 0; i < 50 && answer.status === 503; i++) {
      await new Promise((done) => setTimeout(done, 200));
      answer = await the.fetch(url, options);
    }
    return answer;
  };
  the.claims = async (type, body) => {
    const answer = await the.attest(type, body);
    assert.equal(answer.status, 200, await answer.text());
    return (await jwtVerify((await answer.json()).token, the.keys, { issuer: the.stack.urls.attestation, currentDate: new Date((seconds + 60) * 1000) })).payload;
  };
  return the;
}

describe('at the beginning of 2025', { skip }, () => {
  const then = world(1738756623, {
    '00906ed50000-processor': 'sgx/sgx-v3-00906ed50000-ad730280/collateral-20250205-ev17',
    'tdx-00806f050000-platform': 'tdx/tdx10-v4-00806f050000-00b2526a/collateral-20250205-ev17',
  });

  test('the recorded request of 2020, as its client wrote it', async () => {
    const texts = vector('maa/uks-2020-oe-attest/post.attest.response.jwt.body.json').toString();
    const recorded = JSON.parse(texts.slice(texts.indexOf('}') + 1));
    const claims = await then.claims('OpenEnclave', JSON.parse(vector('maa/uks-2020-oe-attest/post.attest.body.json')));
    for (const name of ['is-debuggable', 'maa-ehd', 'product-id', 'sgx-mrenclave', 'sgx-mrsigner', 'svn', 'tee']) assert.equal(claims[name], recorded[name], name);
    assert.equal(claims['x-ms-sgx-collateral'].quotehash, recorded['maa-attestationcollateral']['maa-quotehash']);
    assert.equal(claims['lazaret-simulated'], undefined);
  });

  for (const name of ['maa-sample-debug', 'maa-sample-release', 'maa-sample-intelsdk-debug', 'maa-sample-intelsdk-release']) {
    test(`${name}: evidence and enclave held data`, async () => {
      const enclave = JSON.parse(vector(`oe/${name}/enclave.info.json`));
      const runtimeData = { data: vector(`oe/${name}/ehd.bin`).toString('base64'), dataType: 'Binary' };
      const claims = await then.claims('SgxEnclave', { quote: vector(`oe/${name}/quote.bin`).toString('base64url'), runtimeData });
      assert.equal(claims['x-ms-sgx-mrenclave'], enclave.MrEnclaveHex.toLowerCase());
      assert.equal(claims['x-ms-sgx-mrsigner'], enclave.MrSignerHex.toLowerCase());
      assert.equal(claims['x-ms-sgx-svn'], enclave.SecurityVersion);
      assert.equal(claims['x-ms-sgx-is-debuggable'], (enclave.Attributes & 2) !== 0 && fields(`oe/${name}`).debug);
      assert.equal(claims['x-ms-sgx-ehd'], vector(`oe/${name}/ehd.bin`).toString('base64url'));
    });
  }

  test('enclave held data of another enclave', async () => {
    const runtimeData = { data: vector('oe/maa-sample-debug/ehd.bin').toString('base64url'), dataType: 'Binary' };
    const answer = await then.attest('SgxEnclave', { quote: vector('oe/maa-sample-release/quote.bin').toString('base64url'), runtimeData });
    assert.equal(answer.status, 400);
    assert.equal((await answer.json()).error.code, 'InvalidParameter');
  });

  for (const name of ['tdx10-v4-00806f050000-00b2526a', 'tdx10-v4-00806f050000-94d26a4a', 'tdx15-v5-00806f050000-67adfc4a']) test(`${name}: a TD`, () => expectDomain(then, name));
});

describe('in March 2026', { skip }, () => {
  const then = world(1774457881, {
    'tdx-90c06f000000-platform': 'tdx/tdx15-v5-90c06f000000-cf77a6e9/collateral-20260325-ev18',
    'tdx-50806f000000-platform': 'tdx/tdx10-v4-50806f000000-12b401a8/collateral-20260325-ev18',
  });
  for (const name of ['tdx15-v5-90c06f000000-cf77a6e9', 'tdx10-v4-50806f000000-12b401a8', 'tdx10-v4-90c06f000000-cbdb5b2f']) test(`${name}: a TD`, () => expectDomain(then, name));
});

async function expectDomain(then, name) {
  const quote = vector(`tdx/${name}/quote.bin`);
  const expected = fields(`tdx/${name}`);
  const claims = await then.claims('TdxVm', { quote: quote.toString('base64url'), nonce: '7' });
  for (const [claim, field] of Object.entries({ tdx_mrtd: 'mrtd', tdx_rtmr0: 'rtmr0', tdx_rtmr3: 'rtmr3', tdx_mrseam: 'mrseam', tdx_report_data: 'report_data', tdx_tee_tcb_svn: 'tee_tcb_svn', tdx_td_attributes: 'tdattributes', tdx_xfam: 'xfam' }))
    assert.equal(claims[claim], expected[field], claim);
  assert.equal(claims['x-ms-attestation-type'], 'tdxvm');
  assert.equal(claims.dbgstat, expected.debug ? 'enabled' : 'disabled');
  assert.equal(claims.nonce, '7');
  assert.equal(claims['x-ms-policy-hash'], createHash('sha256').update(Buffer.from('version= 1.0;authorizationrules{=> permit();};').toString('base64url')).digest('base64url'));
}
