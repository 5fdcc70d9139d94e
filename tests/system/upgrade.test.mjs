// SPDX-License-Identifier: Apache-2.0
// A platform that was rebuilt takes the records over from the running one: only the successor that a newer manifest of this
// deployment names, without a request lost, and whoever is killed at whatever step, one of them opens the records.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import tls from 'node:tls';
import https from 'node:https';
import { createHash, createPrivateKey, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { appendFileSync, chownSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { decodeJwt } from 'jose';
import { openStack, closeStack, BIN, SAMPLES } from './support/stack.mjs';
import { SealedClient } from './support/sealed-client.mjs';
import { attestedCertificate, makeIssuer, makeKeys, mintToken } from './support/mint.mjs';
import { fetchWith } from './support/web.mjs';
import { run } from '../../scripts/stack/processes.mjs';
import { freePorts } from '../../scripts/stack/ports.mjs';
import { until } from './support/until.mjs';

const clerk = { user: 'clerk.one', name: 'A. Clerk', role: 'clerk', password: 'correct horse battery' };
const patient = (family) => ({ resourceType: 'Patient', name: [{ family }], gender: 'other', birthDate: '2020-02-02' });

let stack;
let fetch;
let ownBin;
let issuer;
let next; // version B: program, signature, measurement
let ports;
let urlA;
let urlB;
let session;
let story; // what version A registered

before(async () => {
  ownBin = mkdtempSync(join(tmpdir(), 'lazaret-bin-'));
  cpSync(BIN, ownBin, { recursive: true });
  issuer = await makeIssuer('https://issuer.test');
  stack = await openStack({ bin: ownBin, manifest: (payload) => (payload.issuers.length ? { ...payload, issuers: [...payload.issuers, issuer.entry] } : payload) });
  await stack.start();
  await stack.ready(30000);
  fetch = fetchWith(stack.tls.ca);
  ports = await freePorts({ successor: 0, handOver: 0 });
  urlA = stack.urls.platform;
  urlB = `https://localhost:${ports.successor}`;
  next = buildNext();
  const administrator = await connected(urlA);
  await administrator.signIn('admin', stack.password);
  assert.equal((await administrator.request('POST', '/accounts', clerk)).status, 201);
  const client = await connected(urlA);
  assert.equal((await client.signIn(clerk.user, clerk.password)).status, 201);
  session = client.session;
  story = await tellStory(client);
});
after(async () => {
  fetch?.close();
  await closeStack(stack);
  if (ownBin) rmSync(ownBin, { recursive: true, force: true });
});

// ---- versions and manifests ----

function buildNext() {
  const program = join(ownBin, 'lazaret-platform-next');
  copyFileSync(stack.program('lazaret-platform'), program);
  appendFileSync(program, '\0');
  const signature = stack.path('keys', 'platform-next.sig');
  run(stack.program('lazaret-softtee'), ['sign', '--key', stack.path('keys', 'vendor.pem'), '--product-id', '102', '--svn', '2', program, '--out', signature]);
  return { program, signature, measurement: JSON.parse(readFileSync(signature, 'utf8')).mrenclave };
}

const identity = (mrenclave) => ({ tee: 'sgx', mrenclave });
const platformOf = (payload, role) => ({ ...payload, roles: { ...payload.roles, platform: role } });

/** Signs a changed copy of the stack's manifest; answers its text. */
function signManifest(name, change, key = stack.path('keys', 'deployment.pem')) {
  const payload = JSON.parse(readFileSync(stack.path('manifest.json'), 'utf8'));
  writeFileSync(stack.path(`${name}.json`), JSON.stringify(change({ ...payload, version: payload.version + 1 }, payload.version)));
  run(stack.program('lazaret'), ['manifest', 'sign', '--key', key, '--out', stack.path(`${name}.jws`), stack.path(`${name}.json`)]);
  return readFileSync(stack.path(`${name}.jws`), 'utf8').trim();
}

/** Names the successor, and its predecessor for as long as both are about. */
const naming = (payload) => platformOf(payload, { identities: [identity(next.measurement), identity(stack.measurements.platform)] });

// ---- clients ----

async function connected(url) {
  for (let tries = 0; ; tries++) {
    try {
      const client = new SealedClient(url, fetch);
      await client.connect();
      client.session = session;
      return client;
    } catch (error) {
      if (tries > 200) throw error;
      await sleep(50);
    }
  }
}

const readiness = async (url) => (await fetch(`${url}/readyz`)).status;
const lockCode = async (url) => (await (await fetch(`${url}/readyz`)).json()).code;
const isReady = (url) => async () => (await readiness(url)) === 200;
const isLocked = (url) => async () => (await lockCode(url)) === 'ERR_STORE_LOCKED';

async function tellStory(client) {
  const id = (await client.request('POST', '/fhir/Patient', patient('Yesterday'))).json().id;
  const bytes = readFileSync(join(SAMPLES, 'synthetic-normal.dcm'));
  const { film, parts, part_size: size } = (await client.request('POST', '/films', { patient: id, size: bytes.length })).json();
  for (let part = 0; part < parts; part++) await client.request('PUT', `/films/${film}/parts/${part}`, bytes.subarray(part * size, (part + 1) * size));
  const { study } = (await client.request('POST', `/films/${film}/complete`, { sha256: createHash('sha256').update(bytes).digest('hex') })).json();
  const order = { resourceType: 'ServiceRequest', status: 'active', intent: 'order', code: { text: 'Chest film' }, subject: { reference: `Patient/${id}` }, supportingInfo: [{ reference: `ImagingStudy/${study}` }] };
  const answer = await client.request('POST', '/fhir/ServiceRequest', order);
  assert.equal(answer.status, 201, answer.body.toString());
  return { id, film, report: answer.fields['location-report'].split('/').pop() };
}

async function assertStoryOpens(url) {
  const client = await connected(url);
  const read = await client.request('GET', `/fhir/Patient/${story.id}`);
  assert.equal(read.status, 200, read.body.toString());
  assert.equal(read.json().name[0].family, 'Yesterday');
  assert.equal((await client.request('GET', `/fhir/DiagnosticReport/${story.report}`)).status, 200);
  assert.equal((await client.request('GET', `/films/${story.film}/image?size=64`)).status, 200);
}

// ---- programs ----

function successorConfiguration(changes = {}) {
  return { ...stack.ownConfiguration('platform'), manifest: '../manifest-next.jws', listen: `127.0.0.1:${ports.successor}`,
    hand_over: { listen: `127.0.0.1:${ports.handOver}` },
    predecessor: { url: urlA, ca: stack.tls.ca, hand_over: `127.0.0.1:${stack.ports.handOver}`, ...changes } };
}

const startNext = (changes, others = {}) => stack.startProgram('platform', { ...successorConfiguration(changes), ...others }, { name: 'successor', program: next.program, signature: next.signature });
/** Version A, under the manifest that it was started with. */
const startFirst = (manifest = '../manifest.jws') => stack.startProgram('platform', { ...stack.ownConfiguration('platform'), manifest });

async function kill(name) {
  const launcher = stack.processes.get(name);
  launcher.isStopping = true;
  const child = Number(readFileSync(`/proc/${launcher.child.pid}/task/${launcher.child.pid}/children`, 'utf8').trim().split(' ')[0]);
  process.kill(child, 'SIGKILL');
  await launcher.ended;
}

const keyFile = () => JSON.parse(readFileSync(stack.path('state/platform/master-key.json'), 'utf8'));
const logOf = (name) => (existsSync(stack.path('log', `${name}.log`)) ? readFileSync(stack.path('log', `${name}.log`), 'utf8') : '');

// ---- would-be successors ----

const post = (path, body = '') => `POST ${path} HTTP/1.1\r\nHost: platform\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;

/** What a caller with this certificate gets from A's hand-over listener: the answer's status line and body, or the refusal. */
function call(certificate, request) {
  return new Promise((resolve) => {
    const socket = tls.connect({ host: '127.0.0.1', port: stack.ports.handOver, rejectUnauthorized: false, minVersion: 'TLSv1.3', checkServerIdentity: () => undefined, ...certificate });
    let text = '';
    const end = (result) => { socket.destroy(); resolve(result); };
    socket.setTimeout(8000, () => end({ refused: false, text: 'silence' }));
    socket.on('secureConnect', () => socket.write(request));
    socket.on('data', (bytes) => { text += bytes.toString('latin1'); });
    socket.on('error', (error) => end({ refused: true, reason: error.code ?? error.message }));
    socket.on('close', () => end(text ? { refused: false, status: Number(text.slice(9, 12)), text } : { refused: true, reason: 'closed' }));
  });
}

async function wouldBe(changes = {}, certificateKeys) {
  const keys = await makeKeys();
  const token = await mintToken(issuer, keys, { service: 'platform', deployment: stack.deployment, mrenclave: next.measurement, ...changes });
  return { token, certificate: attestedCertificate((certificateKeys ?? keys).tls, token, 'platform') };
}

const showManifest = (jws, type = 'application/jose') => fetch(`${urlA}/hand-over/manifest`, { method: 'POST', headers: { 'content-type': type }, body: jws });
const askKey = ({ token, certificate }) => call(certificate, post('/hand-over/key', JSON.stringify({ token })));
const askStore = ({ certificate }) => call(certificate, post('/hand-over/store'));

describe('nobody else is given the records', () => {
  test('before a manifest is shown nobody is let in', async () => {
    assert.ok((await askKey(await wouldBe())).refused);
  });

  test('an older manifest, another deployment\'s, an altered one and one without a platform', async () => {
    const older = signManifest('older', (payload, version) => naming({ ...payload, version: version - 1 }));
    const otherKey = stack.path('keys', 'other-deployment.pem');
    const otherThumbprint = run(stack.program('lazaret'), ['manifest', 'key', '--out', otherKey]).trim();
    const foreign = signManifest('foreign', (payload) => ({ ...naming(payload), deployment: otherThumbprint }), otherKey);
    const without = signManifest('without', ({ roles: { platform: _, ...roles }, ...payload }) => ({ ...payload, roles }));
    const good = signManifest('altered', naming);
    for (const [jws, status, code] of [[older, 409, 'ERR_MANIFEST_OLD'], [foreign, 400, 'ERR_MANIFEST_SIGNATURE'], [`${good.slice(0, -8)}AAAAAAAA`, 400, 'ERR_MANIFEST_SIGNATURE'],
      [without, 400, 'ERR_MANIFEST'], ['{}', 400, undefined]]) {
      const answer = await showManifest(jws);
      assert.equal(answer.status, status);
      if (code) assert.equal((await answer.json()).code, code);
    }
    assert.equal((await showManifest(good, 'text/plain')).status, 415);
    assert.equal((await showManifest('x'.repeat(256 * 1024 + 1))).status, 413);
    assert.ok((await askKey(await wouldBe())).refused);
  });

  test('a successor that the manifest does not name', async () => {
    const silent = signManifest('silent', (payload) => payload);
    assert.equal((await showManifest(silent)).status, 204);
    assert.ok((await askKey(await wouldBe())).refused);
  });

  test('simulated evidence where the newer manifest does not accept it', async () => {
    const real = signManifest('real', ({ simulation: _, ...payload }) => naming({ ...payload, version: payload.version + 1 }));
    assert.equal((await showManifest(real)).status, 204);
    assert.ok((await askKey(await wouldBe())).refused);
    // From real hardware it would be let in.
    assert.equal((await askKey(await wouldBe({ simulated: false }))).status, 200);
  });

  test('tokens that fail in one respect, and manifests older than the newest shown', async () => {
    const named = signManifest('manifest-next', (payload) => naming({ ...payload, version: payload.version + 2 }));
    assert.equal((await showManifest(named)).status, 204);
    assert.equal((await (await showManifest(signManifest('between', naming))).json()).code, 'ERR_MANIFEST_OLD');
    const cases = {
      'another role': { service: 'gate' }, 'another deployment': { deployment: 'A'.repeat(43) }, 'another measurement': { mrenclave: 'cc'.repeat(32) },
      expired: { ageS: 7200, lifeS: 3600 }, 'older than the manifest allows': { ageS: 5000 },
      'a debug enclave': { change: (claims) => ({ ...claims, 'x-ms-sgx-is-debuggable': true }) },
    };
    for (const [name, changes] of Object.entries(cases)) assert.ok((await askKey(await wouldBe(changes))).refused, name);
    assert.ok((await askKey(await wouldBe({}, await makeKeys()))).refused, 'a token of another key');
    // And the good one is let in, so each refusal was for its own reason.
    assert.equal((await askKey(await wouldBe())).status, 200);
  });

  test('a token in the request that is not the connection\'s own', async () => {
    const [one, two] = [await wouldBe(), await wouldBe()];
    const answer = await askKey({ token: two.token, certificate: one.certificate });
    assert.equal(answer.status, 403);
    assert.match(answer.text, /ERR_TOKEN_KEY_BINDING/);
  });

  test('a token without a key to seal to', async () => {
    const change = (claims) => { delete claims['x-ms-runtime'].lazaret.use.hpke; return claims; };
    const answer = await askKey(await wouldBe({ change }));
    assert.ok(answer.refused || /403[^]*ERR_TOKEN/.test(answer.text), answer.text);
  });

  test('the store, to whom the key was not given last', async () => {
    const [first, last] = [await wouldBe(), await wouldBe()];
    assert.match((await askStore(first)).text, /403[^]*ERR_PEER_REFUSED/);
    assert.equal((await askKey(first)).status, 200);
    assert.equal((await askKey(last)).status, 200);
    assert.match((await askStore(first)).text, /403[^]*ERR_PEER_REFUSED/);
    assert.equal(await readiness(urlA), 200);
    await assertStoryOpens(urlA);
  });

  test('a copy of this very program under the manifest that it runs with', async () => {
    await stack.processes.stop('platform');
    await startFirst('../manifest-next.jws');
    await until(isReady(urlA), 'version A under the newer manifest');
    assert.equal((await showManifest(readFileSync(stack.path('manifest-next.jws'), 'utf8').trim())).status, 204);
    assert.match((await askKey(await wouldBe({ mrenclave: stack.measurements.platform }))).text, /403[^]*ERR_TOKEN_IDENTITY/);
    assert.equal((await askKey(await wouldBe())).status, 200);
    // One that was let in is out as soon as a newer manifest does not name it, on its open connection too.
    const named = await wouldBe();
    const open = tls.connect({ host: '127.0.0.1', port: stack.ports.handOver, rejectUnauthorized: false, minVersion: 'TLSv1.3', ...named.certificate });
    let said = '';
    open.on('data', (bytes) => { said += bytes.toString('latin1'); });
    open.on('error', () => {});
    const ask = post('/hand-over/key', JSON.stringify({ token: named.token })).replace('Connection: close\r\n', '');
    open.write(ask);
    await until(() => /^HTTP\/1.1 200 /.test(said) && said.includes('master_key'), 'an answer on the open connection');
    assert.equal((await showManifest(signManifest('names-nobody', (payload) => ({ ...payload, version: payload.version + 9 })))).status, 204);
    open.write(ask);
    await until(() => / 403 /.test(said), 'a refusal on the open connection');
    assert.match(said, /ERR_TOKEN_IDENTITY/);
    open.destroy();
    await stack.processes.stop('platform');
    // Nor does it start under the older one again.
    await assert.rejects(startFirst(), /older than the newest one seen/);
    for (const file of run('find', [stack.path('state/platform'), '-name', 'floor-*']).trim().split('\n')) rmSync(file);
    await startFirst();
    await until(isReady(urlA), 'version A again');
  });
});

describe('a predecessor that is not one is given nothing and believed nothing', () => {
  /** A public listener that takes any manifest, and a hand-over listener with this certificate; `answer(body)` makes its answers. */
  async function fake(certificate, answer) {
    const asked = [];
    const web = https.createServer({ cert: readFileSync(stack.tls.certificate), key: readFileSync(stack.tls.key) }, (_, response) => response.writeHead(204).end());
    const server = tls.createServer({ ...certificate, minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: false }, (socket) => {
      let text = '';
      socket.on('error', () => {});
      // The first byte is the server's word that it accepts its client.
      socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      socket.on('data', async (bytes) => {
        text += bytes.toString('latin1');
        const body = text.slice(text.indexOf('\r\n\r\n') + 4);
        if (!text.includes('\r\n\r\n') || body.length < Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)) return;
        asked.push(text.split(' ')[1]);
        const said = await answer(body);
        socket.end(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${said.length}\r\nConnection: close\r\n\r\n${said}`);
      });
    });
    server.on('tlsClientError', () => {});
    await Promise.all([web, server].map((one) => new Promise((resolve) => { one.listen(0, '127.0.0.1', resolve); })));
    return { asked, changes: { url: `https://localhost:${web.address().port}`, hand_over: `127.0.0.1:${server.address().port}` }, stop: () => { web.close(); server.close(); } };
  }

  /** Runs version B against a fake predecessor of this measurement until its log holds `code`: nothing may have changed. */
  async function assertRefused(mrenclave, code, answer) {
    const before = readFileSync(stack.path('state/platform/master-key.json'), 'utf8');
    const { certificate } = await wouldBe({ mrenclave });
    const server = await fake(certificate, answer);
    const from = logOf('successor').length;
    const refusals = () => logOf('successor').slice(from).split('\n').filter((line) => line.includes('hand_over.not_yet'));
    try {
      await startNext(server.changes);
      await until(() => refusals().some((line) => line.includes(`"${code}"`)), `${code}, not ${refusals()}`);
      assert.equal(await readiness(urlB), 503);
      assert.equal(readFileSync(stack.path('state/platform/master-key.json'), 'utf8'), before);
      return server.asked;
    } finally {
      await stack.processes.stop('successor');
      server.stop();
    }
  }

  const inheritance = (changes = {}) => ({ clock_floor: 1, manifest_version: 1, store: 'a'.repeat(32), generation: 1, head: 'A'.repeat(43), ...changes });

  /** A parcel with this key for whoever shows the token. */
  async function parcel(token, master) {
    const { keys, lazaret } = decodeJwt(token)['x-ms-runtime'];
    const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
    const recipientPublicKey = await suite.kem.deserializePublicKey(Buffer.from(keys.find((key) => key.crv === 'X25519').x, 'base64url'));
    const sender = await suite.createSenderContext({ recipientPublicKey, info: Buffer.from(`lazaret-hand-over/1 ${stack.deployment}`) });
    const sealed = Buffer.from(await sender.seal(master));
    return { key: lazaret.use.hpke, encapsulated: Buffer.from(sender.enc).toString('base64url'), sealed: sealed.toString('base64url') };
  }

  test('a successor without its predecessor\'s key file begins with nothing of its own', async () => {
    const empty = stack.path('state', 'empty');
    mkdirSync(empty, { mode: 0o700 });
    if (stack.users) chownSync(empty, stack.users.platform.user, stack.users.platform.group);
    await startNext({}, { state: empty });
    await until(isLocked(urlB), 'locked');
    await stack.processes.stop('successor');
    assert.deepEqual(readdirSync(empty).filter((name) => !name.startsWith('floor-')), []);
  });

  test('one that the manifest does not name is not even asked', async () => {
    assert.deepEqual(await assertRefused('cc'.repeat(32), 'ERR_TOKEN_IDENTITY', () => '{}'), []);
  });

  test('the clock goes on from where the predecessor\'s was', async () => {
    const before = readFileSync(stack.path('state/platform/master-key.json'), 'utf8');
    const { recovery, deployment } = JSON.parse(before);
    const jwk = createPrivateKey(readFileSync(stack.path('keys/recovery.pem'))).export({ format: 'jwk' });
    const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
    const recipientKey = await suite.kem.deserializePrivateKey(Buffer.from(jwk.d, 'base64url'));
    const recipient = await suite.createRecipientContext({ recipientKey, enc: Buffer.from(recovery.encapsulated, 'base64url'), info: Buffer.from(`lazaret-master-key/1 ${deployment}`) });
    const master = Buffer.from(await recipient.open(Buffer.from(recovery.wrapped, 'base64url')));
    // Ahead of this machine's clock, but by less than a token's age: the successor must go on being accepted.
    const ahead = Math.floor(Date.now() / 1000) + 1000;
    const { certificate } = await wouldBe({ mrenclave: stack.measurements.platform });
    const server = await fake(certificate, async (body) => JSON.stringify(inheritance({ clock_floor: ahead, ...(body ? { master_key: await parcel(JSON.parse(body).token, master) } : {}) })));
    const signedAt = async () => {
      const evidence = await (await fetch(`${urlB}/.well-known/lazaret/attestation?nonce=${randomBytes(32).toString('base64url')}`)).json();
      return decodeJwt(evidence.proof).iat;
    };
    try {
      await startNext(server.changes);
      await until(async () => (await signedAt()) >= ahead, 'the successor\'s clock');
      // Version A has the store open, so it is A's still.
      assert.equal(await readiness(urlB), 503);
      await assertStoryOpens(urlA);
    } finally {
      await stack.processes.stop('successor');
      server.stop();
      writeFileSync(stack.path('state/platform/master-key.json'), before);
      for (const file of run('find', [stack.path('state/platform'), '-name', `floor-${next.measurement.slice(0, 16)}`]).trim().split('\n')) rmSync(file);
    }
  });

  test('one that answers in another form, has seen a newer manifest, or gives another key', async () => {
    const { measurements: { platform } } = stack;
    assert.ok((await assertRefused(platform, 'ERR_FIELD_MISSING', () => '{"clock_floor":1}')).includes('/hand-over/key'));
    await assertRefused(platform, 'ERR_MANIFEST_OLD', () => JSON.stringify(inheritance({ manifest_version: 99 })));
    await assertRefused(platform, 'ERR_STORE_LOCKED', async (body) => JSON.stringify(inheritance({ master_key: await parcel(JSON.parse(body).token, randomBytes(32)) })));
  });
});

/** A proxy before A's hand-over listener; `hold(direction)` may wait before a piece is passed on. */
async function proxy(hold) {
  const sockets = new Set();
  const server = net.createServer((client) => {
    const upstream = net.connect(stack.ports.handOver, '127.0.0.1');
    const pass = (from, to, direction) => {
      let order = Promise.resolve();
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.on('data', (bytes) => { order = order.then(() => hold(direction)).then(() => to.writable && to.write(bytes)); });
    };
    pass(client, upstream, 'ask');
    pass(upstream, client, 'answer');
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { port: server.address().port, cut: () => sockets.forEach((socket) => socket.destroy()), stop: () => { sockets.forEach((socket) => socket.destroy()); server.close(); } };
}

describe('kill -9 at each step leaves the store to one of them', () => {
  let snapshot;

  before(async () => {
    // Gate and diagnosis let both versions in from here on.
    copyFileSync(stack.path('manifest.jws'), stack.path('manifest-first.jws'));
    copyFileSync(stack.path('manifest-next.jws'), stack.path('manifest.jws'));
    for (const role of ['gate', 'diagnosis']) {
      await stack.processes.stop(role);
      await stack.startProgram(role);
    }
    // Names the successor alone, and its predecessor as nothing more than that.
    signManifest('manifest-alone', (payload) => ({ ...platformOf(payload, { identities: [identity(next.measurement)], predecessors: [identity(stack.measurements.platform)] }), version: payload.version + 5 }));
    await stack.processes.stop('platform');
    snapshot = stack.path('snapshot');
    run('cp', ['-a', stack.path('state/platform'), snapshot]);
  });

  // `make test` goes through those that leave each of the two with the store; `make upgrade-drill` through all.
  const drill = process.env.LAZARET_DRILL ? test : () => {};

  /** Runs a hand-over up to `step`, where the proxy holds on, and calls `then` there. */
  async function scenario(step, then, others = {}) {
    run('rm', ['-rf', stack.path('state/platform')]);
    run('cp', ['-a', snapshot, stack.path('state/platform')]);
    let reached;
    const atStep = new Promise((resolve) => { reached = resolve; });
    let release;
    const released = new Promise((resolve) => { release = resolve; });
    let isOver = false;
    let storeWasAsked = false;
    const between = await proxy(async (direction) => {
      if (isOver) return;
      const hasHeir = 'heir' in keyFile();
      const asksStore = hasHeir && direction === 'ask';
      const now = asksStore ? 'store asked' : storeWasAsked && direction === 'answer' ? 'store given' : direction === 'ask' ? 'key asked' : 'other';
      if (now === step) {
        reached();
        await released;
      }
      storeWasAsked ||= asksStore;
    });
    try {
      await startFirst('../manifest-first.jws');
      await until(isReady(urlA), 'version A');
      const writer = await connected(urlA);
      assert.equal((await writer.request('POST', '/fhir/Patient', patient('Later'))).status, 201);
      await startNext({ hand_over: `127.0.0.1:${between.port}` }, others);
      await Promise.race([atStep, sleep(20000, null, { ref: false }).then(() => assert.fail(`${step}: not reached\n${logOf('successor').slice(-600)}`))]);
      await then(() => { isOver = true; between.cut(); }, release);
      await until(isReady(urlB), `version B after ${step}`);
      await assertStoryOpens(urlB);
      assert.ok(!('heir' in keyFile()));
    } finally {
      between.stop();
      for (const name of ['successor', 'platform']) await stack.processes.stop(name);
    }
  }

  drill('the predecessor, before it gave the key: it comes back and hands over', () => scenario('key asked', async (go) => {
    await kill('platform');
    await until(isLocked(urlB), 'version B is locked');
    await startFirst('../manifest-first.jws');
    go();
  }));

  test('the successor, once the key file names it: the predecessor serves on until it comes back', () => scenario('store asked', async (go) => {
    await kill('successor');
    await assertStoryOpens(urlA);
    go();
    await startNext();
  }));

  test('the predecessor, once the key file names the successor: the successor opens the store', () => scenario('store asked', async (go) => {
    await kill('platform');
    go();
  }));

  drill('the predecessor, once the key file names the successor: it may come back itself', () => scenario('store asked', async (go) => {
    await kill('successor');
    await kill('platform');
    await startFirst('../manifest-first.jws');
    await until(isReady(urlA), 'version A again');
    await assertStoryOpens(urlA);
    assert.ok(!('heir' in keyFile()));
    go();
    await startNext();
  }));

  test('a store that was set back while nobody had it open is not taken for the one that was handed over', () => scenario('store given', async (_, release) => {
    // Version A wrote after the snapshot was taken: the rows of the snapshot are a true earlier state.
    const [store, later] = [stack.path('state/platform/records.db'), stack.path('later.db')];
    run('cp', ['-a', store, later]);
    run('cp', ['-a', join(snapshot, 'records.db'), store]);
    release();
    await until(() => /hand_over\.not_yet.*ERR_STORE_CORRUPT/.test(logOf('successor')), 'the successor refuses it');
    assert.equal(await readiness(urlB), 503);
    run('cp', ['-a', later, store]);
  }, { manifest: '../manifest-alone.jws' }));

  drill('the predecessor, after it closed the store', () => scenario('store given', async (go) => {
    await kill('platform');
    go();
  }));

  test('both, after the store was closed: the predecessor does not start under the older manifest, the successor opens it', () => scenario('store given', async (go) => {
    await kill('successor');
    await kill('platform');
    await assert.rejects(startFirst('../manifest-first.jws'), /older than the newest one seen/);
    go();
    await startNext();
  }));

  after(async () => {
    run('rm', ['-rf', stack.path('state/platform')]);
    run('cp', ['-a', snapshot, stack.path('state/platform')]);
    await startFirst('../manifest-first.jws');
    await until(isReady(urlA), 'version A');
  });
});

describe('an upgrade under load', () => {
  const acknowledged = [];
  const tries = { retried: 0, lost: 0, requests: 0 };
  const repeated = [];
  let stopped = false;

  /** As a client with a retry does: the same idempotency key, at the other address if need be, for at most 20 s. */
  async function insist(state, method, path, body) {
    const key = randomBytes(12).toString('hex');
    tries.requests++;
    for (const end = Date.now() + 20000; Date.now() < end; await sleep(20)) {
      try {
        state.client ??= Object.assign(new SealedClient(state.urls[0], fetch), { session });
        if (!state.client.thumbprint) await state.client.connect();
        const answer = await state.client.request(method, path, body, { 'idempotency-key': key });
        if (answer.status === 200 || answer.status === 201) return answer;
        assert.ok(answer.clear || [409, 502, 503].includes(answer.status), `${answer.status} ${answer.body}`);
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
      }
      tries.retried++;
      if (body) repeated.push(body.name[0].family);
      state.client = null;
      state.urls.reverse();
    }
    tries.lost++;
    return null;
  }

  async function write(number) {
    const state = { urls: [urlA, urlB], client: null };
    for (let i = 0; !stopped; i++) {
      const family = `Load${number}n${i}`;
      const created = await insist(state, 'POST', '/fhir/Patient', patient(family));
      if (!created) continue;
      const { id } = created.json();
      acknowledged.push({ id, family });
      const read = await insist(state, 'GET', `/fhir/Patient/${id}`);
      assert.equal(read?.json().name[0].family, family);
    }
  }

  test('no request is lost, and everything acknowledged opens in the successor', async (t) => {
    const load = [1, 2, 3].map(write);
    await until(() => acknowledged.length > 20, 'load');
    const before = acknowledged.length;
    const started = Date.now();
    await startNext();
    await until(isReady(urlB), 'version B');
    const tookMs = Date.now() - started;
    const during = acknowledged.length;
    await until(() => acknowledged.length > during + 20, 'load on version B');
    stopped = true;
    await Promise.all(load);
    t.diagnostic(`${tries.requests} requests by 3 writers, ${tries.retried} sent again, ${tries.lost} lost; ${before} patients before, ${acknowledged.length} in all; ready ${tookMs} ms after the successor's start`);
    assert.equal(tries.lost, 0);
    await assertStoryOpens(urlB);
    const client = await connected(urlB);
    for (const { id, family } of acknowledged) {
      const read = await client.request('GET', `/fhir/Patient/${id}`);
      assert.equal(read.status, 200, family);
      assert.equal(read.json().name[0].family, family);
    }
    for (const family of new Set(repeated)) assert.equal((await client.request('GET', `/fhir/Patient?name=${family}`)).json().total, 1, family);
  });

  test('the predecessor is a locked remainder: it says so, and hands over no more', async () => {
    assert.equal(await readiness(urlA), 503);
    assert.equal(await lockCode(urlA), 'ERR_STORE_LOCKED');
    const client = await connected(urlA);
    const answer = await client.request('GET', `/fhir/Patient/${story.id}`);
    assert.equal(answer.clear, undefined);
    assert.equal(answer.status, 503);
    assert.equal(answer.json().code, 'ERR_STORE_LOCKED');
    assert.equal(answer.fields['retry-after'], '1');
    const replayed = await wouldBe();
    assert.match((await askKey(replayed)).text, /403[^]*ERR_STORE_LOCKED/);
    assert.match((await askStore(replayed)).text, /403/);
    assert.equal((await fetch(`${urlA}/recovery`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })).status, 404);
  });

  test('the predecessor does not open them again: not under the older manifest, not under the new one', async () => {
    await stack.processes.stop('platform');
    await assert.rejects(startFirst('../manifest-first.jws'), /older than the newest one seen/);
    await startFirst('../manifest-next.jws');
    await until(isLocked(urlA), 'version A under the new manifest is locked');
    await stack.processes.stop('platform');
    await stack.processes.stop('successor');
    // Not with the store free, either.
    await startFirst('../manifest-next.jws');
    await until(isLocked(urlA), 'version A with the store free');
    await stack.processes.stop('platform');
    await startNext();
    await until(isReady(urlB), 'version B again, by its own key');
    await assertStoryOpens(urlB);
  });

  test('no program ended unexpectedly', () => assert.deepEqual(stack.unexpectedEnds.filter((end) => !/older than the newest/.test(end)), []));
});
