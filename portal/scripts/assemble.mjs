// SPDX-License-Identifier: Apache-2.0
//
// Makes the folder that the hospital's web server serves, for one deployment: index.html pins script, style and trust file
// by SHA-384 (docs/architecture.md, 5.11). Nothing in it is secret; nothing in it can be changed without being noticed but
// index.html itself, which `lazaret verify portal` compares with the release.
//
//   node assemble.mjs --dist DIR --out DIR --manifest FILE --platform URL --attestation URL --deployment THUMBPRINT
//                     --hospital NAME [--assets URL/ --assets-out DIR] [--headers FILE]
//
// --assets: everything but index.html is served from there (an object store, with CORS); --assets-out holds it then.
// --headers: the response headers that index.html needs, as nginx's add_header lines.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fill, FORMAT, integrity } from './release.mjs';

const NEEDED = ['dist', 'out', 'manifest', 'platform', 'attestation', 'deployment', 'hospital'];
const OPTIONAL = ['assets', 'assets-out', 'headers'];

function fail(text) {
  console.error(`assemble: ${text}`);
  process.exit(2);
}

function address(name, text) {
  try {
    const url = new URL(text);
    if (['http:', 'https:'].includes(url.protocol)) return url;
  } catch {
    // said below
  }
  return fail(`--${name}: an http or https address is wanted`);
}

/** The policy stands in an attribute and takes origins as words: nothing that ends either may come in. */
function origin(name, text) {
  const url = address(name, text);
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') fail(`--${name}: an origin is wanted, without a path`);
  return url.origin;
}

function assetsOf(text) {
  if (text === undefined) return { assets: '', source: "'self'" };
  const url = address('assets', text);
  if (url.href !== text || !/^[A-Za-z0-9:/._~-]+\/$/.test(text)) fail('--assets: a plain address that ends in / is wanted');
  return { assets: text, source: url.origin };
}

function readOptions() {
  const names = [...NEEDED, ...OPTIONAL];
  const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) });
  const missing = NEEDED.filter((name) => !values[name]);
  if (missing.length > 0) fail(`missing: ${missing.map((name) => `--${name}`).join(' ')}`);
  if ((values.assets === undefined) !== (values['assets-out'] === undefined)) fail('--assets and --assets-out belong together');
  for (const name of ['platform', 'attestation']) values[name] = origin(name, values[name]);
  if (!/^[A-Za-z0-9_-]{43}$/.test(values.deployment)) fail('--deployment: a JWK thumbprint (43 characters) is wanted');
  return values;
}

/** The release's files, compared with what it says of them. */
function readRelease(dist) {
  const release = JSON.parse(readFileSync(join(dist, 'portal-release.json'), 'utf8'));
  if (release.format !== FORMAT) fail(`portal-release.json: ${FORMAT} is wanted`);
  for (const { name, integrity: expected } of release.files) {
    if (integrity(readFileSync(join(dist, name))) !== expected) fail(`${name} is not the file that portal-release.json names`);
  }
  return release;
}

function escape(text) {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.codePointAt(0)};`);
}

function headers(page) {
  const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page)[1];
  return [
    ['Content-Security-Policy', `${policy}; frame-ancestors 'none'`], ['X-Frame-Options', 'DENY'], ['Cache-Control', 'no-cache'],
    ['X-Content-Type-Options', 'nosniff'], ['Referrer-Policy', 'no-referrer'], ['Cross-Origin-Opener-Policy', 'same-origin'],
  ].map(([name, value]) => `add_header ${name} "${value}" always;\n`).join('');
}

function emptied(folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
}

const options = readOptions();
const release = readRelease(options.dist);
const { assets, source } = assetsOf(options.assets);
const store = options['assets-out'] ?? options.out;
emptied(options.out);
emptied(store);
const { hospital, deployment, platform, attestation } = options;
const trust = Buffer.from(`${JSON.stringify({ attestation, deployment, hospital, manifest: 'manifest.jws', platform })}\n`);
for (const { name } of release.files) copyFileSync(join(options.dist, name), join(store, name));
writeFileSync(join(store, 'trust.json'), trust);
copyFileSync(options.manifest, join(store, 'manifest.jws'));
const page = fill(release.page, { assets, source, platform, attestation, hospital: escape(hospital), trust: integrity(trust) });
writeFileSync(join(options.out, 'index.html'), page);
if (options.headers !== undefined) writeFileSync(options.headers, headers(page));
