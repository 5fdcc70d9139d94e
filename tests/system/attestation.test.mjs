// SPDX-License-Identifier: Apache-2.0
// Azure's own client against the attestation service, with a real quote; and what the service refuses, in Azure's form.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createPublicKey, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { openStack, closeStack } from './support/stack.mjs';
import { fetchWith } from './support/web.mjs';
import { run } from '../../scripts/stack/processes.mjs';
import { skipWithoutVectors as skip, vectors } from './support/vectors.mjs';

let stack;
let fetch;
let evidence;

before(async () => {
  stack = await openStack();
  await stack.start();
  await stack.ready(30000);
  fetch = fetchWith(stack.tls.ca);
  evidence = await (await fetch(`${stack.urls.platform}/.well-known/lazaret/attestation`)).json();
});
after(async () => {
  fetch?.close();
  await closeStack(stack);
});

const attest = (body, version = '2022-08-01', path = '/attest/SgxEnclave') =>
  fetch(`${stack.urls.attestation}${path}${version ? `?api-version=${version}` : ''}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: typeof body === 'string' ? body : JSON.stringify(body) });
const good = (extra = {}) => ({ quote: evidence.evidence, runtimeData: { data: evidence.runtimeData, dataType: 'JSON' }, ...extra });

test('@azure/attestation attests an enclave and validates the token', async () => {
  const script = `
    import { AttestationClient } from '@azure/attestation';
    const client = new AttestationClient(process.argv[1]);
    const quote = Buffer.from(process.argv[2], 'base64url');
    const result = await client.attestSgxEnclave(quote, { runTimeJson: Buffer.from(process.argv[3], 'base64url') });
    const signers = await client.getAttestationSigners();
    const metadata = await client.getOpenIdMetadata();
    console.log(JSON.stringify({ mrEnclave: result.body.mrEnclave, isDebuggable: result.body.isDebuggable, issuer: result.body.issuer, signers: signers.length, metadata }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, stack.urls.attestation, evidence.evidence, evidence.runtimeData],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: stack.tls.ca }, cwd: new URL('.', import.meta.url).pathname });
  const result = JSON.parse(stdout);
  assert.equal(result.mrEnclave, stack.measurements.platform);
  assert.equal(result.isDebuggable, false);
  assert.equal(result.issuer, stack.urls.attestation);
  assert.ok(result.signers >= 1); // the current key, and the next one once it is made
  assert.ok(JSON.stringify(result.metadata).includes(stack.urls.attestation));
});

test('a token has all claims of a default SGX token, and verifies with the published keys alone', async () => {
  const nonce = randomBytes(16).toString('hex');
  const answer = await attest(good({ nonce }));
  assert.equal(answer.status, 200);
  const { token } = await answer.json();
  const keys = createLocalJWKSet(await (await fetch(`${stack.urls.attestation}/certs`)).json());
  const { payload } = await jwtVerify(token, keys, { issuer: stack.urls.attestation, algorithms: ['RS256'] });
  assert.deepEqual(Object.keys(decodeProtectedHeader(token)), ['alg', 'jku', 'kid', 'typ']);
  for (const claim of ['exp', 'iat', 'is-debuggable', 'iss', 'jti', 'maa-attestationcollateral', 'nbf', 'product-id', 'sgx-mrenclave', 'sgx-mrsigner', 'svn', 'tee', 'x-ms-attestation-type',
    'x-ms-policy-hash', 'x-ms-sgx-collateral', 'x-ms-sgx-is-debuggable', 'x-ms-sgx-mrenclave', 'x-ms-sgx-mrsigner', 'x-ms-sgx-product-id', 'x-ms-sgx-report-data', 'x-ms-sgx-svn', 'x-ms-ver', 'x-ms-runtime'])
    assert.ok(claim in payload, claim);
  assert.equal(payload['x-ms-policy-hash'], 'bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw');
  assert.equal(payload['lazaret-simulated'], true);
  assert.equal(payload.nonce, nonce);
  assert.equal(payload.exp - payload.iat, 28800);
});

test('binary runtime data comes back as enclave held data', async () => {
  const { token } = await (await attest(good({ runtimeData: { data: evidence.runtimeData, dataType: 'Binary' } }), '2020-10-01')).json();
  const claims = decodeJwt(token);
  for (const claim of ['x-ms-sgx-ehd', 'aas-ehd', 'maa-ehd']) assert.equal(claims[claim], evidence.runtimeData);
  assert.ok(!('x-ms-runtime' in claims));
});

test('the path is found in any case, and standard base64 with padding is taken', async () => {
  const padded = Buffer.from(evidence.evidence, 'base64url').toString('base64');
  assert.equal((await attest(good({ quote: padded }), '2022-08-01', '/attest/sgxenclave')).status, 200);
});

describe('refused with a 4xx in Azure\'s form', () => {
  const quote = () => Buffer.from(evidence.evidence, 'base64url');
  const flipped = (at) => {
    const bytes = quote();
    bytes[at] ^= 1;
    return bytes.toString('base64url');
  };
  const cases = {
    'no JSON': () => '{"quote":', 'an array': () => '[]', 'no quote': () => ({ runtimeData: { data: 'AAAA', dataType: 'JSON' } }),
    'an empty quote': () => good({ quote: '' }), 'a quote that is no base64': () => good({ quote: '!!!' }), 'a quote of random bytes': () => good({ quote: randomBytes(2000).toString('base64url') }),
    'a quote that is cut': () => good({ quote: quote().subarray(0, 700).toString('base64url') }), 'a quote with bytes behind it': () => good({ quote: Buffer.concat([quote(), Buffer.from([1])]).toString('base64url') }),
    'a quote of another version': () => good({ quote: flipped(0) }), 'a quote with a changed measurement': () => good({ quote: flipped(48 + 64) }), 'a quote with a changed signature': () => good({ quote: flipped(440) }),
    'a changed quoting enclave report': () => good({ quote: flipped(436 + 128 + 70) }), 'other runtime data': () => good({ runtimeData: { data: Buffer.from('{}').toString('base64url'), dataType: 'JSON' } }),
    'runtime data of an unknown type': () => good({ runtimeData: { data: evidence.runtimeData, dataType: 'YAML' } }), 'a nonce that is no text': () => good({ nonce: ['5'] }),
  };
  for (const [name, body] of Object.entries(cases)) {
    test(name, async () => {
      const answer = await attest(body());
      assert.ok(answer.status >= 400 && answer.status < 500, String(answer.status));
      const { error } = await answer.json();
      assert.ok(error.code.length > 0 && error.message.length > 0);
      assert.match(answer.headers['content-type'], /^application\/json/);
    });
  }
  test('an oversized body', async () => assert.equal((await attest(JSON.stringify({ quote: 'A'.repeat(4 << 20) }))).status, 413));
  test('an unknown and a missing api-version', async () => {
    assert.equal((await attest(good(), '1999-01-01')).status, 400);
    assert.equal((await attest(good(), '')).status, 400);
  });
  test('the service goes on afterwards', async () => assert.equal((await attest(good())).status, 200));
});

describe('other types of evidence', () => {
  const file = (name) => readFileSync(join(vectors, name));
  const pem = (der) => `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()}\n-----END CERTIFICATE-----\n`;
  const amd = (chain) => Buffer.from(JSON.stringify({ SnpReport: file('snp/genoa-v5-lunal/report.bin').toString('base64url'), ...chain })).toString('base64url');
  const chain = () => ({ VcekCertChain: Buffer.from(pem(file('snp/genoa-v5-lunal/vcek.der')) + file('snp/genoa-v5-lunal/ask_ark.pem')).toString('base64url') });

  for (const version of ['2022-08-01', '2023-04-01-preview', '2025-06-01']) {
    test(`a genuine report of AMD's, with its certificates, over ${version}`, { skip }, async () => {
      const answer = await attest({ report: amd(chain()), nonce: 'n' }, version, '/attest/SevSnpVm');
      assert.equal(answer.status, 200);
      const claims = decodeJwt((await answer.json()).token);
      assert.equal(claims['x-ms-attestation-type'], 'sevsnpvm');
      assert.equal(claims['x-ms-sevsnpvm-launchmeasurement'], 'd9912ba396ce409c2947841d93a5076b6839b898c22b4aae05edb3b2b058a99927f8cf9a4f8617ee695deb14795496c8');
      assert.ok(!('lazaret-simulated' in claims));
    });
  }

  test('a report without certificates, which nobody fetches here', { skip }, async () => {
    const answer = await attest({ report: amd({}) }, '2022-08-01', '/attest/SevSnpVm');
    assert.equal(answer.status, 400);
    assert.equal((await answer.json()).error.target, 'report.VcekCertChain');
  });

  test('an enclave\'s quote is none of a trust domain\'s', async () => {
    const answer = await attest(good(), '2025-06-01', '/attest/TdxVm');
    assert.equal(answer.status, 400);
    assert.equal(answer.headers['x-ms-error-code'], 'InvalidParameter');
    assert.equal((await answer.json()).error.target, 'quote.header.tee_type');
  });

  test('a TPM without a policy', async () => {
    const answer = await attest({ data: 'e30' }, '2020-10-01', '/attest/Tpm');
    assert.equal(answer.status, 400);
    const { error } = await answer.json();
    assert.equal(error.code, 'Bad request');
    assert.match(error.message, /has not been set/);
  });

  test('a draft policy gives a token without a signature, or its fault', async () => {
    const draft = (text) => attest(good({ draftPolicyForAttestation: text }));
    const { token } = await (await draft('version= 1.0;authorizationrules{=> permit();};issuancerules{=> issue(type="mine", value=5);};')).json();
    assert.ok(token.endsWith('.'));
    assert.equal(JSON.parse(Buffer.from(token.split('.')[0], 'base64url')).alg, 'none');
    assert.equal(decodeJwt(token).mine, 5);
    for (const [text, code] of [['version= 1.0', 'PolicyParsingError'], ['version= 1.0;authorizationrules{};issuancerules{};', 'PolicyEvaluationError']])
      assert.equal((await (await draft(text)).json()).error.code, code);
  });

  test('a request that kills its parser loses itself alone', async () => {
    const lost = await attest(good({ nonce: 'insecure_crash' }));
    assert.equal(lost.status, 500);
    assert.equal((await lost.json()).error.code, 'InternalError');
    assert.equal((await attest(good())).status, 200);
  });
});

test('the signing certificate carries the service\'s own quote over its key', () => {
  const printed = run(stack.program('lazaret'), ['manifest', 'issuer', '--url', stack.urls.attestation, '--ca', stack.tls.ca, '--collateral-url', stack.urls.collateral,
    '--manifest', stack.path('manifest.jws'), '--deployment', stack.deployment]);
  assert.ok(JSON.parse(printed).keys.length >= 1);
});

describe('a token is verified by the quote in its key\'s certificate, with a key set that proves nothing', () => {
  let folder;
  const at = (name) => join(folder, name);
  const put = (name, content) => {
    writeFileSync(at(name), typeof content === 'string' ? content : JSON.stringify(content));
    return at(name);
  };
  const verify = (...words) => {
    const { status, stdout } = spawnSync(stack.program('lazaret'), ['verify', 'token', at('token'), '--collateral', at('collateral'), '--json', ...words], { encoding: 'utf8' });
    return { status, ...JSON.parse(stdout || '{}') };
  };
  const manifest = () => ['--manifest', stack.path('manifest.jws'), '--deployment', stack.deployment];
  let set;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lazaret-vouched-'));
    put('token', (await (await attest(good())).json()).token);
    set = await (await fetch(`${stack.urls.attestation}/certs`)).json();
    put('certs', set);
    writeFileSync(at('quote'), Buffer.from(evidence.evidence, 'base64url'));
    const jwk = JSON.parse(execFileSync(stack.program('lazaret-softtee'), ['root', '--state', stack.path('softtee')], { encoding: 'utf8' }));
    put('root', createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }));
    execFileSync(stack.program('lazaret'), ['collateral', 'fetch', '--url', stack.urls.collateral, '--for', at('quote'), '--out', at('collateral'), '--simulated-root', at('root')]);
  });
  after(() => rmSync(folder, { recursive: true }));

  test('with the manifest: an enclave of the role attestation', () => assert.equal(verify('--certs', at('certs'), ...manifest()).code, 'OK'));
  test('without: any genuine enclave', () => assert.equal(verify('--certs', at('certs'), '--simulated-root', at('root')).code, 'OK'));
  test('not by an enclave of a stranger\'s root', () => assert.equal(verify('--certs', at('certs')).valid, false));
  test('with the key history', async () => {
    const history = await fetch(`${stack.urls.attestation}/.well-known/lazaret/keys`);
    assert.equal(history.status, 200);
    const { keys } = await history.json();
    assert.ok(keys.some((key) => key.status === 'current' && key.current_since >= key.made));
    assert.equal(verify('--certs', put('history', { keys }), ...manifest()).code, 'OK');
  });
  test('a key without its certificate, or with another key\'s, is not taken', () => {
    const bare = { keys: set.keys.map(({ x5c, ...key }) => key) };
    assert.equal(verify('--certs', put('bare', bare), ...manifest()).code, 'ERR_FIELD_MISSING');
    const der = Buffer.from(set.keys[0].x5c[0], 'base64');
    der[der.indexOf(Buffer.from('010001', 'hex')) - 8] ^= 1; // the last bytes of the modulus
    const altered = { keys: set.keys.map((key) => ({ ...key, x5c: [der.toString('base64')] })) };
    assert.equal(verify('--certs', put('altered', altered), ...manifest()).code, 'ERR_REPORT_DATA');
  });
  test('a key that is not in the set is unknown', () => assert.equal(verify('--certs', put('none', { keys: [] }), ...manifest()).code, 'ERR_TOKEN_KEY_UNKNOWN'));
  test('the command line says what belongs together', () => {
    for (const words of [['--certs', at('certs'), '--jwks', at('certs')], ['--jwks', at('certs')], ['--certs', at('certs'), '--manifest', stack.path('manifest.jws')],
      ['--certs', at('certs'), '--simulated-root', at('root'), ...manifest()]]) assert.equal(verify(...words).status, 2);
  });
});

test('no program ended unexpectedly', () => assert.deepEqual(stack.unexpectedEnds, []));

test('whoever got a token is noted once an hour, and can be tried on collateral that does not apply yet', async () => {
  for (let i = 0; i < 10; i++) assert.equal((await attest(good())).status, 200);
  const log = stack.path('state', 'attestation', 'attested.jsonl');
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
  assert.ok(lines.length >= 1 && lines.length <= 4); // the service was started twice; an hour may have passed
  const folder = mkdtempSync(join(tmpdir(), 'lazaret-preview-'));
  const root = join(folder, 'root.pem');
  const jwk = JSON.parse(execFileSync(stack.program('lazaret-softtee'), ['root', '--state', stack.path('softtee')], { encoding: 'utf8' }));
  writeFileSync(root, createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }));
  const lazaret = (...words) => execFileSync(stack.program('lazaret'), [...words, '--simulated-root', root], { encoding: 'utf8' });
  writeFileSync(join(folder, 'quote'), Buffer.from(evidence.evidence, 'base64url'));
  lazaret('collateral', 'fetch', '--url', stack.urls.collateral, '--for', join(folder, 'quote'), '--out', join(folder, 'new'));
  const preview = JSON.parse(lazaret('tcb', 'preview', '--collateral', join(folder, 'new'), '--attested', log, '--json'));
  assert.equal(preview.failing, 0);
  assert.equal(preview.platforms.length, 1);
  assert.equal(preview.platforms[0].verdict, 'passes');
  assert.equal(preview.platforms[0].fmspc, lines[0].fmspc);
  rmSync(folder, { recursive: true });
});
