// SPDX-License-Identifier: Apache-2.0
//
// What to say when something did not work: what happened, what it means for the patient's data, what to do now.

import { Problem } from '../channel/problem.js';
import { Refusal } from '../trust/refusal.js';
import { shown } from '../view/format.js';
import { t, wordOr } from '../view/words.js';

const DIAGNOSIS_CODES = ['ERR_INFERENCE', 'ERR_PEER_REFUSED', 'ERR_TENSOR', 'ERR_MODEL', 'ERR_MODEL_DIGEST'];
const STORE_CODES = ['ERR_STORE', 'ERR_STORE_LOCKED', 'ERR_STORE_CORRUPT'];
/** Ways in which an answer is not one: here they are about what came, not about what was sent. */
const ANSWER_CODES: readonly string[] = [
  'ERR_HTTP_TYPE', 'ERR_TOO_LARGE', 'ERR_ENCODING', 'ERR_TRUNCATED', 'ERR_TRAILING_BYTES', 'ERR_BHTTP',
];
const PICTURE_CODES = ['ERR_IMAGE_FORMAT', 'ERR_IMAGE_MALFORMED', 'ERR_IMAGE_UNSUPPORTED', 'ERR_CHILD_DIED'];

/** An OperationOutcome names the code inside its text. */
export function codeOf(error: unknown): string {
  if (error instanceof Refusal) return error.code;
  if (!(error instanceof Problem)) return '';
  return error.code !== '' ? error.code : (/ERR_[A-Z_]+/.exec(error.detail)?.[0] ?? '');
}

/** Why, in words of the catalogue where it has them, else in the platform's own sentence. */
export function reasonOf(error: unknown): string {
  if (error instanceof Problem) {
    const sentence = error.detail.replace(/[.\s]+$/, '');
    return wordOr(`why.${codeOf(error)}`, sentence !== '' ? sentence : `HTTP ${error.status}`);
  }
  if (error instanceof Refusal) return error.code;
  return error instanceof Error ? error.message : String(error);
}

/** The exact terms, for whoever is called: the second layer. */
export function exactTerms(error: unknown): [name: 'code' | 'field' | 'seen' | 'expected' | 'fix', value: string][] {
  if (error instanceof Refusal) {
    return [['code', error.code], ['field', error.field], ['seen', shown(error.seen)], ['expected', shown(error.expected)]];
  }
  if (!(error instanceof Problem)) return [];
  const code = codeOf(error);
  return [
    ['code', code !== '' ? code : `HTTP ${error.status}`], ['field', error.field], ['seen', error.seen],
    ['expected', error.expected], ['fix', error.fix],
  ];
}

function problemText(error: Problem): string {
  const code = codeOf(error);
  const parameters = { reason: reasonOf(error), seen: String(error.status) };
  if (DIAGNOSIS_CODES.includes(code) || error.status === 502 || error.status === 504) return t('error.diagnosis');
  if (STORE_CODES.includes(code)) return t('error.store');
  if (PICTURE_CODES.includes(code)) return t('films.refused.picture', parameters);
  if (code === 'ERR_IMAGE_UNSUITABLE') return t('films.refused.unsuitable', parameters);
  const byStatus: Record<number, string> = {
    401: 'ERR_SESSION', 403: 'ERR_FORBIDDEN', 404: 'ERR_NOT_FOUND', 409: 'ERR_CONFLICT', 412: 'ERR_CONFLICT',
    413: 'ERR_TOO_LARGE', 429: 'ERR_BUSY',
  };
  const other = error.status >= 500 ? t('error.platform', parameters) : t('error.refused', parameters);
  const status = wordOr(`error.${byStatus[error.status] ?? ''}`, other, parameters);
  return wordOr(`error.${code}`, status, parameters);
}

export function errorText(error: unknown): string {
  if (error instanceof Problem) return problemText(error);
  if (error instanceof Refusal) {
    if (error.code === 'ERR_HTTP_STATUS') return t('error.http', { seen: shown(error.seen) });
    if (ANSWER_CODES.includes(error.code)) return t('error.answer');
    return wordOr(`error.${error.code}`, t('error.platform', { reason: error.code }));
  }
  return t('error.other', { reason: reasonOf(error) });
}

export function wasStopped(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
