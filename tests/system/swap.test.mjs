// SPDX-License-Identifier: Apache-2.0
// A hop is exchanged after the client's verdict: the answer is the sealed 409 with the new statement, and nothing is done. Real
// programs that are started anew with new keys, and strangers at a hop's address whose tokens are good or wrong.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import tls from 'node:tls';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStack, closeStack, SAMPLES } from './support/stack.mjs';
import { attestedCertificate, makeIssuer, makeKeys, mintToken } from './support/mint.mjs';
import { SealedClient } from './support/sealed-client.mjs';
import { fetchWith } from './support/web.mjs';
import { until } from './support/until.mjs';

const clerk = { user: 'clerk.one', name: 'A. Clerk', role: 'clerk', password: 'correct horse battery' };
const FILM = readFileSync(join(SAMPLES, 'synthetic-normal.dcm'));
let stack;
let fetch;
let issuer;

before(async () => {
  issuer = await makeIssuer('https://issuer.test');
  stack = await openStack({ manifest: (payload) => (payload.issuers.length ? { ...payload, issuers: [...payload.issuers, issuer.entry] } : payload) });
  await stack.start();
  await stack.ready(30000);
  fetch = fetchWith(stack.tls.ca);
  const administrator = await signedIn('admin', stack.password);
  assert.equal((await administrator.request('POST', '/accounts', clerk)).status, 201);
});
after(async () => {
  fetch?.close();
  await closeStack(stack);
});

async function connected(session) {
  const client = new SealedClient(stack.urls.platform, fetch);
  await client.connect();
  client.session = session;
  return client;
}

const signedIn = (user = clerk.user, password = clerk.password) => until(async () => {
  const client = await connected();
  return (await client.signIn(user, password)).status === 201 && client;
}, `${user} signed in`);

const isReady = async () => (await fetch(`${stack.urls.platform}/readyz`)).status === 200;
const statementOf = (jws) => JSON.parse(Buffer.from(jws.split('.')[1], 'base64url'));

async function restart(role) {
  await stack.processes.stop(role);
  await stack.startProgram(role);
}

function assertChainChanged(answer, what) {
  assert.ok(!answer.clear, `${what}: in clear`);
  assert.equal(answer.status, 409, `${what}: ${answer.status} ${answer.body}`);
  const problem = answer.json();
  assert.equal(problem.type, 'urn:lazaret:problem:chain-changed', what);
  return statementOf(problem.statement);
}

const patientOf = (family) => ({ resourceType: 'Patient', name: [{ family }], gender: 'other', birthDate: '2020-02-02' });
const newFamily = () => `F${randomBytes(4).toString('hex')}`;

async function stagedFilm(client, bytes = FILM) {
  const patient = (await client.request('POST', '/fhir/Patient', patientOf(newFamily()))).json().id;
  const { film, part_size: size, parts } = (await client.request('POST', '/films', { patient, size: bytes.length })).json();
  return { patient, film, part: (n) => ['PUT', `/films/${film}/parts/${n}`, bytes.subarray(n * size, (n + 1) * size)], parts,
    complete: ['POST', `/films/${film}/complete`, { sha256: createHash('sha256').update(bytes).digest('hex') }] };
}

/** A study that waits, and the order for it. */
async function waitingStudy(client) {
  const staged = await stagedFilm(client);
  for (let n = 0; n < staged.parts; n++) assert.equal((await client.request(...staged.part(n))).status, 204);
  const { study } = (await client.request(...staged.complete)).json();
  const order = { resourceType: 'ServiceRequest', status: 'active', intent: 'order', code: { text: 'Chest film' },
    subject: { reference: `Patient/${staged.patient}` }, supportingInfo: [{ reference: `ImagingStudy/${study}` }] };
  return { patient: staged.patient, order: ['POST', '/fhir/ServiceRequest', order] };
}

async function ordersOf(client, patient) {
  const again = await connected(client.session);
  let count = 0;
  for (const type of ['ServiceRequest', 'DiagnosticReport', 'Observation', 'Communication'])
    count += (await again.request('GET', `/fhir/${type}?patient=${patient}`)).json().total;
  return count;
}

test('a gate with new keys: every request under the old statement gets the new one, the session goes on under it', async () => {
  const client = await signedIn();
  const family = newFamily();
  const before = statementOf(client.evidence.statement).hops.find((hop) => hop.service === 'gate').key;
  await restart('gate');
  const stated = assertChainChanged(await client.request('POST', '/fhir/Patient', patientOf(family)), 'write');
  assertChainChanged(await client.request('GET', '/fhir/Patient'), 'read');
  assert.notEqual(stated.hops.find((hop) => hop.service === 'gate').key, before);
  await until(isReady, 'ready with the new gate');
  const again = await connected(client.session);
  assert.equal((await again.request('GET', `/fhir/Patient?name=${family}`)).json().total, 0);
  assert.equal((await again.request('POST', '/fhir/Patient', patientOf(family))).status, 201);
});

test('a diagnosis service with new keys: an order under the old statement is not sent to it', async () => {
  const client = await signedIn();
  const { patient, order } = await waitingStudy(client);
  await restart('diagnosis');
  assertChainChanged(await client.request(...order), 'order');
  assert.equal(await ordersOf(client, patient), 0);
  await until(isReady, 'ready with the new service');
  assert.equal((await (await connected(client.session)).request(...order)).status, 201);
});

test('during an order: it is done whole by the service that the statement names, or not at all', async () => {
  const client = await signedIn();
  const { patient, order } = await waitingStudy(client);
  const key = { 'idempotency-key': randomBytes(8).toString('hex') };
  const answer = client.request(...order, key);
  await restart('diagnosis');
  const { status } = await answer;
  assert.ok([201, 409].includes(status), `${status}`);
  await until(isReady, 'ready again');
  assert.equal(await ordersOf(client, patient) > 0, status === 201);
  assert.equal((await (await connected(client.session)).request(...order, key)).status, 201);
  const again = await connected(client.session);
  assert.equal((await again.request('GET', `/fhir/ServiceRequest?patient=${patient}`)).json().total, 1);
});

test('during an upload: the next part is refused, and goes on under the new statement', async () => {
  const client = await signedIn();
  const staged = await stagedFilm(client, Buffer.concat([FILM, Buffer.alloc((1 << 20) + 5 - FILM.length % 5)]));
  assert.equal((await client.request(...staged.part(0))).status, 204);
  await restart('diagnosis');
  // The statement may hold until the platform has looked at its hops again: a film is not sent to them.
  await until(async () => (await client.request('GET', `/films/${staged.film}`)).status === 409, 'the change is noticed');
  assertChainChanged(await client.request(...staged.part(1)), 'part');
  const again = await connected(client.session);
  assert.deepEqual((await again.request('GET', `/films/${staged.film}`)).json().received, [0]);
  for (let n = 1; n < staged.parts; n++) assert.equal((await again.request(...staged.part(n))).status, 204);
  assert.equal((await again.request(...staged.complete)).status, 201);
  await until(isReady, 'ready again');
});

const STRANGERS = {
  'another measurement': { verdict: 'refused', change: (claims) => ({ ...claims, 'x-ms-sgx-mrenclave': '00'.repeat(32) }) },
  'the same measurement and other keys': { verdict: 'accepted' },
};
for (const [name, { verdict, change }] of Object.entries(STRANGERS)) {
  test(`${name} at the diagnosis service's address gets not a byte of an order`, async () => {
    const client = await signedIn();
    const { patient, order } = await waitingStudy(client);
    const keys = await makeKeys();
    const token = await mintToken(issuer, keys, { service: 'diagnosis', deployment: stack.deployment, mrenclave: stack.measurements.diagnosis, ...(change ? { change } : {}) });
    let received = 0;
    await stack.processes.stop('diagnosis');
    const stranger = tls.createServer({ ...(await attestedCertificate(keys.tls, token, 'diagnosis')), requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' }, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => (received += bytes.length));
      socket.write('HTTP/1.1 200 OK\r\n'); // A client takes the connection as made when it hears something.
    });
    stranger.on('tlsClientError', () => {});
    await new Promise((resolve, reject) => stranger.on('error', reject).listen(stack.ports.diagnosis, '127.0.0.1', resolve));
    try {
      assertChainChanged(await client.request(...order), name);
      const stated = await until(async () => {
        const { hops } = statementOf((await connected()).evidence.statement);
        return hops.find((hop) => hop.service === 'diagnosis' && hop.verdict === verdict);
      }, `stated as ${verdict}`);
      assert.equal(stated.verdict, verdict);
      assertChainChanged(await client.request(...order), name);
      assert.equal(received, 0);
      assert.equal(await ordersOf(client, patient), 0);
    } finally {
      await new Promise((resolve) => stranger.close(resolve));
      await stack.startProgram('diagnosis');
      await until(isReady, 'ready again');
    }
  });
}
