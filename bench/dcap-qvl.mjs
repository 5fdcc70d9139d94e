// SPDX-License-Identifier: Apache-2.0
// Verifications per second of npm @phala/dcap-qvl (pure JavaScript, one thread) on genuine quotes with their collateral, to stand
// beside bench-evidence's figures for the same files. That library keeps nothing between calls: each one checks the whole collateral
// anew.
//     node dcap-qvl.mjs [SECONDS]      a line for people for each quote to standard error, JSON objects to standard output
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const shared = process.env.LAZARET_SHARED ?? fileURLToPath(new URL('../../shared', import.meta.url));
const cases = [
  { name: 'genuine SGX', folder: 'vectors/sgx/sgx-v3-00606a000000-268c0681', collateral: 'collateral-20250620-ev17', at: 1750416906 },
  { name: 'genuine TDX', folder: 'vectors/tdx/tdx10-v4-90c06f000000-cbdb5b2f', collateral: 'collateral-20260325-ev18', at: 1774457881 },
];
if (!existsSync(join(shared, cases[0].folder))) {
  console.error(`  no shared vectors at ${shared}: @phala/dcap-qvl is left out`);
  process.exit(0);
}
const { default: library } = await import('@phala/dcap-qvl');
const wanted = Number(process.argv[2] ?? 3);

function read({ folder, collateral, at }) {
  const quote = readFileSync(join(shared, folder, 'quote.bin'));
  const parts = JSON.parse(readFileSync(join(shared, folder, collateral, 'collateral.json'), 'utf8'));
  for (const name of ['root_ca_crl', 'pck_crl', 'tcb_info_signature', 'qe_identity_signature']) parts[name] = Buffer.from(parts[name], 'hex');
  return () => library.verify(quote, parts, at);
}

async function measure(verify) {
  const { status } = await verify();
  const start = process.hrtime.bigint();
  const cpu = process.cpuUsage();
  const elapsed = () => Number(process.hrtime.bigint() - start) / 1e9;
  let count = 0;
  for (; elapsed() < wanted; count++) await verify();
  const used = process.cpuUsage(cpu);
  return { status, perSecond: count / elapsed(), cpuUs: (used.user + used.system) / count };
}

for (const one of cases) {
  const { status, perSecond, cpuUs } = await measure(read(one));
  const name = `@phala/dcap-qvl 0.3.9, ${one.name}`;
  console.error(`  ${name.padEnd(59)} ${perSecond.toFixed(0).padStart(8)} ${cpuUs.toFixed(1).padStart(8)}   (${status})`);
  const figure = (value, unit) => console.log(JSON.stringify({ bench: 'dcap-qvl', name, value, unit }));
  figure(perSecond, 'per s');
  figure(cpuUs, 'us of CPU');
}
