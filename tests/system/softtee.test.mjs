// SPDX-License-Identifier: Apache-2.0
// The commands of `lazaret-softtee`: what they make, print and refuse, and that quotes are made for measured programs only.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BIN } from './support/stack.mjs';

const HEX64 = /^[0-9a-f]{64}\n$/;
let folder, state;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'lazaret-softtee-'));
  state = join(folder, 'state');
});
after(() => rmSync(folder, { recursive: true, force: true }));

function softtee(...args) {
  const { status, stdout, stderr } = spawnSync(join(BIN, 'lazaret-softtee'), args, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

function done(...args) {
  const result = softtee(...args);
  assert.equal(result.status, 0, result.stderr);
  return result.stdout;
}

function refused(status, word, ...args) {
  const result = softtee(...args);
  assert.equal(result.status, status, result.stderr);
  assert.match(result.stderr, word);
}

describe('lazaret-softtee', () => {
  test('explains itself', () => {
    assert.match(done('--help'), /not against\nthe machine's owner/);
    assert.match(done('--version'), /^lazaret-softtee \d.*simulation/);
  });

  test('refuses what is no command line', () => {
    refused(2, /seen nothing/);
    refused(2, /seen frobnicate/, 'frobnicate');
    refused(2, /--state DIR/, 'init');
    refused(2, /--stat/, 'init', '--stat', state);
    refused(2, /a value for this option/, 'init', '--state');
    refused(2, /-- PROGRAM/, 'launch', '--state', state);
    refused(2, /--svn/, 'sign', '--key', 'k', '--out', 'o', '--product-id', '1', '--svn', '65536', '/bin/true');
  });

  test('says what is missing before init', () => refused(1, /lazaret-softtee init/, 'root', '--state', state));

  test('init makes a root once, for its owner alone', () => {
    done('init', '--state', state);
    const root = JSON.parse(done('root', '--state', state));
    assert.deepEqual([root.kty, root.crv], ['EC', 'P-256']);
    assert.equal(root.d, undefined);
    done('init', '--state', state);
    assert.deepEqual(JSON.parse(done('root', '--state', state)), root);
    assert.equal(statSync(state).mode & 0o777, 0o700);
    for (const name of ['authority.state', 'machine.state']) assert.equal(statSync(join(state, name)).mode & 0o777, 0o600);
  });

  test('a folder that others may enter is refused', () => {
    const open = join(folder, 'open');
    mkdirSync(open, { mode: 0o755 });
    refused(1, /chmod 700/, 'init', '--state', open);
  });

  test('measures and signs', () => {
    const key = join(folder, 'vendor.pem'), signature = join(folder, 'true.sig');
    done('key', '--out', key);
    assert.equal(statSync(key).mode & 0o777, 0o600);
    refused(2, /does not exist yet/, 'key', '--out', key);
    const measurement = done('measure', '/bin/true');
    assert.match(measurement, HEX64);
    done('sign', '--key', key, '--product-id', '3', '--svn', '4', '/bin/true', '--out', signature);
    const signed = JSON.parse(readFileSync(signature, 'utf8'));
    assert.deepEqual([signed.mrenclave, signed.product_id, signed.svn, signed.debug], [measurement.trim(), 3, 4, false]);
    refused(1, /an RSA-3072 key/, 'sign', '--key', writeKey(), '--product-id', '3', '--svn', '4', '--out', signature, '/bin/true');
  });

  test('passes the exit code on and gives no environment', () => {
    assert.equal(softtee('launch', '--state', state, '--', '/bin/false').status, 1);
    const seen = spawnSync(join(BIN, 'lazaret-softtee'), ['launch', '--state', state, '--', '/usr/bin/env'],
      { encoding: 'utf8', env: { ...process.env, A_SECRET: 'of the host' } });
    assert.equal(seen.stdout, 'LAZARET_SOFTTEE=3\n');
  });

  test('starts no unsigned program where a signature is required', () => {
    refused(1, /no signature/, 'launch', '--state', state, '--require-signature', '--', '/bin/true');
    refused(1, /sign the program anew/, 'launch', '--state', state, '--require-signature', '--signature', join(folder, 'true.sig'), '--', '/bin/false');
    assert.equal(softtee('launch', '--state', state, '--require-signature', '--signature', join(folder, 'true.sig'), '--', '/bin/true').status, 0);
  });

  test('a program outside says how to start it', () => {
    const config = join(folder, 'attestation.json');
    writeFileSync(config, JSON.stringify({
      manifest: 'manifest.jws', deployment: 'A'.repeat(43), state: '.', listen: '127.0.0.1:0', issuer: 'https://localhost',
      tls: { certificate: 'certificate.pem', key: 'key.pem' }, collateral: { folder: '.' },
    }));
    const { status, stderr } = spawnSync(join(BIN, 'lazaret-attestation'), ['--config', config], { encoding: 'utf8', env: {} });
    assert.equal(status, 1, stderr);
    assert.match(stderr, /no trusted execution environment is at hand.*lazaret-softtee launch --state DIR/);
  });

  test('serves collateral at PCS paths', async () => {
    const port = await freePort();
    const server = spawn(join(BIN, 'lazaret-softtee'), ['serve', '--state', state, '--listen', `127.0.0.1:${port}`], { stdio: 'ignore' });
    try {
      const answer = await fetchWhenUp(`http://127.0.0.1:${port}/sgx/certification/v4/tcb?fmspc=4C5A52540001`);
      assert.equal(answer.status, 200);
      assert.match(decodeURIComponent(answer.headers.get('tcb-info-issuer-chain')), /^-----BEGIN CERTIFICATE-----\n/);
      assert.equal((await answer.json()).tcbInfo.id, 'SGX');
    } finally {
      server.kill('SIGTERM');
      assert.equal(await new Promise((resolve) => server.once('exit', resolve)), 0);
    }
  });
});

function writeKey() {
  const file = join(folder, 'not-rsa.pem');
  spawnSync('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', file]);
  return file;
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function fetchWhenUp(url) {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      return await fetch(url);
    } catch {
      await new Promise((wake) => setTimeout(wake, 50));
    }
  }
  throw new Error(`no answer from ${url}`);
}
