// SPDX-License-Identifier: Apache-2.0
//
// Before anything else: is the trust file the one that index.html pins? (The browser itself has checked the bundle, by
// its integrity attribute.) A changed file does not run.

import type { TrustFile } from '../trust/chain.js';
import { fromBase64, sameBytes, textOf, type Bytes } from '../trust/encoding.js';
import { sendByFetch } from '../trust/fetching.js';
import { Fields } from '../trust/json.js';
import { Refusal } from '../trust/refusal.js';
import { THUMBPRINT } from '../trust/runtime.js';

export type BootFailure = 'changed' | 'missing' | 'browser' | 'style';

export class BootError extends Error {
  constructor(readonly failure: BootFailure) {
    super(failure);
  }
}

const ORIGIN = /^https?:\/\/[^/?#]+$/;
const TRUST_MAX_BYTES = 64 * 1024;
const TIMEOUT_MS = 15000;

/** <meta name="lazaret-trust" content="trust.json sha384-..."> */
function pinned(): { url: string; digest: Bytes } {
  const content = document.querySelector<HTMLMetaElement>('meta[name="lazaret-trust"]')?.content ?? '';
  const match = /^(\S+) sha384-(\S+)$/.exec(content);
  if (match === null) throw new BootError('missing');
  return { url: new URL(match[1] as string, document.baseURI).href, digest: fromBase64(match[2] as string, 'integrity') };
}

async function download(url: string): Promise<Bytes> {
  try {
    const answer = await sendByFetch(url, { method: 'GET', maximum: TRUST_MAX_BYTES, timeoutMs: TIMEOUT_MS });
    if (answer.status === 200) return answer.body;
  } catch (thrown) {
    if (thrown instanceof Refusal && thrown.code === 'ERR_TOO_LARGE') throw new BootError('changed');
  }
  throw new BootError('missing');
}

function read(text: string, url: string): TrustFile {
  const fields = Fields.of(JSON.parse(text), '', 'ERR_CONFIG').only(
    'hospital', 'deployment', 'platform', 'attestation', 'manifest');
  return {
    hospital: fields.text('hospital', /^.{1,128}$/), deployment: fields.text('deployment', THUMBPRINT),
    platform: fields.text('platform', ORIGIN), attestation: fields.text('attestation', ORIGIN),
    manifest: new URL(fields.text('manifest', /^[\w.-]+$/), url).href, // beside the trust file, wherever that is
  };
}

export async function readTrustFile(): Promise<TrustFile> {
  const { url, digest } = pinned();
  const bytes = await download(url);
  const seen = new Uint8Array(await crypto.subtle.digest('SHA-384', bytes));
  if (!sameBytes(seen, digest)) throw new BootError('changed');
  return read(textOf(bytes, 'trust'), url);
}

/** The style sheet is pinned as the script is; without it banner and locks would not look like what they are. One that did not
 *  load is absent, or is there without a rule. */
export function requireStyle(): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel="stylesheet"][integrity]');
  try {
    if (link?.sheet?.cssRules.length) return;
  } catch {
    // a sheet of another type has rules that may not be read
  }
  throw new BootError('style');
}

/** Sealing needs X25519 in WebCrypto. */
export async function requireBrowser(): Promise<void> {
  try {
    await crypto.subtle.generateKey({ name: 'X25519' }, false, ['deriveBits']);
  } catch {
    throw new BootError('browser');
  }
}
