// SPDX-License-Identifier: Apache-2.0
// A bad network: connections that are held idle by the thousand, slow, cut and reset in every phase, and garbage, on every listener.
// Others are served all the while.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStack, closeStack } from './support/stack.mjs';
import { attestedCertificate, makeIssuer, makeKeys, mintToken } from './support/mint.mjs';
import { SealedClient } from './support/sealed-client.mjs';
import { fetchWith } from './support/web.mjs';

const IDLE = 2000;
const LIMITS = { head_s: 2, body_s: 2, stall_s: 2 };
const EVIDENCE = '/.well-known/lazaret/attestation';
/** What a server may take at most to drop a peer here: its own limit (nginx's and the handshake's are 10 s), on a loaded machine. */
const PATIENCE_MS = 40000;

let stack;
let fetch;
let ca;
let clerk;
let identity;

before(async () => {
  const issuer = await makeIssuer('https://issuer.test');
  stack = await openStack({ portal: true, manifest: (payload) => (payload.issuers.length ? { ...payload, issuers: [...payload.issuers, issuer.entry] } : payload) });
  const own = stack.ownConfiguration.bind(stack);
  stack.ownConfiguration = (role) => ({ ...own(role), limits: LIMITS });
  await stack.start();
  await stack.ready(30000);
  fetch = fetchWith(stack.tls.ca);
  ca = readFileSync(stack.tls.ca);
  const keys = await makeKeys();
  const token = await mintToken(issuer, keys, { service: 'platform', deployment: stack.deployment, mrenclave: stack.measurements.platform });
  identity = { ...attestedCertificate(keys.tls, token), rejectUnauthorized: false };
  clerk = new SealedClient(stack.urls.platform, fetch);
  await clerk.connect();
  assert.equal((await clerk.signIn('admin', stack.password)).status, 201);
});
after(async () => {
  fetch?.close();
  await closeStack(stack);
});

const statusOf = (url) => new Promise((resolve, reject) => http.get(url, { agent: false }, (response) => resolve(response.resume().statusCode)).on('error', reject));

/** A new connection of a stranger, over TLS where the listener speaks it to everybody. */
async function freshStatus(url) {
  const alone = fetchWith(stack.tls.ca);
  try { return (await alone(url)).status; } finally { alone.close(); }
}

/** A new connection of an attested caller: the first line of the answer to `hello`. */
async function attestedLine(port, hello) {
  const socket = await connect({ port }, identity);
  socket.write(hello);
  try { return (await received(socket, (text) => text.includes('\r\n'))).split('\r\n')[0]; } finally { socket.destroy(); }
}

/** Every listener: its port, and how somebody else is served there now. `isWeb`: TLS for everybody. */
const listeners = () => {
  const { ports, urls } = stack;
  return {
    platform: { port: ports.platform, isWeb: true, path: EVIDENCE, serves: async () => {
      assert.equal(await freshStatus(`${urls.platform}/healthz`), 200);
      assert.equal((await clerk.request('GET', '/session')).status, 200);
    } },
    attestation: { port: ports.attestation, isWeb: true, path: EVIDENCE, serves: async () => assert.equal(await freshStatus(`${urls.attestation}/certs`), 200) },
    diagnosis: { port: ports.diagnosis, isAttested: true, hello: 'GET /v2 HTTP/1.1\r\nHost: diagnosis\r\n\r\n', serves: async () => assert.match(await attestedLine(ports.diagnosis, 'GET /v2 HTTP/1.1\r\nHost: diagnosis\r\n\r\n'), /^HTTP\/1\.1 200/) },
    gate: { port: ports.gate, isAttested: true, hello: 'PING\r\n', serves: async () => assert.equal(await attestedLine(ports.gate, 'PING\r\n'), '+PONG') },
    collateral: { port: ports.collateral, path: '/sgx/certification/v4/rootcacrl', serves: async () => assert.equal(await statusOf(`${urls.collateral}/sgx/certification/v4/rootcacrl`), 200) },
    portal: { port: ports.portal, path: '/', isNginx: true, serves: async () => assert.equal(await statusOf(`${urls.portal}/`), 200) },
    platformIngress: { port: ports.platformIngress, path: '/healthz', isNginx: true, serves: async () => assert.equal(await statusOf(`${urls.platformIngress}/healthz`), 200) },
    attestationIngress: { port: ports.attestationIngress, path: '/certs', isNginx: true, serves: async () => assert.equal(await statusOf(`${urls.attestationIngress}/certs`), 200) },
  };
};
const NAMES = ['platform', 'attestation', 'diagnosis', 'gate', 'collateral', 'portal', 'platformIngress', 'attestationIngress'];

/** Resolves to the connected socket; what goes wrong later is the test's to look at. `options`: of TLS. */
function connect({ port }, options) {
  return new Promise((resolve, reject) => {
    const outer = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const socket = options ? tls.connect({ socket: outer, servername: 'localhost', ...options }) : outer;
    socket.reset = () => outer.resetAndDestroy();
    socket.isClosed = new Promise((done) => socket.once('close', done));
    socket.once(options ? 'secureConnect' : 'connect', () => resolve(socket));
    for (const part of new Set([outer, socket])) part.on('error', reject);
  });
}

/** As strangers come in: over TLS where the listener speaks it to everybody. */
const open = (listener) => connect(listener, listener.isWeb ? { ca } : undefined); // an attested one does not get beyond TCP
const requestTo = (listener) => `GET ${listener.path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

/** Waits until the server has ended the connection; `socket` must be read. */
async function expectEnd(socket, what) {
  socket.resume();
  const ended = Promise.race([socket.isClosed, new Promise((done) => socket.once('end', done))]).then(() => true);
  assert.ok(await Promise.race([ended, sleep(PATIENCE_MS, false, { ref: false })]), `${what}: the server holds it still after ${PATIENCE_MS / 1000} s`);
  socket.destroy();
}

async function received(socket, enough) {
  let text = '';
  for await (const chunk of socket) {
    text += chunk.toString('latin1');
    if (enough(text)) break;
  }
  return text;
}

/** Opens `count` connections, some dozens at a time. */
async function openMany(count, make) {
  const sockets = [];
  const lane = async () => { while (sockets.length < count) { const place = sockets.push(null) - 1; sockets[place] = await make(place); } };
  try {
    await Promise.all(Array.from({ length: 64 }, lane));
    return sockets;
  } catch (error) {
    for (const socket of sockets) socket?.destroy();
    throw error;
  }
}

/** What a listener does while `sockets` are held; then they are let go. */
async function whileHeld(sockets, least, listener) {
  try {
    await listener.serves();
    const held = sockets.filter((socket) => !socket.readableEnded && !socket.destroyed && !socket.isEnded).length;
    assert.ok(held >= least, `only ${held} of ${sockets.length} were held meanwhile`);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

function watchEnd(socket) {
  socket.once('end', () => { socket.isEnded = true; });
  return socket.resume();
}

/** A connection that has got as far as the listener lets it, and then says nothing more. */
async function openAndAsk(listener, asks) {
  const socket = await (listener.isAttested ? connect(listener, identity) : open(listener));
  if (asks) {
    socket.write(listener.hello ?? requestTo(listener));
    await new Promise((resolve, reject) => { socket.once('data', resolve); socket.once('close', () => reject(new Error('closed before the answer'))); });
  }
  return watchEnd(socket);
}

for (const name of NAMES) {
  test(`${IDLE} idle connections, after TCP, TLS or a request, keep nobody from ${name}`, async () => {
    const listener = listeners()[name];
    const sockets = await openMany(IDLE / 4, (place) => openAndAsk(listener, place % 2 === 0));
    sockets.push(...await openMany(IDLE - sockets.length, async () => watchEnd(await connect(listener))));
    // On a slow machine the oldest handshakes may be over by now; what came further is held for a minute.
    await whileHeld(sockets, IDLE / 4, listener);
  });
}

test('more connections than there are places: the oldest idle one makes room for who comes', async () => {
  const { platform } = listeners();
  const sockets = await openMany(4500, async () => watchEnd(await connect(platform)));
  await whileHeld(sockets, 0, platform);
  assert.ok(sockets.filter((socket) => socket.isEnded).length >= 400, 'the first were not dropped');
});

/** A ClientHello of TLS 1.3, as a client of this machine sends it. */
async function clientHello() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const taken = new Promise((resolve) => server.once('connection', (socket) => socket.once('data', (bytes) => { socket.destroy(); resolve(bytes); }).on('error', () => {})));
  tls.connect({ port: server.address().port, host: '127.0.0.1', minVersion: 'TLSv1.3' }).on('error', () => {});
  const bytes = await taken;
  server.close();
  return bytes;
}

async function dribble(socket, bytes, everyMs = 250) {
  for (const byte of bytes) {
    if (socket.destroyed || socket.isEnded) return;
    socket.write(Buffer.from([byte]));
    await sleep(everyMs);
  }
}

test('slow senders are dropped in every phase: handshake, head and body', async () => {
  const all = listeners();
  const hello = await clientHello();
  const slow = [];
  const add = (name, what, begin) => slow.push((async () => {
    const socket = watchEnd(await begin(all[name]));
    await expectEnd(socket, `${name}, ${what}`);
  })());
  for (const name of ['platform', 'attestation', 'diagnosis', 'gate'])
    add(name, 'handshake', async (listener) => { const socket = await connect(listener); void dribble(socket, hello, 1000); return socket; });
  for (const name of ['platform', 'attestation', 'collateral', 'portal', 'platformIngress', 'attestationIngress'])
    add(name, 'head', async (listener) => { const socket = await open(listener); socket.write(`GET ${listener.path} HTTP/1.1\r\nHost: x\r\n`); void dribble(socket, 'x-slow: '.padEnd(400, 'x')); return socket; });
  for (const [name, path] of [['platform', '/sealed/x'], ['attestation', '/attest/SgxEnclave?api-version=2022-08-01'], ['platformIngress', '/sealed/x'], ['attestationIngress', '/attest/SgxEnclave?api-version=2022-08-01']])
    add(name, 'body', async (listener) => { const socket = await open(listener); socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n`); void dribble(socket, ''.padEnd(400, '{')); return socket; });
  await Promise.all(slow);
  await Promise.all(NAMES.map((name) => all[name].serves()));
});

test('a reader that takes nothing of its answers is dropped', async () => {
  const all = listeners();
  await Promise.all(['platform', 'attestation'].map(async (name) => {
    const socket = await open(all[name]);
    socket.pause();
    // Each answer is some 20 KiB; the kernels' buffers take some megabytes of them.
    const many = requestTo(all[name]).repeat(1000);
    const ended = socket.isClosed.then(() => true);
    for (const until = Date.now() + PATIENCE_MS; Date.now() < until;) {
      if (socket.writableLength < 1 << 20) socket.write(many);
      if (await Promise.race([ended, sleep(200, false)])) return;
    }
    socket.destroy();
    assert.fail(`${name} still holds answers for a reader that takes none`);
  }));
  await Promise.all([all.platform.serves(), all.attestation.serves()]);
});

test('garbage, endless heads and endless bodies are refused, and resets in every phase do no harm', async () => {
  const all = listeners();
  const hello = await clientHello();
  const work = [];
  for (const name of NAMES) {
    const listener = all[name];
    work.push(...[Buffer.from('\x16'.repeat(5000) + '\r\n\r\n'), Buffer.from('SSH-2.0-x\r\n\r\n'), Buffer.alloc(70000, 0)].map(async (bytes) => {
      const socket = await connect(listener);
      socket.write(bytes);
      await expectEnd(socket, `${name}, garbage`);
    }));
    for (const before of [Buffer.alloc(0), hello.subarray(0, 40), hello, Buffer.from('GET / HT'), Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')]) {
      work.push((async () => {
        const socket = await connect(listener);
        if (before.length > 0) await new Promise((resolve) => socket.write(before, resolve));
        socket.reset();
      })());
    }
    if (listener.isAttested) continue;
    work.push((async () => {
      const socket = await open(listener);
      socket.write(`GET ${listener.path} HTTP/1.1\r\nHost: x\r\n`);
      const line = `x-endless: ${'x'.repeat(1000)}\r\n`;
      const feed = setInterval(() => socket.write(line.repeat(20)), 20);
      try { await expectEnd(socket, `${name}, endless head`); } finally { clearInterval(feed); }
    })());
    work.push((async () => {
      const socket = await open(listener);
      socket.write(`POST /sealed/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
      const feed = setInterval(() => { if (socket.writableLength < 1 << 20) socket.write(`10000\r\n${'x'.repeat(65536)}\r\n`); }, 5);
      try { await expectEnd(socket, `${name}, endless body`); } finally { clearInterval(feed); }
    })());
    // In the head, in the body, and before the answer has been taken.
    for (const text of ['GET /', `POST /sealed/x HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\nhalf`, requestTo(listener)]) {
      work.push((async () => {
        const socket = await open(listener);
        await new Promise((resolve) => socket.write(text, resolve));
        socket.reset();
      })());
    }
  }
  await Promise.all(work);
  await Promise.all(NAMES.map((name) => all[name].serves()));
});

test('who ends its own side, before or after its request, is let go, and pipelined requests are answered in order', async () => {
  const all = listeners();
  // Whether a request is still answered after the peer's end is the library's affair; the connection must not stay.
  // (The collateral server has no limits of its own: half a request line would stay for its minute.)
  await Promise.all(NAMES.flatMap((name) => ['', ...(name === 'collateral' ? [] : ['GET / HT']), requestTo(all[name])].map(async (text) => {
    const socket = await open(all[name]);
    socket.end(text);
    await expectEnd(socket, `${name}, half closed`);
  })));
  for (const name of ['platform', 'attestation', 'collateral', 'platformIngress', 'attestationIngress']) {
    const socket = await open(all[name]);
    socket.write(requestTo(all[name]).repeat(20));
    const count = (text) => [...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map((match) => match[1]);
    const seen = count(await received(socket, (text) => count(text).length === 20));
    assert.deepEqual(seen, Array(20).fill('200'), name);
    socket.destroy();
  }
});

test('no program ended over all this', () => {
  assert.deepEqual(stack.unexpectedEnds, []);
});
