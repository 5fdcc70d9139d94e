// SPDX-License-Identifier: Apache-2.0
// Policies and policy signers by Azure's own administration client, unmodified and with its validation on, in both models of trust; and
// two replicas that share a PostgreSQL database. Every token is verified once more by jose.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import https from 'node:https';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { openStack, closeStack } from './support/stack.mjs';
import { fetchWith } from './support/web.mjs';
import { AzureAdministration, ClientError, Provider, jwsOf, localBearer, localKey, makeSigner, policyPayload, signedPolicy } from './support/administration.mjs';
import { Postgres, missing as noPostgres } from './support/postgres.mjs';
import { portIn } from '../../scripts/stack/processes.mjs';

const POLICY = 'version=1.0; authorizationrules{=> permit();}; issuancerules{};';
const OTHER = 'version=1.0; authorizationrules{=> permit();}; issuancerules{=> issue(type="department", value="radiology");};';
const DENYING = 'version=1.0; authorizationrules{c:[type=="x-ms-sgx-is-debuggable", value==false] => deny();}; issuancerules{};';
const AUDIENCE = 'https://attest.azure.net';
const PROVIDER = 'https://login.example/tenant';

const folder = mkdtempSync(join(tmpdir(), 'lazaret-administration-'));
chmodSync(folder, 0o755); // programs run as users of their own
const [alice, bob, eve] = ['alice', 'bob', 'eve'].map((name) => makeSigner(folder, name));
const curve = makeSigner(folder, 'curve', 'ec');
after(() => rmSync(folder, { recursive: true, force: true }));

/** One service, with what speaks to it. */
class Service {
  /** `management` is the configuration's member, or makes it of the stack. */
  static async open(management) {
    const service = new Service();
    service.stack = await openStack();
    try {
      await service.stack.startAttestation({ management: typeof management === 'function' ? await management(service.stack) : management });
    } catch (error) {
      await closeStack(service.stack);
      throw error;
    }
    service.url = service.stack.urls.attestation;
    service.azure = new AzureAdministration(service.stack.tls.ca);
    service.fetch = fetchWith(service.stack.tls.ca);
    return service;
  }

  async close() {
    this.azure?.close();
    this.fetch?.close();
    assert.deepEqual(this.stack.unexpectedEnds, []);
    await closeStack(this.stack);
  }

  /** The token's claims, by jose, with the published keys. */
  async verified(token, url = this.url) {
    const keys = createLocalJWKSet(await (await this.fetch(`${url}/certs`)).json());
    const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer: this.url });
    assert.equal(payload.exp - payload.iat, 3600);
    assert.deepEqual(Object.keys(protectedHeader).sort(), ['alg', 'jku', 'kid', 'typ']);
    return payload;
  }

  /** The claims of a token for this service's own evidence. */
  async attest(url = this.url) {
    this.evidence ??= await (await this.fetch(`${this.url}/.well-known/lazaret/attestation`)).json();
    const body = JSON.stringify({ quote: this.evidence.evidence, runtimeData: { data: this.evidence.runtimeData, dataType: 'JSON' } });
    const answer = await this.fetch(`${url}/attest/SgxEnclave?api-version=2022-08-01`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const { token, error } = await answer.json();
    if (error) throw new ClientError({ name: 'RestError', statusCode: answer.status, ...error });
    const keys = createLocalJWKSet(await (await this.fetch(`${url}/certs`)).json());
    return (await jwtVerify(token, keys, { issuer: this.url })).payload;
  }

  send(method, path, body, { bearer, type = 'text/plain', version = '2022-08-01' } = {}) {
    return this.fetch(`${this.url}${path}?api-version=${version}`, { method, body, headers: { ...(body === undefined ? {} : { 'content-type': type }), ...(bearer ? { authorization: `Bearer ${bearer}` } : {}) } });
  }
}

const sha256 = (text) => createHash('sha256').update(text).digest('base64url');
const refusedWith = (code, statusCode = 400, pattern = /./) => (error) => {
  assert.equal(error.kind, 'RestError', error.message);
  assert.equal(error.code, code, error.message);
  assert.equal(error.statusCode, statusCode);
  assert.match(error.message, pattern);
  return true;
};
const signerOf = (signer) => ({ alg: signer.kind === 'rsa' ? 'RS256' : 'ES256', kty: signer.kind === 'rsa' ? 'RSA' : 'EC', use: 'sig', x5c: [signer.der.toString('base64')] });

describe('where administrators decide (bearer)', () => {
  let service, client;
  const provider = new Provider(PROVIDER);
  const administrator = localKey();
  const keysFile = join(folder, 'keys.json');
  writeFileSync(keysFile, JSON.stringify(provider.keySet));
  const contributor = () => provider.token({ aud: AUDIENCE, sub: 'x', roles: ['Attestation Contributor'] });
  const reader = () => provider.token({ aud: AUDIENCE, sub: 'a reader' });

  before(async () => {
    service = await Service.open({ administrators: [
      { key: administrator.jwk },
      { issuer: PROVIDER, audience: AUDIENCE, keys: keysFile, contributors: { roles: ['Attestation Contributor'] }, readers: { subjects: ['a reader'] } },
    ] });
    client = service.azure.at(service.url, contributor());
  });
  after(() => service?.close());

  test('the default policy of each type', async () => {
    const { body, token } = await client.getPolicy('SgxEnclave');
    assert.equal(Buffer.byteLength(body), 501);
    const claims = await service.verified(token);
    assert.equal(claims['x-ms-policy'].split('.')[0], 'eyJhbGciOiJub25lIn0');
    assert.equal((await client.getPolicy('SevSnpVm')).body, 'version= 1.0;authorizationrules{=> permit();};');
    assert.equal((await client.getPolicy('TdxVm')).body, 'version= 1.0;authorizationrules{=> permit();};');
    await assert.rejects(client.getPolicy('Tpm'), refusedWith('InvalidOperation'));
    await assert.rejects(client.getPolicy('AzureGuest'), refusedWith('InvalidParameter'));
  });

  test('an unsigned policy is set, got and reset', async () => {
    const set = await client.setPolicy('SgxEnclave', POLICY);
    assert.equal(set.body.policyResolution, 'Updated');
    const claims = await service.verified(set.token);
    assert.equal(claims['x-ms-policy-token-hash'], 'c6sEJQItV50OeP9IrP_bzywAMOVvj5uDPbklA_bwdYQ'); // published
    assert.ok(!('x-ms-policy-signer' in claims));
    assert.equal((await client.getPolicy('SgxEnclave')).body, POLICY);
    const reset = await client.resetPolicy('SgxEnclave');
    assert.equal(reset.body.policyResolution, 'Removed');
    assert.ok(!('x-ms-policy-token-hash' in await service.verified(reset.token)));
    assert.equal(Buffer.byteLength((await client.getPolicy('SgxEnclave')).body), 501);
  });

  for (const [name, signer] of [['RS256', alice], ['ES256', curve]]) {
    test(`a policy signed with ${name} is set, and its signer told`, async () => {
      const set = await client.setPolicy('OpenEnclave', OTHER, { privateKey: signer.privateKey, certificate: signer.certificate });
      const claims = await service.verified(set.token);
      assert.deepEqual(claims['x-ms-policy-signer'], signerOf(signer));
      const { token } = await client.getPolicy('OpenEnclave');
      const jws = (await service.verified(token))['x-ms-policy'];
      assert.equal(sha256(jws), claims['x-ms-policy-token-hash']); // kept as it was sent
      assert.equal(JSON.parse(Buffer.from(jws.split('.')[0], 'base64url')).alg, name);
      const reset = await client.resetPolicy('OpenEnclave', { privateKey: signer.privateKey, certificate: signer.certificate });
      assert.equal(reset.body.policyResolution, 'Removed');
    });
  }

  test('a policy as .NET signs it: RSA256, plus signs escaped', async () => {
    const x5c = alice.der.toString('base64').replaceAll('+', '\\u002B');
    const jws = jwsOf(`{"alg":"RSA256","x5c":["${x5c}"]}`, policyPayload(POLICY), alice.privateKey);
    const answer = await service.send('PUT', '/Policies/sgxenclave', jws, { bearer: contributor() });
    assert.equal(answer.status, 200);
    const claims = await service.verified((await answer.json()).token);
    assert.equal(claims['x-ms-policy-token-hash'], sha256(jws));
    assert.deepEqual(claims['x-ms-policy-signer'], signerOf(alice));
    assert.equal((await service.verified((await client.getPolicy('SgxEnclave')).token))['x-ms-policy'], jws);
    assert.equal((await service.send('POST', '/policies/SGXENCLAVE:RESET', jwsOf({ alg: 'none' }, ''), { bearer: contributor() })).status, 200);
  });

  test('failures arrive as RestError with the documented codes', async () => {
    await assert.rejects(client.setPolicy('SgxEnclave', 'version=1.0; authorizationrules{=> permit()};'), refusedWith('PolicyParsingError', 400, /line 1, column/));
    await assert.rejects(client.setPolicy('Nothing', POLICY), refusedWith('InvalidParameter'));
    await assert.rejects(client.addPolicyManagementCertificate(bob.certificate, alice.privateKey, alice.certificate), refusedWith('InvalidOperation'));
    assert.deepEqual((await client.getPolicyManagementCertificates()).body, []);
    for (const [body, code] of [['nonsense', 'InvalidOperation'], ['!!.!!.!!', 'InvalidOperation'], [signedPolicy(alice, POLICY).slice(0, -4), 'InvalidOperation'],
      [jwsOf({ alg: 'RS256', x5c: ['AAAA'] }, policyPayload(POLICY), alice.privateKey), 'InvalidParameter'],
      [jwsOf({ alg: 'RS256', x5c: [alice.der.toString('base64'), bob.der.toString('base64')] }, policyPayload(POLICY), alice.privateKey), 'InvalidParameter']]) {
      const answer = await service.send('PUT', '/policies/SgxEnclave', body, { bearer: contributor() });
      assert.equal(answer.status, 400);
      assert.equal((await answer.json()).error.code, code, body.slice(0, 40));
      assert.match(answer.headers['content-type'], /^application\/json/);
    }
    assert.equal((await service.send('PUT', '/policies/SgxEnclave', POLICY, { bearer: contributor(), type: 'application/json' })).status, 415);
    assert.equal((await service.send('POST', '/policies/SgxEnclave:undo', jwsOf({ alg: 'none' }, ''), { bearer: contributor() })).status, 404);
    assert.equal((await service.send('GET', '/policies/SgxEnclave', undefined, { bearer: contributor(), version: '2018-09-01-preview' })).status, 400);
    assert.equal((await service.send('PUT', '/policies/SgxEnclave', 'A'.repeat(300000), { bearer: contributor() })).status, 413);
  });

  test('who is no administrator learns that and nothing else', async () => {
    const stranger = new Provider(PROVIDER);
    for (const bearer of [undefined, 'nonsense', stranger.token({ aud: AUDIENCE, roles: ['Attestation Contributor'] }), provider.token({ aud: 'https://other', roles: ['Attestation Contributor'] }),
      provider.token({ aud: AUDIENCE, sub: 'somebody' }), provider.token({ aud: AUDIENCE, roles: ['Attestation Contributor'], exp: 1 }), localBearer(administrator, 'https://other.example')]) {
      for (const [method, path, body, type] of [['GET', '/policies/SgxEnclave'], ['PUT', '/policies/SgxEnclave', 'nonsense', 'text/plain'], ['POST', '/policies/SgxEnclave:reset', 'nonsense', 'text/plain'],
        ['GET', '/certificates'], ['POST', '/certificates:add', 'nonsense', 'application/json'], ['POST', '/certificates:remove', 'nonsense', 'application/json']]) {
        const answer = await service.send(method, path, body, { bearer, type });
        assert.equal(answer.status, 401, `${method} ${path}`);
        assert.equal(answer.headers['www-authenticate'], `Bearer authorization_uri="${PROVIDER}", resource="${AUDIENCE}"`);
        assert.equal((await answer.json()).error.code, 'Unauthorized');
      }
    }
    await assert.rejects(service.azure.at(service.url, 'nonsense').getPolicy('SgxEnclave'), refusedWith('Unauthorized', 401));
  });

  test('a reader reads', async () => {
    const reading = service.azure.at(service.url, reader());
    assert.equal(Buffer.byteLength((await reading.getPolicy('SgxEnclave')).body), 501);
    assert.deepEqual((await reading.getPolicyManagementCertificates()).body, []);
    await assert.rejects(reading.setPolicy('SgxEnclave', POLICY), refusedWith('Unauthorized', 401));
    await assert.rejects(reading.resetPolicy('SgxEnclave'), refusedWith('Unauthorized', 401));
  });

  test('a local administrator, with lazaret policy bearer', async () => {
    const keyFile = join(folder, 'administrator.pem');
    writeFileSync(keyFile, administrator.pem, { mode: 0o600 });
    const bearer = execFileSync(service.stack.program('lazaret'), ['policy', 'bearer', '--key', keyFile, '--url', service.url], { encoding: 'utf8' }).trim();
    const local = service.azure.at(service.url, bearer);
    for (const words of [['--key', keyFile], ['--url', service.url], ['--key', keyFile, '--url', `${service.url}/`], ['--key', keyFile, '--url', 'http://a'],
      ['--key', keyFile, '--url', service.url, '--minutes', '61'], ['--key', keyFile, '--url', service.url, '--minutes', 'x'], ['--key', service.stack.tls.ca, '--url', service.url]])
      assert.throws(() => execFileSync(service.stack.program('lazaret'), ['policy', 'bearer', ...words], { stdio: 'pipe' }), /Command failed/);
    await local.setPolicy('TdxVm', POLICY);
    assert.equal((await local.getPolicy('TdxVm')).body, POLICY);
    const made = JSON.parse(execFileSync(service.stack.program('lazaret'), ['key', 'administrator', '--out', join(folder, 'made.pem')], { encoding: 'utf8' }));
    assert.deepEqual(Object.keys(made).sort(), ['crv', 'kty', 'x', 'y']);
  });

  test('what was set is what evidence is judged by, at once', async () => {
    assert.equal((await service.attest())['x-ms-policy-hash'], 'bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw');
    await client.setPolicy('SgxEnclave', OTHER, { privateKey: alice.privateKey, certificate: alice.certificate });
    const claims = await service.attest();
    assert.equal(claims.department, 'radiology');
    assert.equal(claims['x-ms-policy-hash'], sha256(Buffer.from(OTHER).toString('base64url')));
    assert.deepEqual(claims['x-ms-policy-signer'].x5c, [alice.der.toString('base64')]);
    await client.setPolicy('SgxEnclave', DENYING);
    await assert.rejects(service.attest(), refusedWith('PolicyEvaluationError'));
    await client.resetPolicy('SgxEnclave');
    assert.equal((await service.attest())['x-ms-policy-hash'], 'bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw');
  });

  test('policies survive a restart', async () => {
    await client.setPolicy('SgxEnclave', OTHER);
    await service.stack.processes.stop('attestation');
    await service.stack.startProgram('attestation', JSON.parse(readFileSync(service.stack.path('config', 'attestation.json'), 'utf8')));
    assert.equal((await client.getPolicy('SgxEnclave')).body, OTHER);
  });

  test('a key set that changes is taken up', async () => {
    const renewed = new Provider(PROVIDER, 'renewed');
    writeFileSync(keysFile, JSON.stringify(renewed.keySet));
    const bearer = renewed.token({ aud: AUDIENCE, sub: 'a reader' });
    for (let tries = 0; ; tries++) {
      if ((await service.send('GET', '/certificates', undefined, { bearer })).status === 200) break;
      assert.ok(tries < 100, 'not within 25 seconds');
      await sleep(250);
    }
    assert.equal((await service.send('GET', '/certificates', undefined, { bearer: reader() })).status, 401);
  });
});

describe('where policy signers decide (isolated)', () => {
  let service, client, server;
  const provider = new Provider(PROVIDER);
  const asked = [];
  const administrator = localKey();

  before(async () => {
    service = await Service.open(async (stack) => {
      server = https.createServer({ key: readFileSync(stack.tls.key), cert: readFileSync(stack.tls.certificate) }, (request, response) => {
        asked.push(request.url);
        response.end(JSON.stringify(provider.keySet));
      });
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      const keysUrl = `https://localhost:${server.address().port}/tenant/keys?version=1`;
      return { trust: 'isolated', policy_signers: alice.file, administrators: [{ key: administrator.jwk },
        { issuer: PROVIDER, audience: AUDIENCE, keys_url: keysUrl, ca: stack.tls.ca, readers: { roles: ['Reader'] } }] };
    });
    client = service.azure.at(service.url, localBearer(administrator, service.url));
  });
  after(async () => {
    await service?.close();
    server?.close();
    server?.closeAllConnections();
  });

  test('a provider\'s key set comes from its address', async () => {
    const answer = await service.send('GET', '/certificates', undefined, { bearer: provider.token({ aud: AUDIENCE, roles: ['Reader'] }) });
    assert.equal(answer.status, 200);
    assert.ok(asked.length >= 1 && asked.every((path) => path === '/tenant/keys?version=1'), asked.join());
  });

  const thumbprint = (signer) => createHash('sha1').update(signer.der).digest('hex').toUpperCase();

  test('only the policy signers set and reset policies', async () => {
    await assert.rejects(client.setPolicy('SgxEnclave', POLICY), refusedWith('InvalidOperation', 400, /unsigned JWS/));
    await assert.rejects(client.setPolicy('SgxEnclave', POLICY, { privateKey: eve.privateKey, certificate: eve.certificate }), refusedWith('InvalidOperation'));
    await assert.rejects(client.resetPolicy('SgxEnclave'), refusedWith('InvalidOperation', 400, /unsigned JWS/));
    const set = await client.setPolicy('SgxEnclave', POLICY, { privateKey: alice.privateKey, certificate: alice.certificate });
    assert.deepEqual((await service.verified(set.token))['x-ms-policy-signer'], signerOf(alice));
    assert.equal((await client.getPolicy('SgxEnclave')).body, POLICY);
    assert.equal((await client.resetPolicy('SgxEnclave', { privateKey: alice.privateKey, certificate: alice.certificate })).body.policyResolution, 'Removed');
  });

  test('policy signers are listed, added and removed', async () => {
    const first = await client.getPolicyManagementCertificates();
    assert.equal(first.body.length, 1);
    assert.deepEqual((await service.verified(first.token))['x-ms-policy-certificates'], { keys: [signerOf(alice)] });
    const added = await client.addPolicyManagementCertificate(bob.certificate, alice.privateKey, alice.certificate);
    assert.equal(added.body.certificateResolution, 'IsPresent');
    assert.equal(added.body.certificateThumbprint, thumbprint(bob));
    assert.equal((await client.getPolicyManagementCertificates()).body.length, 2);
    await client.setPolicy('SevSnpVm', POLICY, { privateKey: bob.privateKey, certificate: bob.certificate });
    await assert.rejects(client.addPolicyManagementCertificate(eve.certificate, eve.privateKey, eve.certificate), refusedWith('InvalidOperation'));
    const removed = await client.removePolicyManagementCertificate(alice.certificate, bob.privateKey, bob.certificate);
    assert.equal(removed.body.certificateResolution, 'IsAbsent');
    assert.equal(removed.body.certificateThumbprint, thumbprint(alice));
    await assert.rejects(client.setPolicy('SevSnpVm', POLICY, { privateKey: alice.privateKey, certificate: alice.certificate }), refusedWith('InvalidOperation'));
    await assert.rejects(client.removePolicyManagementCertificate(bob.certificate, bob.privateKey, bob.certificate), refusedWith('InvalidOperation', 400, /last/));
  });

  test('both forms of the body, and the four names of the certificate', async () => {
    const bearer = localBearer(administrator, service.url);
    const about = (name, signer) => jwsOf({ alg: 'RS256', x5c: [bob.der.toString('base64')] }, { [name]: { kty: 'RSA', x5c: [signer.der.toString('base64')] } }, bob.privateKey);
    for (const name of ['policyCertificate', 'maa-policyCertificate', 'aas-policyCertificate', 'x-ms-policyCertificate']) {
      for (const [add, remove, version] of [[JSON.stringify(about(name, eve)), JSON.stringify(about(name, eve)), '2022-08-01'],
        [JSON.stringify({ policyCertificateToAdd: about(name, eve) }), JSON.stringify({ policyCertificateToRemove: about(name, eve) }), '2025-06-01']]) {
        for (const [path, body, result] of [['/certificates:add', add, 'IsPresent'], ['/certificates:remove', remove, 'IsAbsent']]) {
          const answer = await service.send('POST', path, body, { bearer, type: 'application/json', version });
          const text = await answer.text();
          assert.equal(answer.status, 200, text);
          const claims = await service.verified(JSON.parse(text).token);
          assert.equal(claims['x-ms-policycertificates-result'], result);
          assert.equal(claims['x-ms-certificate-thumbprint'], thumbprint(eve));
        }
      }
    }
    const nameless = await service.send('POST', '/certificates:add', JSON.stringify(about('certificate', eve)), { bearer, type: 'application/json' });
    assert.equal((await nameless.json()).error.code, 'InvalidOperation');
  });
});

describe('signing keys', () => {
  let service;
  const administrator = localKey();
  const get = async (path) => (await (await service.fetch(`${service.url}${path}`)).json()).keys;
  const rotate = (bearer) => service.fetch(`${service.url}/.well-known/lazaret/keys:rotate`, { method: 'POST', headers: bearer ? { authorization: `Bearer ${bearer}` } : {} });
  const nextOf = async () => {
    for (let i = 0; i < 100; i++) {
      const next = (await get('/.well-known/lazaret/keys')).find((key) => key.status === 'next');
      if (next) return next;
      await sleep(100);
    }
    throw new Error('no next key was made');
  };
  before(async () => { service = await Service.open({ administrators: [{ key: administrator.jwk }] }); });
  after(() => service?.close());

  test('only an administrator has the next key sign', async () => {
    const { kid } = await nextOf();
    for (const bearer of [undefined, 'a.b.c', localBearer(localKey(), service.url)]) assert.equal((await rotate(bearer)).status, 401);
    assert.equal((await nextOf()).kid, kid);
  });

  test('the next key signs, was listed before, and the one before it stays listed', async () => {
    const next = await nextOf();
    assert.ok((await get('/certs')).some((key) => key.kid === next.kid));
    const former = (await get('/.well-known/lazaret/keys')).find((key) => key.status === 'current');
    assert.equal((await rotate(localBearer(administrator, service.url))).status, 200);
    const client = service.azure.at(service.url, localBearer(administrator, service.url));
    const { token } = await client.getPolicy('SgxEnclave');
    assert.equal(JSON.parse(Buffer.from(token.split('.')[0], 'base64url')).kid, next.kid);
    await service.verified(token);
    const history = await get('/.well-known/lazaret/keys');
    assert.equal(history.find((key) => key.kid === former.kid).status, 'retired');
    assert.ok((await get('/certs')).some((key) => key.kid === former.kid));
    assert.notEqual((await nextOf()).kid, next.kid);
  });
});

describe('without administrators', () => {
  let service;
  before(async () => { service = await Service.open({}); });
  after(() => service?.close());

  test('nobody reads or changes anything', async () => {
    const client = service.azure.at(service.url, localBearer(localKey(), service.url));
    await assert.rejects(client.getPolicy('SgxEnclave'), refusedWith('Unauthorized', 401));
    await assert.rejects(client.setPolicy('SgxEnclave', POLICY), refusedWith('Unauthorized', 401));
    await assert.rejects(client.getPolicyManagementCertificates(), refusedWith('Unauthorized', 401));
  });
});

describe('two replicas on one PostgreSQL', { skip: noPostgres }, () => {
  let postgres, service, clients, urls;
  const administrator = localKey();

  before(async () => {
    postgres = await Postgres.start();
    const management = { postgres: postgres.connection, administrators: [{ key: administrator.jwk }] };
    service = await Service.open(management);
    await service.stack.startProgram('attestation', { ...service.stack.ownConfiguration('attestation'), attested_log: undefined, listen: '127.0.0.1:0',
      ready_file: '../state/attestation/second.ready', management }, { name: 'second' });
    const port = await portIn(service.stack.path('state', 'attestation', 'second.ready'));
    urls = [service.url, `https://localhost:${port}`];
    clients = urls.map((url) => service.azure.at(url, localBearer(administrator, service.url)));
  });
  after(async () => {
    await service?.close();
    await postgres?.stop();
  });

  test('each sees the other\'s changes within a second', async () => {
    const latencies = [];
    for (let round = 0; round < 10; round++) {
      const [writer, reader] = round % 2 === 0 ? clients : [...clients].reverse();
      const text = round % 2 === 0 ? OTHER : POLICY;
      await writer.setPolicy('SgxEnclave', text);
      const acknowledged = Date.now();
      while ((await reader.getPolicy('SgxEnclave')).body !== text) assert.ok(Date.now() - acknowledged < 1000, 'not within a second');
      latencies.push(Date.now() - acknowledged);
    }
    console.log(`a change is seen by the other replica after ${Math.max(...latencies)} ms at most`);
  });

  test('changes at the same time are made one after the other', async () => {
    const types = ['SgxEnclave', 'OpenEnclave', 'SevSnpVm', 'TdxVm', 'Tpm'];
    await Promise.all(types.map((type, i) => clients[i % 2].setPolicy(type, OTHER)));
    await sleep(1000);
    for (const client of clients) {
      for (const type of types) assert.equal((await client.getPolicy(type)).body, OTHER, type);
    }
  });

  test('both judge by the policy that was set at one', async () => {
    await clients[0].setPolicy('SgxEnclave', OTHER);
    await sleep(1000);
    for (const url of urls) assert.equal((await service.attest(url)).department, 'radiology');
  });

  test('a token of one replica is verified by the keys of the other', async () => {
    const [{ token }, { token: other }] = await Promise.all(clients.map((client) => client.getPolicy('SgxEnclave')));
    await service.verified(token, urls[1]);
    await service.verified(other, urls[0]);
  });

  test('while the database is away nothing is changed, and what is known is served', async () => {
    const server = postgres.process;
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGQUIT');
    await ended;
    assert.equal((await clients[0].getPolicy('SgxEnclave')).body, OTHER);
    const answer = await service.send('PUT', '/policies/SgxEnclave', jwsOf({ alg: 'none' }, policyPayload(POLICY)), { bearer: localBearer(administrator, service.url) });
    assert.equal(answer.status, 503);
    assert.equal(answer.headers['retry-after'], '2');
    await postgres.resume();
    await clients[1].setPolicy('SgxEnclave', POLICY);
    const acknowledged = Date.now();
    while ((await clients[0].getPolicy('SgxEnclave')).body !== POLICY) assert.ok(Date.now() - acknowledged < 6000, 'not seen again');
  });
});
