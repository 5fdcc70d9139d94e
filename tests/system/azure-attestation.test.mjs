// SPDX-License-Identifier: Apache-2.0
// The real @azure/attestation 1.0.0, unmodified and with token validation on, attests; npm jose verifies every token.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { azureCalls, bytes } from './support/azure-client.mjs';
import { openStack, closeStack } from './support/stack.mjs';
import { fetchWith } from './support/web.mjs';
import { skipWithoutVectors as skip, vectors } from './support/vectors.mjs';

let stack;
let fetch;
let keys;
let quote; // of the platform, over its runtime data
let runtime;

before(async () => {
  stack = await openStack();
  await stack.start();
  await stack.ready(30000);
  fetch = fetchWith(stack.tls.ca);
  const evidence = await (await fetch(`${stack.urls.platform}/.well-known/lazaret/attestation`)).json();
  quote = Buffer.from(evidence.evidence, 'base64url');
  runtime = Buffer.from(evidence.runtimeData, 'base64url');
  keys = createLocalJWKSet(await (await fetch(`${stack.urls.attestation}/certs`)).json());
});
after(async () => {
  fetch?.close();
  await closeStack(stack);
});

const encoded = (buffer) => bytes(buffer.toString('base64url'));
const sha256 = (buffer) => createHash('sha256').update(buffer).digest();

/** Open Enclave's header: version 1, type 2 (remote SGX), size of what follows. */
function openEnclaveReport() {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(1, 0);
  header.writeUInt32LE(2, 4);
  header.writeBigUInt64LE(BigInt(quote.length), 8);
  return Buffer.concat([header, quote]);
}

const enclaves = {
  SgxEnclave: { method: 'attestSgxEnclave', evidence: () => quote, policyHash: 'bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw' },
  OpenEnclave: { method: 'attestOpenEnclave', evidence: openEnclaveReport, policyHash: 'egjnANIzEpS2WgpE4Nk-QEwM69XRCgTs42_G0qLlbnk' },
};

const call = (kind, options) => ({ method: kind.method, parameters: [encoded(kind.evidence()), options] });
const json = () => ({ runTimeJson: encoded(runtime) });
const binary = () => ({ runTimeData: encoded(runtime) });

async function verified(token) {
  const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer: stack.urls.attestation, algorithms: ['RS256', 'ES256'] });
  assert.deepEqual(Object.keys(protectedHeader), ['alg', 'jku', 'kid', 'typ']);
  assert.equal(protectedHeader.jku, `${stack.urls.attestation}/certs`);
  assert.equal(protectedHeader.typ, 'JWT');
  assert.equal(payload.exp - payload.iat, 28800);
  assert.equal(payload.nbf, payload.iat);
  assert.match(payload.jti, /^[0-9a-f]{64}$/);
  const text = Buffer.from(token.split('.')[1], 'base64url').toString();
  assert.equal(text, JSON.stringify(sorted(JSON.parse(text)))); // compact, members sorted
  return payload;
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])]));
}

/** What every token of the enclave has, beside what its data add. */
const COMMON = ['exp', 'iat', 'is-debuggable', 'iss', 'jti', 'lazaret-simulated', 'maa-attestationcollateral', 'nbf', 'product-id', 'sgx-mrenclave', 'sgx-mrsigner', 'svn', 'tee',
  'x-ms-attestation-type', 'x-ms-policy-hash', 'x-ms-sgx-collateral', 'x-ms-sgx-is-debuggable', 'x-ms-sgx-mrenclave', 'x-ms-sgx-mrsigner', 'x-ms-sgx-product-id',
  'x-ms-sgx-report-data', 'x-ms-sgx-svn', 'x-ms-ver'];

function checkBody(body, payload, kind) {
  assert.equal(body.mrEnclave, stack.measurements.platform);
  assert.equal(body.mrEnclave, payload['x-ms-sgx-mrenclave']);
  assert.equal(body.mrSigner, payload['x-ms-sgx-mrsigner']);
  assert.equal(body.productId, payload['x-ms-sgx-product-id']);
  assert.equal(body.svn, payload['x-ms-sgx-svn']);
  assert.equal(body.isDebuggable, false);
  assert.equal(body.issuer, stack.urls.attestation);
  assert.equal(body.version, '1.0');
  assert.equal(body.verifierType, 'sgx');
  assert.equal(body.uniqueId, payload.jti);
  assert.equal(Buffer.from(body.policyHash.bytes, 'base64url').toString('base64url'), kind.policyHash);
  assert.deepEqual(body.sgxCollateral, payload['x-ms-sgx-collateral']);
  assert.equal(body.sgxCollateral.quotehash, sha256(quote).toString('hex'));
}

for (const [type, kind] of Object.entries(enclaves)) {
  test(`${type}: JSON data come back parsed, binary data as enclave held data`, async () => {
    const [asJson, asBinary] = await azureCalls(stack, [call(kind, json()), call(kind, binary())]);
    const jsonPayload = await verified(asJson.token);
    checkBody(asJson.body, jsonPayload, kind);
    assert.deepEqual(asJson.body.runTimeClaims, JSON.parse(runtime));
    assert.deepEqual(Object.keys(jsonPayload), [...COMMON, 'x-ms-runtime'].sort());
    assert.equal(asJson.body.enclaveHeldData, undefined);
    const binaryPayload = await verified(asBinary.token);
    checkBody(asBinary.body, binaryPayload, kind);
    assert.equal(asBinary.body.enclaveHeldData.bytes, runtime.toString('base64url'));
    assert.equal(asBinary.body.runTimeClaims, undefined);
    assert.deepEqual(Object.keys(binaryPayload), [...COMMON, 'aas-ehd', 'maa-ehd', 'x-ms-sgx-ehd'].sort());
  });

  test(`${type}: without data the token says nothing of them`, async () => {
    const [{ token }] = await azureCalls(stack, [call(kind, {})]);
    assert.deepEqual(Object.keys(await verified(token)), COMMON);
  });

  test(`${type}: a draft policy gives a token without a signature, as text and as a JWS`, async () => {
    const policy = 'version= 1.0;\nauthorizationrules{\n  c:[type=="$is-debuggable", value==false] => permit();\n};\nissuancerules{\n  => issue(type="draft", value="yes");\n'
      + '  c:[type=="x-lazaret-tcb-status"] => issue(claim=c);\n};';
    const jws = `eyJhbGciOiJub25lIn0.${Buffer.from(JSON.stringify({ AttestationPolicy: Buffer.from(policy).toString('base64url') })).toString('base64url')}.`;
    const outcomes = await azureCalls(stack, [policy, jws].map((draftPolicyForAttestation) => call(kind, { ...json(), draftPolicyForAttestation })));
    for (const { body, token } of outcomes) {
      assert.equal(decodeProtectedHeader(token).alg, 'none');
      assert.ok(token.endsWith('.'));
      await assert.rejects(jwtVerify(token, keys));
      const payload = decodeJwt(token);
      assert.equal(payload.draft, 'yes');
      assert.equal(payload['x-lazaret-tcb-status'], 'UpToDate');
      assert.equal(payload['is-debuggable'], undefined); // the default policy, which issues it, does not hold here
      assert.equal(payload['lazaret-simulated'], true);
      assert.equal(payload['x-ms-policy-hash'], sha256(Buffer.from(policy).toString('base64url')).toString('base64url'));
      assert.equal(body.mrEnclave, stack.measurements.platform);
    }
  });

  describe(`${type}: failures arrive as RestError with the documented codes`, () => {
    const flipped = (at) => {
      const evidence = Buffer.from(kind.evidence());
      evidence[at + evidence.length - quote.length] ^= 1;
      return { method: kind.method, parameters: [encoded(evidence), json()] };
    };
    const cases = {
      'no quote': [() => ({ method: kind.method, parameters: [encoded(Buffer.from('quote')), json()] }), 'InvalidParameter'],
      'a changed measurement': [() => flipped(48 + 64), 'InvalidParameter'],
      'other runtime data': [() => call(kind, { runTimeJson: encoded(Buffer.from('{}')) }), 'InvalidParameter'],
      'runtime data that are no object': [() => call(kind, { runTimeJson: encoded(Buffer.from('[1]')) }), 'InvalidParameter'],
      'init time data of an enclave without CONFIGID': [() => call(kind, { ...json(), initTimeData: encoded(Buffer.from('init')) }), 'InvalidParameter'],
      'a draft that denies': [() => call(kind, { ...json(), draftPolicyForAttestation: 'version= 1.0;authorizationrules{=> deny();};' }), 'PolicyEvaluationError'],
      'a draft that permits nobody': [() => call(kind, { ...json(), draftPolicyForAttestation: 'version= 1.0;authorizationrules{c:[type=="nothing"] => permit();};' }), 'PolicyEvaluationError'],
      'a draft that does not parse': [() => call(kind, { ...json(), draftPolicyForAttestation: 'version= 1.0;authorizationrules{=> permit()' }), 'PolicyParsingError'],
    };
    let outcomes; // of all cases, by one client
    before(async () => { outcomes = await azureCalls(stack, Object.values(cases).map(([make]) => make())); });
    for (const [at, [name, [, code]]] of Object.entries(cases).entries()) {
      test(name, () => {
        const { error, token } = outcomes[at];
        assert.equal(token, undefined);
        assert.equal(error.name, 'RestError');
        assert.equal(error.statusCode, 400);
        assert.equal(error.code, code);
        assert.ok(error.message.length > 20);
      });
    }
  });
}

test('signers and metadata', async () => {
  const [signers, metadata] = await azureCalls(stack, [{ method: 'getAttestationSigners' }, { method: 'getOpenIdMetadata' }]);
  const published = (await (await fetch(`${stack.urls.attestation}/certs`)).json()).keys;
  assert.deepEqual(signers.body.map(({ keyId }) => keyId), published.map(({ kid }) => kid));
  for (const { certificates } of signers.body) assert.match(certificates[0], /^-----BEGIN CERTIFICATE-----/);
  assert.equal(metadata.body.issuer, stack.urls.attestation);
  assert.equal(metadata.body.jwks_uri, `${stack.urls.attestation}/certs`);
  assert.ok(metadata.body.claims_supported.includes('x-ms-sgx-mrenclave'));
});

test('a token in which one claim is changed verifies nowhere', async () => {
  const [{ token }] = await azureCalls(stack, [call(enclaves.SgxEnclave, json())]);
  const [header, , signature] = token.split('.');
  const forged = Buffer.from(JSON.stringify({ ...decodeJwt(token), 'is-debuggable': true })).toString('base64url');
  await assert.rejects(jwtVerify(`${header}.${forged}.${signature}`, keys));
});

test('the recorded request of 2020 is answered by what it lacks: collateral for its platform', async (t) => {
  if (skip) return t.skip(skip);
  const report = readFileSync(`${vectors}/maa/uks-2020-oe-attest/evidence.bin`);
  const [{ error }] = await azureCalls(stack, [{ method: 'attestOpenEnclave', parameters: [encoded(report), {}] }]);
  assert.equal(error.name, 'RestError');
  assert.equal(error.statusCode, 400);
  assert.equal(error.code, 'InvalidQuote');
});

/** What the JS SDK of 2020 does not know: posted as Microsoft's own sample for SEV-SNP does. */
test('SevSnpVm: a genuine report gives the claims of a recorded token', async (t) => {
  if (skip) return t.skip(skip);
  const [leaf, issuers] = ['vcek.der', 'ask_ark.pem'].map((name) => readFileSync(`${vectors}/snp/milan-v2-google/${name}`));
  const pem = `-----BEGIN CERTIFICATE-----\n${leaf.toString('base64').match(/.{1,64}/g).join('\n')}\n-----END CERTIFICATE-----\n${issuers}`;
  const document = { SnpReport: readFileSync(`${vectors}/snp/milan-v2-google/report.bin`).toString('base64url'), VcekCertChain: Buffer.from(pem).toString('base64url') };
  const answer = await fetch(`${stack.urls.attestation}/attest/SevSnpVm?api-version=2022-08-01`, { method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ report: Buffer.from(JSON.stringify(document)).toString('base64url'), nonce: 'n-1' }) });
  assert.equal(answer.status, 200, await answer.text());
  const payload = await verified((await answer.json()).token);
  const recorded = decodeJwt(readFileSync(`${vectors}/maa/snp-2025-jwt/token.jwt`, 'utf8').trim());
  assert.deepEqual(Object.keys(payload), [...Object.keys(recorded), 'nonce'].sort());
  for (const [name, value] of Object.entries(recorded)) {
    assert.equal(typeof payload[name], typeof value, name);
    if (/^[0-9a-f]{32,}$/.test(value)) assert.match(payload[name], new RegExp(`^[0-9a-f]{${value.length}}$`), name);
  }
  assert.equal(payload.nonce, 'n-1');
  assert.equal(payload['x-ms-policy-hash'], recorded['x-ms-policy-hash']);
});

test('a request as the client of Azure\'s confidential containers writes it, of a genuine machine', async (t) => {
  if (skip) return t.skip(skip);
  const machine = `${vectors}/azure-vtpm/snp-milan-lunal-live`;
  const padded = (value) => Buffer.from(value).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
  const leaf = readFileSync(`${machine}/vcek.der`).toString('base64').match(/.{1,64}/g).join('\n');
  const vcek = `-----BEGIN CERTIFICATE-----\n${leaf}\n-----END CERTIFICATE-----\n`;
  const authorities = readFileSync(`${vectors}/snp/milan-microsoft/ask_ark.pem`, 'utf8');
  const data = readFileSync(`${machine}/runtime_data.json`);
  const report = padded(JSON.stringify({ SnpReport: padded(readFileSync(`${machine}/report.bin`)), VcekCertChain: padded(vcek + authorities) }));
  // Its nonce is a number of 64 bits, and it always sends initTimeData.
  const body = `{"report":"${report}","runtimeData":{"data":"${padded(data)}","dataType":"JSON"},"initTimeData":{"data":"","dataType":""},"nonce":18446744073709551615}`;
  const answer = await fetch(`${stack.urls.attestation}/attest/sevsnpvm?api-version=2022-08-01`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  assert.equal(answer.status, 200);
  const payload = await verified((await answer.json()).token);
  assert.equal(payload.nonce, '18446744073709551615');
  assert.deepEqual(payload['x-ms-runtime'], JSON.parse(data));
  assert.equal(payload['x-ms-inittime'], undefined);
  assert.equal(payload['x-ms-attestation-type'], 'sevsnpvm');
  assert.equal(payload['lazaret-simulated'], undefined);
});

test('no program ended unexpectedly', () => assert.deepEqual(stack.unexpectedEnds, []));
