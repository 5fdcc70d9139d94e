// SPDX-License-Identifier: Apache-2.0
// Verifications per second of npm @phala/dcap-qvl (pure JavaScript, one thread) on one quote with its collateral, to stand beside
// bench-evidence's figure for the same files. That library keeps nothing between calls: each one checks the whole collateral anew.
//     node dcap-qvl.mjs [SECONDS]      a line for people to standard error, a JSON object to standard output
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const shared = process.env.LAZARET_SHARED ?? fileURLToPath(new URL('../../shared', import.meta.url));
const folder = join(shared, 'vectors/sgx/sgx-v3-00606a000000-268c0681');
const at = 1750416906;
if (!existsSync(folder)) {
  console.error(`  no shared vectors at ${folder}: @phala/dcap-qvl is left out`);
  process.exit(0);
}
const { default: library } = await import('@phala/dcap-qvl');

const quote = readFileSync(join(folder, 'quote.bin'));
const collateral = JSON.parse(readFileSync(join(folder, 'collateral-20250620-ev17/collateral.json'), 'utf8'));
for (const name of ['root_ca_crl', 'pck_crl', 'tcb_info_signature', 'qe_identity_signature']) collateral[name] = Buffer.from(collateral[name], 'hex');
const verify = () => library.verify(quote, collateral, at);

const wanted = Number(process.argv[2] ?? 3);
const { status } = await verify();
const start = process.hrtime.bigint();
const cpu = process.cpuUsage();
const elapsed = () => Number(process.hrtime.bigint() - start) / 1e9;
let count = 0;
for (; elapsed() < wanted; count++) await verify();
const perSecond = count / elapsed();
const used = process.cpuUsage(cpu);
const cpuUs = (used.user + used.system) / count;
console.error(`  ${'@phala/dcap-qvl 0.3.9, the same genuine quote'.padEnd(47)} ${perSecond.toFixed(0).padStart(9)} ${''.padStart(8)} ${cpuUs.toFixed(0).padStart(8)}   (${status})`);
const figure = (value, unit) => console.log(JSON.stringify({ bench: 'dcap-qvl', name: '@phala/dcap-qvl 0.3.9, the same genuine quote', value, unit }));
figure(perSecond, 'per s');
figure(cpuUs, 'us of CPU');
