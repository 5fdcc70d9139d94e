// SPDX-License-Identifier: Apache-2.0
// Starts programs and stops just those. Each writes its log to a file; when one ends unexpectedly, its last lines are told, and
// under supervision it is started again: at once the first time, then after growing pauses, until it has run for a while.
import { spawn, execFileSync } from 'node:child_process';
import { openSync, closeSync, readFileSync, existsSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A start fails if the program ends before it is up. What ran for a while begins with the shortest pause again; what was never
 *  up is given up after so many failures, what was up once is not (its disk may be full for now). */
export const SUPERVISION = { firstPauseMs: 50, lastPauseMs: 5000, ranAWhileMs: 2000, maxFailures: 6 };

const endText = (end) => end.error?.message ?? end.signal ?? `exit ${end.code}`;

export class Processes {
  #running = new Map();
  #restarts = new Map();
  #onUnexpectedEnd;
  #supervision;
  #stopping = false;

  /** `supervision`: { log, giveUp, and what differs from SUPERVISION }: unexpected ends are told with `log` and mended; `giveUp(name, end, lines)` is called for a
   *  program that never comes up. Without it they are told with `onUnexpectedEnd(name, end, lines)`. */
  constructor(onUnexpectedEnd, supervision) {
    this.#onUnexpectedEnd = onUnexpectedEnd;
    this.#supervision = supervision && { ...SUPERVISION, ...supervision };
  }

  /** Starts `command`; `options.log` is the file for both outputs. `options.ready`: a file that it writes once it is up, removed
   *  before each start; without one it is up as soon as it runs. */
  start(name, command, args, options) {
    return this.#spawn({ name, command, args, options, wasEverUp: false, failures: 0, pauseMs: SUPERVISION.firstPauseMs });
  }

  #spawn(plan) {
    const { name, options } = plan;
    if (options.ready) forget(options.ready);
    const log = openSync(options.log, 'a', 0o600);
    // A group of its own, so that what it leaves behind can be ended; and it ends with this process, however that ends.
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', plan.command, ...plan.args], {
      stdio: ['ignore', log, log], cwd: options.cwd, env: options.env ?? process.env, detached: true });
    closeSync(log);
    const entry = { name, child, log: options.log, startedMs: Date.now(), ended: null };
    entry.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve({ code: -1, error }));
      child.once('exit', (code, signal) => resolve({ code, signal }));
    }).then((end) => {
      if (this.#running.get(name) === entry) this.#running.delete(name);
      entry.end = end;
      endGroup(child.pid);
      if (!this.#stopping && !entry.isStopping) this.#afterUnexpectedEnd(plan, entry);
      return end;
    });
    this.#running.set(name, entry);
    return entry;
  }

  #afterUnexpectedEnd(plan, entry) {
    const { name, options } = plan;
    if (!this.#supervision) {
      this.#onUnexpectedEnd?.(name, entry.end, lastLines(options.log));
      return;
    }
    const { firstPauseMs, lastPauseMs, ranAWhileMs, maxFailures, log, giveUp } = this.#supervision;
    const ranMs = Date.now() - entry.startedMs;
    const wasUp = options.ready ? existsSync(options.ready) : ranMs >= firstPauseMs;
    const wasEverUp = plan.wasEverUp || wasUp;
    const failures = plan.failures + 1;
    if (!wasEverUp && failures >= maxFailures) {
      giveUp(name, entry.end, lastLines(options.log));
      return;
    }
    const pauseMs = wasUp && ranMs >= ranAWhileMs ? firstPauseMs : plan.pauseMs;
    log(`${name} ended unexpectedly (${endText(entry.end)}); it is started again${pauseMs >= 1000 ? ` in ${pauseMs / 1000} s` : ''}`);
    entry.isReplaced = true;
    const next = { ...plan, wasEverUp, failures, pauseMs: Math.min(pauseMs * 2, lastPauseMs) };
    this.#restarts.set(name, setTimeout(() => {
      this.#restarts.delete(name);
      this.#spawn(next);
    }, pauseMs));
  }

  #cancelRestart(name) {
    clearTimeout(this.#restarts.get(name));
    this.#restarts.delete(name);
  }

  get(name) {
    return this.#running.get(name);
  }

  /** Ends one program: SIGTERM, and SIGKILL if it has not ended after `graceMs`. */
  async stop(name, graceMs = 5000) {
    this.#cancelRestart(name);
    const entry = this.#running.get(name);
    if (!entry) return;
    entry.isStopping = true;
    entry.child.kill('SIGTERM');
    const ended = await Promise.race([entry.ended.then(() => true), sleep(graceMs, false, { ref: false })]);
    if (!ended) {
      entry.child.kill('SIGKILL');
      await entry.ended;
    }
  }

  async stopAll() {
    this.#stopping = true;
    for (const name of [...this.#restarts.keys()]) this.#cancelRestart(name);
    // Last started first: callers go before what they call.
    for (const name of [...this.#running.keys()].reverse()) await this.stop(name);
  }
}

/** What a program that was killed left in its group: nginx's workers would keep its ports. */
function endGroup(leader) {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

export function lastLines(file, count = 8) {
  if (!existsSync(file)) return '';
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
}

/** Runs a program to its end and gives what it printed; on failure the error has `status`, `stdout` and `stderr`. */
export function run(command, args, options = {}) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options });
  } catch (error) {
    const said = (error.stderr || error.stdout || error.message).toString().trim();
    throw Object.assign(new Error(`${command.split('/').pop()} ${args[0] ?? ''}: ${said}`), { status: error.status, stdout: error.stdout, stderr: error.stderr });
  }
}

/** Waits until `file` (made by a program that listens) holds a port. */
export async function portIn(file, entry, timeoutMs = 20000) {
  const until = Date.now() + timeoutMs;
  while (Date.now() < until) {
    if (existsSync(file)) {
      const port = Number(readFileSync(file, 'utf8').trim());
      if (port > 0) return port;
    }
    if (entry.end && !entry.isReplaced) throw new Error(`${entry.name} did not start:\n${lastLines(entry.log)}`);
    await sleep(20);
  }
  throw new Error(`${entry.name} does not listen after ${timeoutMs / 1000} s:\n${lastLines(entry.log)}`);
}

export function forget(file) {
  rmSync(file, { force: true });
}
