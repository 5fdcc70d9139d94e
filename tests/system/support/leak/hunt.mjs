// SPDX-License-Identifier: Apache-2.0
// One hunt: the whole stack, the whole story with planted values, and looks into every place where a value could come to light,
// during the story and after it. Tells, place by place, how much was read and what was found; each look also seeks a mark that
// must be there, so that a look that sees nothing is told from a place that holds nothing.
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Stack } from '../../../../scripts/stack/stack.mjs';
import { ANY_PORTS } from '../stack.mjs';
import { coreTrap, liftLimit } from './cores.mjs';
import { lookAtBytes, lookAtFile, lookAtFolder, lookAtMemory, lookAtOpenFiles, processTree, swapAreas, swappedOut } from './places.mjs';
import { Search } from './search.mjs';
import { Story } from './story.mjs';
import { captureLoopback, payloads, recordSocket } from './traffic.mjs';

export const IS_ROOT = process.getuid?.() === 0;

/** What each place certainly holds in clear. "run" is the name of the hunt's folder: it stands in every command line, and so in
 *  the memory of every process. */
const MARKS = { 'a log line': 'program.listening', 'a type of record': 'AllergyIntolerance', 'the head of a Redis dump': 'redis-ver', 'a Redis command': '\r\nSET\r\n$', 'a program': 'LAZARET_SOFTTEE' };

/** Where the hunt looks: what must be seen there, and whether only root can look. */
export const PLACES = {
  logs: { mark: 'a log line' },
  'records on disk': { mark: 'a type of record' },
  'values in Redis': { mark: 'the head of a Redis dump' },
  'traffic between gate and Redis': { mark: 'a Redis command' },
  'files of the stack': { mark: 'run' },
  'temporary files': { mark: 'run' },
  'open files without a name': { mark: 'a program', rootOnly: true },
  'traffic on loopback': { mark: 'a sealed request', rootOnly: true },
  'core dumps': { mark: 'run', rootOnly: true },
  swap: { rootOnly: true },
  'memory of the gate': { mark: 'run', rootOnly: true },
  'memory of the attestation service': { mark: 'run', rootOnly: true },
  'memory of Redis': { mark: 'run', rootOnly: true },
  'memory of nginx': { mark: 'run', rootOnly: true },
  'memory of the launchers': { mark: 'run', rootOnly: true },
  'memory of the collateral server': { mark: 'run', rootOnly: true },
  // It reads films, by its nature; whose they are it is never told.
  'memory of the diagnosis service, but for pictures': { mark: 'run', rootOnly: true },
  // While somebody works it holds what he works on, by its nature; who works there it may remember.
  'memory of the platform, once all have signed out, but for staff': { mark: 'run', rootOnly: true },
};

const MEMORY_OF = {
  gate: 'memory of the gate', attestation: 'memory of the attestation service', redis: 'memory of Redis', nginx: 'memory of nginx', softtee: 'memory of the collateral server',
  diagnosis: 'memory of the diagnosis service, but for pictures', platform: 'memory of the platform, once all have signed out, but for staff',
};
const TEMPORARY = ['/tmp', '/var/tmp', '/dev/shm'].filter(existsSync);
const LAUNCHED = ['gate', 'attestation', 'diagnosis', 'platform'];
const PICTURES = /^(pixels|heat map)/;
const STAFF = /^(clerk|clinician)'s /;
const SEALED_REQUESTS_KNOWN = 3;

/** A stack whose gate talks to Redis through a recorder. */
class RecordedStack extends Stack {
  get recordedSocket() {
    return this.path('recorded.sock');
  }

  ownConfiguration(role) {
    return role === 'gate' ? { ...super.ownConfiguration(role), inner: `unix:${this.recordedSocket}` } : super.ownConfiguration(role);
  }
}

/** One command to Redis; its answer as it came. */
async function askRedis(path, ...words) {
  const command = (list) => `*${list.length}\r\n${list.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
  const answer = await new Promise((resolve, reject) => {
    const socket = net.connect(path);
    const pieces = [];
    socket.on('error', reject);
    socket.on('data', (bytes) => pieces.push(bytes));
    socket.on('end', () => resolve(Buffer.concat(pieces)));
    socket.write(command(words) + command(['QUIT']));
  });
  if (answer[0] === 0x2d) throw new Error(`Redis, ${words[0]}: ${answer}`);
  return answer;
}

export class Hunt {
  #planted = [];
  #marks = Object.entries(MARKS).map(([name, text]) => ({ name, text }));
  #sealedRequests = 0;
  #started = Date.now();
  #leakyProcesses = new Set();

  /** `bin`: folder of the product's programs. `leaky`: folder of those that leak on purpose and take the place of some of them. */
  constructor({ bin, leaky }) {
    this.bin = bin;
    this.leaky = leaky;
    this.places = Object.fromEntries(Object.keys(PLACES).map((place) => [place, { bytes: 0, found: [], marks: new Set(), notes: [] }]));
  }

  /** The whole hunt; `places` then holds what it saw. */
  async run() {
    try {
      await this.#prepare();
      await this.#tellStory();
      const idle = this.leaky ? await this.#leakToCollateralServer() : null;
      await this.#look();
      idle?.destroy();
      if (IS_ROOT) {
        await this.#lookAtTraffic();
        this.#lookAtSwap();
        await this.#lookAtCores();
      }
      // Programs that crash say more than others.
      this.#lookAtFiles(this.#search());
    } finally {
      await this.#close();
    }
    return this;
  }

  // ---- the story ----

  async #prepare() {
    this.folder = mkdtempSync(join(tmpdir(), 'lazaret-hunt-'));
    chmodSync(this.folder, 0o711);
    const name = this.folder.split('/').pop();
    this.#marks.push({ name: 'run', text: name });
    // Programs and servers work below this folder; what the hunt itself writes stands beside it.
    this.workFolder = join(this.folder, 'work');
    mkdirSync(this.workFolder, { mode: 0o711 });
    this.before = { TMPDIR: process.env.TMPDIR, cwd: process.cwd() };
    process.env.TMPDIR = this.workFolder;
    // Where programs are started, and so where their cores go: each may be another user's.
    const start = join(this.workFolder, 'start');
    mkdirSync(start);
    chmodSync(start, 0o777);
    process.chdir(start);
    liftLimit(process.pid);
    this.markFiles = TEMPORARY.map((folder) => join(folder, `${name}.mark`));
    for (const file of this.markFiles) writeFileSync(file, name);
    this.stack = await RecordedStack.open({ folder: join(this.workFolder, 'stack'), bin: this.leaky ? this.#makeLeakyBin() : this.bin, portal: true, ports: ANY_PORTS });
    this.recorder = await recordSocket(this.stack.recordedSocket, this.stack.redisSocket, join(this.folder, 'recorded'));
    chmodSync(this.stack.recordedSocket, 0o777); // the gate may run as another user
    if (IS_ROOT) this.capture = await captureLoopback(join(this.folder, 'loopback.pcap'));
    await this.stack.start();
    await this.stack.ready(30000);
  }

  #makeLeakyBin() {
    const bin = join(this.folder, 'bin');
    mkdirSync(bin);
    for (const name of readdirSync(this.bin)) copyFileSync(join(this.bin, name), join(bin, name));
    for (const name of readdirSync(this.leaky).filter((file) => /^insecure-leaky-\w+$/.test(file))) copyFileSync(join(this.leaky, name), join(bin, name.replace('insecure-leaky', 'lazaret')));
    return bin;
  }

  /** As a browser's requests, through nginx. A leaky client tells nginx whom it is about. */
  #fetch(url, options = {}) {
    if (options.body?.length > 100 && this.#sealedRequests++ < SEALED_REQUESTS_KNOWN)
      this.#marks.push({ name: 'a sealed request', bytes: Buffer.from(options.body.subarray(60, 100)) });
    const headers = { ...options.headers, ...(this.leaky ? { 'x-patient': encodeURIComponent(this.story.texts['family name']) } : {}) };
    return fetch(url, { ...options, headers });
  }

  async #tellStory() {
    this.story = new Story({ url: this.stack.urls.platformIngress, fetch: (url, options) => this.#fetch(url, options), administratorPassword: this.stack.password,
      plant: (value) => this.#planted.push(value) });
    this.#planted.push(...this.story.planted());
    await this.story.makeAccounts();
    await this.story.register();
    await this.story.stage();
    await this.#look();
    await this.story.complete();
    const order = this.story.orderDiagnosis();
    await this.#look();
    await this.story.readResult(await order);
    await this.story.readInbox();
    await this.story.signOut();
    this.hasSignedOut = true;
  }

  /** The one server that no leaky program reaches by itself. */
  async #leakToCollateralServer() {
    const agent = new http.Agent({ keepAlive: true });
    const url = `${this.stack.urls.collateral}/?patient=${encodeURIComponent(this.story.texts['family name'])}`;
    await new Promise((resolve, reject) => http.get(url, { agent }, (answer) => answer.resume().on('end', resolve)).on('error', reject));
    return agent;
  }

  // ---- looking ----

  #search(isWanted = () => true) {
    return new Search([...this.#planted.filter(isWanted), ...this.#marks]);
  }

  #tell(place, look) {
    const told = this.places[place];
    const marks = new Set(this.#marks.map((mark) => mark.name));
    told.bytes += look.bytes;
    for (const entry of look.found) {
      if (marks.has(entry.name)) told.marks.add(entry.name);
      else told.found.push(entry);
    }
  }

  async #look() {
    const search = this.#search();
    this.#lookAtFiles(search);
    if (IS_ROOT) this.#lookAtProcesses(search);
    await this.#lookAtRedis(search);
  }

  #lookAtFiles(search) {
    const log = this.stack.path('log');
    const state = this.stack.path('state');
    this.#tell('logs', lookAtFolder(search, log));
    this.#tell('records on disk', lookAtFolder(search, state));
    this.#tell('files of the stack', lookAtFolder(search, this.workFolder, { except: [log, state] }));
    for (const folder of TEMPORARY) this.#tell('temporary files', lookAtFolder(search, folder, { since: this.#started, except: this.#foldersOfTests(folder) }));
  }

  /** Our own, which is looked at by itself, and those of other stacks that are being tested at the same time. */
  #foldersOfTests(folder) {
    return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name.startsWith('lazaret-')).map((entry) => join(folder, entry.name));
  }

  #processes() {
    return Object.keys(MEMORY_OF).flatMap((role) => {
      const entry = this.stack.processes.get(role);
      return entry ? processTree(entry.child.pid).map((item) => ({ ...item, role, isLauncher: item.depth === 0 && LAUNCHED.includes(role) })) : [];
    });
  }

  #lookAtProcesses(search) {
    const searches = { diagnosis: this.#search((value) => !PICTURES.test(value.name)), platform: this.#search((value) => !STAFF.test(value.name)) };
    for (const { pid, command, role, isLauncher } of this.#processes()) {
      const where = `${command} (${role}, ${pid})`;
      if (this.leaky) this.#leakyProcesses.add(pid);
      this.#tell('open files without a name', lookAtOpenFiles(search, pid, where));
      if (isLauncher) this.#tell('memory of the launchers', lookAtMemory(search, pid, where));
      else if (role !== 'platform' || this.hasSignedOut) this.#tell(MEMORY_OF[role], lookAtMemory(searches[role] ?? search, pid, where));
      const swapped = swappedOut(pid);
      if (swapped > 0) this.places.swap.notes.push(`${where}: ${swapped} KiB lie in swap`);
    }
  }

  async #lookAtRedis(search) {
    const socket = this.stack.redisSocket;
    // Compressed, a value would not be recognised.
    await askRedis(socket, 'CONFIG', 'SET', 'rdbcompression', 'no');
    await askRedis(socket, 'SAVE');
    this.#tell('values in Redis', lookAtFile(search, join(dirname(socket), 'dump.rdb')));
    const keys = (await askRedis(socket, 'KEYS', '*')).toString('latin1').split('\r\n').filter((line, i) => i > 0 && i % 2 === 0 && line !== '');
    for (const key of keys) this.#tell('values in Redis', lookAtBytes(search, await askRedis(socket, 'DUMP', key), `Redis, ${key}`));
    for (const stream of this.recorder.streams()) this.#tell('traffic between gate and Redis', lookAtBytes(search, stream, 'the socket between gate and Redis'));
  }

  async #lookAtTraffic() {
    const { lost } = await this.capture.stop();
    if (lost !== 0) this.places['traffic on loopback'].notes.push(`${lost} packets were lost by the capture`);
    const search = this.#search();
    const pcap = this.capture.bytes();
    this.#tell('traffic on loopback', lookAtBytes(search, pcap, 'a captured packet'));
    for (const stream of payloads(pcap)) this.#tell('traffic on loopback', lookAtBytes(search, stream, 'a TCP stream'));
  }

  #lookAtSwap() {
    for (const area of swapAreas()) this.#tell('swap', lookAtFile(this.#search(), area));
    if (swapAreas().length === 0) this.places.swap.absent = 'this machine has no swap: nothing can lie there';
  }

  /** Each program is made to dump its memory; one that has made itself undumpable leaves nothing. */
  async #lookAtCores() {
    const place = this.places['core dumps'];
    const trap = coreTrap(join(this.folder, 'cores'));
    if (trap.reason) {
      place.absent = trap.reason;
      return;
    }
    const signals = ['SIGABRT', 'SIGSEGV', 'SIGQUIT'];
    place.asked = new Set();
    place.dumped = new Set();
    try {
      // A program's workers first, then the programs; what is between them goes with either. So do launchers with their programs;
      // the collateral server, which is the same program, stands for them.
      const rank = ({ depth }) => (depth > 2 ? 0 : depth === 2 ? 2 : 1);
      for (const [i, { pid, command, role }] of this.#processes().filter((item) => !item.isLauncher).sort((one, other) => rank(one) - rank(other)).entries()) {
        const core = await trap.dump(pid, signals[i % signals.length]);
        if (core !== undefined) place.asked.add(role);
        if (!core) continue;
        place.dumped.add(role);
        this.#tell('core dumps', lookAtFile(this.#search(), core, `the core of ${command} (${role})`));
      }
    } finally {
      trap.close();
    }
  }

  // ---- the end ----

  #removeLeakedFiles() {
    for (const folder of TEMPORARY)
      for (const name of readdirSync(folder)) if (this.#leakyProcesses.has(Number(/^lazaret-insecure-(\d+)-/.exec(name)?.[1]))) rmSync(join(folder, name), { force: true });
  }

  async #close() {
    await this.stack?.stop();
    await this.recorder?.stop();
    await this.capture?.stop();
    this.#removeLeakedFiles();
    for (const file of this.markFiles ?? []) rmSync(file, { force: true });
    if (!this.folder) return;
    process.chdir(this.before.cwd);
    if (this.before.TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = this.before.TMPDIR;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
