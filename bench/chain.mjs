// SPDX-License-Identifier: Apache-2.0
// The whole chain on this machine: what a sealed request costs over a plain one, what a diagnosis costs through platform and
// attested TLS, and how much memory each program holds. Figures go to standard output as JSON lines, the table to standard error.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, Stack } from '../scripts/stack/stack.mjs';
import { SealedClient } from '../tests/system/support/sealed-client.mjs';
import { fetchWith } from '../tests/system/support/web.mjs';

const seconds = Number(process.argv[2] ?? 1);

function figure(name, value, unit) {
  process.stderr.write(`  ${name.padEnd(58)} ${value.toFixed(value < 100 ? 3 : 0).padStart(12)} ${unit}\n`);
  console.log(JSON.stringify({ bench: 'chain', name, value: Number(value.toPrecision(6)), unit }));
}

/** Median milliseconds of an operation, repeated for the time given. */
async function median(operation) {
  await operation();
  const times = [];
  const end = performance.now() + seconds * 2000;
  while (performance.now() < end || times.length < 5) {
    const started = performance.now();
    await operation();
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

function residentMiB(pid) {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

/** The launcher stays as the parent of each program. */
function childrenOf(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

function descendantsOf(pid) {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

const folder = mkdtempSync(join(tmpdir(), 'lazaret-bench-'));
const stack = await Stack.open({ folder, bin: join(ROOT, 'build/bin'), ports: { portal: 0, platformIngress: 0, attestationIngress: 0, platform: 0, attestation: 0, diagnosis: 0, gate: 0, collateral: 0 } });
const fetch = fetchWith(stack.tls.ca);
try {
  await stack.start();
  await stack.ready();
  const administrator = new SealedClient(stack.urls.platform, fetch);
  await administrator.connect();
  await administrator.signIn('admin', stack.password);
  await administrator.request('POST', '/accounts', { user: 'bench', name: 'Bench', role: 'clerk', password: 'correct horse battery' });
  const client = new SealedClient(stack.urls.platform, fetch);
  await client.connect();
  await client.signIn('bench', 'correct horse battery');
  const patient = (await client.request('POST', '/fhir/Patient', { resourceType: 'Patient', name: [{ family: 'Bench' }], gender: 'other', birthDate: '2020-01-01' })).json().id;

  const plain = await median(() => fetch(`${stack.urls.platform}/healthz`));
  figure('plain HTTPS request (health)', plain, 'ms');
  const small = await median(() => client.request('GET', `/fhir/Patient/${patient}`));
  figure('sealed request with an answer of about 1 KiB', small, 'ms');
  figure('sealed over plain, about 1 KiB', small / plain, 'times');
  const megabyte = Buffer.alloc(1 << 20, 7);
  const { film } = (await client.request('POST', '/films', { patient, size: 8 << 20 })).json();
  const large = await median(() => client.request('PUT', `/films/${film}/parts/0`, megabyte));
  figure('sealed request with a body of 1 MiB, kept on disk', large, 'ms');

  const samples = join(ROOT, 'models/chest-xray/samples');
  const bytes = readFileSync(join(samples, 'synthetic-normal.dcm'));
  const upload = (await client.request('POST', '/films', { patient, size: bytes.length })).json();
  for (let part = 0; part < upload.parts; part++) await client.request('PUT', `/films/${upload.film}/parts/${part}`, bytes.subarray(part << 20, (part + 1) << 20));
  const { study } = (await client.request('POST', `/films/${upload.film}/complete`, { sha256: createHash('sha256').update(bytes).digest('hex') })).json();
  const order = { resourceType: 'ServiceRequest', status: 'active', intent: 'order', code: { text: 'Chest film' }, subject: { reference: `Patient/${patient}` }, supportingInfo: [{ reference: `ImagingStudy/${study}` }] };
  const chained = await median(() => client.request('POST', '/fhir/ServiceRequest', order));
  figure('diagnosis through the chain, filed in the record', chained, 'ms');
  const bareProgram = join(ROOT, 'build/product/bench/bench-inference');
  const bare = execFileSync(bareProgram, [String(seconds)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], cwd: ROOT }).split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const bareMs = bare.find((entry) => entry.unit === 'ms' && /1 thread/.test(entry.name));
  if (bareMs) {
    figure('the same model bare in ONNX Runtime, 1 thread', bareMs.value, 'ms');
    figure('chain over bare', chained / bareMs.value, 'times');
  }
  for (const name of ['attestation', 'gate', 'diagnosis', 'platform']) {
    const launcher = stack.processes.get(name).child.pid;
    const own = childrenOf(launcher);
    const contained = own.flatMap(descendantsOf);
    figure(`resident memory, lazaret-${name}`, own.reduce((sum, pid) => sum + residentMiB(pid), 0), 'MiB');
    if (contained.length > 0) figure(`resident memory, contained children of lazaret-${name}`, contained.reduce((sum, pid) => sum + residentMiB(pid), 0), 'MiB');
    figure(`resident memory, launcher of lazaret-${name}`, residentMiB(launcher), 'MiB');
  }
} finally {
  fetch.close();
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
}
