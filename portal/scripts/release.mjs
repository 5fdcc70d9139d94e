// SPDX-License-Identifier: Apache-2.0
//
// After the build: names each file by its digest, so that no cache can pair it with another page, and writes
// portal-release.json: what this release consists of, the same for every deployment. `lazaret verify portal` compares a
// served portal with it.
//
//   node release.mjs --dist DIR
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const FORMAT = 'lazaret-portal-release/1';
const PAGE = new URL('../src/page/', import.meta.url);

export function integrity(bytes) {
  return `sha384-${createHash('sha384').update(bytes).digest('base64')}`;
}

/** Puts values for {{names}}; a name that is not among them stays for later. */
export function fill(template, values) {
  return template.replace(/\{\{([a-z-]+)\}\}/g, (whole, name) => values[name] ?? whole);
}

/** The page's policy; what differs between deployments stays open. */
function policy(script, watch) {
  return [
    "default-src 'none'",
    `script-src '${watch}' '${script}'`,
    'style-src {{source}}',
    'img-src {{source}} blob:',
    'connect-src {{source}} {{platform}} {{attestation}}',
    "worker-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

function place(dist, name) {
  const bytes = readFileSync(join(dist, name));
  const [stem, ending] = name.split('.');
  const file = `${stem}-${createHash('sha384').update(bytes).digest('hex').slice(0, 16)}.${ending}`;
  renameSync(join(dist, name), join(dist, file));
  return { name: file, integrity: integrity(bytes) };
}

function release(dist) {
  const [script, style] = [place(dist, 'portal.js'), place(dist, 'portal.css')];
  copyFileSync(new URL('icon.svg', PAGE), join(dist, 'icon.svg'));
  const icon = { name: 'icon.svg', integrity: integrity(readFileSync(join(dist, 'icon.svg'))) };
  const watch = readFileSync(new URL('watch.js', PAGE), 'utf8');
  const page = fill(readFileSync(new URL('index.html', PAGE), 'utf8'), {
    policy: policy(script.integrity, integrity(watch)), watch, script: script.name, 'script-integrity': script.integrity, style: style.name,
    'style-integrity': style.integrity,
  });
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url)));
  const written = { format: FORMAT, version, files: [script, style, icon], page };
  writeFileSync(join(dist, 'portal-release.json'), `${JSON.stringify(written, null, 1)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { dist: { type: 'string' } } });
  release(values.dist ?? 'dist');
}
