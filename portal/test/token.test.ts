// SPDX-License-Identifier: Apache-2.0
//
// The relying party's checks: each refusal its own test, under the names of the C side.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Deployment, signingKey, type Bend } from './support/deployment.js';
import { verifyManifest, roleRule, type Manifest } from '../src/trust/manifest.js';
import { Refusal, type Code } from '../src/trust/refusal.js';
import { Ledger } from '../src/trust/ledger.js';
import { checkToken, type Expectation, type Rules } from '../src/trust/token.js';

let deployment: Deployment;
let manifest: Manifest;

before(async () => {
  deployment = await Deployment.make();
  manifest = await verifyManifest(deployment.manifest(), deployment.trust.deployment);
});

function expectation(bend: Partial<Expectation> = {}): Expectation {
  const presented = deployment.diagnosis.tls.thumbprint;
  return { role: roleRule(manifest, 'diagnosis'), use: 'tls', presented, now: deployment.now, ...bend };
}

async function refused(text: unknown, code: Code, bend: Partial<Expectation> = {}, rules: Rules = manifest.rules) {
  const ledger = new Ledger();
  await assert.rejects(checkToken(text, rules, expectation(bend), ledger), (thrown: Refusal) => {
    assert.equal(thrown.code, code);
    return true;
  });
  assert.equal(ledger.failed?.code, code);
  assert.equal(ledger.checks.at(-1), ledger.failed);
}

const bent = (bend: Bend) => deployment.token(deployment.diagnosis, bend);

test('accepts a good token and says each check', async () => {
  const ledger = new Ledger();
  const claims = await checkToken(await bent({}), manifest.rules, expectation(), ledger);
  assert.equal(claims.runtime.service, 'diagnosis');
  assert.equal(claims.simulated, true);
  assert.equal(claims.validUntil, claims.issued + 3600);
  assert.deepEqual(ledger.checks.map((check) => check.id), [
    'token.form', 'token.type', 'token.algorithm', 'token.issuer', 'token.key', 'token.signature', 'token.validity',
    'token.age', 'token.claims', 'token.simulated', 'token.debug', 'token.policy', 'token.service',
    'token.deployment', 'token.identity', 'token.tcb', 'token.binding',
  ]);
});

test('no token: ERR_TOKEN_MISSING', () => refused(null, 'ERR_TOKEN_MISSING'));
test('two parts: ERR_TOKEN_MALFORMED', () => refused('a.b', 'ERR_TOKEN_MALFORMED'));
test('not JSON: ERR_TOKEN_MALFORMED', () => refused('YWJj.YWJj.YWJj', 'ERR_TOKEN_MALFORMED'));
test('an empty text: ERR_TOKEN_MISSING', () => refused('', 'ERR_TOKEN_MISSING'));
test('too large: ERR_TOKEN_MALFORMED', () => refused('a'.repeat(64 * 1024 + 1), 'ERR_TOKEN_MALFORMED'));

test('without an algorithm: ERR_TOKEN_MALFORMED', async () => {
  const [, payload, signature] = (await bent({})).split('.');
  const header = Buffer.from('{"kid":"issuer-1","typ":"JWT"}').toString('base64url');
  await refused(`${header}.${payload}.${signature}`, 'ERR_TOKEN_MALFORMED');
});

test('an extension that must be understood: ERR_TOKEN_MALFORMED', async () => {
  const [, payload, signature] = (await bent({})).split('.');
  const header = Buffer.from('{"alg":"RS256","crit":["b64"],"b64":true,"kid":"issuer-1","typ":"JWT"}').toString('base64url');
  await refused(`${header}.${payload}.${signature}`, 'ERR_TOKEN_MALFORMED');
});

test('another type: ERR_TOKEN_TYPE', async () =>
  refused(await bent({ header: { typ: 'lazaret-statement+jwt' } }), 'ERR_TOKEN_TYPE'));

test('algorithm none: ERR_TOKEN_ALGORITHM', async () => {
  const [, payload] = (await bent({})).split('.');
  const header = Buffer.from('{"alg":"none","kid":"issuer-1","typ":"JWT"}').toString('base64url');
  await refused(`${header}.${payload}.`, 'ERR_TOKEN_ALGORITHM');
});

test('algorithm of another kind of key: ERR_TOKEN_ALGORITHM', async () =>
  refused(await bent({ key: await signingKey('ES256') }), 'ERR_TOKEN_ALGORITHM'));

test('another issuer: ERR_TOKEN_ISSUER', async () =>
  refused(await bent({ payload: { iss: 'https://elsewhere.test' } }), 'ERR_TOKEN_ISSUER'));

test('a key that the manifest does not name: ERR_TOKEN_KEY_UNKNOWN', async () =>
  refused(await bent({ header: { kid: 'issuer-2' } }), 'ERR_TOKEN_KEY_UNKNOWN'));

test('signed by another key: ERR_TOKEN_SIGNATURE', async () =>
  refused(await bent({ key: await signingKey('RS256') }), 'ERR_TOKEN_SIGNATURE'));

test('one byte of the payload changed: ERR_TOKEN_SIGNATURE', async () => {
  const [header, payload, signature] = (await bent({})).split('.');
  const changed = Buffer.from(Buffer.from(payload, 'base64url').toString().replace('0.1.0', '0.1.1')).toString('base64url');
  await refused(`${header}.${changed}.${signature}`, 'ERR_TOKEN_SIGNATURE');
});

test('expired: ERR_TOKEN_EXPIRED, without slack', async () => {
  await refused(await bent({ payload: { exp: deployment.now } }), 'ERR_TOKEN_EXPIRED');
  await checkToken(await bent({ payload: { exp: deployment.now + 1 } }), manifest.rules, expectation());
});

test('a clock that is five minutes behind is borne', async () => {
  const early = await bent({ payload: { iat: deployment.now + 300, nbf: deployment.now + 300 } });
  await checkToken(early, manifest.rules, expectation());
});

test('older than the manifest accepts: ERR_TOKEN_EXPIRED, without slack', async () => {
  const oldest = deployment.now - manifest.rules.maxAge;
  await refused(await bent({ payload: { iat: oldest, nbf: oldest } }), 'ERR_TOKEN_EXPIRED');
  await checkToken(await bent({ payload: { iat: oldest + 1, nbf: oldest + 1 } }), manifest.rules, expectation());
});

for (const [name, wrong, code] of [
  ['an hour ahead', 3600, 'ERR_TOKEN_EXPIRED'], ['a year ahead', 31536000, 'ERR_TOKEN_EXPIRED'],
  ['an hour behind', -3600, 'ERR_TOKEN_NOT_YET_VALID'], ['a year behind', -31536000, 'ERR_TOKEN_NOT_YET_VALID'],
] as const) {
  test(`this computer's clock ${name}: ${code}`, async () =>
    refused(await bent({}), code, { now: deployment.now + wrong }));
}

test('not valid yet: ERR_TOKEN_NOT_YET_VALID', async () =>
  refused(await bent({ payload: { nbf: deployment.now + 301 } }), 'ERR_TOKEN_NOT_YET_VALID'));

test('issued in the future: ERR_TOKEN_NOT_YET_VALID', async () =>
  refused(await bent({ payload: { iat: deployment.now + 301 } }), 'ERR_TOKEN_NOT_YET_VALID'));

test('another nonce: ERR_TOKEN_NONCE', async () =>
  refused(await bent({ payload: { nonce: 'b' } }), 'ERR_TOKEN_NONCE', { nonce: 'a' }));

test('no nonce: ERR_TOKEN_NONCE', async () => refused(await bent({}), 'ERR_TOKEN_NONCE', { nonce: 'a' }));

for (const name of ['x-ms-runtime', 'x-ms-sgx-mrenclave', 'x-ms-sgx-is-debuggable', 'x-ms-policy-hash', 'iat', 'nbf', 'exp']) {
  test(`without ${name}: ERR_TOKEN_CLAIM`, async () =>
    refused(await bent({ payload: { [name]: undefined } }), 'ERR_TOKEN_CLAIM'));
}

test('a use that names no key: ERR_TOKEN_CLAIM', async () =>
  refused(await bent({ lazaret: { use: { tls: 'A'.repeat(43) } } }), 'ERR_TOKEN_CLAIM'));

test('a key configuration without its key: ERR_TOKEN_CLAIM', async () =>
  refused(await bent({ lazaret: { ohttp: 'AAAA' } }), 'ERR_TOKEN_CLAIM'));

test('a simulated claim that is no boolean: ERR_TOKEN_CLAIM', async () =>
  refused(await bent({ payload: { 'lazaret-simulated': 'false' } }), 'ERR_TOKEN_CLAIM'));

test('simulated where the manifest does not accept it: ERR_TOKEN_SIMULATED', async () =>
  refused(await bent({}), 'ERR_TOKEN_SIMULATED', {}, { ...manifest.rules, acceptSimulated: false }));

test('a debug enclave: ERR_TOKEN_DEBUG', async () =>
  refused(await bent({ payload: { 'x-ms-sgx-is-debuggable': true } }), 'ERR_TOKEN_DEBUG'));

test('a debug enclave that the manifest accepts', async () => {
  const text = await bent({ payload: { 'x-ms-sgx-is-debuggable': true } });
  const role = roleRule(manifest, 'diagnosis');
  const identities = role.identities.map((item) => ({ ...item, debug: true }));
  const claims = await checkToken(text, manifest.rules, expectation({ role: { ...role, identities } }));
  assert.equal(claims.debug, true);
});

test('another policy: ERR_TOKEN_POLICY', async () =>
  refused(await bent({ payload: { 'x-ms-policy-hash': 'B'.repeat(43) } }), 'ERR_TOKEN_POLICY'));

test('another service role: ERR_TOKEN_SERVICE', async () =>
  refused(await deployment.token(deployment.gate), 'ERR_TOKEN_SERVICE'));

test('the same program under another deployment key: ERR_TOKEN_DEPLOYMENT', async () =>
  refused(await bent({ lazaret: { deployment: 'C'.repeat(43) } }), 'ERR_TOKEN_DEPLOYMENT'));

test('another measurement: ERR_TOKEN_IDENTITY', async () =>
  refused(await bent({ payload: { 'x-ms-sgx-mrenclave': 'ab'.repeat(32) } }), 'ERR_TOKEN_IDENTITY'));

test('a role without identities: ERR_TOKEN_IDENTITY', async () =>
  refused(await bent({}), 'ERR_TOKEN_IDENTITY', { role: { ...roleRule(manifest, 'diagnosis'), identities: [] } }));

test('by signer: product and minimum SVN count', async () => {
  const mrsigner = 'cd'.repeat(32);
  const identity = { tee: 'sgx' as const, mrsigner, productId: 3, minimumSvn: 2, debug: false };
  const role = { ...roleRule(manifest, 'diagnosis'), identities: [identity] };
  const token = (product: number, svn: number) =>
    bent({ payload: { 'x-ms-sgx-mrsigner': mrsigner, 'x-ms-sgx-product-id': product, 'x-ms-sgx-svn': svn } });
  await checkToken(await token(3, 2), manifest.rules, expectation({ role }));
  await refused(await token(3, 1), 'ERR_TOKEN_IDENTITY', { role });
  await refused(await token(4, 2), 'ERR_TOKEN_IDENTITY', { role });
});

test('a revoked TCB level: ERR_TOKEN_TCB', async () =>
  refused(await bent({ payload: { 'x-lazaret-tcb-status': 'Revoked' } }), 'ERR_TOKEN_TCB'));

test('a token of another key: ERR_TOKEN_KEY_BINDING', async () =>
  refused(await bent({}), 'ERR_TOKEN_KEY_BINDING', { presented: deployment.gate.tls.thumbprint }));

test('the key of another purpose: ERR_TOKEN_KEY_BINDING', async () =>
  refused(await bent({}), 'ERR_TOKEN_KEY_BINDING', { presented: deployment.diagnosis.sign.thumbprint }));
