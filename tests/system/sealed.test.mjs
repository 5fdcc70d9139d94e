// SPDX-License-Identifier: Apache-2.0
// A Node client written from the RFCs talks to the platform; bad input gets a clear error and changes nothing.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStack, closeStack, SAMPLES } from './support/stack.mjs';
import { SealedClient, decodeResponse, encodeRequest } from './support/sealed-client.mjs';
import { fetchWith } from './support/web.mjs';

let stack;
let fetch;
let client;
const clerk = { user: 'clerk.one', name: 'A. Clerk', role: 'clerk', password: 'correct horse battery' };
const doctor = { user: 'doctor.one', name: 'Dr. B', role: 'clinician', password: 'staple correct horse' };

before(async () => {
  stack = await openStack();
  await stack.start();
  await stack.ready(30000);
  fetch = fetchWith(stack.tls.ca);
  const administrator = new SealedClient(stack.urls.platform, fetch);
  await administrator.connect();
  assert.equal((await administrator.signIn('admin', stack.password)).status, 201);
  for (const person of [clerk, doctor]) assert.equal((await administrator.request('POST', '/accounts', person)).status, 201);
  client = new SealedClient(stack.urls.platform, fetch);
  await client.connect();
  assert.equal((await client.signIn(clerk.user, clerk.password)).status, 201);
});
after(async () => {
  fetch?.close();
  await closeStack(stack);
});

const patientOf = (family) => ({ resourceType: 'Patient', name: [{ family, given: ['Robin'] }], gender: 'female', birthDate: '2021-05-04',
  identifier: [{ system: 'urn:test:national', value: randomBytes(4).toString('hex') }], telecom: [{ system: 'phone', value: '+1 555 0100' }, { system: 'email', value: 'p@example.org' }],
  address: [{ line: ['1 Example Street'], city: 'Exampleton' }] });

async function registered(family = `Family${randomBytes(3).toString('hex')}`) {
  const answer = await client.request('POST', '/fhir/Patient', patientOf(family));
  assert.equal(answer.status, 201, answer.body.toString());
  return answer.json();
}

async function uploaded(patient, bytes, digest = createHash('sha256').update(bytes).digest('hex')) {
  const created = await client.request('POST', '/films', { patient, size: bytes.length });
  assert.equal(created.status, 201, created.body.toString());
  const { film, part_size: size, parts } = created.json();
  for (let part = 0; part < parts; part++) {
    const answer = await client.request('PUT', `/films/${film}/parts/${part}`, bytes.subarray(part * size, (part + 1) * size));
    assert.equal(answer.status, 204, answer.body.toString());
  }
  return { film, answer: await client.request('POST', `/films/${film}/complete`, { sha256: digest }) };
}

const sample = (name) => readFileSync(join(SAMPLES, `synthetic-${name}.dcm`));

describe('the story over the sealed channel', () => {
  test('a patient is registered, found by two letters, and read back', async () => {
    const patient = await registered('Zwetschge');
    const found = await client.request('GET', '/fhir/Patient?name=zw');
    assert.ok(found.json().entry.some((entry) => entry.resource.id === patient.id));
    const read = await client.request('GET', `/fhir/Patient/${patient.id}`);
    assert.equal(read.json().name[0].family, 'Zwetschge');
    assert.equal(read.fields.etag, 'W/"1"');
  });

  test('a transaction is all or nothing', async () => {
    const uuid = 'urn:uuid:6f1b0c0e-6a51-4b9e-9a57-0d1f6a2b7c01';
    const family = `Whole${randomBytes(3).toString('hex')}`;
    const bundle = (allergy) => ({ resourceType: 'Bundle', type: 'transaction', entry: [
      { fullUrl: uuid, request: { method: 'POST', url: 'Patient' }, resource: patientOf(family) },
      { request: { method: 'POST', url: 'AllergyIntolerance' }, resource: allergy }] });
    const bad = await client.request('POST', '/fhir', bundle({ resourceType: 'AllergyIntolerance', patient: { reference: uuid }, mood: 'bad' }));
    assert.equal(bad.status, 422);
    assert.equal((await client.request('GET', `/fhir/Patient?name=${family}`)).json().total, 0);
    const good = await client.request('POST', '/fhir', bundle({ resourceType: 'AllergyIntolerance', patient: { reference: uuid }, code: { text: 'Penicillin' },
      clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] } }));
    assert.equal(good.status, 200, good.body.toString());
    const found = (await client.request('GET', `/fhir/Patient?name=${family}`)).json();
    assert.equal(found.total, 1);
    const all = (await client.request('GET', `/fhir/Patient/${found.entry[0].resource.id}/$everything`)).json();
    assert.deepEqual(all.entry.map((entry) => entry.resource.resourceType).sort(), ['AllergyIntolerance', 'Patient']);
  });

  test('a film is uploaded, read by the model, filed, and the clinician is told', async () => {
    const patient = await registered();
    const { film, answer } = await uploaded(patient.id, sample('normal'));
    assert.equal(answer.status, 201, answer.body.toString());
    assert.equal(answer.json().format, 'dicom');
    const order = await client.request('POST', '/fhir/ServiceRequest', { resourceType: 'ServiceRequest', status: 'active', intent: 'order', code: { text: 'Chest film' },
      subject: { reference: `Patient/${patient.id}` }, supportingInfo: [{ reference: `ImagingStudy/${answer.json().study}` }] });
    assert.equal(order.status, 201, order.body.toString());
    const report = (await client.request('GET', `/fhir/${order.fields['location-report']}`)).json();
    assert.equal(report.status, 'preliminary');
    assert.match(report.conclusion, /Pneumonia: (likely|unlikely)/);
    const image = await client.request('GET', `/films/${film}/image?size=256`);
    assert.equal(image.fields['content-type'], 'image/png');
    assert.equal(image.body.subarray(1, 4).toString(), 'PNG');
    const clinician = new SealedClient(stack.urls.platform, fetch);
    await clinician.connect();
    assert.equal((await clinician.signIn(doctor.user, doctor.password)).status, 201);
    const messages = (await clinician.request('GET', '/inbox')).json().messages;
    const message = messages.find((entry) => entry.patient === patient.id);
    assert.ok(message, 'no message');
    assert.equal((await clinician.request('POST', `/inbox/${message.id}/acknowledge`)).status, 204);
    assert.ok((await clinician.request('GET', '/inbox')).json().messages.find((entry) => entry.id === message.id).acknowledged);
  });

  test('a retry under the same idempotency key gets the first answer and does nothing twice', async () => {
    const family = `Twice${randomBytes(3).toString('hex')}`;
    const key = { 'idempotency-key': randomBytes(8).toString('hex') };
    const body = patientOf(family);
    const first = await client.request('POST', '/fhir/Patient', body, key);
    const second = await client.request('POST', '/fhir/Patient', body, key);
    assert.equal(second.status, 201);
    assert.equal(second.json().id, first.json().id);
    assert.equal((await client.request('GET', `/fhir/Patient?name=${family}`)).json().total, 1);
    const other = await client.request('POST', '/fhir/Patient', patientOf('Other'), key);
    assert.equal(other.status, 400);
  });
});

describe('what is refused', () => {
  test('a replayed request says so inside the seal, and does nothing', async () => {
    const family = `Replay${randomBytes(3).toString('hex')}`;
    const { sealed, sender } = await client.seal(encodeRequest({ method: 'POST', path: '/fhir/Patient', fields: client.fields({ 'content-type': 'application/fhir+json' }), body: Buffer.from(JSON.stringify(patientOf(family))) }));
    await client.post(sealed);
    const second = decodeResponse(await client.open(sender, Buffer.from(await (await client.post(sealed)).arrayBuffer())));
    assert.equal(second.status, 409);
    assert.equal(JSON.parse(second.body).type, 'urn:lazaret:problem:replay');
    assert.equal((await client.request('GET', `/fhir/Patient?name=${family}`)).json().total, 1);
  });
  test('a statement that the platform did not issue: 409 with the new one, nothing done', async () => {
    const answer = await client.request('GET', '/fhir/Patient', undefined, { 'lazaret-statement': 'A'.repeat(43) });
    assert.equal(answer.status, 409);
    assert.equal(answer.json().type, 'urn:lazaret:problem:chain-changed');
    assert.ok(answer.json().statement.split('.').length === 3);
  });
  test('a date of an hour ago', async () => {
    const answer = await client.request('GET', '/fhir/Patient', undefined, { date: new Date(Date.now() - 3600e3).toUTCString() });
    assert.equal(answer.status, 400);
    assert.equal(answer.json().field, 'date');
  });
  test('no session, a made-up session, a wrong password, a role that may not', async () => {
    const stranger = new SealedClient(stack.urls.platform, fetch);
    await stranger.connect();
    assert.equal((await stranger.request('GET', '/fhir/Patient')).status, 401);
    stranger.session = randomBytes(32).toString('base64url');
    assert.equal((await stranger.request('GET', '/fhir/Patient')).status, 401);
    stranger.session = undefined;
    assert.equal((await stranger.signIn(clerk.user, 'wrong password')).status, 401);
    assert.equal((await client.request('GET', '/inbox')).status, 403);
    assert.equal((await client.request('POST', '/accounts', doctor)).status, 403);
  });
  test('a signed-out session', async () => {
    const other = new SealedClient(stack.urls.platform, fetch);
    await other.connect();
    assert.equal((await other.signIn(clerk.user, clerk.password)).status, 201);
    assert.equal((await other.request('DELETE', '/session')).status, 204);
    assert.equal((await other.request('GET', '/session')).status, 401);
  });
  const unsealed = {
    'an empty body': [Buffer.alloc(0), undefined, 400], 'random bytes': [randomBytes(200), undefined, 400],
    'another key': [null, 'A'.repeat(43), 400], 'a cut message': ['cut', undefined, 400], 'a flipped byte': ['flip', undefined, 400],
    'an oversized body': [Buffer.alloc(3 << 20), undefined, 413],
  };
  for (const [name, [body, thumbprint, status]] of Object.entries(unsealed)) {
    test(`${name} instead of a sealed request`, async () => {
      const { sealed } = await client.seal(encodeRequest({ method: 'GET', path: '/session', fields: client.fields() }));
      let sent = body ?? sealed;
      if (body === 'cut') sent = sealed.subarray(0, sealed.length - 9);
      if (body === 'flip') { sent = Buffer.from(sealed); sent[60] ^= 1; }
      const answer = await client.post(sent, thumbprint);
      assert.equal(answer.status, status);
      const problem = await answer.json();
      assert.equal(problem.status, status);
      if (thumbprint) assert.equal(problem.type, 'https://iana.org/assignments/http-problem-types#ohttp-key');
    });
  }
  const badBodies = {
    'no JSON': [Buffer.from('{"resourceType":'), 400], 'a duplicate member': [Buffer.from('{"resourceType":"Patient","resourceType":"Patient"}'), 400],
    'an unknown element': [{ ...patientOf('X'), shoeSize: 43 }, 422], 'a birth date in the future': [{ ...patientOf('X'), birthDate: '2999-01-01' }, 422],
    'no name': [{ ...patientOf('X'), name: [] }, 422], 'another type': [{ resourceType: 'Medication' }, 422], 'a sex that is no code': [{ ...patientOf('X'), gender: 'F' }, 422],
  };
  for (const [name, [body, status]] of Object.entries(badBodies)) {
    test(`a Patient with ${name}`, async () => {
      const answer = await client.request('POST', '/fhir/Patient', body);
      assert.equal(answer.status, status, answer.body.toString());
      assert.equal(answer.json().resourceType, 'OperationOutcome');
    });
  }
  test('an update without, and with an old version', async () => {
    const patient = await registered();
    const body = { ...patientOf('Changed'), id: patient.id };
    assert.equal((await client.request('PUT', `/fhir/Patient/${patient.id}`, body)).status, 400);
    assert.equal((await client.request('PUT', `/fhir/Patient/${patient.id}`, body, { 'if-match': 'W/"1"' })).status, 200);
    assert.equal((await client.request('PUT', `/fhir/Patient/${patient.id}`, body, { 'if-match': 'W/"1"' })).status, 412);
  });
});

describe('films that are refused change nothing', () => {
  let patient;
  before(async () => {
    patient = (await registered()).id;
  });
  test('an oversized film, before a byte is sent', async () => {
    const answer = await client.request('POST', '/films', { patient, size: (64 << 20) + 1 });
    assert.equal(answer.status, 413);
    assert.equal(answer.json().field, 'size');
  });
  test('a patient that is not there', async () => {
    assert.equal((await client.request('POST', '/films', { patient: '0'.repeat(32), size: 10 })).status, 404);
  });
  const bad = {
    'text': Buffer.from('this is not a film'.repeat(20)),
    'a PNG that is cut': Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452000000100000001008000000003a98a0bd', 'hex')]),
    'a JPEG that is cut': Buffer.from('ffd8ffe000104a46494600010100000100010000ffdb0043', 'hex'),
    'a DICOM file that is cut': null,
  };
  for (const [name, bytes] of Object.entries(bad)) {
    test(name, async () => {
      const { film, answer } = await uploaded(patient, bytes ?? sample('normal').subarray(0, 5000));
      assert.equal(answer.status, 422, answer.body.toString());
      assert.ok(answer.json().title);
      assert.equal((await client.request('GET', `/films/${film}`)).status, 404, 'the refused film is forgotten');
      assert.equal((await client.request('GET', `/fhir/ImagingStudy?patient=${patient}`)).json().total, 0);
    });
  }
  test('a part of the wrong size, a part that is not there, a missing part, a wrong digest', async () => {
    const { film } = (await client.request('POST', '/films', { patient, size: 100 })).json();
    assert.equal((await client.request('PUT', `/films/${film}/parts/0`, Buffer.alloc(99))).status, 400);
    assert.equal((await client.request('PUT', `/films/${film}/parts/1`, Buffer.alloc(100))).status, 400);
    assert.equal((await client.request('POST', `/films/${film}/complete`, { sha256: '0'.repeat(64) })).status, 400);
    assert.equal((await client.request('PUT', `/films/${film}/parts/0`, Buffer.alloc(100))).status, 204);
    assert.equal((await client.request('POST', `/films/${film}/complete`, { sha256: '0'.repeat(64) })).status, 400);
    assert.equal((await client.request('DELETE', `/films/${film}`)).status, 204);
    assert.equal((await client.request('GET', `/films/${film}`)).status, 404);
  });
});

test('the public listener serves nothing else', async () => {
  for (const path of ['/', '/metrics', '/session', '/fhir/Patient', '/films', '/attest/SgxEnclave']) assert.equal((await fetch(`${stack.urls.platform}${path}`)).status, 404, path);
  assert.equal((await fetch(`${stack.urls.platform}/healthz`)).status, 200);
});

test('no program ended unexpectedly', () => assert.deepEqual(stack.unexpectedEnds, []));
