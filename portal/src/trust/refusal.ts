// SPDX-License-Identifier: Apache-2.0
//
// Why something was refused. The codes are those of the C side (src/base/status.h), so that a support call, a log line
// and the screen name the same thing; the words for people stand in the catalogue.

export type Code =
  | 'OK'
  | 'ERR_TRUNCATED'
  | 'ERR_TRAILING_BYTES'
  | 'ERR_TOO_LARGE'
  | 'ERR_ENCODING'
  | 'ERR_UNSUPPORTED'
  | 'ERR_TIMEOUT'
  | 'ERR_CONFIG'
  | 'ERR_AUTHENTICATION'
  | 'ERR_TOKEN_MALFORMED'
  | 'ERR_TOKEN_ALGORITHM'
  | 'ERR_TOKEN_TYPE'
  | 'ERR_TOKEN_KEY_UNKNOWN'
  | 'ERR_TOKEN_SIGNATURE'
  | 'ERR_TOKEN_ISSUER'
  | 'ERR_TOKEN_EXPIRED'
  | 'ERR_TOKEN_NOT_YET_VALID'
  | 'ERR_TOKEN_CLAIM'
  | 'ERR_TOKEN_DEBUG'
  | 'ERR_TOKEN_IDENTITY'
  | 'ERR_TOKEN_SERVICE'
  | 'ERR_TOKEN_DEPLOYMENT'
  | 'ERR_TOKEN_POLICY'
  | 'ERR_TOKEN_KEY_BINDING'
  | 'ERR_TOKEN_SIMULATED'
  | 'ERR_TOKEN_NONCE'
  | 'ERR_TOKEN_MISSING'
  | 'ERR_TOKEN_TCB'
  | 'ERR_MANIFEST'
  | 'ERR_MANIFEST_SIGNATURE'
  | 'ERR_MANIFEST_OLD'
  | 'ERR_MANIFEST_SIMULATION'
  | 'ERR_PEER_REFUSED'
  | 'ERR_BHTTP'
  | 'ERR_OHTTP_FORMAT'
  | 'ERR_OHTTP_KEY'
  | 'ERR_CONNECT'
  | 'ERR_HTTP_STATUS'
  | 'ERR_HTTP_TYPE'
  | 'ERR_STORE_ROLLBACK'
  | 'ERR_STORE_LOCKED'
  | 'ERR_STATEMENT_HOPS'
  | 'ERR_NOT_VERIFIED';

/** Something to show beside "seen" or "expected": plain text, a moment, a span, or a word of the catalogue. */
export type Shown = string | { readonly at: number } | { readonly seconds: number } | { readonly word: string };

export class Refusal extends Error {
  constructor(
    readonly code: Code,
    readonly field: string,
    readonly expected: Shown = '',
    readonly seen: Shown = '',
  ) {
    super(`${code} ${field}`);
    this.name = 'Refusal';
  }
}
