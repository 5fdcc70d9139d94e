// SPDX-License-Identifier: Apache-2.0
// Every check of a hop can fail: a caller whose token is wrong in one respect is refused by gate and diagnosis, and a diagnosis
// service whose token is wrong is refused by the platform. Real programs; tokens minted under an issuer that the manifest names.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import tls from 'node:tls';
import { openStack, closeStack } from './support/stack.mjs';
import { attestedCertificate, makeIssuer, makeKeys, mintToken } from './support/mint.mjs';

let stack;
let issuer;
let stranger;

before(async () => {
  issuer = await makeIssuer('https://issuer.test');
  stranger = await makeIssuer('https://stranger.test');
  stack = await openStack({ manifest: (payload) => (payload.issuers.length ? { ...payload, issuers: [...payload.issuers, issuer.entry] } : payload) });
  await stack.start();
  await stack.ready(30000);
});
after(() => closeStack(stack));

/** What a caller with this certificate gets from a server: the first bytes of an answer to `hello`, or the refusal. */
function call(port, identity, hello) {
  return new Promise((resolve) => {
    const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, minVersion: 'TLSv1.3', checkServerIdentity: () => undefined, ...identity });
    const end = (result) => { socket.destroy(); resolve(result); };
    socket.setTimeout(8000, () => end({ refused: false, answer: 'silence' }));
    socket.on('secureConnect', () => socket.write(hello));
    socket.on('data', (bytes) => end({ refused: false, answer: bytes.toString('latin1').slice(0, 80) }));
    socket.on('error', (error) => end({ refused: true, reason: error.code ?? error.message }));
    socket.on('close', () => end({ refused: true, reason: 'closed' }));
  });
}

const HELLOS = { gate: 'PING\r\n', diagnosis: 'GET /v2 HTTP/1.1\r\nHost: diagnosis\r\nConnection: close\r\n\r\n' };

/** Each case: a name and how the presentation differs from a good one. */
const CASES = {
  'a wrong measurement': { token: { change: (claims) => ({ ...claims, 'x-ms-sgx-mrenclave': '00'.repeat(32) }) } },
  'a debug enclave': { token: { change: (claims) => ({ ...claims, 'x-ms-sgx-is-debuggable': true }) } },
  'an expired token': { token: { ageS: 7200, lifeS: 3600 } },
  'a token older than the manifest allows': { token: { ageS: 5000 } },
  'a token of another key': { otherKey: true },
  'a token of another service role': { token: { service: 'gate' } },
  'a token signed by another issuer': { byStranger: true },
  'the same binary under another deployment key': { token: { deployment: 'A'.repeat(43) } },
  'no token': { noToken: true },
  'a token that is not from a simulation, under a name that is not an issuer': { token: { change: (claims) => ({ ...claims, iss: 'https://nobody.test' }) } },
  'another policy': { token: { change: (claims) => ({ ...claims, 'x-ms-policy-hash': 'A'.repeat(43) }) } },
};

async function presentation(role, spoiled = {}) {
  const keys = await makeKeys();
  const token = spoiled.noToken ? undefined : await mintToken(spoiled.byStranger ? stranger : issuer, keys,
    { service: role, deployment: stack.deployment, mrenclave: stack.measurements[role], ...spoiled.token });
  const shown = spoiled.otherKey ? (await makeKeys()).tls : keys.tls;
  return attestedCertificate(shown, token, role);
}

for (const hop of ['gate', 'diagnosis']) {
  describe(`at the ${hop}`, () => {
    test('a good token with its key is let in', async () => {
      const result = await call(stack.ports[hop], await presentation('platform'), HELLOS[hop]);
      assert.equal(result.refused, false, JSON.stringify(result));
      assert.match(result.answer, hop === 'gate' ? /^\+PONG/ : /^HTTP\/1\.1 200/);
    });
    for (const [name, spoiled] of Object.entries(CASES)) {
      test(`${name} is refused`, async () => {
        const result = await call(stack.ports[hop], await presentation('platform', spoiled), HELLOS[hop]);
        assert.equal(result.refused, true, `let in: ${JSON.stringify(result)}`);
      });
    }
    test('no certificate is refused', async () => {
      assert.equal((await call(stack.ports[hop], {}, HELLOS[hop])).refused, true);
    });
  });
}

describe('at the platform', () => {
  /** A diagnosis service of our own at the address where the platform looks for it; the verdict that the platform then states. */
  async function verdictOn(identity) {
    let received = 0;
    const server = tls.createServer({ ...identity, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' }, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => (received += bytes.length));
    });
    server.on('tlsClientError', () => {});
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const own = { ...stack.ownConfiguration('platform'), diagnosis: `127.0.0.1:${server.address().port}` };
      await stack.processes.stop('platform');
      await stack.startProgram('platform', own);
      return { ...(await chain()), received };
    } finally {
      server.close();
    }
  }

  /** The verdict in the statement, as a client sees it, once the platform has looked at its hops. */
  async function chain() {
    for (let tries = 0; tries < 200; tries++) {
      let printed;
      try {
        printed = stack.client(['verify', '--json']);
      } catch (error) {
        printed = error.stdout; // A refused chain: exit 1, with the report.
      }
      if (printed) return JSON.parse(printed).hops.find((hop) => hop.service === 'diagnosis');
      await new Promise((wake) => setTimeout(wake, 100));
    }
    throw new Error('no statement within 20 s');
  }

  test('the real diagnosis service is accepted', async () => {
    assert.equal((await chain()).verdict, 'accepted');
  });
  for (const [name, spoiled] of Object.entries({ ...CASES, 'a token of another service role': { token: { service: 'platform' } } })) {
    test(`${name} is refused, and nothing is sent to it`, async () => {
      const hop = await verdictOn(await presentation('diagnosis', spoiled));
      assert.equal(hop.verdict, 'refused', JSON.stringify(hop));
      assert.ok(hop.reason.length > 0);
      assert.equal(hop.received, 0, 'bytes reached the refused service');
    });
  }
});
