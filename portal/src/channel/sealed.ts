// SPDX-License-Identifier: Apache-2.0
//
// The sealed channel (docs/protocols.md, section 7). Every request goes to the key of the verified token and names the
// statement that was accepted. Where the chain has changed, nothing was done: the whole chain is verified anew, and only
// if that holds is the same request sent again, under its first idempotency key.

import { base64url, randomBytes, utf8, type Bytes } from '../trust/encoding.js';
import type { Accepted } from '../trust/chain.js';
import type { Answer, Send } from '../trust/fetching.js';
import { Refusal } from '../trust/refusal.js';
import { decodeResponse, encodeRequest, type BinaryResponse } from './bhttp.js';
import { encapsulate, REQUEST_TYPE, RESPONSE_TYPE } from './ohttp.js';
import { CHAIN_CHANGED, jsonBody, problemFrom, problemOf, REPLAY, UNKNOWN_KEY } from './problem.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface SealedRequest {
  readonly method: Method;
  readonly path: string;
  readonly type?: string;
  readonly body?: Bytes;
  readonly ifMatch?: string;
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

export interface ChannelOptions {
  readonly send: Send;
  readonly now: () => number;
  /** What the last verification accepted; undefined while there is none: then nothing is sent. */
  readonly accepted: () => Accepted | undefined;
  /** Verifies the whole chain anew, with data entry locked meanwhile. */
  readonly verifyAgain: (why: 'chain-changed' | 'unknown-key') => Promise<void>;
  readonly session: () => string | undefined;
}

const RESPONSE_MAX_BYTES = 98 * 1024 * 1024;
const TIMEOUT_MS = 120000;
const ATTEMPTS = 3;
const NO_BYTES = new Uint8Array(0);

/** An answer that is about the channel, not about the request. */
type Outcome =
  | { readonly kind: 'answer'; readonly response: BinaryResponse }
  | { readonly kind: 'chain-changed' | 'unknown-key' | 'replay' };

export function newIdempotencyKey(): string {
  return base64url(randomBytes(18));
}

/** IMF-fixdate (RFC 9110, section 5.6.7). */
export function imfDate(seconds: number): string {
  return new Date(seconds * 1000).toUTCString();
}

export class SealedChannel {
  constructor(private readonly options: ChannelOptions) {}

  /** Sends one request and gives the platform's answer, whatever its status. Throws Refusal when nothing may be sent. */
  async send(request: SealedRequest): Promise<BinaryResponse> {
    const key = request.method === 'GET' ? undefined : (request.idempotencyKey ?? newIdempotencyKey());
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const outcome = await this.attempt(request, key);
      if (outcome.kind === 'answer') return outcome.response;
      if (outcome.kind !== 'replay') await this.options.verifyAgain(outcome.kind);
    }
    throw new Refusal('ERR_NOT_VERIFIED', 'statement');
  }

  private accepted(): Accepted {
    const accepted = this.options.accepted();
    if (accepted === undefined || this.options.now() >= accepted.until) throw new Refusal('ERR_NOT_VERIFIED', 'chain');
    return accepted;
  }

  private async attempt(request: SealedRequest, key: string | undefined): Promise<Outcome> {
    const accepted = this.accepted();
    const sealed = await encapsulate(accepted.keyConfig, this.message(request, accepted, key));
    const answer = await this.options.send(`${accepted.platform}/sealed/${accepted.keyThumbprint}`, {
      method: 'POST', type: REQUEST_TYPE, body: sealed.request, maximum: RESPONSE_MAX_BYTES, timeoutMs: TIMEOUT_MS,
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    });
    if (answer.status !== 200 || !answer.type.startsWith(RESPONSE_TYPE)) return plainOutcome(answer);
    return sealedOutcome(decodeResponse(await sealed.open(answer.body)));
  }

  private message(request: SealedRequest, accepted: Accepted, key: string | undefined): Bytes {
    const session = this.options.session();
    const headers: [string, string][] = [['date', imfDate(this.options.now())]];
    headers.push(['lazaret-statement', accepted.statementHash]);
    if (session !== undefined) headers.push(['authorization', `Bearer ${session}`]);
    if (key !== undefined) headers.push(['idempotency-key', key]);
    if (request.type !== undefined) headers.push(['content-type', request.type]);
    if (request.ifMatch !== undefined) headers.push(['if-match', request.ifMatch]);
    const { method, path, body = NO_BYTES } = request;
    return encodeRequest({ method, scheme: 'https', authority: 'platform', path, headers, body });
  }
}

/** What comes unsealed was not said by the enclave: it is a hint to verify anew, or a failure to get through. */
function plainOutcome(answer: Answer): Outcome {
  if (answer.status === 400 && problemFrom(400, jsonBody(answer.body)).type === UNKNOWN_KEY) {
    return { kind: 'unknown-key' };
  }
  throw new Refusal('ERR_HTTP_STATUS', 'status', '200', String(answer.status));
}

function sealedOutcome(response: BinaryResponse): Outcome {
  if (response.status === 409) {
    const { type, code } = problemOf(response);
    if (type === CHAIN_CHANGED) return { kind: 'chain-changed' };
    if (type === REPLAY || code === 'ERR_REPLAY') return { kind: 'replay' };
  }
  return { kind: 'answer', response };
}

export function jsonBytes(value: unknown): Bytes {
  return utf8(JSON.stringify(value));
}
