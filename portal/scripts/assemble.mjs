// SPDX-License-Identifier: Apache-2.0
//
// Makes the folder that the hospital's web server serves, for one deployment: index.html pins script, style and trust file
// by SHA-384 (docs/architecture.md, 5.11). Nothing in it is secret; nothing in it can be changed without being noticed but
// index.html itself.
//
//   node assemble.mjs --dist DIR --out DIR --manifest FILE --platform URL --attestation URL --deployment THUMBPRINT
//                     --hospital NAME
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const NAMES = ['dist', 'out', 'manifest', 'platform', 'attestation', 'deployment', 'hospital'];

function fail(text) {
  console.error(`assemble: ${text}`);
  process.exit(2);
}

function readOptions() {
  const { values } = parseArgs({ options: Object.fromEntries(NAMES.map((name) => [name, { type: 'string' }])) });
  const missing = NAMES.filter((name) => !values[name]);
  if (missing.length > 0) fail(`missing: ${missing.map((name) => `--${name}`).join(' ')}`);
  for (const name of ['platform', 'attestation']) {
    const url = new URL(values[name]);
    if (url.pathname !== '/' || url.search !== '' || url.hash !== '') fail(`--${name}: an origin is wanted, without a path`);
    values[name] = url.origin;
  }
  if (!/^[A-Za-z0-9_-]{43}$/.test(values.deployment)) fail('--deployment: a JWK thumbprint (43 characters) is wanted');
  return values;
}

function integrity(bytes) {
  return `sha384-${createHash('sha384').update(bytes).digest('base64')}`;
}

/** Named by its digest, so that no cache can pair it with another index.html. */
function place(out, dist, name) {
  const bytes = readFileSync(join(dist, name));
  const [stem, ending] = name.split('.');
  const file = `${stem}-${createHash('sha384').update(bytes).digest('hex').slice(0, 16)}.${ending}`;
  writeFileSync(join(out, file), bytes);
  return { file, integrity: integrity(bytes) };
}

function policy(options, script) {
  return [
    "default-src 'none'",
    `script-src '${script.integrity}'`,
    "style-src 'self'",
    "img-src 'self' blob:",
    `connect-src 'self' ${options.platform} ${options.attestation}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

function escape(text) {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.codePointAt(0)};`);
}

function page(options, script, style, trust) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(options, script)}">
<meta name="lazaret-trust" content="trust.json ${trust}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${escape(options.hospital)}</title>
<link rel="icon" href="icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${style.file}" integrity="${style.integrity}" crossorigin="anonymous">
<script type="module" src="${script.file}" integrity="${script.integrity}" crossorigin="anonymous"></script>
</head>
<body>
<div id="portal">
<div class="boot">
<h1>This page did not start</h1>
<p>Its program is not the one that this page names, or did not arrive. Nothing was sent, and nothing can be entered. Reload the
page; if that does not help, tell the person on call for the hospital&#8217;s web server.</p>
<p lang="zh-CN">此页面未能启动：程序与本页指定的不符，或未能送达。没有发送任何内容，也无法输入。请重新加载；如仍无效，请告知医院网站的值班人员。</p>
</div>
</div>
<noscript><p>This page needs JavaScript: it seals what you enter on this computer. Nothing was sent.</p></noscript>
</body>
</html>
`;
}

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="M12 1.5 22.5 12 12 22.5 1.5 12Z" fill="#0a6660"/><path d="M7.5 12.2l3 3 6-6.4" fill="none" stroke="#fff" stroke-width="2.4"/></svg>
`;

function emptied(folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
}

const options = readOptions();
emptied(options.out);
const script = place(options.out, options.dist, 'portal.js');
const style = place(options.out, options.dist, 'portal.css');
const { hospital, deployment, platform, attestation } = options;
const trust = Buffer.from(`${JSON.stringify({ attestation, deployment, hospital, manifest: 'manifest.jws', platform })}\n`);
writeFileSync(join(options.out, 'trust.json'), trust);
copyFileSync(options.manifest, join(options.out, 'manifest.jws'));
writeFileSync(join(options.out, 'icon.svg'), ICON);
writeFileSync(join(options.out, 'index.html'), page(options, script, style, integrity(trust)));
