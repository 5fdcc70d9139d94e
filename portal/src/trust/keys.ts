// SPDX-License-Identifier: Apache-2.0
//
// Public keys as JWKs: EC P-256, RSA, OKP X25519, named by their RFC 7638 thumbprint.

import { calculateJwkThumbprint, exportJWK, importJWK, importX509, type JWK } from 'jose';
import { isObject, said, type Json, type JsonObject } from './json.js';
import { Refusal, type Code } from './refusal.js';

export type KeyKind = 'P-256' | 'RSA' | 'X25519';

export interface PublicKey {
  readonly kid: string;
  readonly kind: KeyKind;
  readonly jwk: JWK;
  readonly thumbprint: string;
}

const SET_MAX_COUNT = 32;

function kindOf(jwk: JsonObject): KeyKind | undefined {
  if (jwk.kty === 'EC' && jwk.crv === 'P-256') return 'P-256';
  if (jwk.kty === 'OKP' && jwk.crv === 'X25519') return 'X25519';
  return jwk.kty === 'RSA' ? 'RSA' : undefined;
}

function bare(jwk: JsonObject, kind: KeyKind): JWK {
  const member = (name: string) => jwk[name] as string;
  if (kind === 'RSA') return { kty: 'RSA', n: member('n'), e: member('e') };
  if (kind === 'P-256') return { kty: 'EC', crv: 'P-256', x: member('x'), y: member('y') };
  return { kty: 'OKP', crv: 'X25519', x: member('x') };
}

async function fromCertificate(x5c: Json | undefined): Promise<JsonObject> {
  const first = Array.isArray(x5c) ? x5c[0] : undefined;
  if (typeof first !== 'string') throw new TypeError('x5c');
  const pem = `-----BEGIN CERTIFICATE-----\n${first.replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`;
  const key = await importX509(pem, 'RS256', { extractable: true });
  return (await exportJWK(key)) as JsonObject;
}

/** A public JWK. A private member, an unknown kind or a point off its curve is refused. */
export async function publicKey(value: unknown, field: string, code: Code): Promise<PublicKey> {
  if (!isObject(value)) throw new Refusal(code, field, 'JWK');
  const secret = ['d', 'k'].find((name) => value[name] !== undefined);
  if (secret !== undefined) throw new Refusal(code, `${field}.${secret}`, '-', secret);
  try {
    const whole = value.kty === 'RSA' && value.n === undefined ? await fromCertificate(value.x5c) : value;
    const kind = kindOf(whole);
    if (kind === undefined) throw new TypeError('kind');
    const jwk = bare(whole, kind);
    if (kind !== 'X25519') await importJWK(jwk, algorithmOf(kind)); // proves the point or modulus
    const thumbprint = await calculateJwkThumbprint(jwk, 'sha256');
    return { kid: typeof value.kid === 'string' ? value.kid : thumbprint, kind, jwk, thumbprint };
  } catch {
    throw new Refusal(code, field, 'JWK: P-256, RSA, X25519', said(value.kty));
  }
}

/** Keys of kinds that are not known here are passed over, as on the C side: nothing can name them. */
export function isKnownKind(value: unknown): boolean {
  return !isObject(value) || kindOf(value) !== undefined;
}

/** {"keys":[...]} */
export async function publicKeySet(value: unknown, field: string, code: Code): Promise<PublicKey[]> {
  const list = isObject(value) ? value.keys : undefined;
  if (!Array.isArray(list) || list.length > SET_MAX_COUNT) throw new Refusal(code, `${field}.keys`, 'array');
  const known = list.filter(isKnownKind);
  return Promise.all(known.map((item, i) => publicKey(item, `${field}.keys[${i}]`, code)));
}

export function algorithmOf(kind: KeyKind): 'ES256' | 'RS256' | undefined {
  if (kind === 'P-256') return 'ES256';
  return kind === 'RSA' ? 'RS256' : undefined;
}
