// SPDX-License-Identifier: Apache-2.0
// What processes use, as /proc tells it. Those that end while one looks count as nothing.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

export const childrenOf = (pid) => read(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number);
export const descendantsOf = (pid) => childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);

/** User and system time of all threads, of processes that were waited for too. */
export function processorSeconds(pids) {
  return pids.reduce((sum, pid) => {
    const fields = read(`/proc/${pid}/stat`).replace(/^.*\) /, '').split(' ');
    return fields.length < 15 ? sum : sum + [11, 12, 13, 14].reduce((own, at) => own + Number(fields[at]), 0) / TICKS_PER_SECOND;
  }, 0);
}

/** `rss`: pages of each process; `pss`: pages that several share, once in all. */
export function memoryMiB(pids) {
  const total = { rss: 0, pss: 0 };
  for (const pid of pids) {
    const text = read(`/proc/${pid}/smaps_rollup`);
    total.rss += Number(/^Rss:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
    total.pss += Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
  }
  return total;
}
