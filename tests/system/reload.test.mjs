// SPDX-License-Identifier: Apache-2.0
// The attestation service under way: SIGHUP takes up certificates, limits and origins, or says why not; SIGTERM answers what is under
// way. Requests go on all the time, and none of them is lost.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import https from 'node:https';
import tls from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { openStack, closeStack } from './support/stack.mjs';
import { until } from './support/until.mjs';
import { webCertificates } from '../../scripts/stack/certificates.mjs';
import { giveTo } from '../../scripts/stack/users.mjs';
import { childrenOf } from '../../scripts/stack/process-figures.mjs';

let stack;
const OWN = { rate_limit: { per_second: 0 } };

before(async () => {
  stack = await openStack();
  await stack.startAttestation(OWN);
});
after(() => closeStack(stack));

const entry = () => stack.processes.get('attestation');
const servicePid = () => childrenOf(entry().child.pid)[0];
const log = () => readFileSync(stack.path('log', 'attestation.log'), 'utf8').trimEnd().split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
const events = (name) => log().filter((line) => line.event === name);

/** Changes the file, as an editor does: a new one takes the old one's name. */
function configure(change) {
  const file = stack.path('config', 'attestation.json');
  const text = JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8'))));
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** Sends the signal, and waits for what the log says of it. */
async function hangUp(expected) {
  const told = () => [...events('configuration.reloaded'), ...events('configuration.refused')];
  const before = told().length;
  process.kill(servicePid(), 'SIGHUP');
  await until(() => told().length > before, expected, 10000);
  const last = log().filter((line) => /^configuration\./.test(line.event)).at(-1);
  assert.equal(last.event, expected, JSON.stringify(last));
  return last;
}

const fingerprint = () => new Promise((resolve, reject) => {
  const socket = tls.connect({ host: 'localhost', port: stack.ports.attestation, rejectUnauthorized: false }, () => {
    resolve(socket.getPeerX509Certificate().fingerprint256);
    socket.destroy();
  });
  socket.on('error', reject);
});

function replaceIdentity(folder) {
  const made = webCertificates(stack.path(folder));
  copyFileSync(made.certificate, `${stack.tls.certificate}.new`);
  copyFileSync(made.key, stack.path('tls', 'attestation.key.new'));
  if (stack.users) giveTo(stack.users.attestation, stack.path('tls', 'attestation.key.new'));
  renameSync(`${stack.tls.certificate}.new`, stack.tls.certificate);
  renameSync(stack.path('tls', 'attestation.key.new'), stack.path('tls', 'attestation.key'));
  return new X509Certificate(readFileSync(made.certificate)).fingerprint256;
}

/** Clients that ask one request after the other on connections that they keep; what each one ends with. A connection that is told to
 *  close, or is closed before a request was written to it, is no loss: the next request takes another. */
function loadFrom(clients, { perConnection = Infinity } = {}) {
  const result = { answered: 0, lost: [], statuses: {}, refused: 0 };
  let going = true;
  const ask = (agent) => new Promise((resolve) => {
    const request = https.get({ agent, host: 'localhost', port: stack.ports.attestation, path: '/certs', rejectUnauthorized: false }, (response) => {
      response.resume();
      response.on('end', () => {
        result.answered++;
        result.statuses[response.statusCode] = (result.statuses[response.statusCode] ?? 0) + 1;
        resolve();
      });
      response.on('error', (error) => resolve(result.lost.push(error.code)));
    });
    request.on('error', (error) => {
      if (error.code === 'ECONNREFUSED') result.refused++;
      else result.lost.push(`${error.code} ${error.message} after ${request.reusedSocket ? 'reuse' : 'connecting'}`);
      resolve();
    });
  });
  const client = async () => {
    while (going) {
      const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = 0; going && i < perConnection && result.refused === 0; i++) await ask(agent);
      agent.destroy();
      if (result.refused > 0) return;
    }
  };
  const all = Promise.all([...Array(clients)].map(client));
  return { result, stop: async () => { going = false; await all; return result; } };
}

test('new certificates serve new handshakes, old connections go on, and no request is lost', async () => {
  const kept = loadFrom(6);
  const coming = loadFrom(2, { perConnection: 5 });
  const seen = new Set([await fingerprint()]);
  for (let i = 0; i < 10; i++) {
    const wanted = replaceIdentity(`tls-${i}`);
    await hangUp('configuration.reloaded');
    assert.equal(await fingerprint(), wanted);
    seen.add(wanted);
    await sleep(50);
  }
  for (const load of [kept, coming]) {
    const result = await load.stop();
    assert.deepEqual(result.lost, []);
    assert.deepEqual(Object.keys(result.statuses), ['200']);
    assert.ok(result.answered > 10, String(result.answered));
  }
  assert.equal(seen.size, 11);
});

test('limits, origins and the log level are taken up', async () => {
  const headers = { origin: 'https://other.example' };
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 }); // a limit of one in a second holds for connections, too
  const get = (path) => new Promise((resolve, reject) => {
    https.get({ host: 'localhost', port: stack.ports.attestation, path, headers, rejectUnauthorized: false, agent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() }));
    }).on('error', reject);
  });
  assert.equal((await get('/certs')).headers['access-control-allow-origin'], undefined);
  configure((json) => ({ ...json, portal_origins: ['https://other.example'], rate_limit: { per_second: 1, burst: 2 }, log_level: 'debug', drain_s: 5 }));
  await hangUp('configuration.reloaded');
  const first = await get('/certs');
  assert.equal(first.status, 200);
  assert.equal(first.headers['access-control-allow-origin'], 'https://other.example');
  let refused;
  for (let i = 0; i < 10 && refused?.status !== 429; i++) refused = await get('/certs');
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers['retry-after']) >= 1);
  assert.ok(Number(refused.headers['x-ms-retry-after-ms']) >= 1);
  assert.equal(JSON.parse(refused.text).error.code, 'TooManyRequests');
  assert.match(refused.headers['x-ms-request-id'], /^00-/);
  configure((json) => ({ ...json, ...OWN }));
  await hangUp('configuration.reloaded');
  assert.equal((await get('/certs')).status, 200);
  agent.destroy();
});

test('what cannot be taken up is named, and changes nothing', async () => {
  const before = readFileSync(stack.path('config', 'attestation.json'), 'utf8');
  const cases = [
    [(json) => ({ ...json, issuer: 'https://elsewhere.example' }), 'issuer'],
    [(json) => ({ ...json, listen: '127.0.0.1:1' }), 'listen'],
    [(json) => ({ ...json, collateral: { ...json.collateral, url: 'http://127.0.0.1:1' } }), 'collateral.url'],
    [(json) => ({ ...json, surprise: 1 }), 'surprise'],
    [(json) => ({ ...json, rate_limit: { per_second: -1 } }), 'rate_limit.per_second'],
    [(json) => ({ ...json, tls: { ...json.tls, key: stack.tls.certificate }, rate_limit: { per_second: 1, burst: 1 } }), 'tls.key'],
    [(json) => ({ ...json, tls: { ...json.tls, certificate: stack.path('tls', 'nothing.pem') } }), stack.path('tls', 'nothing.pem')],
  ];
  const shown = await fingerprint();
  for (const [change, field] of cases) {
    configure(change);
    assert.equal((await hangUp('configuration.refused')).field, field);
    writeFileSync(stack.path('config', 'attestation.json'), before);
  }
  writeFileSync(stack.path('config', 'attestation.json'), '{');
  await hangUp('configuration.refused');
  writeFileSync(stack.path('config', 'attestation.json'), before);
  assert.equal(await fingerprint(), shown);
  const load = loadFrom(2);
  await sleep(200);
  const result = await load.stop();
  assert.deepEqual(Object.keys(result.statuses), ['200']);
  await hangUp('configuration.reloaded');
});

test('a higher minimum of collateral is held at once', async () => {
  configure((json) => ({ ...json, collateral: { ...json.collateral, minimum_evaluation: 1000 } }));
  await hangUp('configuration.reloaded');
  await until(() => events('collateral.not_fetched').length > 0, 'what the source has is refused', 20000);
  configure((json) => ({ ...json, collateral: { ...json.collateral, minimum_evaluation: 1 } }));
  await hangUp('configuration.reloaded');
});

test('a stop answers what is under way, and loses nothing', async () => {
  const load = loadFrom(8);
  await until(() => load.result.answered > 10, 'requests are answered', 20000);
  const ended = entry().ended;
  await stack.processes.stop('attestation', 15000);
  const end = await ended;
  assert.equal(end.code, 0, JSON.stringify(end));
  const result = await load.stop();
  assert.deepEqual(result.lost, []);
  assert.deepEqual(Object.keys(result.statuses), ['200']);
  assert.ok(result.refused > 0, 'the clients went on until nobody listened');
  assert.equal(events('requests.cut_off').length, 0);
});

test('no program ended unexpectedly', () => assert.deepEqual(stack.unexpectedEnds, []));
