// SPDX-License-Identifier: Apache-2.0
//
// What a DiagnosticReport of the model says, and which film an ImagingStudy holds.

import { said } from '../trust/json.js';
import { at, extension, listAt, textAt, valueOf, type Resource } from './fhir.js';

export const MODEL_EXTENSION = 'urn:lazaret:fhir:model';
export const HEATMAP_EXTENSION = 'urn:lazaret:fhir:heatmap';
export const RECEIPT_EXTENSION = 'urn:lazaret:fhir:receipt';
const FILM_SYSTEM = 'urn:lazaret:film';

export interface Reading {
  readonly id: string;
  readonly status: string;
  readonly conclusion: string;
  readonly issued: string;
  readonly patient: string;
  readonly study: string;
  readonly observation: string;
  readonly model: string;
  readonly version: string;
  readonly digest: string;
  readonly threshold?: number;
  readonly heatmap?: string;
  readonly receipt?: string;
}

function after(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1);
}

function optional<Name extends string, T>(name: Name, value: T | undefined): { [Key in Name]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { [Key in Name]?: T };
}

export function readingOf(report: Resource): Reading {
  const model = extension(report, MODEL_EXTENSION);
  const part = (name: string) => valueOf(extension(model, name));
  const word = (name: string) => {
    const value = part(name);
    return value === undefined ? '' : said(value);
  };
  const text = (url: string) => {
    const value = valueOf(extension(report, url));
    return typeof value === 'string' ? value : undefined;
  };
  const threshold = part('threshold');
  return {
    id: textAt(report, 'id'), status: textAt(report, 'status'), conclusion: textAt(report, 'conclusion'),
    issued: textAt(report, 'issued'), patient: after(textAt(report, 'subject', 'reference')),
    study: after(textAt(report, 'imagingStudy', 0, 'reference')),
    observation: after(textAt(report, 'result', 0, 'reference')),
    model: word('name'), version: word('version'), digest: word('digest'),
    ...optional('threshold', typeof threshold === 'number' && threshold >= 0 && threshold <= 1 ? threshold : undefined),
    ...optional('heatmap', text(HEATMAP_EXTENSION)),
    ...optional('receipt', text(RECEIPT_EXTENSION)),
  };
}

export interface Finding {
  readonly score: number;
  readonly positive: boolean;
}

export function findingOf(observation: Resource): Finding | undefined {
  const score = at(observation, 'valueQuantity', 'value');
  const code = textAt(observation, 'interpretation', 0, 'coding', 0, 'code');
  if (typeof score !== 'number' || score < 0 || score > 1 || (code !== 'POS' && code !== 'NEG')) return undefined;
  return { score, positive: code === 'POS' };
}

export function filmOf(study: Resource): string {
  const named = listAt(study, 'identifier').find((item) => textAt(item, 'system') === FILM_SYSTEM);
  return textAt(named, 'value');
}

/** A reading in one word: what the list of films shows. */
export function verdictOf(reading: Reading, observation: Resource | undefined): 'likely' | 'unlikely' | 'unsuitable' {
  if (reading.status === 'cancelled' || observation === undefined) return 'unsuitable';
  return findingOf(observation)?.positive === true ? 'likely' : 'unlikely';
}
