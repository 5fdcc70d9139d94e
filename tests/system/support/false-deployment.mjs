// SPDX-License-Identifier: Apache-2.0
// A deployment in which everything can be false: portal site, object store, platform and attestation service are servers of this
// process, with keys of their own. `change` bends what they sign (portal/test/support/deployment.ts); `at` replaces an answer whole.
// Requests that arrive are kept, so that a test can say what did not leave the browser.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './stack.mjs';

const PORTAL = join(ROOT, 'portal');
const TYPES = { html: 'text/html', js: 'text/javascript', css: 'text/css', json: 'application/json', jws: 'application/jose', svg: 'image/svg+xml' };
export const PASSWORD = 'lazaret-demo';
const PASSWORD_HASH = '$argon2id$v=19$m=19456,t=2,p=1$ozwJIiCFTEYglFtqAsu+yA$Y/rkxGs4rvJRDKtJmN+/BOSFVi+qo+6Zzm0VWpW67yI'; // of nothing that is used

/** The portal's own test parts, compiled: a deployment that signs, a gateway that opens, records in memory, ways to spoil. */
export async function portalParts() {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.test.json'], { cwd: PORTAL, stdio: 'inherit' });
  const part = (path) => import(pathToFileURL(join(PORTAL, '.test', path)).href);
  const [deployment, gateway, records, mutate, bhttp, problem, encoding] = await Promise.all(['test/support/deployment.js', 'test/support/gateway.js',
    'test/mock/records.js', 'test/support/mutate.js', 'src/channel/bhttp.js', 'src/channel/problem.js', 'src/trust/encoding.js'].map(part));
  return { ...deployment, ...gateway, ...records, ...mutate, ...bhttp, ...problem, ...encoding };
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

export class FalseDeployment {
  /** Whole answers in place of the honest ones: site(name), evidence, appraise, sealed, inner; each undefined or a function. */
  at = {};
  arrived = [];
  #servers = [];
  #sockets = new Set();
  #current = { text: '', made: 0 };

  static async open(parts) {
    const world = new FalseDeployment();
    world.parts = parts;
    world.folder = mkdtempSync(join(tmpdir(), 'lazaret-false-'));
    world.urls = {};
    for (const name of ['portal', 'store', 'platform', 'attestation']) world.urls[name] = await world.#listen(name);
    world.deployment = await parts.Deployment.make();
    Object.assign(world.deployment, { issuer: world.urls.attestation });
    await world.reset();
    world.records = new parts.Records(world.deployment, 0);
    world.assemble();
    return world;
  }

  touch() {
    this.deployment.now = Math.floor(Date.now() / 1000);
  }

  /** Everything honest again. */
  async reset() {
    this.at = {};
    this.arrived = [];
    Object.assign(this.deployment, { statementBend: {}, proofBend: {}, platformBend: {}, freshBend: {}, hopBends: {}, missingHops: [], manifestVersion: 2,
      manifestBend: { recovery: this.deployment.platform.hpke.jwk, administrator: { user: 'admin', password_hash: PASSWORD_HASH } } });
    this.headers = this.ownHeaders;
    this.#current.made = 0;
    this.touch();
    await this.deployment.remake();
  }

  /** The next question is answered with a statement made anew. */
  forgetStatement() {
    this.#current.made = 0;
  }

  assemble({ hospital = 'False hospital', fromStore = false } = {}) {
    const file = (name) => join(this.folder, name);
    writeFileSync(file('manifest.jws'), this.deployment.manifest());
    const elsewhere = fromStore ? ['--assets', `${this.urls.store}/lazaret/`, '--assets-out', file('store')] : [];
    execFileSync('node', [join(PORTAL, 'scripts/assemble.mjs'), '--dist', join(ROOT, 'build/portal'), '--out', file('site'), '--manifest', file('manifest.jws'),
      '--platform', this.urls.platform, '--attestation', this.urls.attestation, '--deployment', this.deployment.root.thumbprint, '--hospital', hospital,
      '--headers', file('headers.conf'), ...elsewhere]);
    this.fromStore = fromStore;
    this.headers = this.ownHeaders = Object.fromEntries([...readFileSync(file('headers.conf'), 'utf8').matchAll(/^add_header (\S+) "(.*)" always;$/gm)].map((match) => [match[1], match[2]]));
  }

  async #listen(name) {
    const server = createServer((request, response) => {
      this[`_${name}`](request, response).catch((error) => {
        if (!response.headersSent) response.writeHead(500);
        response.end(String(error.stack));
      });
    });
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    this.#servers.push(server);
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://localhost:${server.address().port}`;
  }

  #send(response, status, type, content) {
    response.writeHead(status, { 'content-type': type, 'access-control-allow-origin': this.urls.portal, 'access-control-allow-headers': 'content-type', 'access-control-max-age': '600' });
    response.end(content);
  }

  async #files(folder, request, response) {
    const name = new URL(request.url, 'http://x').pathname.split('/').at(-1) || 'index.html';
    const path = join(this.folder, folder, name);
    const honest = existsSync(path) ? { status: 200, type: TYPES[name.split('.').at(-1)], content: name === 'manifest.jws' ? Buffer.from(this.deployment.manifest()) : readFileSync(path), headers: this.headers } : { status: 404, type: 'text/plain', content: '' };
    const given = (await this.at.site?.(name, honest, request, response)) ?? honest;
    if (given === 'answered') return;
    response.writeHead(given.status, { ...given.headers, 'content-type': given.type, ...(folder === 'store' && !given.closed ? { 'access-control-allow-origin': this.urls.portal } : {}) });
    response.end(given.content);
  }

  _portal(request, response) {
    return this.#files('site', request, response);
  }

  _store(request, response) {
    this.arrived.push({ to: 'store', method: request.method, url: request.url, body: Buffer.alloc(0) });
    return this.#files('store', request, response);
  }

  async #statement() {
    this.touch();
    if (this.deployment.now - this.#current.made > 60) this.#current = { text: await this.deployment.statement(), made: this.deployment.now };
    return this.#current.text;
  }

  async _platform(request, response) {
    const { parts, deployment } = this;
    const body = await bodyOf(request);
    this.arrived.push({ to: 'platform', method: request.method, url: request.url, body });
    if (request.method === 'OPTIONS') return this.#send(response, 204, 'text/plain', '');
    const url = new URL(request.url, this.urls.platform);
    if (!url.pathname.startsWith('/sealed/')) {
      if (this.at.evidence) return this.at.evidence(response, (...rest) => this.#send(response, ...rest));
      const evidence = await deployment.evidence(url.searchParams.get('nonce') ?? '', await this.#statement());
      return this.#send(response, 200, 'application/json', JSON.stringify((await this.changeEvidence?.(evidence)) ?? evidence));
    }
    if (this.at.sealed) return this.at.sealed(response, (...rest) => this.#send(response, ...rest));
    const { thumbprint } = deployment.platform.hpke;
    if (url.pathname !== `/sealed/${thumbprint}`) return this.#send(response, 400, 'application/problem+json', JSON.stringify({ type: parts.UNKNOWN_KEY }));
    const opened = await parts.openRequest(deployment.platform.hpke, new Uint8Array(body));
    const message = parts.decodeRequest(opened.message);
    this.touch();
    const inner = (await this.at.inner?.(message)) ?? (await this.records.handle(message));
    this.#send(response, 200, 'message/ohttp-res', await opened.seal(inner instanceof Uint8Array ? inner : parts.encodeResponse(inner)));
  }

  async _attestation(request, response) {
    const body = await bodyOf(request);
    this.arrived.push({ to: 'attestation', method: request.method, url: request.url, body });
    if (request.method === 'OPTIONS') return this.#send(response, 204, 'text/plain', '');
    if (this.at.appraise) return this.at.appraise(response, (...rest) => this.#send(response, ...rest));
    this.touch();
    this.#send(response, 200, 'application/json', JSON.stringify(await this.deployment.appraise(JSON.parse(body).nonce)));
  }

  async close() {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A page that keeps everything that must not happen: errors, dialogs, other addresses, script from answers. */
export async function watchedPage(context) {
  const page = await context.newPage();
  const seen = { errors: [], dialogs: [], console: [], requests: [], visited: new Set() };
  page.on('pageerror', (error) => seen.errors.push(error.message));
  page.on('console', (message) => message.type() === 'error' && seen.console.push(message.text()));
  page.on('dialog', (dialog) => { seen.dialogs.push(dialog.message()); void dialog.dismiss(); });
  page.on('framenavigated', (frame) => seen.visited.add(frame === page.mainFrame() ? new URL(frame.url()).origin : 'a frame'));
  page.on('request', (request) => seen.requests.push({ method: request.method(), url: request.url(), body: request.postDataBuffer() ?? Buffer.alloc(0) }));
  return { page, seen };
}
