// SPDX-License-Identifier: Apache-2.0
// Looks at every process of a running stack: memory, threads, open files, processor time.
import { readFileSync, readdirSync } from 'node:fs';

const TICKS_PER_S = 100;

const read = (path) => {
  try { return readFileSync(path, 'utf8'); } catch { return ''; }
};

function childrenOf(pid) {
  // Any thread may be the parent.
  let tasks = [];
  try { tasks = readdirSync(`/proc/${pid}/task`); } catch { return []; }
  return tasks.flatMap((task) => read(`/proc/${pid}/task/${task}/children`).trim().split(' ').filter(Boolean).map(Number));
}

function descendantsOf(pid) {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** The processes of a stack by what they are: "platform launcher", "platform", "platform children", "redis", "nginx" ... */
export function processesOf(stack, names) {
  const groups = new Map();
  for (const name of names) {
    const entry = stack.processes.get(name);
    if (!entry) continue;
    const { pid } = entry.child;
    if (['attestation', 'gate', 'diagnosis', 'platform'].includes(name)) {
      const own = childrenOf(pid);
      groups.set(`${name} launcher`, [pid]);
      groups.set(name, own);
      const contained = own.flatMap(descendantsOf);
      if (contained.length > 0) groups.set(`${name} children`, contained);
    } else {
      groups.set(name, [pid, ...descendantsOf(pid)]);
    }
  }
  return groups;
}

const field = (text, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);

/** Proportional share of memory in KiB: the kernel walks all pages for it. */
export function proportionalKiB(pids) {
  return pids.reduce((sum, pid) => sum + field(read(`/proc/${pid}/smaps_rollup`), 'Pss'), 0);
}

/** What a group of processes holds, memory in KiB; files is -1 where they may not be counted. */
export function look(pids) {
  const facts = { processes: pids.length, rss: 0, threads: 0, files: 0 };
  for (const pid of pids) {
    const status = read(`/proc/${pid}/status`);
    facts.rss += field(status, 'VmRSS');
    facts.threads += field(status, 'Threads');
    try {
      facts.files += readdirSync(`/proc/${pid}/fd`).length;
    } catch (error) {
      if (error.code !== 'ENOENT') facts.files = -1;
    }
  }
  return facts;
}

/** Seconds of processor time that the processes have used. */
export function processorSeconds(pids) {
  return pids.reduce((sum, pid) => {
    const fields = read(`/proc/${pid}/stat`).split(') ').at(-1).split(' ');
    return fields.length > 14 ? sum + (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S : sum;
  }, 0);
}

/** Seconds that all processors were busy and idle since the machine started. */
export function machineSeconds() {
  const [user, nice, system, idle, wait, irq, soft, steal] = /^cpu +(.*)$/m.exec(read('/proc/stat'))[1].split(' ').map(Number);
  return { busy: (user + nice + system + irq + soft + steal) / TICKS_PER_S, idle: (idle + wait) / TICKS_PER_S };
}
