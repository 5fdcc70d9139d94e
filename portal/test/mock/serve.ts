// SPDX-License-Identifier: Apache-2.0
//
// A deployment for working on the pages without the real programs: portal, platform and attestation service on three
// loopback ports, everything in memory. Never part of the product. Usage: npm run mock -- [--port 8090] [--refuse gate]
// (then sign in as clerk, doctor or admin with "lazaret-demo").

import '../support/webcrypto.js';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { decodeRequest, encodeResponse } from '../../src/channel/bhttp.js';
import { CHAIN_CHANGED } from '../../src/channel/problem.js';
import { textHash, utf8 } from '../../src/trust/encoding.js';
import { Deployment } from '../support/deployment.js';
import { openRequest } from '../support/gateway.js';
import { Records } from './records.js';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8090' }, refuse: { type: 'string' }, away: { type: 'string' },
    hardware: { type: 'boolean', default: false }, slow: { type: 'string', default: '60' },
  },
});
const port = Number(values.port);
const [portalUrl, platformUrl, attestationUrl] = [0, 1, 2].map((i) => `http://localhost:${port + i}`);

const deployment = await Deployment.make();
Object.assign(deployment, { issuer: attestationUrl });
const touch = () => { deployment.now = Math.floor(Date.now() / 1000); };
touch();
deployment.manifestBend = { issued: deployment.now - 86400, recovery: deployment.platform.hpke!.jwk };
if (values.hardware) {
  const simulated = { payload: { 'lazaret-simulated': undefined } };
  deployment.platformBend = simulated;
  deployment.freshBend = simulated;
  const token = deployment.token.bind(deployment);
  deployment.token = (item, bend = {}) => token(item, { ...bend, payload: { 'lazaret-simulated': undefined, ...bend.payload } });
}
if (values.refuse === 'platform') deployment.freshBend = { payload: { 'x-ms-sgx-mrenclave': 'ab'.repeat(32) } };
else if (values.refuse) {
  deployment.hopBends[values.refuse] = { verdict: 'refused', code: 'ERR_TOKEN_IDENTITY', reason: 'claims.x-ms-sgx-mrenclave: another measurement' };
}
if (values.away) deployment.hopBends[values.away] = { verdict: 'unreachable', token: null, key: null, code: 'ERR_CONNECT', reason: 'connection refused' };
await deployment.remake();

const folder = mkdtempSync(join(tmpdir(), 'portal-mock-'));
writeFileSync(join(folder, 'manifest.jws'), deployment.manifest());
execFileSync('node', [
  'scripts/assemble.mjs', '--dist', 'dist', '--out', join(folder, 'site'), '--manifest', join(folder, 'manifest.jws'),
  '--platform', platformUrl, '--attestation', attestationUrl, '--deployment', deployment.root.thumbprint, '--hospital', 'Demo hospital',
]);

const records = new Records(deployment, Number(values.slow));
let current = { text: '', hash: '', made: 0 };

async function statement(): Promise<string> {
  touch();
  if (deployment.now - current.made > 60) {
    const text = await deployment.statement();
    current = { text, hash: await textHash(text), made: deployment.now };
  }
  return current.text;
}

async function body(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function answer(response: ServerResponse, status: number, type: string, content: Uint8Array | string): void {
  response.writeHead(status, {
    'content-type': type, 'access-control-allow-origin': portalUrl, 'access-control-allow-headers': 'content-type',
    'access-control-allow-methods': 'GET, POST',
  });
  response.end(content);
}

async function platform(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', platformUrl);
  if (request.method === 'OPTIONS') return answer(response, 204, 'text/plain', '');
  if (request.method === 'GET') {
    const text = await statement();
    const evidence = await deployment.evidence(url.searchParams.get('nonce') ?? '', text);
    return answer(response, 200, 'application/json', JSON.stringify(evidence));
  }
  const opened = await openRequest(deployment.platform.hpke!, new Uint8Array(await body(request)));
  const message = decodeRequest(opened.message);
  const named = message.headers.find(([name]) => name === 'lazaret-statement')?.[1];
  touch();
  const changed = named !== current.hash && deployment.now - current.made < 1;
  const inner = changed
    ? { status: 409, headers: [['content-type', 'application/problem+json']] as const, body: utf8(JSON.stringify({ type: CHAIN_CHANGED })) }
    : await records.handle(message);
  answer(response, 200, 'message/ohttp-res', await opened.seal(encodeResponse(inner)));
}

async function attestation(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'OPTIONS') return answer(response, 204, 'text/plain', '');
  const { nonce } = JSON.parse((await body(request)).toString());
  touch();
  answer(response, 200, 'application/json', JSON.stringify(await deployment.appraise(nonce)));
}

const TYPES: Record<string, string> = { html: 'text/html', js: 'text/javascript', css: 'text/css', json: 'application/json', svg: 'image/svg+xml' };

async function site(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const name = (request.url ?? '/').split('?')[0]!.slice(1) || 'index.html';
  try {
    const content = readFileSync(join(folder, 'site', name.replace(/[^\w.-]/g, '')));
    answer(response, 200, TYPES[name.split('.').at(-1)!] ?? 'application/octet-stream', content);
  } catch {
    answer(response, 404, 'text/plain', 'not found');
  }
}

[site, platform, attestation].forEach((handle, i) => {
  createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      console.error(request.url, error);
      answer(response, 500, 'text/plain', '');
    });
  }).listen(port + i, '127.0.0.1');
});
console.log(`portal ${portalUrl}/  site ${join(folder, 'site')}`);
