// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Deployment, sign, signingKey } from './support/deployment.js';
import { roleRule, verifyManifest } from '../src/trust/manifest.js';
import { textHash } from '../src/trust/encoding.js';
import type { Code, Refusal } from '../src/trust/refusal.js';

let deployment: Deployment;

beforeEach(async () => {
  deployment = await Deployment.make();
});

async function refused(text: string, code: Code) {
  await assert.rejects(verifyManifest(text, deployment.trust.deployment), (thrown: Refusal) => {
    assert.equal(thrown.code, code);
    return true;
  });
}

async function refusedWith(bend: Record<string, unknown>, code: Code = 'ERR_MANIFEST') {
  deployment.manifestBend = bend;
  await refused(await deployment.remake(), code);
}

test('reads what it decides', async () => {
  const manifest = await verifyManifest(deployment.manifest(), deployment.trust.deployment);
  assert.equal(manifest.version, 2);
  assert.equal(manifest.rules.acceptSimulated, true);
  assert.equal(manifest.hash, await textHash(deployment.manifest()));
  assert.equal(roleRule(manifest, 'gate').identities[0].mrenclave, deployment.gate.mrenclave);
  assert.deepEqual(roleRule(manifest, 'nobody').identities, []);
});

test('a role of another deployment is named', async () => {
  const other = 'D'.repeat(43);
  deployment.manifestBend = { roles: { diagnosis: { identities: [], deployment: other } } };
  const manifest = await verifyManifest(await deployment.remake(), deployment.trust.deployment);
  assert.equal(roleRule(manifest, 'diagnosis').deployment, other);
});

test('without simulation, simulated evidence is not accepted', async () => {
  deployment.manifestBend = { simulation: undefined };
  const manifest = await verifyManifest(await deployment.remake(), deployment.trust.deployment);
  assert.equal(manifest.rules.acceptSimulated, false);
});

test('not a JWS: ERR_MANIFEST', () => refused('nonsense', 'ERR_MANIFEST'));
test('of another type: ERR_MANIFEST', async () => refused(await deployment.remake({ typ: 'JWT' }), 'ERR_MANIFEST'));

test('signed by a key that is not pinned: ERR_MANIFEST_SIGNATURE', async () => {
  const other = await signingKey();
  const text = await sign(deployment.manifestPayload(), { typ: 'lazaret-manifest+jwt', jwk: other.jwk }, other);
  await refused(text, 'ERR_MANIFEST_SIGNATURE');
});

test('the pinned key in the header, another behind the signature: ERR_MANIFEST_SIGNATURE', async () => {
  const header = { typ: 'lazaret-manifest+jwt', jwk: deployment.root.jwk };
  await refused(await sign(deployment.manifestPayload(), header, await signingKey()), 'ERR_MANIFEST_SIGNATURE');
});

test('no key: ERR_MANIFEST_SIGNATURE', async () =>
  refused(await deployment.remake({ jwk: undefined }), 'ERR_MANIFEST_SIGNATURE'));

test('an unknown member: ERR_MANIFEST', () => refusedWith({ tokens_max_age: 1 }));
test('another deployment: ERR_MANIFEST', () => refusedWith({ deployment: 'E'.repeat(43) }));
test('an identity without a measurement: ERR_MANIFEST', () =>
  refusedWith({ roles: { gate: { identities: [{ tee: 'sgx' }] } } }));
test('predecessors of the platform are no platform', async () => {
  const predecessors = [{ tee: 'sgx', mrenclave: 'ab'.repeat(32) }];
  deployment.manifestBend = { roles: { platform: { identities: [], predecessors } } };
  const manifest = await verifyManifest(await deployment.remake(), deployment.trust.deployment);
  assert.deepEqual(roleRule(manifest, 'platform').identities, []);
});
test('a predecessor without a measurement: ERR_MANIFEST', () =>
  refusedWith({ roles: { platform: { identities: [], predecessors: [{ tee: 'sgx' }] } } }));
test('predecessors of another role: ERR_MANIFEST', () =>
  refusedWith({ roles: { gate: { identities: [], predecessors: [] } } }));
test('a signer without product id: ERR_MANIFEST', () =>
  refusedWith({ roles: { gate: { identities: [{ tee: 'sgx', mrsigner: 'ab'.repeat(32) }] } } }));
test('an issuer without policy hashes: ERR_MANIFEST', () =>
  refusedWith({ issuers: [{ issuer: 'https://a.test', keys: { keys: [deployment.issuerKey.jwk] }, policy_hashes: [] }] }));
test('a product id without a signer: ERR_MANIFEST', () =>
  refusedWith({ roles: { gate: { identities: [{ tee: 'sgx', mrenclave: 'ab'.repeat(32), product_id: 1 }] } } }));
test('an issuer without a key: ERR_MANIFEST', () =>
  refusedWith({ issuers: [{ issuer: 'https://a.test', keys: { keys: [] }, policy_hashes: ['A'.repeat(43)] }] }));
test('an issuer named twice: ERR_MANIFEST', () => {
  const issuer = { issuer: 'https://a.test', keys: { keys: [deployment.issuerKey.jwk] }, policy_hashes: ['A'.repeat(43)] };
  return refusedWith({ issuers: [issuer, issuer] });
});
test('no token age: ERR_MANIFEST', () => refusedWith({ token_max_age: undefined }));
test('a recovery key of another kind: ERR_MANIFEST', () => refusedWith({ recovery: deployment.root.jwk }));
test('no recovery key: ERR_MANIFEST', () => refusedWith({ recovery: undefined }));
