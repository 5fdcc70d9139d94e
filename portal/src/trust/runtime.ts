// SPDX-License-Identifier: Apache-2.0
//
// What an enclave binds into its quote (architecture 5.1): its public keys by purpose, its service role, version and
// deployment. Read from a verified token's "x-ms-runtime".

import { fromBase64url, type Bytes } from './encoding.js';
import { Fields } from './json.js';
import { isKnownKind, publicKey, type KeyKind, type PublicKey } from './keys.js';
import { Refusal } from './refusal.js';

export type KeyUse = 'tls' | 'sign' | 'hpke';

export interface RuntimeData {
  readonly service: string;
  readonly version: string;
  readonly deployment: string;
  readonly keys: Readonly<Partial<Record<KeyUse, PublicKey>>>;
  readonly ohttp?: Bytes;
}

const KIND: Record<KeyUse, KeyKind> = { tls: 'P-256', sign: 'P-256', hpke: 'X25519' };
const MAX_KEYS = 8;
const OHTTP_MAX_BYTES = 256;
const CODE = 'ERR_TOKEN_CLAIM';

export const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

function pick(use: Fields, name: KeyUse, keys: PublicKey[]): PublicKey | undefined {
  if (!use.has(name)) return undefined;
  const thumbprint = use.text(name, THUMBPRINT);
  const key = keys.find((item) => item.thumbprint === thumbprint);
  if (key === undefined || key.kind !== KIND[name]) {
    throw new Refusal(CODE, `x-ms-runtime.lazaret.use.${name}`, KIND[name], key?.kind ?? thumbprint);
  }
  return key;
}

export async function runtimeData(value: unknown): Promise<RuntimeData> {
  const whole = Fields.of(value, 'x-ms-runtime', CODE);
  const listed = whole.list('keys', MAX_KEYS).filter(isKnownKind);
  const keys = await Promise.all(listed.map((item, i) => publicKey(item, `x-ms-runtime.keys[${i}]`, CODE)));
  const lazaret = whole.fields('lazaret');
  const use = lazaret.fields('use');
  const found: Partial<Record<KeyUse, PublicKey>> = {};
  for (const name of ['tls', 'sign', 'hpke'] as const) {
    const key = pick(use, name, keys);
    if (key !== undefined) found[name] = key;
  }
  const base = {
    service: lazaret.text('service', /^.{1,32}$/),
    version: lazaret.text('version', /^.{1,32}$/),
    deployment: lazaret.text('deployment', THUMBPRINT),
    keys: found,
  };
  if (!lazaret.has('ohttp')) return base;
  const ohttp = fromBase64url(lazaret.text('ohttp'), 'x-ms-runtime.lazaret.ohttp');
  if (found.hpke === undefined) throw new Refusal(CODE, 'x-ms-runtime.lazaret.ohttp', 'hpke', '-');
  if (ohttp.length > OHTTP_MAX_BYTES) throw new Refusal(CODE, 'x-ms-runtime.lazaret.ohttp', `<= ${OHTTP_MAX_BYTES}`);
  return { ...base, ohttp };
}
