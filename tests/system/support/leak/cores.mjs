// SPDX-License-Identifier: Apache-2.0
// Core dumps that are asked for: the limit is lifted from outside, then a signal that dumps is sent. What the kernel writes is found
// by where its pattern says; a pattern that leads elsewhere is set for the moment, where the machine lets us, and put back.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PATTERN = '/proc/sys/kernel/core_pattern';
const WAIT_MS = 20000;

/** Answers `{ dump(pid, signal), close() }`, or `{ reason }` why no core can be seen on this machine. Cores are gathered in `folder`. */
export function coreTrap(folder) {
  mkdirSync(folder, { recursive: true });
  const before = readFileSync(PATTERN, 'utf8').trim();
  const isRelative = !/^[|/]/.test(before) && !before.includes('/');
  if (!isRelative) {
    try {
      writeFileSync(PATTERN, 'core');
    } catch (error) {
      return { reason: `core dumps go to "${before}", which cannot be changed here (${error.code})` };
    }
  }
  return {
    dump: (pid, signal) => dump(folder, pid, signal),
    close: () => {
      if (!isRelative) writeFileSync(PATTERN, before);
    },
  };
}

function state(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat[stat.lastIndexOf(')') + 2];
  } catch {
    return null;
  }
}

/** Lifts a process' limit of core dumps, and that of what it starts from then on, as far as we may: without CAP_SYS_RESOURCE not
 *  beyond a hard limit, and not for other users' processes. */
export function liftLimit(pid) {
  for (const limit of ['unlimited:unlimited', 'unlimited:']) {
    try {
      execFileSync('prlimit', ['--pid', String(pid), `--core=${limit}`], { stdio: 'ignore' });
      return;
    } catch {
      // The next, weaker one.
    }
  }
}

/** Ends the process with `signal`; answers the path of its core, null if it left none, undefined if it had ended before. */
async function dump(folder, pid, signal) {
  if ([null, 'Z', 'X'].includes(state(pid))) return undefined;
  liftLimit(pid);
  let where;
  let there;
  try {
    where = readlinkSync(`/proc/${pid}/cwd`);
    there = new Set(readdirSync(where));
    process.kill(pid, signal);
  } catch (error) {
    // It ended meanwhile: a contained child whose program was the one before.
    if (['ENOENT', 'ESRCH'].includes(error.code)) return undefined;
    throw error;
  }
  // A process whose parent has not asked yet stays as a zombie; its core is written by then.
  for (const until = Date.now() + WAIT_MS; ![null, 'Z', 'X'].includes(state(pid)); await sleep(5))
    if (Date.now() > until) throw new Error(`process ${pid} did not end by ${signal}`);
  const core = readdirSync(where).find((name) => /^core(\.|$)/.test(name) && !there.has(name));
  if (core === undefined) return null;
  const kept = join(folder, `${pid}.${basename(core)}`);
  renameSync(join(where, core), kept);
  return kept;
}
