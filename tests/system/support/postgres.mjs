// SPDX-License-Identifier: Apache-2.0
// A real PostgreSQL server of one's own on a free port of loopback. It does not run as root, so root starts it as Debian's user for it.
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../../scripts/stack/ports.mjs';

const VERSIONS = '/usr/lib/postgresql';
const version = existsSync(VERSIONS) ? readdirSync(VERSIONS).find((name) => existsSync(join(VERSIONS, name, 'bin/postgres'))) : undefined;
/** Why there is none, or false. */
export const missing = version ? false : 'postgresql is not installed (scripts/setup does it)';

export class Postgres {
  static async start() {
    const server = new Postgres();
    server.folder = mkdtempSync(join(tmpdir(), 'lazaret-postgres-'));
    server.who = process.getuid() === 0 ? userNamed('postgres') : {};
    if (server.who.uid !== undefined) chownSync(server.folder, server.who.uid, server.who.gid);
    server.#run('initdb', ['-D', server.folder, '-A', 'trust', '-U', 'lazaret', '--no-sync']);
    ({ postgres: server.port } = await freePorts({ postgres: 0 }));
    await server.resume();
    return server;
  }

  get connection() {
    return `host=127.0.0.1 port=${this.port} user=lazaret dbname=postgres`;
  }

  #program(name) {
    return join(VERSIONS, version, 'bin', name);
  }

  #run(name, words) {
    const { status, stderr } = spawnSync(this.#program(name), words, { ...this.who, cwd: this.folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${name}: ${stderr}`);
  }

  async resume() {
    const words = ['-D', this.folder, '-k', this.folder, '-p', String(this.port), '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off'];
    this.process = spawn(this.#program('postgres'), words, { ...this.who, cwd: this.folder, stdio: 'ignore' });
    for (let tries = 0; tries < 200; tries++) {
      if (spawnSync(this.#program('pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(this.port)], this.who).status === 0) return;
      await sleep(50);
    }
    throw new Error('postgres does not listen');
  }

  async stop() {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGQUIT');
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function userNamed(name) {
  const number = (flag) => Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout);
  return { uid: number('-u'), gid: number('-g') };
}
