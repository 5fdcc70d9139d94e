// SPDX-License-Identifier: Apache-2.0
// A machine with a real TPM 2.0 (swtpm) is attested by the running service: both messages through the real @azure/attestation client, under
// policies that an administrator sets, to reports that npm jose verifies.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalJWKSet, importX509, jwtVerify } from 'jose';
import { AzureAdministration, localBearer, localKey } from './support/administration.mjs';
import { AttestedMachine, eventLog, softwareKey, windows } from './support/attested-machine.mjs';
import { azureCalls } from './support/azure-client.mjs';
import { closeStack, openStack } from './support/stack.mjs';
import { missing } from './support/tpm.mjs';
import { fetchWith } from './support/web.mjs';

const skip = missing.length === 0 ? false : `${missing.join(' and ')} not installed (scripts/setup does it)`;
const INIT = JSON.stringify({ payload: { type: 'aikcert' } });
const RP_DATA = Buffer.from('a nonce of the relying party').toString('base64url');
const PERMIT = 'version=1.0; authorizationrules { [type=="aikValidated", value==true] => permit(); };';

const administrator = localKey();
const key = softwareKey(generateKeyPairSync('rsa', { modulusLength: 2048 }));
let machine, stack, azure, fetch, policies, folder;

before(async () => {
  if (skip) return;
  machine = await AttestedMachine.start();
  folder = mkdtempSync(path.join(tmpdir(), 'lazaret-tpm-roots-'));
  chmodSync(folder, 0o755);
  writeFileSync(path.join(folder, 'roots.pem'), machine.authority);
  stack = await openStack();
  await stack.startAttestation({ management: { administrators: [{ key: administrator.jwk }] }, tpm_roots: path.join(folder, 'roots.pem') });
  fetch = fetchWith(stack.tls.ca);
  azure = new AzureAdministration(stack.tls.ca);
  policies = azure.at(stack.urls.attestation, localBearer(administrator, stack.urls.attestation));
});

after(async () => {
  azure?.close();
  fetch?.close();
  await closeStack(stack);
  await machine?.stop();
  if (folder) rmSync(folder, { recursive: true });
});

/** What the service answers each message, through one client. */
async function sendAll(messages) {
  const outcomes = await azureCalls(stack, messages.map((message) => ({ method: 'attestTpm', parameters: [message] })));
  return outcomes.map(({ body, error }) => (error ? { error } : JSON.parse(body).payload));
}

async function send(message) {
  const [answer] = await sendAll([message]);
  if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
  return answer;
}

const setPolicy = (text) => policies.setPolicy('Tpm', text);
let answer; // a challenge: good for ten minutes, and for more than one request
const challenge = async () => (answer ??= await send(INIT));
const attest = async (options, by = key) => (await send(machine.request(await challenge(), by, { rpData: RP_DATA, ...options }))).report;

async function verified(report) {
  const keys = await (await fetch(`${stack.urls.attestation}/certs`)).json();
  const { payload, protectedHeader } = await jwtVerify(report, createLocalJWKSet(keys), { issuer: stack.urls.attestation });
  return { payload, header: protectedHeader, keys };
}

function refused(code, pattern) {
  return (error) => {
    assert.deepEqual([error.name, error.statusCode, error.code], ['RestError', 400, code], error.message);
    assert.match(error.message, pattern);
    return true;
  };
}

test('without a policy there is nothing to attest', { skip }, async () => {
  await assert.rejects(send(INIT), refused('Bad request', /polic/i));
});

test('a report tells what the machine proved, and confirms its key', { skip }, async () => {
  await setPolicy(`version=1.2; configurationrules{}; authorizationrules { [type=="aikValidated", value==true] => permit(); };
issuancerules {
[type=="secureBootEnabled", value==true] && [type=="vbsEnabled", value==true] && [type=="bootDebuggingDisabled", value==true] && [type=="notSafeMode", value==true]
  && [type=="notWinPE", value==true] && [type=="iommuEnabled", value==true] && [type=="tpmVersion", value==2] => issue(type="PlatformAttested", value=true);
c:[type=="events", issuer=="AttestationService"] => add(type="efiConfigVariables", value=JmesPath(c.value,
  "Events[?EventTypeString == 'EV_EFI_VARIABLE_DRIVER_CONFIG' && ProcessedData.VariableGuid == '8BE4DF61-93CA-11D2-AA0D-00E098032B8C']"));
c:[type=="efiConfigVariables", issuer=="AttestationPolicy"] => issue(type="SecureBootEnabled", value=JsonToClaimValue(JmesPath(c.value,
  "[?ProcessedData.UnicodeName == 'SecureBoot'] | length(@) == \`1\` && @[0].ProcessedData.VariableData == 'AQ'")));
c:[type=="${stack.urls.attestation}/site"] => issue(type="site", value=c.value);
};`);
  const before = Math.floor(Date.now() / 1000);
  const report = await attest();
  const { payload, header, keys } = await verified(report);
  assert.equal(payload.PlatformAttested, true);
  assert.equal(payload.SecureBootEnabled, true);
  assert.equal(payload.site, 'ward 3');
  assert.deepEqual(payload['x-ms-policy'], { PlatformAttested: true, SecureBootEnabled: true, site: 'ward 3' });
  assert.deepEqual(payload.cnf, { jwk: key.jwk });
  assert.deepEqual(payload['x-ms-tpm-request-key'], { jwk: key.jwk, info: { tpm_quote: { hash_alg: 'sha-256' } } });
  assert.deepEqual([payload.rp_data, payload.nonce, payload['x-ms-ver'], payload['x-ms-attestation-type']], [RP_DATA, RP_DATA, '1.0', 'tpm']);
  assert.ok(payload.iat >= before && payload.exp - payload.iat === 86400 && payload.iat - payload.nbf === 300);
  assert.deepEqual(Object.keys(header).sort(), ['alg', 'jku', 'kid', 'typ', 'x5c']);
  assert.ok(keys.keys.some(({ x5c, kid }) => kid === header.kid && x5c[0] === header.x5c[0]));
  // As PEM: given DER, Node would look for PEM in it first, and find the chain in the quote that the certificate carries.
  const pem = `-----BEGIN CERTIFICATE-----\n${header.x5c[0].replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
  await jwtVerify(report, await importX509(pem, header.alg), { issuer: stack.urls.attestation });
});

test('a policy chooses the header and the life of reports', { skip }, async () => {
  await setPolicy(`version=1.1; configurationrules { => issueproperty(type="omit_x5c", value=true); => issueproperty(type="report_validity_in_minutes", value=5); };
authorizationrules { => permit(); }; issuancerules {};`);
  const { payload, header } = await verified(await attest());
  assert.equal(payload.exp - payload.iat, 300);
  assert.deepEqual(Object.keys(header).sort(), ['alg', 'jku', 'kid', 'typ', 'x5t']);
  const { keys } = await (await fetch(`${stack.urls.attestation}/certs`)).json();
  const der = Buffer.from(keys.find(({ kid }) => kid === header.kid).x5c[0], 'base64');
  assert.equal(header.x5t, createHash('sha1').update(der).digest('base64url'));
});

test('a key that never leaves the TPM signs the request, certified by the attestation key', { skip }, async () => {
  await setPolicy(`version=1.2; configurationrules{}; authorizationrules { => permit(); }; issuancerules {
c:[type=="x-ms-tpm-request-key"] => issue(type="attributes", value=JsonToClaimValue(JmesPath(c.value, "info.tpm_certify.obj_attr"))); };`);
  const resident = machine.createKey();
  const { payload } = await verified(await attest({}, resident));
  assert.deepEqual(payload.cnf, { jwk: resident.jwk });
  assert.equal(payload.attributes & 0x32, 0x32); // fixedTPM, fixedParent, sensitiveDataOrigin
  assert.equal(payload['x-ms-tpm-request-key'].info.tpm_certify.name_alg, 11);
});

test('quotes over two banks', { skip }, async () => {
  await setPolicy(`version=1.0; authorizationrules { => permit(); }; issuancerules { c:[type=="secureBootEnabled"] => issue(claim=c); };`);
  assert.equal((await verified(await attest({ list: 'sha1+sha256' }))).payload.secureBootEnabled, true);
});

test('what does not hold is refused', { skip }, async () => {
  await setPolicy(PERMIT);
  const [first, second] = await sendAll([INIT, INIT]);
  const current = (payload) => payload.att_data.tpm_att_data.current_attestation;
  const changed = (change) => machine.request(first, key, { change: (payload) => { change(payload); return payload; } });
  const stranger = softwareKey(generateKeyPairSync('rsa', { modulusLength: 2048 }));
  const cases = [
    [/extraData/, machine.request(first, key, { nonce: Buffer.from('another nonce') })],
    [/event_log/, changed((payload) => { current(payload).logs[0].log = eventLog(windows.slice(0, -1)).toString('base64url'); })],
    [/aik_cert/, changed((payload) => { current(payload).aik_pub = key.jwk; })],
    [/aik_cert/, changed((payload) => { delete current(payload).aik_cert; })],
    [/request_key/, changed((payload) => { payload.att_data.request_key.info = {}; })],
    [/challenge/, machine.request({ ...first, service_context: second.service_context }, key)],
    [/service_context/, machine.request({ challenge: first.challenge, service_context: Buffer.alloc(68).toString('base64url') }, key)],
    [/signature/, machine.request(first, { ...key, sign: stranger.sign })],
  ];
  const outcomes = await sendAll(cases.map(([, message]) => message));
  for (const [index, { error }] of outcomes.entries()) {
    assert.ok(error, `case ${index} was attested`);
    refused('InvalidParameter', cases[index][0])(error);
  }
});

test('a policy that does not permit fails the attestation', { skip }, async () => {
  await setPolicy('version=1.0; authorizationrules { [type=="vbsReportPresent", value==true] => permit(); };');
  await assert.rejects(attest(), refused('PolicyEvaluationError', /./));
});
