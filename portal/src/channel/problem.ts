// SPDX-License-Identifier: Apache-2.0
//
// What the platform says when it refuses: a problem document (RFC 9457), or an OperationOutcome on FHIR routes.

import { textOf } from '../trust/encoding.js';
import { isObject, type Json, type JsonObject } from '../trust/json.js';
import { header, type BinaryResponse } from './bhttp.js';

export const CHAIN_CHANGED = 'urn:lazaret:problem:chain-changed';
export const REPLAY = 'urn:lazaret:problem:replay';
export const UNKNOWN_KEY = 'https://iana.org/assignments/http-problem-types#ohttp-key';

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    readonly code: string,
    readonly field: string,
    readonly expected: string,
    readonly seen: string,
    readonly fix: string,
    readonly detail: string,
  ) {
    super(`${status} ${code || type}`);
    this.name = 'Problem';
  }
}

function shortText(value: Json | undefined): string {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? value.slice(0, 500) : '';
}

function text(object: JsonObject, name: string): string {
  return shortText(object[name]);
}

export function problemFrom(status: number, body: JsonObject): Problem {
  const issue = Array.isArray(body.issue) ? body.issue[0] : undefined;
  if (body.resourceType === 'OperationOutcome' && isObject(issue)) {
    const details = isObject(issue.details) ? text(issue.details, 'text') : '';
    const coding = isObject(issue.details) && Array.isArray(issue.details.coding) ? issue.details.coding[0] : undefined;
    const code = isObject(coding) ? text(coding, 'code') : '';
    const where = Array.isArray(issue.expression) ? shortText(issue.expression[0]) : '';
    return new Problem(status, '', code, where, '', '', '', text(issue, 'diagnostics') || details);
  }
  return new Problem(
    status, text(body, 'type'), text(body, 'code'), text(body, 'field'), text(body, 'expected'), text(body, 'seen'),
    text(body, 'fix'), text(body, 'detail') || text(body, 'title'));
}

/** The body as a JSON object, or an empty one where it is none. */
export function jsonBody(body: Uint8Array): JsonObject {
  try {
    const value: unknown = JSON.parse(textOf(body, 'body'));
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

export function problemOf(response: BinaryResponse): Problem {
  const type = header(response.headers, 'content-type') ?? '';
  return problemFrom(response.status, type.includes('json') ? jsonBody(response.body) : {});
}
