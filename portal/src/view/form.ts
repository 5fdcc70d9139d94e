// SPDX-License-Identifier: Apache-2.0
//
// Form fields: the error stands beside the field, and comes when the field is left, never before.

import { h, icon, replace } from './dom.js';
import { t } from './words.js';

export type Validator = (value: string) => string | undefined;

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly element: HTMLElement;
  readonly input: HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;
  value(): string;
  set(value: string): void;
  /** Shows the error if there is one; answers whether there is none. */
  validate(): boolean;
}

export interface FieldOptions {
  readonly name: string;
  readonly label: string;
  readonly type?: 'text' | 'date' | 'password' | 'email' | 'tel' | 'search';
  readonly required?: boolean;
  readonly choices?: readonly (readonly [value: string, label: string])[];
  readonly rows?: number;
  readonly autocomplete?: string;
  readonly inputmode?: string;
  readonly check?: Validator;
  readonly hint?: string;
  readonly size?: 'small' | 'medium';
  readonly maximum?: number;
}

const MAXIMUM = 200;
let counter = 0;

function control(options: FieldOptions, id: string): Field['input'] {
  const { name, type = 'text', choices, rows, autocomplete = 'off', inputmode } = options;
  const common = { id, name, 'data-testid': `field-${name}`, 'aria-describedby': `${id}-error`, autocomplete };
  if (choices !== undefined) {
    return h('select', common, choices.map(([value, label]) => h('option', { value }, label)));
  }
  if (rows !== undefined) return h('textarea', { ...common, rows });
  return h('input', {
    ...common, type, inputmode, spellcheck: 'false', autocapitalize: 'off', 'aria-required': options.required === true,
  });
}

function errorOf(options: FieldOptions, value: string): string | undefined {
  const { maximum = MAXIMUM } = options;
  if (value === '') return options.required === true ? t('field.required') : undefined;
  if (value.length > maximum) return t('field.tooLong', { maximum });
  return options.check?.(value);
}

export function field(options: FieldOptions): Field {
  const id = `f${++counter}-${options.name}`;
  const input = control(options, id);
  const error = h('div', { class: 'field-error', id: `${id}-error` });
  const value = () => (options.type === 'password' ? input.value : input.value.trim());
  const validate = () => {
    const found = errorOf(options, value());
    input.toggleAttribute('data-bad', found !== undefined);
    input.setAttribute('aria-invalid', String(found !== undefined));
    if (found === undefined) replace(error);
    else replace(error, icon('refused', 14), h('span', {}, found));
    return found === undefined;
  };
  let left = false;
  input.addEventListener('blur', () => {
    left ||= value() !== '';
    if (left) validate();
  });
  input.addEventListener('input', () => {
    if (input.hasAttribute('data-bad')) validate();
  });
  const mark = options.required === true ? null : h('span', { class: 'optional' }, ` ${t('app.optional')}`);
  const hint = options.hint === undefined ? null : h('div', { class: 'hint' }, options.hint);
  const element = h(
    'div', { class: `field field-${options.size ?? 'wide'}` }, h('label', { for: id }, options.label, mark), input, hint,
    error);
  const set = (text: string) => {
    input.value = text;
  };
  return { name: options.name, label: options.label, element, input, value, set, validate };
}

/** Validates all; the first that does not hold takes the focus. */
export function validateAll(fields: readonly Field[]): boolean {
  const bad = fields.filter((item) => !item.validate());
  bad[0]?.input.focus();
  return bad.length === 0;
}

export const letters: Validator = (value) => (/\p{L}/u.test(value) ? undefined : t('field.nameLetters'));

export const birthDate: Validator = (value) => {
  const date = new Date(`${value}T00:00:00`);
  if (!/^\d{4}-\d\d-\d\d$/.test(value) || Number.isNaN(date.getTime())) return t('field.dateForm');
  if (date.getTime() > Date.now()) return t('field.dateFuture');
  return new Date().getFullYear() - date.getFullYear() > 130 ? t('field.dateOld') : undefined;
};

export const phone: Validator = (value) => {
  const digits = value.replace(/[\s()+\-./]/g, '');
  return /^\d{5,20}$/.test(digits) ? undefined : t('field.phoneForm');
};

export const email: Validator = (value) => (/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value) ? undefined : t('field.emailForm'));
