// SPDX-License-Identifier: Apache-2.0
//
// Oblivious HTTP encapsulation (RFC 9458) under HPKE (RFC 9180): X25519, HKDF-SHA256, AES-256-GCM (AES-128-GCM where the
// key configuration offers no other). Gateway and target are one enclave here.

import { Aes128Gcm, Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256, type SenderContext } from '@hpke/core';
import { concat, utf8, type Bytes } from '../trust/encoding.js';
import { Refusal } from '../trust/refusal.js';

export const REQUEST_TYPE = 'message/ohttp-req';
export const RESPONSE_TYPE = 'message/ohttp-res';

const KEM_X25519 = 0x0020;
const KDF_SHA256 = 0x0001;
const AEAD_AES128 = 0x0001;
const AEAD_AES256 = 0x0002;
const PUBLIC_KEY_BYTES = 32;
const SUITE_BYTES = 4;
const FIXED_BYTES = 1 + 2 + PUBLIC_KEY_BYTES + 2;
const NONCE_BYTES = 12;

type Aead = typeof AEAD_AES128 | typeof AEAD_AES256;

export interface KeyConfig {
  readonly keyId: number;
  readonly publicKey: Bytes;
  readonly aead: Aead;
}

export interface Encapsulated {
  readonly request: Bytes;
  /** Opens the answer to exactly this request. */
  open(response: Uint8Array): Promise<Bytes>;
}

function refuse(field: string, expected: string, seen: number | string): never {
  throw new Refusal('ERR_OHTTP_FORMAT', field, expected, String(seen));
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function chooseAead(bytes: Uint8Array): Aead {
  const offered: number[] = [];
  for (let at = FIXED_BYTES; at < bytes.length; at += SUITE_BYTES) {
    if (u16(bytes, at) === KDF_SHA256) offered.push(u16(bytes, at + 2));
  }
  if (offered.includes(AEAD_AES256)) return AEAD_AES256;
  if (offered.includes(AEAD_AES128)) return AEAD_AES128;
  return refuse('key_config.suites', 'HKDF-SHA256 with AES-256-GCM or AES-128-GCM', offered.join(','));
}

/** One RFC 9458 section 3.1 key configuration, without a length before it. */
export function parseKeyConfig(bytes: Uint8Array): KeyConfig {
  if (bytes.length < FIXED_BYTES) refuse('key_config', `>= ${FIXED_BYTES}`, bytes.length);
  if (u16(bytes, 1) !== KEM_X25519) refuse('key_config.kem', 'DHKEM(X25519, HKDF-SHA256)', u16(bytes, 1));
  const length = u16(bytes, FIXED_BYTES - 2);
  if (length === 0 || length % SUITE_BYTES !== 0 || FIXED_BYTES + length !== bytes.length) {
    refuse('key_config.suites', String(bytes.length - FIXED_BYTES), length);
  }
  return { keyId: bytes[0] ?? 0, publicKey: bytes.slice(3, 3 + PUBLIC_KEY_BYTES), aead: chooseAead(bytes) };
}

export function suiteOf(aead: Aead): CipherSuite {
  return new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: aead === AEAD_AES256 ? new Aes256Gcm() : new Aes128Gcm(),
  });
}

function keyBytes(aead: Aead): number {
  return aead === AEAD_AES256 ? 32 : 16;
}

function headerOf({ keyId, aead }: KeyConfig): Bytes {
  return Uint8Array.of(keyId, 0, KEM_X25519, 0, KDF_SHA256, 0, aead);
}

export function requestInfo(header: Uint8Array): Bytes {
  return concat(utf8('message/bhttp request'), Uint8Array.of(0), header);
}

/** Both secrets of the answer (RFC 9458 section 4.4), from what the two sides share. */
export async function responseKey(context: Exporter, enc: Uint8Array, nonce: Uint8Array, aead: Aead) {
  const secret = await context.export(utf8('message/bhttp response').buffer, Math.max(keyBytes(aead), NONCE_BYTES));
  const root = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
  const derive = (label: string, bytes: number) =>
    crypto.subtle.deriveBits(
      { name: 'HKDF', hash: 'SHA-256', salt: concat(enc, nonce), info: utf8(label) }, root, bytes * 8);
  const key = await crypto.subtle.importKey(
    'raw', await derive('key', keyBytes(aead)), 'AES-GCM', false, ['encrypt', 'decrypt']);
  return { key, iv: new Uint8Array(await derive('nonce', NONCE_BYTES)) };
}

export interface Exporter {
  export(context: ArrayBuffer, length: number): Promise<ArrayBuffer>;
}

export async function openResponse(
  context: Exporter, enc: Uint8Array, aead: Aead, response: Uint8Array,
): Promise<Bytes> {
  const nonceBytes = Math.max(keyBytes(aead), NONCE_BYTES);
  if (response.length < nonceBytes + 16) throw new Refusal('ERR_TRUNCATED', 'response', `>= ${nonceBytes + 16}`);
  const { key, iv } = await responseKey(context, enc, response.slice(0, nonceBytes), aead);
  try {
    const sealed = response.slice(nonceBytes) as Bytes;
    return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, sealed));
  } catch {
    throw new Refusal('ERR_AUTHENTICATION', 'response');
  }
}

/** A public key that is no point, or one whose shared secret everybody knows, is refused here. */
async function senderContext(config: KeyConfig, header: Bytes, ephemeral?: SenderKeyPair): Promise<SenderContext> {
  const suite = suiteOf(config.aead);
  try {
    return await suite.createSenderContext({
      recipientPublicKey: await suite.kem.deserializePublicKey(config.publicKey.buffer),
      info: requestInfo(header).buffer,
      ...(ephemeral === undefined ? {} : { ekm: ephemeral }),
    });
  } catch {
    throw new Refusal('ERR_OHTTP_KEY', 'key_config.public_key', 'X25519');
  }
}

/** Encapsulates one request. `ephemeral` is for test vectors only: a key pair in place of a fresh one. */
export async function encapsulate(
  keyConfig: Uint8Array, message: Uint8Array, ephemeral?: SenderKeyPair,
): Promise<Encapsulated> {
  const config = parseKeyConfig(keyConfig);
  const header = headerOf(config);
  const context = await senderContext(config, header, ephemeral);
  const enc = new Uint8Array(context.enc);
  const sealed = new Uint8Array(await context.seal(message.slice().buffer as ArrayBuffer));
  return {
    request: concat(header, enc, sealed),
    open: (response) => openResponse(context, enc, config.aead, response),
  };
}

type SenderKeyPair = Awaited<ReturnType<CipherSuite['kem']['generateKeyPair']>>;
