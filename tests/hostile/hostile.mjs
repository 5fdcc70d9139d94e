// SPDX-License-Identifier: Apache-2.0
// The attestation service with legitimate clients, alone and under attack: idle connections by the thousand, slow senders, bodies too
// large or without an end, floods of requests, one connection for each request. Clients and attackers have loopback addresses of their
// own; then the attackers come from the clients' addresses. Attackers run at the lowest priority: on machines of their own they would
// not take the server's processors, and here they have what it leaves.
//
//     node tests/hostile/hostile.mjs [SECONDS]        figures, also as JSON in build/hostile.json
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { ROOT, Stack } from '../../scripts/stack/stack.mjs';
import { childrenOf, descendantsOf, memoryMiB } from '../../scripts/stack/process-figures.mjs';

const LOAD = join(ROOT, 'build/product/bench/attest-load');
const ATTACK = join(ROOT, 'build/product/tests/hostile/attack');
const QUOTES = 200;
const BUILD_UP_S = 20; // connections beyond their share have to wait
const CLIENTS = [...Array(40)].map((_, i) => `127.0.1.${i + 1}`); // so many that none comes to its limit when it has all to itself
const ATTACKERS = [...Array(16)].map((_, i) => `127.0.0.${i + 2}`);
/** Connections of each kind. */
export const FULL = { idle: 5000, slow: 200, oversize: 50, endless: 50, flood: 64, appraise: 64, reconnect: 64 };
const answersOf = async (command, args) => JSON.parse((await promisify(execFile)(command, args, { maxBuffer: 1 << 24 })).stdout);

class Siege {
  constructor(stack) {
    this.stack = stack;
    this.address = `127.0.0.1:${stack.ports.attestation}`;
    this.requests = stack.path('requests');
  }

  memory() {
    return memoryMiB(childrenOf(this.stack.processes.get('attestation').child.pid).flatMap((pid) => [pid, ...descendantsOf(pid)])).pss;
  }

  legitimate(seconds) {
    return answersOf(LOAD, ['run', this.address, this.requests, String(CLIENTS.length), String(seconds), '0', ...CLIENTS]);
  }

  /** All kinds at once; what each did. */
  attack(kinds, seconds, from) {
    return Promise.all(Object.entries(kinds).map(([kind, connections]) =>
      answersOf('nice', ['-n', '19', ATTACK, kind, this.address, String(connections), String(seconds), this.requests, ...from])));
  }

  /** Legitimate load in the midst of an attack that has begun before, and goes on after it. */
  async under(kinds, seconds, from, buildUpS) {
    const attacks = this.attack(kinds, seconds + buildUpS + 1, from);
    await sleep(buildUpS * 1000);
    let most = 0;
    const watching = setInterval(() => { most = Math.max(most, this.memory()); }, 500);
    const served = await this.legitimate(seconds);
    clearInterval(watching);
    return { served, seconds: seconds + buildUpS + 1, attacks: await attacks, memoryMiB: Math.max(most, this.memory()) };
  }
}

const goodOf = (result) => result.statuses['200'] ?? 0;

/** What came of it: `alone`, `attacked`, `shared` (attackers at the clients' addresses), each with its figures. */
export async function hostile({ bin = join(ROOT, 'build/bin'), seconds = 10, buildUpS = BUILD_UP_S, kinds = FULL, folder = mkdtempSync(join(tmpdir(), 'lazaret-hostile-')) } = {}) {
  const stack = await Stack.open({ folder, bin, ports: { portal: 0, platformIngress: 0, attestationIngress: 0, platform: 0, attestation: 0, diagnosis: 0, gate: 0, collateral: 0 } });
  try {
    await stack.startAttestation();
    execFileSync(stack.program('lazaret-softtee'), ['launch', '--state', stack.path('softtee'), '--', LOAD, 'requests', stack.path('requests'), String(QUOTES), `localhost:${stack.ports.attestation}`]);
    const siege = new Siege(stack);
    await siege.legitimate(1);
    const memoryBefore = siege.memory();
    const alone = await siege.legitimate(seconds);
    const attacked = await siege.under(kinds, seconds, ATTACKERS, buildUpS);
    await sleep(1000);
    const shared = await siege.under(kinds, seconds, CLIENTS, buildUpS);
    await sleep(1000);
    const afterwards = await siege.legitimate(Math.min(seconds, 3));
    return { alone, attacked, shared, afterwards, memoryBefore, memoryAfter: siege.memory() };
  } finally {
    await stack.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function tell(result) {
  const rate = (served) => goodOf(served) / served.seconds;
  const line = (name, value) => console.log(`  ${name.padEnd(58)} ${value}`);
  const latency = (served) => `p50 ${served.p50_ms.toFixed(1)} ms, p99 ${served.p99_ms.toFixed(1)} ms (${(served.p99_ms / served.p50_ms).toFixed(1)} times), statuses ${JSON.stringify(served.statuses)}, lost ${served.lost}, failed connections ${served.failed}`;
  line('legitimate clients alone', `${rate(result.alone).toFixed(0)} tokens per second; ${latency(result.alone)}`);
  for (const [name, { served, seconds, attacks, memoryMiB: memory }] of [['under attack from other addresses', result.attacked], ['under attack from their own addresses', result.shared]]) {
    line(`legitimate clients ${name}`, `${rate(served).toFixed(0)} tokens per second, ${(rate(served) / rate(result.alone)).toFixed(2)} of it alone; ${latency(served)}`);
    for (const one of attacks) line(`    ${one.kind}`, `${one.open} open, ${one.dialled} dialled, ${one.requests} requests, ${(one.bytes / 2 ** 20).toFixed(0)} MiB, ${one.answers} answers, ${one.refused} of them 429`);
    const asked = attacks.reduce((sum, one) => sum + one.requests, 0) / seconds;
    line('    requests of the attackers in a second', `${asked.toFixed(0)}, ${(asked / rate(result.alone)).toFixed(0)} times what is served alone`);
    line('    memory of the service', `${memory.toFixed(1)} MiB, ${result.memoryBefore.toFixed(1)} before`);
  }
  line('legitimate clients afterwards', `${rate(result.afterwards).toFixed(0)} tokens per second; memory ${result.memoryAfter.toFixed(1)} MiB`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = await hostile({ seconds: Number(process.argv[2] ?? 10) });
  tell(result);
  writeFileSync(join(ROOT, 'build/hostile.json'), JSON.stringify(result, null, 1));
}
