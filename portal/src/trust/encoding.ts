// SPDX-License-Identifier: Apache-2.0
//
// Bytes and text: strict base64url and hex, UTF-8 that refuses what is not UTF-8, SHA-256.

import { Refusal } from './refusal.js';

export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const VALUES = new Map([...ALPHABET].map((letter, value) => [letter, value]));

export function utf8(text: string): Bytes {
  return encoder.encode(text) as Bytes;
}

export function textOf(bytes: Uint8Array, field: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refusal('ERR_ENCODING', field, 'UTF-8');
  }
}

export function base64url(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const letters = Math.min(bytes.length - at, 3) + 1;
    for (let i = 0; i < letters; i++) text += ALPHABET[(group >> (18 - 6 * i)) & 63];
  }
  return text;
}

/** Only the alphabet of RFC 4648 section 5, no padding, no stray bits: one text for each value. */
export function fromBase64url(text: string, field: string): Bytes {
  if (text.length % 4 === 1) throw new Refusal('ERR_ENCODING', field, 'base64url');
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const letter of text) {
    const value = VALUES.get(letter);
    if (value === undefined) throw new Refusal('ERR_ENCODING', field, 'base64url');
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (held >> bits) & 0xff;
    }
  }
  if ((held & ((1 << bits) - 1)) !== 0) throw new Refusal('ERR_ENCODING', field, 'base64url');
  return bytes;
}

/** Standard base64, as FHIR and x5c use it; white space is passed over. */
export function fromBase64(text: string, field: string): Bytes {
  const compact = text.replace(/\s+/g, '').replace(/={1,2}$/, '');
  return fromBase64url(compact.replace(/\+/g, '-').replace(/\//g, '_'), field);
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function fromHex(text: string, field: string): Bytes {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) throw new Refusal('ERR_ENCODING', field, 'hex');
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function concat(...parts: Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export async function sha256(bytes: Uint8Array): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Bytes));
}

/** base64url SHA-256 of a text: how statements and proofs name tokens. */
export async function textHash(text: string): Promise<string> {
  return base64url(await sha256(utf8(text)));
}

export function randomBytes(count: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(count));
}
