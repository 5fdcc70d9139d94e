// SPDX-License-Identifier: Apache-2.0
//
// The few plain requests of the trust check. Bounded in size and time, without credentials, redirects or a cache.

import { concat, textOf, type Bytes } from './encoding.js';
import { isObject, type JsonObject } from './json.js';
import { Refusal } from './refusal.js';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Bytes;
}

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly type?: string;
  readonly body?: Bytes;
  readonly signal?: AbortSignal;
  readonly maximum: number;
  readonly timeoutMs: number;
}

/** How this module reaches a server; a test puts its own in place of it. */
export type Send = (url: string, question: Question) => Promise<Answer>;

async function readBounded(response: Response, maximum: number): Promise<Bytes> {
  const reader = response.body?.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > maximum) {
      await reader.cancel();
      throw new Refusal('ERR_TOO_LARGE', 'body', `<= ${maximum}`);
    }
    parts.push(value);
  }
  return concat(...parts);
}

/** The browser's own fetch behind `Send`. */
export const sendByFetch: Send = async (url, question) => {
  const limit = new AbortController();
  const stop = () => limit.abort();
  const timer = setTimeout(stop, question.timeoutMs);
  question.signal?.addEventListener('abort', stop);
  try {
    const response = await fetch(url, {
      method: question.method,
      ...(question.body === undefined ? {} : { body: question.body }),
      ...(question.type === undefined ? {} : { headers: { 'content-type': question.type } }),
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      signal: limit.signal,
    });
    const body = await readBounded(response, question.maximum);
    return { status: response.status, type: response.headers.get('content-type') ?? '', body };
  } catch (thrown) {
    if (thrown instanceof Refusal) throw thrown;
    if (question.signal?.aborted === true) throw thrown;
    throw new Refusal(limit.signal.aborted ? 'ERR_TIMEOUT' : 'ERR_CONNECT', 'address', '', new URL(url).origin);
  } finally {
    clearTimeout(timer);
    question.signal?.removeEventListener('abort', stop);
  }
};

export function jsonOf(answer: Answer, field: string): JsonObject {
  try {
    const value: unknown = JSON.parse(textOf(answer.body, field));
    if (isObject(value)) return value;
  } catch {
    // said below
  }
  throw new Refusal('ERR_HTTP_TYPE', field, 'application/json', answer.type);
}
