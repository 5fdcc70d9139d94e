// SPDX-License-Identifier: Apache-2.0
//
// Reading JSON that somebody else wrote: each reader names the field and what it wanted, and throws the given code.

import { Refusal, type Code } from './refusal.js';

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json | undefined;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kind(value: unknown): string {
  if (value === undefined) return '-';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** A value of somebody else's, short enough to show: `String()` would run what an object says of itself, and can throw. */
export function said(value: unknown): string {
  if (value instanceof Error) return value.name;
  if (typeof value === 'string') return value.length > 500 ? `${value.slice(0, 500)}…` : value;
  return typeof value === 'number' || typeof value === 'boolean' ? `${value}` : kind(value);
}

/** Reads the members of one object; every refusal carries `code` and the member's path. */
export class Fields {
  constructor(
    private readonly object: JsonObject,
    private readonly path: string,
    private readonly code: Code,
  ) {}

  static of(value: unknown, path: string, code: Code): Fields {
    if (!isObject(value)) throw new Refusal(code, path, 'object', kind(value));
    return new Fields(value, path, code);
  }

  private at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  private refuse(name: string, expected: string): never {
    throw new Refusal(this.code, this.at(name), expected, kind(this.object[name]));
  }

  /** A misspelt rule must not be passed over. */
  only(...names: string[]): this {
    for (const name of Object.keys(this.object)) {
      if (!names.includes(name)) throw new Refusal(this.code, this.at(name), '-', name);
    }
    return this;
  }

  has(name: string): boolean {
    return this.object[name] !== undefined;
  }

  raw(name: string): Json | undefined {
    return this.object[name];
  }

  text(name: string, pattern?: RegExp): string {
    const value = this.object[name];
    if (typeof value !== 'string') this.refuse(name, 'string');
    if (pattern !== undefined && !pattern.test(value as string)) {
      throw new Refusal(this.code, this.at(name), String(pattern), (value as string).slice(0, 80));
    }
    return value as string;
  }

  oneOf(name: string, ...wanted: string[]): string {
    const value = this.text(name);
    if (!wanted.includes(value)) throw new Refusal(this.code, this.at(name), wanted.join(', '), value.slice(0, 80));
    return value;
  }

  /** Unix seconds, or the text of a date. */
  moment(name: string): number {
    const value = this.object[name];
    const seconds = typeof value === 'string' ? Math.floor(Date.parse(value) / 1000) : value;
    if (typeof seconds !== 'number' || !Number.isSafeInteger(seconds)) this.refuse(name, 'time');
    return seconds as number;
  }

  textOrNull(name: string): string | null {
    return this.object[name] === null ? null : this.text(name);
  }

  integer(name: string, minimum = 0, maximum = Number.MAX_SAFE_INTEGER): number {
    const value = this.object[name];
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) this.refuse(name, 'integer');
    const number = value as number;
    if (number < minimum || number > maximum) {
      throw new Refusal(this.code, this.at(name), `${minimum} to ${maximum}`, String(number));
    }
    return number;
  }

  boolean(name: string): boolean {
    const value = this.object[name];
    if (typeof value !== 'boolean') this.refuse(name, 'boolean');
    return value as boolean;
  }

  flag(name: string): boolean {
    return this.has(name) ? this.boolean(name) : false;
  }

  fields(name: string): Fields {
    return Fields.of(this.object[name], this.at(name), this.code);
  }

  list(name: string, maximum: number): Json[] {
    const value = this.object[name];
    if (!Array.isArray(value)) this.refuse(name, 'array');
    if ((value as Json[]).length > maximum) {
      throw new Refusal(this.code, this.at(name), `<= ${maximum}`, String((value as Json[]).length));
    }
    return value as Json[];
  }

  fieldsList(name: string, maximum: number): Fields[] {
    return this.list(name, maximum).map((item, i) => Fields.of(item, `${this.at(name)}[${i}]`, this.code));
  }

  names(): string[] {
    return Object.keys(this.object);
  }
}
