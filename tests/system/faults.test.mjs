// SPDX-License-Identifier: Apache-2.0
// The parts around the platform go away and come back; the platform itself is killed. Nothing that was acknowledged is lost.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStack, closeStack, BIN, SAMPLES } from './support/stack.mjs';
import { SealedClient } from './support/sealed-client.mjs';
import { fetchWith } from './support/web.mjs';
import { Stack } from '../../scripts/stack/stack.mjs';
import { until } from './support/until.mjs';

let stack;
let fetch;
let ownBin;
const clerk = { user: 'clerk.one', name: 'A. Clerk', role: 'clerk', password: 'correct horse battery' };

before(async () => {
  // Programs of our own copy, so that one of them can be exchanged.
  ownBin = mkdtempSync(join(tmpdir(), 'lazaret-bin-'));
  cpSync(BIN, ownBin, { recursive: true });
  stack = await openStack({ bin: ownBin });
  await stack.start();
  await stack.ready(30000);
  fetch = fetchWith(stack.tls.ca);
  const administrator = await signedIn('admin', stack.password);
  assert.equal((await administrator.request('POST', '/accounts', clerk)).status, 201);
});
after(async () => {
  fetch?.close();
  await closeStack(stack);
  rmSync(ownBin, { recursive: true, force: true });
});

async function connected() {
  for (let tries = 0; ; tries++) {
    try {
      const client = new SealedClient(stack.urls.platform, fetch);
      await client.connect();
      return client;
    } catch (error) {
      if (tries > 100) throw error;
      await sleep(100);
    }
  }
}

async function signedIn(user = clerk.user, password = clerk.password) {
  const client = await connected();
  const answer = await client.signIn(user, password);
  assert.equal(answer.status, 201, answer.body.toString());
  return client;
}

const patient = (family) => ({ resourceType: 'Patient', name: [{ family }], gender: 'other', birthDate: '2020-02-02' });

const isReady = async () => (await fetch(`${stack.urls.platform}/readyz`)).status === 200;

test('what was acknowledged survives kill -9 of the platform, and the session goes on', async () => {
  const client = await signedIn();
  const id = (await client.request('POST', '/fhir/Patient', patient('Survivor'))).json().id;
  const session = client.session;
  const launcher = stack.processes.get('platform');
  launcher.isStopping = true;
  const child = Number(readFileSync(`/proc/${launcher.child.pid}/task/${launcher.child.pid}/children`, 'utf8').trim().split(' ')[0]);
  process.kill(child, 'SIGKILL');
  await launcher.ended;
  await stack.startProgram('platform');
  await until(isReady, 'ready after kill');
  const again = await connected();
  again.session = session;
  const read = await again.request('GET', `/fhir/Patient/${id}`);
  assert.equal(read.status, 200, read.body.toString());
  assert.equal(read.json().name[0].family, 'Survivor');
});

test('without the cache the platform says so, refuses new sessions and loses nothing', async () => {
  const client = await signedIn();
  const id = (await client.request('POST', '/fhir/Patient', patient('Cacheless'))).json().id;
  await stack.processes.stop('redis');
  await until(async () => (await fetch(`${stack.urls.platform}/readyz`)).status === 503, 'readiness says so');
  assert.match(JSON.stringify(await (await fetch(`${stack.urls.platform}/readyz`)).json()), /cache/);
  const other = await connected();
  assert.equal((await other.signIn(clerk.user, clerk.password)).status, 503);
  stack.startRedis();
  await until(isReady, 'ready again');
  const back = await signedIn();
  assert.equal((await back.request('GET', `/fhir/Patient/${id}`)).status, 200);
});

test('without the diagnosis service an order is refused, nothing of it is kept, and it works again later', async () => {
  const client = await signedIn();
  const id = (await client.request('POST', '/fhir/Patient', patient('Ordered'))).json().id;
  const bytes = readFileSync(join(SAMPLES, 'synthetic-normal.dcm'));
  const { film, parts, part_size: size } = (await client.request('POST', '/films', { patient: id, size: bytes.length })).json();
  for (let part = 0; part < parts; part++) await client.request('PUT', `/films/${film}/parts/${part}`, bytes.subarray(part * size, (part + 1) * size));
  const { study } = (await client.request('POST', `/films/${film}/complete`, { sha256: createHash('sha256').update(bytes).digest('hex') })).json();
  const order = { resourceType: 'ServiceRequest', status: 'active', intent: 'order', code: { text: 'Chest film' }, subject: { reference: `Patient/${id}` }, supportingInfo: [{ reference: `ImagingStudy/${study}` }] };
  await stack.processes.stop('diagnosis');
  // The platform has not looked at its hops yet, or has: the order fails, or the statement that the client accepted no longer holds.
  assert.ok([409, 502].includes((await client.request('POST', '/fhir/ServiceRequest', order)).status));
  await until(async () => (await fetch(`${stack.urls.platform}/readyz`)).status === 503, 'readiness says so');
  const other = await signedIn();
  assert.equal((await other.request('POST', '/fhir/ServiceRequest', order)).status, 502);
  for (const type of ['ServiceRequest', 'DiagnosticReport', 'Observation', 'Communication'])
    assert.equal((await other.request('GET', `/fhir/${type}?patient=${id}`)).json().total, 0, type);
  await stack.startProgram('diagnosis');
  await until(isReady, 'ready again');
  // A diagnosis service with new keys is another hop: requests must name a statement about it.
  assert.equal((await other.request('POST', '/fhir/ServiceRequest', order)).status, 409);
  const again = await signedIn();
  assert.equal((await again.request('POST', '/fhir/ServiceRequest', order)).status, 201);
});

test('after the programs are rebuilt the demo starts again, with its records, and says so in one line', async () => {
  const before = await signedIn();
  const id = (await before.request('POST', '/fhir/Patient', patient('Rebuilt'))).json().id;
  await stack.stop();
  for (const name of ['lazaret-platform', 'lazaret-attestation']) appendFileSync(join(ownBin, name), '\0');
  const said = [];
  stack = await Stack.open({ folder: stack.folder, bin: ownBin, log: (text) => said.push(text) });
  stack.unexpectedEnds = [];
  await stack.start();
  await stack.ready(30000);
  assert.equal(said.filter((line) => /records were opened again/.test(line)).length, 1, said.join('\n'));
  const client = await signedIn();
  assert.equal((await client.request('GET', `/fhir/Patient/${id}`)).json().name[0].family, 'Rebuilt');
  // And from then on without it.
  await stack.stop();
  said.length = 0;
  stack = await Stack.open({ folder: stack.folder, bin: ownBin, log: (text) => said.push(text) });
  stack.unexpectedEnds = [];
  await stack.start();
  await stack.ready(30000);
  assert.deepEqual(said, []);
});
