// SPDX-License-Identifier: Apache-2.0
//
// Compact JWS with ES256 or RS256. Every kind has its own `typ`, checked before the signature; "none" is never accepted.

import { compactVerify, importJWK } from 'jose';
import { fromBase64url, textOf } from './encoding.js';
import { isObject, said, type JsonObject } from './json.js';
import { algorithmOf, type PublicKey } from './keys.js';
import { Refusal, type Code } from './refusal.js';

export const TYP_TOKEN = 'JWT';
export const TYP_MANIFEST = 'lazaret-manifest+jwt';
export const TYP_STATEMENT = 'lazaret-statement+jwt';
export const TYP_PROOF = 'lazaret-evidence-proof+jwt';
export const TYP_RECEIPT = 'lazaret-receipt+jwt';

const JWS_MAX_LENGTH = 256 * 1024;

/** Parsed, not yet verified. */
export interface Jws {
  readonly text: string;
  readonly header: JsonObject;
  readonly payload: JsonObject;
}

function part(text: string | undefined, name: string): JsonObject {
  try {
    const value: unknown = JSON.parse(textOf(fromBase64url(text ?? '', name), name));
    if (isObject(value)) return value;
  } catch {
    // said below: one refusal for every way in which it is not an object
  }
  throw new Refusal('ERR_TOKEN_MALFORMED', name, 'base64url JSON object');
}

function requireSignatureForm(text: string, field: string): void {
  try {
    fromBase64url(text, field);
  } catch {
    throw new Refusal('ERR_TOKEN_MALFORMED', `${field}.signature`, 'base64url');
  }
}

/** `alg` is required; no extension that must be understood is. */
function requireHeaderForm(header: JsonObject, field: string): void {
  for (const name of ['alg', 'typ', 'kid']) {
    const isLeftOut = header[name] === undefined && name !== 'alg';
    if (!isLeftOut && typeof header[name] !== 'string') {
      throw new Refusal('ERR_TOKEN_MALFORMED', `${field}.header.${name}`, 'string');
    }
  }
  if (header.crit !== undefined) throw new Refusal('ERR_TOKEN_MALFORMED', `${field}.header.crit`, '-');
}

export function parseJws(text: unknown, field: string, maximum = JWS_MAX_LENGTH): Jws {
  if (typeof text !== 'string' || text === '') throw new Refusal('ERR_TOKEN_MISSING', field, 'JWS');
  if (text.length > maximum) throw new Refusal('ERR_TOKEN_MALFORMED', field, `<= ${maximum}`, String(text.length));
  const parts = text.split('.');
  if (parts.length !== 3) throw new Refusal('ERR_TOKEN_MALFORMED', field, '3', String(parts.length));
  const jws = { text, header: part(parts[0], `${field}.header`), payload: part(parts[1], `${field}.payload`) };
  requireSignatureForm(parts[2] ?? '', field);
  requireHeaderForm(jws.header, field);
  return jws;
}

export function requireType(jws: Jws, type: string): void {
  if (jws.header.typ !== type) throw new Refusal('ERR_TOKEN_TYPE', 'typ', type, said(jws.header.typ));
}

/** The algorithm must be allowed, and be the one that the key is for. */
export function requireAlgorithm(jws: Jws, key?: PublicKey): void {
  const seen = said(jws.header.alg);
  if (key === undefined) {
    if (seen !== 'RS256' && seen !== 'ES256') throw new Refusal('ERR_TOKEN_ALGORITHM', 'alg', 'RS256, ES256', seen);
  } else if (seen !== algorithmOf(key.kind)) {
    throw new Refusal('ERR_TOKEN_ALGORITHM', 'alg', algorithmOf(key.kind) ?? '-', seen);
  }
}

export async function requireSignature(jws: Jws, key: PublicKey, code: Code = 'ERR_TOKEN_SIGNATURE'): Promise<void> {
  const algorithm = algorithmOf(key.kind);
  try {
    if (algorithm === undefined) throw new TypeError('key');
    await compactVerify(jws.text, await importJWK(key.jwk, algorithm), { algorithms: [algorithm] });
  } catch {
    throw new Refusal(code, 'signature', { word: 'signatureValid' }, { word: 'signatureInvalid' });
  }
}

/** Type, algorithm and signature of a JWS made by a known key. */
export async function verifyJws(jws: Jws, type: string, key: PublicKey): Promise<void> {
  requireType(jws, type);
  requireAlgorithm(jws);
  requireAlgorithm(jws, key);
  await requireSignature(jws, key);
}
