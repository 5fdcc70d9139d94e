// SPDX-License-Identifier: Apache-2.0
// Starts programs and stops just those. Each writes its log to a file; when one ends unexpectedly, its last lines are told.
import { spawn, execFileSync } from 'node:child_process';
import { openSync, closeSync, readFileSync, existsSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export class Processes {
  #running = new Map();
  #onUnexpectedEnd;
  #stopping = false;

  constructor(onUnexpectedEnd) {
    this.#onUnexpectedEnd = onUnexpectedEnd;
  }

  /** Starts `command`; `options.log` is the file for both outputs. */
  start(name, command, args, options) {
    const log = openSync(options.log, 'a', 0o600);
    const child = spawn(command, args, { stdio: ['ignore', log, log], cwd: options.cwd, env: options.env ?? process.env });
    closeSync(log);
    const entry = { name, child, log: options.log, ended: null };
    entry.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve({ code: -1, error }));
      child.once('exit', (code, signal) => resolve({ code, signal }));
    }).then((end) => {
      this.#running.delete(name);
      entry.end = end;
      if (!this.#stopping && !entry.isStopping) this.#onUnexpectedEnd?.(name, end, lastLines(options.log));
      return end;
    });
    this.#running.set(name, entry);
    return entry;
  }

  get(name) {
    return this.#running.get(name);
  }

  /** Ends one program: SIGTERM, and SIGKILL if it has not ended after `graceMs`. */
  async stop(name, graceMs = 5000) {
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
    // Last started first: callers go before what they call.
    for (const name of [...this.#running.keys()].reverse()) await this.stop(name);
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
    if (entry.end) throw new Error(`${entry.name} did not start:\n${lastLines(entry.log)}`);
    await sleep(20);
  }
  throw new Error(`${entry.name} does not listen after ${timeoutMs / 1000} s:\n${lastLines(entry.log)}`);
}

export function forget(file) {
  rmSync(file, { force: true });
}
