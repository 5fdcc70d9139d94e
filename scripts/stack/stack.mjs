// SPDX-License-Identifier: Apache-2.0
// The whole of Lazaret on one machine, on loopback: the one piece that `make run`, `make demo` and the system tests share.
//
//   const stack = await Stack.open({ folder, bin, portal: true });   // makes keys, signatures, manifest where they are missing
//   await stack.start();                                            // all programs, in the order in which they need each other
//   ... stack.urls, stack.accounts ...
//   await stack.stop();
//
// Everything that lasts stands in `folder`: keys, manifest, sealed state. The second start finds it and is quick.
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createHash, randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from './ports.mjs';
import { Processes, lastLines, portIn, run } from './processes.mjs';
import { webCertificates } from './certificates.mjs';
import { nginxArguments } from './nginx.mjs';
import { commandAs, giveTo, ownUsers } from './users.mjs';

export const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** Roles and their product ids under the vendor's key; simulation has ids of its own. */
export const PROGRAMS = { attestation: 101, platform: 102, diagnosis: 103, gate: 104 };

const DEFAULT_PORTS = { portal: 8080, platformIngress: 8081, attestationIngress: 8082, platform: 0, attestation: 0, diagnosis: 0, gate: 0, collateral: 0 };

/** Two programs of one role, as in a hand-over, share its state folder. */
const readyName = (role, name) => (name === role ? 'ready' : `${name}.ready`);

export class Stack {
  #removeAtStop = [];

  /** options: folder; bin (programs); portal (serve it too; 'release': a release's); hospital (name); log (function); manifest (changes to the payload);
   *  supervision ({ log, giveUp }: programs that end unexpectedly are started again; see processes.mjs); restoresRecords (false: a
   *  locked store stays locked). */
  static async open(options) {
    const stack = new this(options);
    await stack.#prepare();
    return stack;
  }

  constructor({ folder, bin, portal = false, hospital = 'Demonstration hospital', log = () => {}, manifest, onUnexpectedEnd, ports, supervision, restoresRecords = true }) {
    this.folder = resolve(folder);
    this.bin = resolve(bin);
    this.servesPortal = Boolean(portal);
    this.portalRelease = join(ROOT, portal === 'release' ? 'build/portal-release' : 'build/portal');
    this.hospital = hospital;
    this.log = log;
    this.changeManifest = manifest ?? ((payload) => payload);
    this.wantedPorts = ports;
    this.restoresRecords = restoresRecords;
    this.processes = new Processes(onUnexpectedEnd ?? ((name, end, lines) => log(`${name} ended unexpectedly:\n${lines}`)), supervision);
  }

  path(...parts) {
    return join(this.folder, ...parts);
  }

  program(name) {
    return join(this.bin, name);
  }

  #tool(name, ...args) {
    return run(this.program(name), args);
  }

  /** Text that is made once and kept. */
  #kept(name, make, mode = 0o600) {
    const file = this.path(name);
    if (!existsSync(file)) writeFileSync(file, make(), { mode });
    return readFileSync(file, 'utf8').trim();
  }

  async #prepare() {
    for (const name of ['', 'keys', 'log', 'config', 'state', 'tls', 'softtee', 'redis', ...Object.keys(PROGRAMS).map((role) => `state/${role}`)])
      mkdirSync(this.path(name), { recursive: true, mode: 0o700 });
    this.#chooseUsers();
    await this.#choosePorts();
    this.tls = webCertificates(this.path('tls'));
    this.#makeKeys();
    this.#signPrograms();
    this.hadRecords = existsSync(this.path('state/platform/master-key.json'));
  }

  /** With users of their own, programs pass the common folders without listing them; keys and logs stay closed. */
  #chooseUsers() {
    const { users, reason } = ownUsers([this.folder, ROOT]);
    this.users = users;
    this.sharedUserReason = reason;
    for (const name of ['', 'config', 'state', 'tls']) chmodSync(this.path(name), users ? 0o711 : 0o700);
  }

  /** What a program alone may read or change: `path` becomes its user's. */
  #giveTo(program, path) {
    if (this.users) giveTo(this.users[program], path);
  }

  async #choosePorts() {
    const file = this.path('ports.json');
    const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : this.wantedPorts ?? DEFAULT_PORTS;
    this.ports = await freePorts({ handOver: 0, ...before });
    writeFileSync(file, JSON.stringify(this.ports));
    this.urls = {
      portal: `http://localhost:${this.ports.portal}`,
      platform: `https://localhost:${this.ports.platform}`,
      attestation: `https://localhost:${this.ports.attestation}`,
      platformIngress: `http://localhost:${this.ports.platformIngress}`,
      attestationIngress: `http://localhost:${this.ports.attestationIngress}`,
      collateral: `http://127.0.0.1:${this.ports.collateral}`,
    };
  }

  #makeKeys() {
    this.#tool('lazaret-softtee', 'init', '--state', this.path('softtee'));
    this.simulatedRoot = JSON.parse(this.#tool('lazaret-softtee', 'root', '--state', this.path('softtee')));
    const vendor = this.path('keys', 'vendor.pem');
    if (!existsSync(vendor)) this.#tool('lazaret-softtee', 'key', '--out', vendor);
    const deployment = this.path('keys', 'deployment.pem');
    this.deployment = this.#kept('keys/deployment.thumbprint', () => this.#tool('lazaret', 'manifest', 'key', '--out', deployment));
    const recovery = this.path('keys', 'recovery.pem');
    this.recovery = JSON.parse(this.#kept('keys/recovery.jwk', () => this.#tool('lazaret', 'key', 'recovery', '--out', recovery)));
    this.password = this.#kept('keys/administrator.password', () => randomBytes(12).toString('base64url'));
    this.passwordHash = this.#kept('keys/administrator.hash', () =>
      run(this.program('lazaret'), ['key', 'password'], { input: this.password, stdio: ['pipe', 'pipe', 'pipe'] }));
  }

  /** Signs each program; its measurement goes into the manifest. */
  #signPrograms() {
    this.measurements = {};
    for (const [role, product] of Object.entries(PROGRAMS)) {
      const signature = this.path('keys', `${role}.sig`);
      this.#tool('lazaret-softtee', 'sign', '--key', this.path('keys', 'vendor.pem'), '--product-id', String(product), '--svn', '1',
        this.program(`lazaret-${role}`), '--out', signature);
      this.measurements[role] = JSON.parse(readFileSync(signature, 'utf8')).mrenclave;
    }
  }

  /** Records are sealed to the platform's measurement on this simulated machine. After a rebuild its store is locked, and the
   *  recovery key, which stands in the stack's folder, opens it again. (Running versions hand over: docs/operations.md.) */
  async #restoreRecords() {
    const file = this.path('records.sealed-to');
    const now = `${this.measurements.platform} ${JSON.stringify(this.simulatedRoot)}`;
    const before = existsSync(file) ? readFileSync(file, 'utf8') : null;
    if (!this.restoresRecords) return;
    if (this.hadRecords && before !== now && await this.#isLocked()) {
      await this.restore();
      this.log('the platform was rebuilt since the last run: its records were opened again with the recovery key');
    }
    writeFileSync(file, now);
  }

  /** The recovery endpoint exists only while the records are locked. */
  async #isLocked() {
    return run('curl', ['--silent', '--cacert', this.tls.ca, '--json', '{}', '--output', '/dev/null', '--write-out', '%{http_code}', `${this.urls.platform}/recovery`]) !== '404';
  }

  /** `lazaret key restore` against this stack's platform, once it has its evidence. */
  async restore(timeoutMs = 20000, changes = {}) {
    const { recovery = this.path('keys', 'recovery.pem'), keyFile = this.path('state/platform/master-key.json') } = changes;
    for (const until = Date.now() + timeoutMs; ;) {
      try {
        return this.#tool('lazaret', 'key', 'restore', '--platform', this.urls.platform, '--attestation', this.urls.attestation, '--ca', this.tls.ca,
          '--manifest', this.path('manifest.jws'), '--deployment', this.deployment, '--recovery', recovery, '--master-key-file', keyFile);
      } catch (error) {
        if (!/platform's evidence/.test(error.message) || Date.now() > until) throw error;
        await new Promise((wake) => setTimeout(wake, 100));
      }
    }
  }

  #manifestPayload(issuerKeys) {
    const roles = {};
    for (const role of Object.keys(PROGRAMS)) roles[role] = { identities: [{ tee: 'sgx', mrenclave: this.measurements[role] }] };
    const issuers = issuerKeys ? [{ issuer: this.urls.attestation, keys: issuerKeys, policy_hashes: ['bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw'] }] : [];
    return this.changeManifest({
      name: this.hospital, deployment: this.deployment, roles, issuers, token_max_age: 3600, minimum_tcb_evaluation: 1,
      administrator: { user: 'admin', password_hash: this.passwordHash }, recovery: this.recovery,
      simulation: { roots: [this.simulatedRoot] },
    });
  }

  /** Signs a manifest unless the present one says the same; its version grows with each. */
  #signManifest(issuerKeys) {
    const payload = this.#manifestPayload(issuerKeys);
    const digest = createHash('sha256').update(JSON.stringify(payload)).digest('hex');
    const file = this.path('manifest.jws');
    const known = this.path('manifest.known.json');
    const before = existsSync(known) ? JSON.parse(readFileSync(known, 'utf8')) : { version: 0 };
    if (before.digest === digest && existsSync(file)) return false;
    const version = before.version + 1;
    const unsigned = this.path('manifest.json');
    writeFileSync(unsigned, JSON.stringify({ ...payload, version, issued: Math.floor(Date.now() / 1000) }));
    this.#tool('lazaret', 'manifest', 'sign', '--key', this.path('keys', 'deployment.pem'), '--out', file, unsigned);
    writeFileSync(known, JSON.stringify({ version, digest }));
    return true;
  }

  #configure(role, name, own) {
    const file = this.path('config', `${name}.json`);
    writeFileSync(file, JSON.stringify({
      manifest: '../manifest.jws', deployment: this.deployment, state: `../state/${role}`, listen: `127.0.0.1:${this.ports[role]}`,
      ready_file: `../state/${role}/${readyName(role, name)}`,
      ...(role === 'attestation' ? {} : { attestation: { url: this.urls.attestation, ca: this.tls.ca } }), ...own,
    }, null, 2));
    return file;
  }

  /** Launches a program inside the software TEE and waits until it listens. */
  async startProgram(role, own = this.ownConfiguration(role), { name = role, program = this.program(`lazaret-${role}`), signature = this.path('keys', `${role}.sig`) } = {}) {
    const config = this.#configure(role, name, own);
    const ready = this.path('state', role, readyName(role, name));
    const user = this.users ? ['--user', `${this.users[role].user}:${this.users[role].group}`] : [];
    this.#giveTo(role, this.path('state', role));
    const entry = this.processes.start(name, this.program('lazaret-softtee'), ['launch', '--state', this.path('softtee'), '--signature',
      signature, ...user, '--', program, '--config', config], { log: this.path('log', `${name}.log`), ready });
    await portIn(ready, entry);
    return entry;
  }

  /** The web key, in a copy of the program's own. */
  #webIdentity(role) {
    const key = this.path('tls', `${role}.key`);
    copyFileSync(this.tls.key, key);
    chmodSync(key, 0o600);
    this.#giveTo(role, key);
    return { certificate: this.tls.certificate, key };
  }

  get redisSocket() {
    return this.path('redis', 'redis.sock');
  }

  ownConfiguration(role) {
    const origins = [this.urls.portal];
    switch (role) {
      case 'attestation': return { tls: this.#webIdentity(role), issuer: this.urls.attestation, collateral: { url: this.urls.collateral }, portal_origins: origins,
        attested_log: '../state/attestation/attested.jsonl' };
      case 'gate': return { inner: `unix:${this.redisSocket}`, accept: ['platform'] };
      case 'diagnosis': return { model: join(ROOT, 'models/chest-xray/model.json'), runtime: join(ROOT, '.deps/onnxruntime/lib/libonnxruntime.so.1') };
      case 'platform': return { tls: this.#webIdentity(role), gate: `127.0.0.1:${this.ports.gate}`, diagnosis: `127.0.0.1:${this.ports.diagnosis}`, portal_origins: origins,
        hand_over: { listen: `127.0.0.1:${this.ports.handOver}` } };
      default: throw new Error(`no configuration for ${role}`);
    }
  }

  startCollateral() {
    return this.processes.start('softtee', this.program('lazaret-softtee'), ['serve', '--state', this.path('softtee'), '--listen',
      `127.0.0.1:${this.ports.collateral}`], { log: this.path('log', 'softtee.log') });
  }

  /** Its folder, and so its socket, is open to the gate's group alone. */
  startRedis() {
    this.#giveTo('redis', this.path('redis'));
    chmodSync(this.path('redis'), this.users ? 0o750 : 0o700);
    const [command, args] = commandAs(this.users?.redis, 'redis-server', ['--port', '0', '--unixsocket', this.redisSocket, '--unixsocketperm',
      this.users ? '770' : '700', '--save', '', '--appendonly', 'no', '--daemonize', 'no', '--dir', this.path('redis')]);
    return this.processes.start('redis', command, args, { log: this.path('log', 'redis.log') });
  }

  /** The attestation service's keys, taken from it only after its own evidence was verified. */
  #issuerKeys() {
    return JSON.parse(this.#tool('lazaret', 'manifest', 'issuer', '--url', this.urls.attestation, '--ca', this.tls.ca, '--collateral-url',
      this.urls.collateral, '--manifest', this.path('manifest.jws'), '--deployment', this.deployment));
  }

  async start() {
    await this.startAttestation();
    this.startRedis();
    await Promise.all(['gate', 'diagnosis', 'platform'].map((role) => this.startProgram(role)));
    await this.#restoreRecords();
    if (this.servesPortal) await this.startPortal();
  }

  /** The collateral's source and the attestation service, with a manifest that names its keys. `own` changes its configuration. */
  async startAttestation(own = {}) {
    this.startCollateral();
    const configuration = { ...this.ownConfiguration('attestation'), ...own };
    const keysFile = this.path('keys', 'issuer.jwks');
    let keys = existsSync(keysFile) ? JSON.parse(readFileSync(keysFile, 'utf8')) : null;
    this.#signManifest(keys);
    await this.startProgram('attestation', configuration);
    const present = this.#issuerKeys();
    if (JSON.stringify(present) !== JSON.stringify(keys)) {
      keys = present;
      writeFileSync(keysFile, JSON.stringify(keys), { mode: 0o600 });
      this.#signManifest(keys);
      // It starts from the manifest that names its key, too, so that it can show a token of its own.
      await this.processes.stop('attestation');
      await this.startProgram('attestation', configuration);
    }
  }

  /** Started by root, nginx serves as another user. Where that is not one of the stack's, who can reach its folder, its files stand
   *  in one of their own. */
  #webFolder() {
    if (this.users || process.getuid?.() !== 0) return this.path('nginx');
    const folder = mkdtempSync(join(tmpdir(), 'lazaret-web-'));
    chmodSync(folder, 0o755);
    this.#removeAtStop.push(folder);
    return folder;
  }

  async startPortal() {
    const folder = this.#webFolder();
    const site = join(folder, 'site');
    mkdirSync(site, { recursive: true, mode: 0o755 });
    run('node', [join(ROOT, 'portal/scripts/assemble.mjs'), '--dist', this.portalRelease, '--out', site, '--manifest', this.path('manifest.jws'),
      '--platform', this.urls.platformIngress, '--attestation', this.urls.attestationIngress,
      `--deployment=${this.deployment}`, // a thumbprint may begin with a dash
      '--hospital', this.hospital, '--headers', join(folder, 'headers.conf')]);
    this.site = site;
    const nginx = existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx';
    const configured = nginxArguments(folder, { portalFolder: site, headersFile: join(folder, 'headers.conf'), ports: this.ports });
    const [command, args] = commandAs(this.users?.nginx, nginx, configured);
    this.#giveTo('nginx', join(folder, 'tmp'));
    this.processes.start('nginx', command, args, { log: this.path('log', 'nginx.log') });
  }

  /** Waits until the platform says that it is ready; the error holds what it waits for. */
  async ready(timeoutMs = 20000) {
    const until = Date.now() + timeoutMs;
    let last = '';
    while (Date.now() < until) {
      try {
        return run('curl', ['--silent', '--fail-with-body', '--cacert', this.tls.ca, `${this.urls.platform}/readyz`]);
      } catch (error) {
        last = error.message;
      }
      await new Promise((wake) => setTimeout(wake, 50));
    }
    throw new Error(`the platform is not ready after ${timeoutMs / 1000} s: ${last}\n${lastLines(this.path('log', 'platform.log'))}`);
  }

  /** `lazaret client ...` against this platform, as a hospital would. */
  client(args, options = {}) {
    return run(this.program('lazaret'), ['client', args[0], '--platform', this.urls.platform, '--attestation', this.urls.attestation, '--ca', this.tls.ca,
      '--manifest', this.path('manifest.jws'), '--deployment', this.deployment, '--seen', this.path('hospital.seen'), ...args.slice(1)], options);
  }

  async stop() {
    await this.processes.stopAll();
    for (const folder of this.#removeAtStop) rmSync(folder, { recursive: true, force: true });
  }
}
