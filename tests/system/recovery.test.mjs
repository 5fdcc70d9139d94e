// SPDX-License-Identifier: Apache-2.0
// The machine is lost: on another one, where no sealing key opens the records, the hospital's recovery key does, and nothing else;
// under another deployment key nothing does.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { ANY_PORTS, BIN, openStack, closeStack } from './support/stack.mjs';
import { SealedClient } from './support/sealed-client.mjs';
import { fetchWith } from './support/web.mjs';
import { run } from '../../scripts/stack/processes.mjs';
import { Stack } from '../../scripts/stack/stack.mjs';
import { until } from './support/until.mjs';

const clerk = { user: 'clerk.one', name: 'A. Clerk', role: 'clerk', password: 'correct horse battery' };
const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

let lost; // the folder of the machine that is lost
let patient;
const stacks = [];

/** A machine of its own: other sealing keys. It has the files of the old one that are copied, and nothing else. */
async function machine(files) {
  const folder = mkdtempSync(join(tmpdir(), 'lazaret-test-'));
  for (const name of files) {
    mkdirSync(join(folder, name, '..'), { recursive: true, mode: 0o700 });
    cpSync(join(lost.folder, name), join(folder, name), { recursive: true, preserveTimestamps: true });
  }
  const stack = await Stack.open({ folder, bin: BIN, ports: ANY_PORTS, restoresRecords: false, onUnexpectedEnd: (name, end, lines) => assert.fail(`${name}: ${lines}`) });
  stacks.push(stack);
  stack.fetch = fetchWith(stack.tls.ca);
  return stack;
}

const RECORDS = ['state/platform/master-key.json', 'state/platform/records.db'];
const HOSPITAL = ['keys', 'manifest.known.json'];

before(async () => {
  lost = await openStack();
  stacks.push(lost);
  await lost.start();
  await lost.ready(30000);
  lost.fetch = fetchWith(lost.tls.ca);
  const administrator = await connected(lost);
  await administrator.signIn('admin', lost.password);
  assert.equal((await administrator.request('POST', '/accounts', clerk)).status, 201);
  const client = await connected(lost);
  await client.signIn(clerk.user, clerk.password);
  patient = (await client.request('POST', '/fhir/Patient', { resourceType: 'Patient', name: [{ family: 'Recovered' }], gender: 'other', birthDate: '2020-02-02' })).json().id;
  // In order: what stood in the write-ahead log is in the file now.
  await lost.stop();
});
after(async () => {
  for (const stack of stacks) {
    stack.fetch?.close();
    await closeStack(stack);
  }
});

async function connected(stack) {
  for (let tries = 0; ; tries++) {
    try {
      const client = new SealedClient(stack.urls.platform, stack.fetch);
      await client.connect();
      return client;
    } catch (error) {
      if (tries > 200) throw error;
      await sleep(50);
    }
  }
}

const readiness = async (stack) => (await stack.fetch(`${stack.urls.platform}/readyz`)).json();
const isLocked = (stack) => until(async () => (await readiness(stack)).code === 'ERR_STORE_LOCKED', 'locked');

async function assertOpens(stack) {
  await until(async () => (await readiness(stack)).status === 'ready', 'ready without a restart');
  const client = await connected(stack);
  assert.equal((await client.signIn(clerk.user, clerk.password)).status, 201);
  const read = await client.request('GET', `/fhir/Patient/${patient}`);
  assert.equal(read.status, 200, read.body.toString());
  assert.equal(read.json().name[0].family, 'Recovered');
}

async function assertServesNothing(stack) {
  const client = await connected(stack);
  for (const [method, path, body] of [['POST', '/session', { user: 'admin', password: stack.password }], ['GET', '/session'], ['GET', `/fhir/Patient/${patient}`], ['GET', '/nowhere']]) {
    const answer = await client.request(method, path, body);
    assert.equal(answer.clear, undefined, 'sealed');
    assert.equal(answer.status, 503);
    assert.equal(answer.json().code, 'ERR_STORE_LOCKED');
  }
}

const keyFileOf = (stack) => stack.path('state/platform/master-key.json');

/** Replaces a file's content, with the owner as it was. */
const rewrite = (file, text) => writeFileSync(file, text);

function rawKey(pem, isPrivate) {
  const key = isPrivate ? createPrivateKey(pem) : createPublicKey(pem);
  return Buffer.from(key.export({ format: 'jwk' })[isPrivate ? 'd' : 'x'], 'base64url');
}

async function keyPair(pem) {
  return { privateKey: await suite.kem.deserializePrivateKey(rawKey(pem, true)), publicKey: await suite.kem.deserializePublicKey(rawKey(pem, false)) };
}

/** The master key of the lost machine, as the hospital unwraps it: written from docs/protocols.md alone. */
async function masterKey() {
  const file = JSON.parse(readFileSync(keyFileOf(lost), 'utf8'));
  const { privateKey } = await keyPair(readFileSync(lost.path('keys/recovery.pem')));
  const recipient = await suite.createRecipientContext({ recipientKey: privateKey, enc: Buffer.from(file.recovery.encapsulated, 'base64url'), info: Buffer.from(`lazaret-master-key/1 ${file.deployment}`) });
  return Buffer.from(await recipient.open(Buffer.from(file.recovery.wrapped, 'base64url')));
}

/** What `POST /recovery` takes. */
async function parcel(stack, master, authorPem, info = `lazaret-recovery/1 ${stack.deployment}`) {
  const client = await connected(stack);
  const recipientPublicKey = await suite.kem.deserializePublicKey(client.publicKey);
  const sender = await suite.createSenderContext({ recipientPublicKey, info: Buffer.from(info), ...(authorPem ? { senderKey: await keyPair(authorPem) } : {}) });
  const sealed = Buffer.from(await sender.seal(master));
  return { key: client.thumbprint, encapsulated: Buffer.from(sender.enc).toString('base64url'), sealed: sealed.toString('base64url') };
}

const post = (stack, body, type = 'application/json') => stack.fetch(`${stack.urls.platform}/recovery`, { method: 'POST', headers: { 'content-type': type }, body: typeof body === 'string' ? body : JSON.stringify(body) });

async function refused(stack, body, status, code) {
  const answer = await post(stack, body);
  const problem = await answer.json();
  assert.deepEqual([answer.status, problem.code], [status, code], JSON.stringify(problem));
}

describe('on another machine', () => {
  let stack;
  let recovery;
  let master;

  before(async () => {
    stack = await machine([...RECORDS, ...HOSPITAL]);
    await stack.start();
    await isLocked(stack);
    recovery = readFileSync(stack.path('keys/recovery.pem'));
    master = await masterKey();
  });

  test('the platform starts locked, shows its evidence, says why, and serves nothing', async () => {
    const why = await readiness(stack);
    assert.equal(why.status, 503);
    assert.match(why.detail, /hand-over or recovery key needed/);
    const evidence = await (await stack.fetch(`${stack.urls.platform}/.well-known/lazaret/attestation?nonce=${randomBytes(32).toString('base64url')}`)).json();
    assert.ok(evidence.token && evidence.proof && evidence.statement);
    assert.deepEqual(JSON.parse(Buffer.from(evidence.statement.split('.')[1], 'base64url')).heads, []);
    await assertServesNothing(stack);
  });

  test('requests of another form', async () => {
    const good = await parcel(stack, master, recovery);
    assert.equal((await post(stack, good, 'text/plain')).status, 415);
    assert.equal((await post(stack, `{"key":"${'x'.repeat(1024)}"}`)).status, 413);
    await refused(stack, '{', 400, 'ERR_JSON_SYNTAX');
    await refused(stack, {}, 400, 'ERR_FIELD_MISSING');
    await refused(stack, { ...good, more: 1 }, 400, 'ERR_FIELD_UNKNOWN');
    await refused(stack, { ...good, key: 'A'.repeat(43) }, 409, 'ERR_OHTTP_KEY');
    await refused(stack, { ...good, sealed: `${good.sealed.slice(0, -4)}AAAA` }, 403, 'ERR_AUTHENTICATION');
  });

  test('the right master key from anybody but the recovery key, and any other key from the recovery key', async () => {
    const stranger = stack.path('stranger.pem');
    run(stack.program('lazaret'), ['key', 'recovery', '--out', stranger]);
    await refused(stack, await parcel(stack, master, readFileSync(stranger)), 403, 'ERR_AUTHENTICATION');
    await refused(stack, await parcel(stack, master, null), 403, 'ERR_AUTHENTICATION');
    await refused(stack, await parcel(stack, master, recovery, `lazaret-hand-over/1 ${stack.deployment}`), 403, 'ERR_AUTHENTICATION');
    await refused(stack, await parcel(stack, randomBytes(32), recovery), 409, 'ERR_STORE_LOCKED');
    assert.match(await stack.restore(0, { recovery: stranger }).catch((error) => error.message), /is locked.*recovery key/);
  });

  test('a planted key with a key file and a store of its own', async () => {
    // What a host could try: it knows this key, so it could read what is written under it. Its file says what it wants it to say.
    const text = readFileSync(keyFileOf(stack), 'utf8');
    const planted = randomBytes(32);
    const check = Buffer.from(await hkdf(planted, `lazaret-master-key-check/1 ${stack.deployment}`, 16)).toString('base64url');
    rewrite(keyFileOf(stack), JSON.stringify({ ...JSON.parse(text), check }));
    const stranger = readFileSync(stack.path('stranger.pem'));
    await refused(stack, await parcel(stack, planted, stranger), 403, 'ERR_AUTHENTICATION');
    // Even from the recovery key it opens no store but its own.
    await refused(stack, await parcel(stack, planted, recovery), 409, 'ERR_STORE_CORRUPT');
    // And the right key does not fit the altered file.
    await refused(stack, await parcel(stack, master, recovery), 409, 'ERR_STORE_LOCKED');
    rewrite(keyFileOf(stack), text);
  });

  test('an altered or missing key file, a missing store', async () => {
    const text = readFileSync(keyFileOf(stack), 'utf8');
    const file = JSON.parse(text);
    const altered = stack.path('altered.json');
    for (const changes of [{ check: 'A'.repeat(22) }, { recovery: { ...file.recovery, wrapped: 'A'.repeat(64) } }, { recovery: { ...file.recovery, encapsulated: file.recovery.key } }]) {
      writeFileSync(altered, JSON.stringify({ ...file, ...changes }));
      assert.match(await stack.restore(0, { keyFile: altered }).catch((error) => error.message), /master-key\.json/);
    }
    rewrite(keyFileOf(stack), 'not JSON');
    await refused(stack, await parcel(stack, master, recovery), 409, 'ERR_STORE_CORRUPT');
    rmSync(keyFileOf(stack));
    await refused(stack, await parcel(stack, master, recovery), 409, 'ERR_STORE_LOCKED');
    cpSync(keyFileOf(lost), keyFileOf(stack), { preserveTimestamps: true });
    const store = stack.path('state/platform/records.db');
    renameSync(store, `${store}.away`);
    await refused(stack, await parcel(stack, master, recovery), 409, 'ERR_STORE_LOCKED');
    assert.ok(!existsSync(store), 'no empty store was made');
    renameSync(`${store}.away`, store);
    await isLocked(stack);
  });

  test('the recovery key opens the records, without a restart, once', async () => {
    run('chown', ['--reference', stack.path('state/platform'), keyFileOf(stack)]);
    const locked = await connected(stack);
    const said = await stack.restore();
    assert.match(said, /records are open/);
    assert.ok(said.includes(stack.measurements.platform));
    await assertOpens(stack);
    // Statements of the locked platform named no head of the store.
    assert.equal((await locked.signIn(clerk.user, clerk.password)).status, 409);
    const again = await post(stack, await parcel(stack, master, recovery));
    assert.equal(again.status, 404);
    assert.match(await stack.restore(0).catch((error) => error.message), /404/);
  });

  test('and after a restart they open by themselves', async () => {
    await stack.processes.stop('platform');
    await stack.startProgram('platform');
    await assertOpens(stack);
    const names = readdirSync(stack.path('state/platform')).filter((name) => name.includes('.new-'));
    assert.deepEqual(names, []);
  });
});

async function hkdf(key, info, size) {
  const { hkdfSync } = await import('node:crypto');
  return hkdfSync('sha256', key, Buffer.alloc(0), Buffer.from(info), size);
}

describe('under another deployment key nothing opens', () => {
  let stack;

  before(async () => {
    // The same hospital's recovery key, in the manifest too; but another deployment.
    stack = await machine([...RECORDS, 'keys/recovery.pem', 'keys/recovery.jwk']);
    assert.notEqual(stack.deployment, lost.deployment);
    await stack.start();
    await isLocked(stack);
  });

  test('the command line refuses the key file of another deployment', async () => {
    assert.match(await stack.restore(0).catch((error) => error.message), /another deployment/);
  });

  test('the platform refuses the right key from the right recovery key, whatever the host makes the file say', async () => {
    const recovery = readFileSync(stack.path('keys/recovery.pem'));
    const master = await masterKey();
    await refused(stack, await parcel(stack, master, recovery), 409, 'ERR_STORE_LOCKED');
    await refused(stack, await parcel(stack, master, recovery, `lazaret-recovery/1 ${lost.deployment}`), 403, 'ERR_AUTHENTICATION');
    const file = JSON.parse(readFileSync(keyFileOf(stack), 'utf8'));
    rewrite(keyFileOf(stack), JSON.stringify({ ...file, deployment: stack.deployment }));
    await refused(stack, await parcel(stack, master, recovery), 409, 'ERR_STORE_LOCKED');
    const check = Buffer.from(await hkdf(master, `lazaret-master-key-check/1 ${stack.deployment}`, 16)).toString('base64url');
    rewrite(keyFileOf(stack), JSON.stringify({ ...file, deployment: stack.deployment, check }));
    await refused(stack, await parcel(stack, master, recovery), 409, 'ERR_STORE_CORRUPT');
    await assertServesNothing(stack);
  });

  test('the files are as they were', () => {
    const digest = (stack) => createHash('sha256').update(readFileSync(stack.path('state/platform/records.db'))).digest('hex');
    assert.equal(digest(stack), digest(lost));
  });
});
