// SPDX-License-Identifier: Apache-2.0
// `lazaret collateral fetch|show|check` against the software TEE's own server, and against a stand-in for Intel's service, a PCCS and
// AMD's service that serves the shared cases, or something else.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { spawn, spawnSync } from 'node:child_process';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BIN } from './support/stack.mjs';
import { until } from './support/until.mjs';
import { skipWithoutVectors as skip, vectors } from './support/vectors.mjs';

let folder;
before(() => { folder = mkdtempSync(join(tmpdir(), 'lazaret-collateral-')); });
after(() => rmSync(folder, { recursive: true, force: true }));

const out = (() => { let count = 0; return () => join(folder, `out-${++count}`); })();

/** Never waits for a server of this process by blocking it. */
function collateral(...options) {
  return new Promise((done) => {
    const run = spawn(join(BIN, 'lazaret'), ['collateral', ...options]);
    const text = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) run[name].on('data', (data) => { text[name] += data; });
    run.on('close', (exit) => done({ exit, ...text }));
  });
}

async function told(...options) {
  const run = await collateral(...options, '--json');
  assert.notEqual(run.stdout, '', run.stderr);
  return { exit: run.exit, ...JSON.parse(run.stdout) };
}

const freePort = () => new Promise((done) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

/** A service that answers from a folder of shared collateral; `change` may answer first, or alter what is answered. */
async function service(t, directory, change = () => undefined) {
  const asked = [];
  const file = (name) => readFileSync(join(directory, name));
  const chain = (name) => encodeURIComponent(file(name).toString());
  const server = createHttpServer((request, response) => {
    asked.push(request.url);
    const [, tee, version, what] = /^\/(sgx|tdx)\/certification\/v([34])\/([^?]*)/.exec(request.url) ?? [];
    const answers = {
      tcb: [{ [version === '3' ? 'SGX-TCB-Info-Issuer-Chain' : 'TCB-Info-Issuer-Chain']: chain('tcb_issuer_chain.pem') }, 'tcbinfo.json'],
      'qe/identity': [{ 'SGX-Enclave-Identity-Issuer-Chain': chain('tcb_issuer_chain.pem') }, 'qe_identity.json'],
      pckcrl: [{ 'SGX-PCK-CRL-Issuer-Chain': chain('pck_crl_issuer_chain.pem') }, 'pck.crl'],
      rootcacrl: [{}, 'root_ca.crl'],
    };
    if (!answers[what]) return response.writeHead(404).end();
    const answer = { status: 200, headers: answers[what][0], body: file(answers[what][1]), what, tee, version };
    const changed = change(answer) ?? answer;
    return response.writeHead(changed.status, changed.headers).end(changed.body);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${server.address().port}`, asked };
}

describe('with the software TEE', () => {
  let server, url, root;
  before(async () => {
    const state = join(folder, 'state'), port = await freePort();
    assert.equal(spawnSync(join(BIN, 'lazaret-softtee'), ['init', '--state', state]).status, 0);
    const jwk = JSON.parse(spawnSync(join(BIN, 'lazaret-softtee'), ['root', '--state', state], { encoding: 'utf8' }).stdout);
    root = join(folder, 'root.pem');
    writeFileSync(root, createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }));
    server = spawn(join(BIN, 'lazaret-softtee'), ['serve', '--state', state, '--listen', `127.0.0.1:${port}`], { stdio: 'ignore' });
    url = `http://127.0.0.1:${port}`;
    await until(async () => (await fetch(`${url}/sgx/certification/v4/rootcacrl`)).ok, 'the software TEE serves');
  });
  after(() => server.kill('SIGTERM'));

  const platform = ['--tee', 'sgx', '--fmspc', '4c5a52540001', '--ca', 'platform'];

  test('fetches, shows and checks', async () => {
    const to = out();
    const fetched = await told('fetch', '--url', url, ...platform, '--simulated-root', root, '--out', to);
    assert.deepEqual([fetched.exit, fetched.genuine, fetched.current, fetched.simulated, fetched.tee, fetched.fmspc, fetched.ca],
      [0, true, true, true, 'sgx', '4c5a52540001', 'platform']);
    assert.deepEqual(readdirSync(to).sort(), ['pck.crl', 'pck_crl_issuer_chain.pem', 'qe_identity.json', 'qe_identity_issuer_chain.pem',
      'root_ca.crl', 'tcb_issuer_chain.pem', 'tcbinfo.json']);
    const shown = await collateral('show', to, '--simulated-root', root);
    assert.equal(shown.exit, 0);
    assert.match(shown.stdout, /^GENUINE and current\n {2}for +sgx, SIMULATED, platform\n/);
    assert.ok(shown.stdout.split('\n').length <= 40, 'one screen');
    const late = await told('check', to, '--simulated-root', root, '--at', String(Date.parse(fetched.expires) / 1000));
    assert.deepEqual([late.exit, late.genuine, late.current], [1, true, false]);
    assert.match(late.field, /nextUpdate$/);
    assert.equal((await collateral('show', to, '--simulated-root', root, '--at', '4000000000')).exit, 0);
  });

  test('accepts a simulated root only where it is named', async () => {
    const to = out();
    const run = await collateral('fetch', '--url', url, ...platform, '--out', to);
    assert.equal(run.exit, 1);
    assert.match(run.stderr, /does not lead to a pinned root/);
    assert.equal(existsSync(to), false);
  });

  test('names a platform that the service does not know', async () => {
    const run = await collateral('fetch', '--url', url, '--tee', 'sgx', '--fmspc', '000000000000', '--ca', 'platform', '--out', out());
    assert.equal(run.exit, 1);
    assert.match(run.stderr, /404/);
  });
});

describe('with the shared cases', { skip }, () => {
  const sgx = join(vectors, 'sgx/sgx-v3-00606a000000-268c0681'), tdx = join(vectors, 'tdx/tdx10-v4-00806f050000-4cca351e');
  const current = join(sgx, 'collateral-20250620-ev17'), at = ['--at', '1750416906'];
  const forQuote = ['--for', join(sgx, 'quote.bin'), ...at];

  for (const [name, protocol, change] of [
    ['version 4', '4'],
    ['version 3', '3'],
    ['a PCCS that gives lists in hexadecimal', '3', (answer) => {
      if (answer.what.endsWith('crl')) answer.body = answer.body.toString('hex');
    }],
  ]) {
    test(`brings what a quote needs over ${name}`, async (t) => {
      const pcs = await service(t, current, change);
      const to = out();
      const fetched = await told('fetch', '--url', pcs.url, '--protocol', protocol, ...forQuote, '--out', to);
      assert.deepEqual([fetched.exit, fetched.fmspc, fetched.evaluation.tcb_info], [0, '00606a000000', 17]);
      assert.ok(pcs.asked.every((url) => url.includes(`/v${protocol}/`)));
      const run = spawnSync(join(BIN, 'lazaret'), ['verify', 'evidence', '--tee', 'sgx', '--file', join(sgx, 'quote.bin'), '--collateral', to, ...at]);
      assert.equal(run.status, 0);
    });
  }

  test('brings what a trust domain needs', async (t) => {
    const pcs = await service(t, join(tdx, 'collateral-20250228-ev17'));
    const to = out();
    const fetched = await told('fetch', '--url', pcs.url, '--for', join(tdx, 'quote.bin'), '--at', '1740714290', '--update', 'early', '--out', to);
    assert.deepEqual([fetched.exit, fetched.tee], [0, 'tdx']);
    assert.ok(pcs.asked.includes('/tdx/certification/v4/tcb?fmspc=00806F050000&update=early'));
    assert.equal((await told('check', to, '--at', '1740714290')).exit, 0);
  });

  test('takes one evaluation and no other', async (t) => {
    const pcs = await service(t, current);
    const right = await told('fetch', '--url', pcs.url, '--evaluation', '17', ...forQuote, '--out', out());
    assert.equal(right.exit, 0);
    assert.ok(pcs.asked[0].endsWith('&tcbEvaluationDataNumber=17'));
    const wrong = await collateral('fetch', '--url', pcs.url, '--evaluation', '18', ...forQuote, '--out', out());
    assert.equal(wrong.exit, 1);
    assert.match(wrong.stderr, /tcbEvaluationDataNumber: seen 17 and 17, expected 18/);
  });

  for (const [name, expected, change] of [
    ['a retired evaluation', /410 Gone.*ask for a newer one/, () => ({ status: 410 })],
    ['too many calls', /429.*had too many calls/, () => ({ status: 429, headers: { 'Retry-After': '60' } })],
    ['a truncated text', /malformed/, (answer) => { answer.body = answer.body.subarray(0, answer.body.length / 2); }],
    ['an altered text', /not signed by its issuer/, (answer) => {
      if (answer.what === 'tcb') answer.body = answer.body.toString().replace('"pcesvn":13', '"pcesvn":12');
    }],
    ['an older text', /not current|expected later/, (answer) => {
      if (answer.what === 'tcb') answer.body = readFileSync(join(vectors, 'sgx/sgx-v3-00606a000000-b7ab1cb4/collateral-20230529-ev15/tcbinfo.json'));
    }],
    ['collateral of trust domains', /tdx|TDX/, (answer) => {
      const other = { tcb: 'tcbinfo.json', 'qe/identity': 'qe_identity.json' }[answer.what];
      if (other) answer.body = readFileSync(join(tdx, 'collateral-20250228-ev17', other));
    }],
    ['a body without end', /at most/, (answer) => { answer.body = Buffer.alloc(8 << 20); }],
  ]) {
    test(`refuses ${name}, and writes nothing`, async (t) => {
      const pcs = await service(t, current, change);
      const to = out();
      const run = await collateral('fetch', '--url', pcs.url, ...forQuote, '--out', to);
      assert.equal(run.exit, 1, run.stderr);
      assert.match(run.stderr, expected);
      assert.equal(existsSync(to), false);
    });
  }

  test('takes a folder as well, with a sub-folder for the platform', async () => {
    const store = out();
    cpSync(current, join(store, '00606a000000-platform'), { recursive: true });
    assert.equal((await told('fetch', '--folder', store, ...forQuote, '--out', out())).exit, 0);
  });

  test('tells what a folder lacks', async () => {
    const copy = out();
    cpSync(current, copy, { recursive: true });
    rmSync(join(copy, 'pck.crl'));
    const run = await told('check', copy, ...at);
    assert.deepEqual([run.exit, run.genuine, run.status, run.field], [1, false, 'ERR_COLLATERAL_MISSING', 'pck.crl']);
    assert.equal((await collateral('show', copy)).exit, 1);
  });

  test('names what a chip of AMD lacks', async () => {
    const chip = out(), milan = join(vectors, 'snp/milan-v2-google');
    cpSync(join(milan, 'vcek.der'), join(chip, 'vcek.der'));
    const run = await told('check', chip);
    assert.deepEqual([run.exit, run.genuine, run.field], [1, false, 'crl.der']);
    const asked = [];
    const server = createHttpServer((request, response) => { asked.push(request.url); response.writeHead(429).end(); });
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const fetched = await collateral('fetch', '--url', `http://127.0.0.1:${server.address().port}`, '--tee', 'snp', '--for', join(milan, 'report.bin'), '--out', out());
    server.close();
    assert.equal(fetched.exit, 1);
    assert.match(asked[0], /^\/vcek\/v1\/Milan\/[0-9a-f]{128}\?blSPL=\d\d&teeSPL=\d\d&snpSPL=\d\d&ucodeSPL=\d\d/);
    assert.equal(asked.length, 1);
  });
});

test('refuses what is no command line', async () => {
  for (const options of [
    ['fetch'], ['fetch', '--url', 'http://h'], ['fetch', '--url', 'http://h', '--folder', 'f', '--out', 'o'],
    ['fetch', '--url', 'http://h', '--out', 'o', '--tee', 'oe'], ['fetch', '--url', 'http://h', '--out', 'o', '--tee', 'sgx', '--fmspc', '12'],
    ['fetch', '--url', 'http://h', '--out', 'o', '--tee', 'sgx', '--fmspc', '000000000000', '--ca', 'root'],
    ['fetch', '--url', 'http://h', '--out', 'o', '--for', 'q', '--update', 'late'],
    ['fetch', '--url', 'http://h', '--out', 'o', '--for', 'q', '--update', 'early', '--evaluation', '18'],
    ['fetch', '--url', 'http://h', '--out', 'o', '--for', 'q', '--protocol', '2'],
    ['fetch', '--folder', 'f', '--out', 'o', '--tee', 'snp', '--for', 'r'], ['fetch', '--url', 'http://h', '--out', 'o', '--tee', 'snp'],
    ['show'], ['check', 'one', 'two'], ['check', 'one', '--at', 'noon'],
  ]) {
    const run = await collateral(...options);
    assert.equal(run.exit, 2, `${options.join(' ')}: ${run.stderr}`);
  }
  for (const name of ['fetch', 'show', 'check']) {
    const run = await collateral(name, '--help');
    assert.equal(run.exit, 0);
    assert.match(run.stdout, /Exit codes: 0 /);
  }
});
