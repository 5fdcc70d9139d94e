// SPDX-License-Identifier: Apache-2.0
// The commands of `lazaret` that need no services: keys, manifests, tokens. What they print, what they refuse, exit codes.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BIN } from './support/stack.mjs';

let folder;
before(() => { folder = mkdtempSync(join(tmpdir(), 'lazaret-cli-')); });
after(() => rmSync(folder, { recursive: true, force: true }));

const at = (name) => join(folder, name);
const put = (name, content) => { writeFileSync(at(name), typeof content === 'string' ? content : JSON.stringify(content)); return at(name); };

function lazaret(args, input) {
  const { status, stdout, stderr } = spawnSync(join(BIN, 'lazaret'), args, { encoding: 'utf8', input });
  return { status, stdout, stderr };
}

function assertRefused(result, status, ...words) {
  assert.equal(result.status, status, result.stderr);
  for (const word of words) assert.match(result.stderr, word instanceof RegExp ? word : new RegExp(word.replace(/[.[\]]/g, '\\$&')));
}

describe('help and usage', () => {
  test('the program and every command explain themselves', () => {
    const help = lazaret(['--help']);
    assert.equal(help.status, 0);
    const commands = [...help.stdout.matchAll(/^ {2}([a-z]+)(?: ([a-z]+))? {2,}/gm)].map((match) => match.slice(1).filter(Boolean));
    assert.ok(commands.length >= 7);
    for (const command of commands) {
      const { status, stdout } = lazaret([...command, '--help']);
      assert.equal(status, 0, command.join(' '));
      assert.match(stdout, /^usage: lazaret /i, command.join(' '));
    }
    assert.match(lazaret(['--version']).stdout, /^lazaret \d/);
  });
  test('what is no command is told with those that are', () => {
    assertRefused(lazaret([]), 2, 'seen nothing', 'manifest sign');
    assertRefused(lazaret(['verfy']), 2, 'seen verfy');
    assertRefused(lazaret(['verify', 'tokens']), 2, 'seen tokens', 'verify token');
  });
  test('unknown, doubled and incomplete options are refused', () => {
    assertRefused(lazaret(['verify', 'token', '--tokn', 'x']), 2, '--tokn');
    assertRefused(lazaret(['verify', 'token', '--token']), 2, 'a value behind it');
    assertRefused(lazaret(['verify', 'token', '--token', 'a', '--token', 'b']), 2, 'the option once');
    assertRefused(lazaret(['verify', 'token', '--token', 'a']), 2, '--jwks');
    assertRefused(lazaret(['manifest', 'show', 'a', 'b']), 2, 'one file');
    assertRefused(lazaret(['key', 'password', 'secret']), 2, 'options only');
    const restore = ['key', 'restore', '--platform', 'https://localhost:1', '--recovery', 'r', '--master-key-file', 'm', '--manifest', 'n', '--deployment', 'd'];
    for (let i = 2; i < restore.length; i += 2) assertRefused(lazaret([...restore.slice(0, i), ...restore.slice(i + 2)]), 2, restore[i]);
    assertRefused(lazaret(restore), 2, 'No such file');
  });
});

describe('keys', () => {
  test('a deployment key is written for its owner alone, and never over another file', () => {
    const made = lazaret(['manifest', 'key', '--out', at('deployment.pem')]);
    assert.equal(made.status, 0);
    assert.match(made.stdout, /^[A-Za-z0-9_-]{43}\n$/);
    assert.equal(statSync(at('deployment.pem')).mode & 0o777, 0o600);
    const before = readFileSync(at('deployment.pem'), 'utf8');
    assertRefused(lazaret(['manifest', 'key', '--out', at('deployment.pem')]), 2, 'what to do');
    assert.equal(readFileSync(at('deployment.pem'), 'utf8'), before);
  });
  test('a recovery key prints its public half only', () => {
    const jwk = JSON.parse(lazaret(['key', 'recovery', '--out', at('recovery.pem')]).stdout);
    assertRefused(lazaret(['key', 'restore', '--platform', 'https://localhost:1', '--recovery', at('deployment.pem'), '--master-key-file', 'm', '--manifest', 'n', '--deployment', 'd']), 1, 'X25519');
    assert.deepEqual({ ...jwk, x: undefined }, { crv: 'X25519', kty: 'OKP', x: undefined });
    assert.equal(statSync(at('recovery.pem')).mode & 0o777, 0o600);
  });
  test('a password is hashed from standard input', () => {
    const { status, stdout } = lazaret(['key', 'password'], 'correct horse\n');
    assert.equal(status, 0);
    assert.match(stdout, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    assertRefused(lazaret(['key', 'password'], 'short'), 1, '8 to 1024 bytes');
    assertRefused(lazaret(['key', 'password'], 'x'.repeat(2000)), 1, 'at most 1024 bytes');
  });
});

describe('manifests', () => {
  let payload;
  before(() => {
    const deployment = lazaret(['manifest', 'key', '--out', at('signer.pem')]).stdout.trim();
    const recovery = JSON.parse(lazaret(['key', 'recovery', '--out', at('r.pem')]).stdout);
    payload = { version: 1, issued: 1763700000, name: 'Test hospital', deployment, roles: { platform: { identities: [{ tee: 'sgx', mrenclave: 'ab'.repeat(32) }] } },
      issuers: [], token_max_age: 3600, minimum_tcb_evaluation: 1, administrator: { user: 'admin', password_hash: lazaret(['key', 'password'], 'password').stdout.trim() }, recovery };
  });
  const signed = (change = {}) => lazaret(['manifest', 'sign', '--key', at('signer.pem'), '--out', at('m.jws'), put('m.json', { ...payload, ...change })]);

  test('what is signed is shown, to people and as JSON', () => {
    assert.equal(signed().status, 0);
    const people = lazaret(['manifest', 'show', at('m.jws')]);
    assert.equal(people.status, 0);
    for (const word of ['Test hospital', payload.deployment, 'ab'.repeat(32), 'every token is refused']) assert.ok(people.stdout.includes(word), word);
    const shown = JSON.parse(lazaret(['manifest', 'show', '--json', '--deployment', payload.deployment, at('m.jws')]).stdout);
    assert.equal(shown.valid, true);
    assert.equal(shown.deployment, payload.deployment);
    assert.deepEqual(shown.payload, payload);
    assert.equal(shown.digest, createHash('sha256').update(readFileSync(at('m.jws'), 'utf8').trim()).digest('base64url'));
  });
  test('the manifest of another deployment is refused', () => {
    signed();
    const other = lazaret(['manifest', 'show', '--json', '--deployment', 'A'.repeat(43), at('m.jws')]);
    assert.equal(other.status, 1);
    assert.deepEqual({ valid: JSON.parse(other.stdout).valid, code: JSON.parse(other.stdout).code }, { valid: false, code: 'ERR_MANIFEST_SIGNATURE' });
  });
  test('a misspelt member, a wrong value and a missing one are named', () => {
    assertRefused(signed({ verison: 2 }), 1, 'manifest.verison');
    assertRefused(signed({ token_max_age: 'an hour' }), 1, 'manifest.token_max_age', 'a string');
    assertRefused(signed({ recovery: undefined }), 1, 'manifest.recovery');
    assertRefused(signed({ roles: { platform: { identities: [{ tee: 'sgx' }] } } }), 1, 'manifest.roles.platform.identities[0]');
  });
  test('a payload of another deployment is not signed', () => {
    assertRefused(signed({ deployment: 'A'.repeat(43) }), 1, 'manifest.deployment', payload.deployment);
  });
  test('files that are no manifest, no JSON, no key or not there are refused', () => {
    assertRefused(lazaret(['manifest', 'show', put('x', 'no manifest')]), 1, 'the manifest is not usable');
    assertRefused(lazaret(['manifest', 'sign', '--key', at('signer.pem'), put('x', '{')]), 1, 'not valid JSON');
    assertRefused(lazaret(['manifest', 'sign', '--key', put('x', 'no key'), put('m.json', payload)]), 1, 'lazaret manifest key');
    assertRefused(lazaret(['manifest', 'show', at('absent')]), 2, 'No such file');
  });
});

describe('tokens', () => {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const header = { alg: 'RS256', jku: 'https://a.test/certs', kid: 'rsa+/=', typ: 'JWT' };
  const claims = { iss: 'https://a.test', iat: 1700000000, nbf: 1700000000, exp: 1700028800, 'x-ms-attestation-type': 'sgx' };
  const mint = (changedHeader = {}, changedClaims = {}, key = rsa.privateKey) => {
    const input = `${part({ ...header, ...changedHeader })}.${part({ ...claims, ...changedClaims })}`;
    return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
  const keys = { keys: [{ ...rsa.publicKey.export({ format: 'jwk' }), kid: 'rsa+/=' }, { ...ec.publicKey.export({ format: 'jwk' }), kid: 'ec', use: 'sig' }] };
  const verify = (token, args = [], set = keys) => {
    const result = lazaret(['verify', 'token', '--token', put('token', `${token}\n`), '--jwks', put('jwks', set), '--at', '1700000100', '--json', ...args]);
    return { ...result, json: result.stdout ? JSON.parse(result.stdout) : undefined };
  };
  const assertCode = (result, code) => {
    assert.equal(result.json.code, code);
    assert.equal(result.json.valid, code === 'OK');
    assert.equal(result.status, code === 'OK' ? 0 : 1);
    if (code !== 'OK') assert.notEqual(result.json.reason, '');
  };

  test('a good token gives its header and claims', () => {
    const result = verify(mint(), ['--issuer', 'https://a.test']);
    assertCode(result, 'OK');
    assert.deepEqual(Object.keys(result.json).sort(), ['claims', 'code', 'header', 'reason', 'valid']);
    assert.deepEqual(result.json.header, header);
    assert.deepEqual(result.json.claims, claims);
  });
  test('ES256 verifies as well', () => assertCode(verify(mint({ alg: 'ES256', kid: 'ec' }, {}, ec.privateKey)), 'OK'));
  test('a key set of certificates alone, as Azure serves it', () => {
    const key = put('rsa.pem', rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    execFileSync('openssl', ['req', '-x509', '-key', key, '-subj', '/CN=https:\\/\\/a.test', '-days', '3650', '-out', at('c.pem')], { stdio: 'pipe' });
    const der = readFileSync(at('c.pem'), 'utf8').replace(/-----[^-]+-----|\s/g, '');
    assertCode(verify(mint(), [], { keys: [{ x5c: [der], kid: 'rsa+/=', kty: 'RSA' }] }), 'OK');
  });
  test('for people it says what the token is', () => {
    const { status, stdout } = lazaret(['verify', 'token', '--token', put('token', mint()), '--jwks', put('jwks', keys), '--at', '1700000100']);
    assert.equal(status, 0);
    for (const word of ['valid', 'https://a.test', '2023-11-14T22:13:20Z', 'sgx']) assert.ok(stdout.includes(word), word);
  });
  const refusals = {
    'expired': [mint({}, { exp: 1700000100 }), 'ERR_TOKEN_EXPIRED'],
    'not valid yet': [mint({}, { nbf: 1700000101 }), 'ERR_TOKEN_NOT_YET_VALID'],
    'without expiry': [mint({}, { exp: undefined }), 'ERR_TOKEN_CLAIM'],
    'with a textual expiry': [mint({}, { exp: '1700028800' }), 'ERR_TOKEN_CLAIM'],
    'of an unknown key': [mint({ kid: 'other' }), 'ERR_TOKEN_KEY_UNKNOWN'],
    'without a kid': [mint({ kid: undefined }), 'ERR_TOKEN_KEY_UNKNOWN'],
    'without a signature': [`${part({ ...header, alg: 'none' })}.${part(claims)}.`, 'ERR_TOKEN_ALGORITHM'],
    'of another algorithm': [mint({ alg: 'HS256' }), 'ERR_TOKEN_ALGORITHM'],
    'whose algorithm is not its key\'s': [mint({ alg: 'ES256' }), 'ERR_TOKEN_ALGORITHM'],
    'of another type': [mint({ typ: 'lazaret-statement+jwt' }), 'ERR_TOKEN_TYPE'],
    'with an altered claim': [mint().replace(/\.[^.]+\./, `.${part({ ...claims, iss: 'https://b.test' })}.`), 'ERR_TOKEN_SIGNATURE'],
    'signed by another key': [mint({}, {}, generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey), 'ERR_TOKEN_SIGNATURE'],
    'cut short': [mint().slice(0, 100), 'ERR_TOKEN_MALFORMED'],
    'that is empty': ['', 'ERR_TOKEN_MALFORMED'],
  };
  for (const [name, [token, code]] of Object.entries(refusals)) test(`a token ${name} is refused`, () => assertCode(verify(token), code));
  test('a token of another issuer is refused', () => assertCode(verify(mint(), ['--issuer', 'https://a.test/']), 'ERR_TOKEN_ISSUER'));
  test('a broken key set is refused', () => {
    assert.equal(verify(mint(), [], { keys: {} }).json.valid, false);
    assert.equal(verify(mint(), [], '{').json.valid, false);
    assertRefused(lazaret(['verify', 'token', '--token', put('token', mint()), '--jwks', at('absent')]), 2, 'No such file');
    assertRefused(lazaret(['verify', 'token', '--token', at('token'), '--jwks', at('jwks'), '--at', 'noon']), 2, '--at');
  });
});
