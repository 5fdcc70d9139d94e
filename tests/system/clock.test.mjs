// SPDX-License-Identifier: Apache-2.0
// Host clocks an hour and a year wrong, one program at a time, and replays across windows, restarts and flushed caches. Only signed
// times are kept: a clock that was ahead refuses while it is, one that is behind changes nothing, and neither leaves anything behind.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { openStack, closeStack } from './support/stack.mjs';
import { SealedClient, decodeResponse, encodeRequest } from './support/sealed-client.mjs';
import { fetchWith } from './support/web.mjs';
import { until } from './support/until.mjs';

const HOUR = 3600;
const YEAR = 365 * 24 * HOUR;
const clerk = { user: 'clerk.one', name: 'A. Clerk', role: 'clerk', password: 'correct horse battery' };
let stack;
let fetch;

const clockFile = (role) => stack.path('config', `${role}.clock`);
/** By how many seconds this program's host is wrong, from now on. */
const setClock = (role, seconds) => writeFileSync(clockFile(role), `${seconds}\n`, { mode: 0o644 });

before(async () => {
  stack = await openStack();
  const own = stack.ownConfiguration.bind(stack);
  stack.ownConfiguration = (role) => ({ ...own(role), insecure_clock_file: clockFile(role) });
  for (const role of ['attestation', 'gate', 'diagnosis', 'platform', 'client']) setClock(role, 0);
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

const connected = () => until(async () => {
  const client = new SealedClient(stack.urls.platform, fetch);
  await client.connect();
  return client;
}, 'evidence with a statement');

/** Signs in; again if the chain changed in between. */
const signedIn = (user = clerk.user, password = clerk.password) => until(async () => {
  const client = await connected();
  return (await client.signIn(user, password)).status === 201 && client;
}, `${user} signed in`);

const readiness = async () => {
  const answer = await fetch(`${stack.urls.platform}/readyz`);
  return { status: answer.status, text: await answer.text() };
};
const isReady = async () => (await readiness()).status === 200;
const notReady = (pattern, what) => until(async () => {
  const { status, text } = await readiness();
  return status === 503 && pattern.test(text) && text;
}, what);

async function restart(role) {
  await stack.processes.stop(role);
  await stack.startProgram(role);
}

const patientOf = (family) => ({ resourceType: 'Patient', name: [{ family }], gender: 'other', birthDate: '2020-02-02' });
const newFamily = () => `F${randomBytes(4).toString('hex')}`;
/** As things are after each test, whatever became of it. */
async function allRight() {
  for (const role of ['attestation', 'gate', 'diagnosis', 'platform', 'client']) setClock(role, 0);
  if (await isReady().catch(() => false)) return;
  await restart('platform');
  await until(isReady, 'ready with clocks that are right');
}

const registers = async (client) => (await client.request('POST', '/fhir/Patient', patientOf(newFamily()))).status;
const countOf = async (family) => (await (await signedIn()).request('GET', `/fhir/Patient?name=${family}`)).json().total;

const verifyUnder = (manifest) => {
  try {
    return stack.client(['verify', '--manifest', manifest]);
  } catch (error) {
    return `${error.stdout}${error.stderr}`;
  }
};

/** What `lazaret client verify` says, by its own clock. */
function verify(seconds = 0) {
  setClock('client', seconds);
  try {
    return { accepted: true, said: stack.client(['verify', '--insecure-clock-file', clockFile('client')]) };
  } catch (error) {
    return { accepted: false, said: `${error.stdout}${error.stderr}` };
  }
}

describe('a replayed request', () => {
  let client;
  let family;
  let letter;
  const post = async () => {
    const answer = await client.post(letter.sealed);
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (answer.status !== 200) return { clear: true, status: answer.status, body: bytes };
    return decodeResponse(await client.open(letter.sender, bytes));
  };
  const refused = async (types, what) => {
    const answer = await post();
    const problem = JSON.parse(answer.body);
    assert.ok(types.includes(answer.clear ? problem.type : problem.field ?? problem.type) || types.includes(problem.type), `${what}: ${answer.status} ${answer.body}`);
    assert.ok(answer.status >= 400, what);
    return answer;
  };
  const REPLAY = 'urn:lazaret:problem:replay';

  before(async () => {
    client = await signedIn();
    family = newFamily();
    letter = await client.seal(encodeRequest({ method: 'POST', path: '/fhir/Patient', fields: client.fields({ 'content-type': 'application/fhir+json' }), body: Buffer.from(JSON.stringify(patientOf(family))) }));
    assert.equal((await post()).status, 201);
  });
  after(() => setClock('platform', 0));

  test('is refused within the window, and its key with other bytes', async () => {
    assert.equal((await refused([REPLAY], 'within')).status, 409);
    const spoilt = Buffer.from(letter.sealed);
    spoilt[spoilt.length - 20] ^= 1;
    assert.equal((await client.post(spoilt)).status, 400);
  });
  test('is refused after the cache was flushed', async () => {
    execFileSync('redis-cli', ['-s', stack.redisSocket, 'FLUSHALL'], { stdio: 'ignore' });
    assert.equal((await refused([REPLAY], 'flushed')).status, 409);
  });
  test('is refused after the window, and when the clock is set back from there', async () => {
    setClock('platform', 700);
    assert.equal((await refused(['date'], 'after the window')).status, 400);
    setClock('platform', 0);
    await refused(['date', REPLAY], 'set back to now');
    setClock('platform', -60);
    await refused(['date', REPLAY], 'set back further');
    setClock('platform', -YEAR);
    await refused(['date', REPLAY], 'set back a year');
    setClock('platform', 0);
    assert.equal(await countOf(family), 1);
  });
  test('is not opened after a restart of the platform', async () => {
    await restart('platform');
    await until(isReady, 'ready again');
    const answer = await post();
    assert.equal(answer.status, 400);
    assert.equal(JSON.parse(answer.body).type, 'https://iana.org/assignments/http-problem-types#ohttp-key');
    assert.equal(await countOf(family), 1);
  });
});

for (const [name, seconds] of [['an hour', HOUR], ['a year', YEAR]]) {
  describe(`${name} ahead`, () => {
    afterEach(allRight);
    test('the platform refuses while it is, and serves again when it is right', async () => {
      const client = await signedIn();
      setClock('platform', seconds);
      const answer = await client.request('POST', '/fhir/Patient', patientOf(newFamily()));
      assert.equal(answer.status, 400);
      assert.equal(answer.json().field, 'date');
      assert.match(answer.json().fix, /clock/);
      assert.equal((await fetch(`${stack.urls.platform}/.well-known/lazaret/attestation?nonce=${randomBytes(32).toString('base64url')}`)).status, 503);
      assert.equal(verify().accepted, false);
      setClock('platform', 0);
      await until(isReady, 'ready again');
      assert.equal(await registers(await signedIn()), 201);
    });
    test('a platform that starts so gets no token, and keeps nothing of it', async () => {
      setClock('platform', seconds);
      await restart('platform');
      // A year on, the certificate of the attestation service's web server is past, too.
      await notReady(/ERR_TOKEN_EXPIRED|ERR_TLS/, 'its token is too old by its clock');
      setClock('platform', 0);
      await restart('platform');
      await until(isReady, 'ready again');
      assert.equal(await registers(await signedIn()), 201);
    });
    for (const hop of ['gate', 'diagnosis'])
      test(`the ${hop} refuses the platform, whose statement says so, and comes back`, async () => {
        const client = await signedIn();
        setClock(hop, seconds);
        await restart(hop);
        await notReady(/gate|diagnosis|cache/, `without the ${hop}`);
        const answer = await client.request('POST', '/fhir/Patient', patientOf(newFamily()));
        assert.equal(answer.status, 409);
        assert.equal(verify().accepted, hop === 'gate' && /gate +away/.test(verify().said));
        setClock(hop, 0);
        await restart(hop);
        await until(isReady, 'ready again');
        assert.equal(await registers(await signedIn()), 201);
      });
    test('tokens of the attestation service are refused by everybody, and move no floor', async () => {
      setClock('attestation', seconds);
      const { accepted, said } = verify();
      assert.equal(accepted, false);
      assert.match(said, seconds === HOUR ? /claims\.(nbf|iat)/ : /claims\.(nbf|iat)|collateral|not current|nextUpdate|50\d|40\d/i);
      await restart('platform');
      await notReady(seconds === HOUR ? /ERR_TOKEN_NOT_YET_VALID/ : /ERR_/, 'no token of the future');
      setClock('attestation', 0);
      await restart('platform');
      await until(isReady, 'ready again');
      await restart('attestation');
      await until(() => verify().accepted, 'tokens of the present');
      assert.equal(await registers(await signedIn()), 201);
    });
    test('the client refuses', () => {
      const { accepted, said } = verify(seconds);
      assert.equal(accepted, false);
      assert.match(said, /claims\.(iat|exp)|certificate has expired/);
    });
  });

  describe(`${name} behind`, () => {
    afterEach(allRight);
    test('a running program does not notice: its floor runs on', async () => {
      const client = await signedIn();
      for (const role of ['platform', 'gate', 'diagnosis', 'attestation']) setClock(role, -seconds);
      assert.equal(await registers(client), 201);
      assert.equal(verify().accepted, true);
      for (const role of ['platform', 'gate', 'diagnosis', 'attestation']) setClock(role, 0);
    });
    test('a program that starts so has its sealed floor', async () => {
      for (const role of ['platform', 'gate']) {
        setClock(role, -seconds);
        await restart(role);
      }
      await until(isReady, 'ready with a clock that is behind');
      assert.equal(await registers(await signedIn()), 201);
      for (const role of ['platform', 'gate']) setClock(role, 0);
    });
    test('the client holds to the times that it has seen signed', () => {
      assert.equal(verify(-seconds).accepted, true);
    });
  });
}

test('the HPKE key is renewed: the one before is accepted, then refused inside the seal, then unknown, and the session goes on', async () => {
  await stack.processes.stop('platform');
  await stack.startProgram('platform', { ...stack.ownConfiguration('platform'), sealed_key: { renew_s: 3, accept_s: 1, hold_s: 4 } });
  await until(isReady, 'ready');
  const client = await signedIn();
  const read = () => client.request('GET', '/fhir/Patient');
  const retired = await until(async () => {
    const answer = await read();
    return answer.status !== 200 && answer;
  }, 'the key is retired');
  assert.ok(!retired.clear, 'said in clear');
  assert.equal(retired.status, 409);
  assert.equal(retired.json().type, 'urn:lazaret:problem:chain-changed');
  await until(async () => {
    const again = await connected();
    again.session = client.session;
    return again.thumbprint !== client.thumbprint && (await registers(again)) === 201;
  }, 'served under the new key');
  const unknown = await until(async () => {
    const answer = await read();
    return answer.clear && answer;
  }, 'the key is forgotten');
  assert.equal(unknown.status, 400);
  assert.equal(unknown.json().type, 'https://iana.org/assignments/http-problem-types#ohttp-key');
  assert.equal(verify().accepted, true);
  await restart('platform');
  await until(isReady, 'ready');
});

test('a manifest of the same version and other content is refused', async () => {
  const other = stack.path('config', 'other-manifest.jws');
  const payload = JSON.parse(readFileSync(stack.path('manifest.json'), 'utf8'));
  writeFileSync(stack.path('other-manifest.json'), JSON.stringify({ ...payload, name: 'Another hospital' }));
  execFileSync(stack.program('lazaret'), ['manifest', 'sign', '--key', stack.path('keys', 'deployment.pem'), '--out', other, stack.path('other-manifest.json')], { stdio: 'ignore' });
  chmodSync(other, 0o644);
  await stack.processes.stop('gate');
  await assert.rejects(stack.startProgram('gate', { ...stack.ownConfiguration('gate'), manifest: other }), /older than the newest|same version|of this version/);
  await stack.startProgram('gate');
  assert.match(verifyUnder(other), /same version/);
  await until(isReady, 'ready again');
});

test('the client refuses records that are older than what it has seen, until a person removes what it has seen', () => {
  const file = stack.path('hospital.seen');
  assert.equal(verify().accepted, true);
  const seen = JSON.parse(readFileSync(file, 'utf8'));
  const [store] = Object.keys(seen.heads);
  writeFileSync(file, JSON.stringify({ ...seen, heads: { [store]: { ...seen.heads[store], generation: seen.heads[store].generation + 1000 } } }));
  const { accepted, said } = verify();
  assert.equal(accepted, false);
  assert.match(said, /set back/);
  rmSync(file);
  assert.equal(verify().accepted, true);
});

test('a clock that a file sets is said at the start', () => {
  assert.match(readFileSync(stack.path('log', 'platform.log'), 'utf8'), /"level":"warning".*"clock\.insecure"/);
});
