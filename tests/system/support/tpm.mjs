// SPDX-License-Identifier: Apache-2.0
// A whole TPM 2.0 (swtpm) on sockets of its own in a temporary folder, spoken to by tpm2-tools as an operator would.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from './until.mjs';

const found = (program) => (process.env.PATH ?? '').split(':').some((folder) => existsSync(path.join(folder, program)));
export const missing = ['swtpm', 'tpm2_quote'].filter((program) => !found(program));

/** One TPM; `stop` ends it and removes what it kept. */
export class Tpm {
  static async start() {
    const tpm = new Tpm();
    tpm.folder = mkdtempSync(path.join(tmpdir(), 'lazaret-tpm-'));
    mkdirSync(tpm.file('state'));
    tpm.process = spawn('swtpm', ['socket', '--tpm2', '--tpmstate', `dir=${tpm.file('state')}`, '--server', `type=unixio,path=${tpm.file('tpm')}`,
      '--ctrl', `type=unixio,path=${tpm.file('tpm.ctrl')}`, '--flags', 'not-need-init,startup-clear'], { stdio: 'ignore' });
    await until(() => existsSync(tpm.file('tpm')) && existsSync(tpm.file('tpm.ctrl')), 'swtpm listens');
    return tpm;
  }

  file(name) {
    return path.join(this.folder, name);
  }

  /** One of tpm2-tools; files are named without their folder. Sessions and loaded objects are put away: a TPM has room for three. */
  run(tool, ...options) {
    const environment = { ...process.env, TPM2TOOLS_TCTI: `swtpm:path=${this.file('tpm')}` };
    const one = (name, list) => execFileSync(name, list, { cwd: this.folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = one(`tpm2_${tool}`, options);
    for (const kind of ['-t', '-l']) one('tpm2_flushcontext', [kind]);
    return output;
  }

  /** An endorsement key and an attestation key under it: <name>.ctx, and <name>.pub, TPM2B_PUBLIC. */
  createAttestationKey(name, { key, hash, scheme }) {
    this.run('createek', '-c', `${name}.ek`, '-G', key.startsWith('ecc') ? 'ecc' : 'rsa', '-u', `${name}.ekpub`);
    this.run('createak', '-C', `${name}.ek`, '-c', `${name}.ctx`, '-G', key, '-g', hash, '-s', scheme, '-u', `${name}.pub`, '-f', 'tss', '-n', `${name}.name`);
  }

  /** <out>.msg, <out>.sig and <out>.pcrs. */
  quote(key, out, { pcrs = 'sha256:0,4,7,16', nonce = '0011223344', hash = 'sha256', scheme } = {}) {
    this.run('quote', '-c', `${key}.ctx`, '-l', pcrs, '-q', nonce, '-m', `${out}.msg`, '-s', `${out}.sig`, '-o', `${out}.pcrs`, '-g', hash,
      ...(scheme === undefined ? [] : ['--scheme', scheme]));
  }

  async stop() {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill();
    await ended;
    rmSync(this.folder, { recursive: true });
  }
}
