// SPDX-License-Identifier: Apache-2.0
// The real @azure/attestation, unmodified, in a process of its own: NODE_EXTRA_CA_CERTS, by which it takes our authority,
// is read only when Node starts. One client serves all calls of one run, token validation is on.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const CHILD = `
import * as azure from '@azure/attestation';
const { endpoint, token, calls } = JSON.parse(await new Promise((resolve) => {
  let text = '';
  process.stdin.on('data', (chunk) => { text += chunk; }).on('end', () => resolve(text));
}));
const validationOptions = { validateToken: true, validateIssuer: true, expectedIssuer: endpoint };
const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3600000 }) };
const clients = {
  attest: new azure.AttestationClient(endpoint, { validationOptions }),
  administer: token === undefined ? undefined : new azure.AttestationAdministrationClient(endpoint, credential, { validationOptions }),
};
const revive = (value) => (value?.bytes !== undefined ? Buffer.from(value.bytes, 'base64url')
  : value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, revive(member)])) : value);
// The client's results are objects of classes, whose values are accessors of the class.
const accessors = (value) => Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(value))).filter(([, { get }]) => get !== undefined).map(([name]) => name);
const told = (value) => {
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64url') };
  if (Array.isArray(value)) return value.map(told);
  if (value === null || typeof value !== 'object') return value;
  const names = Object.getPrototypeOf(value) === Object.prototype ? Object.keys(value) : [...Object.keys(value).filter((name) => !name.startsWith('_')), ...accessors(value)];
  return Object.fromEntries(names.map((name) => [name, told(value[name])]));
};
const outcomes = [];
for (const { client = 'attest', method, parameters = [] } of calls) {
  try {
    const answer = await clients[client][method](...parameters.map(revive));
    outcomes.push(answer?.token?.serialize !== undefined ? { body: told(answer.body), token: answer.token.serialize() } : { body: told(answer) });
  } catch (error) {
    outcomes.push({ error: { name: error.name, code: error.code, statusCode: error.statusCode, message: error.message } });
  }
}
console.log(JSON.stringify(outcomes));
`;

/** Bytes among parameters, as Buffers arrive at the client. */
export const bytes = (base64url) => ({ bytes: base64url });

/**
 * Calls methods one after the other and tells what came of each: {body, token} or {error: {name, code, statusCode, message}}.
 * A call is {client: 'attest' (default) or 'administer', method, parameters}; `token` is the administrator's.
 */
export async function azureCalls(stack, calls, token) {
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', CHILD],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: stack.tls.ca }, cwd: new URL('.', import.meta.url).pathname, maxBuffer: 16 << 20 });
  run.child.stdin.end(JSON.stringify({ endpoint: stack.urls.attestation, token, calls }));
  return JSON.parse((await run).stdout);
}
