// SPDX-License-Identifier: Apache-2.0
//
// The patients: newest first, search from two letters on, arrow keys and Enter.

import type { App, Page } from '../app/context.js';
import { nameOf, telecom, textAt, type Resource } from '../app/fhir.js';
import { h, icon, replace } from '../view/dom.js';
import { errorNotice } from '../view/error.js';
import { ageOf, day } from '../view/format.js';
import { link, loading, pageHead, rowKeys, tableRow } from '../view/parts.js';
import { t, wordOr } from '../view/words.js';

const WAIT_MS = 250;
const MINIMUM = 2;

/** A date searches birth dates, digits search numbers, anything else names. */
export function queryFor(text: string): Readonly<Record<string, string>> | undefined {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return { birthdate: text };
  if (text.length < MINIMUM) return undefined;
  return /^[\d\s/-]*\d[\d\s/-]*$/.test(text) ? { identifier: text.replace(/\s/g, '') } : { name: text };
}

function row(patient: Resource, index: number): HTMLElement {
  const birth = textAt(patient, 'birthDate');
  const href = `#/patients/${textAt(patient, 'id')}`;
  return tableRow(
    index, { 'data-testid': 'patient-row' }, h('td', {}, link(href, nameOf(patient), 'row-link')),
    h('td', {}, day(birth), ' ', h('span', { class: 'soft' }, ageOf(birth))),
    h('td', {}, wordOr(`sex.${textAt(patient, 'gender')}`, '–')),
    h('td', {}, h('code', {}, textAt(patient, 'identifier', 0, 'value') || '–')),
    h('td', {}, telecom(patient, 'phone') || '–'));
}

function table(patients: readonly Resource[]): HTMLElement {
  const heads = [t('patients.name'), t('patients.birth'), t('patients.sex'), t('patients.identifier'), t('patients.phone')];
  const body = h('tbody', {}, patients.map(row));
  rowKeys(body);
  return h(
    'div', { class: 'table-box' },
    h('table', { class: 'list', 'aria-label': t('patients.table') },
      h('thead', {}, h('tr', {}, heads.map((text) => h('th', { scope: 'col' }, text)))), body));
}

export function patientsPage(app: App): Page {
  const results = h('div', { 'aria-live': 'polite' }, loading());
  const register = h('a', { class: 'button button-primary', href: '#/register', 'data-testid': 'register' },
    icon('plus', 16), t('patients.register'));
  let asked = 0;
  const search = async (query: Readonly<Record<string, string>>) => {
    const turn = ++asked;
    try {
      const found = await app.platform.patients(query);
      if (turn !== asked) return; // a newer question was asked meanwhile
      const isSearch = Object.keys(query).length > 0;
      const count = t(isSearch ? 'patients.found' : 'patients.newest', { count: found.length });
      const nobody = h('p', { class: 'empty' }, t(isSearch ? 'patients.nobody' : 'patients.empty'));
      replace(results, found.length === 0 ? nobody : [h('p', { class: 'soft' }, count), table(found)]);
    } catch (thrown) {
      if (turn === asked) replace(results, errorNotice(thrown, undefined, () => void search(query)));
    }
  };
  let timer = 0;
  const input = h('input', {
    type: 'search', id: 'patient-search', 'data-testid': 'patient-search', autocomplete: 'off', spellcheck: 'false',
    'aria-describedby': 'patient-search-hint',
    on: {
      input: () => {
        clearTimeout(timer);
        const text = input.value.trim();
        const query = text === '' ? {} : queryFor(text);
        if (query !== undefined) timer = window.setTimeout(() => void search(query), WAIT_MS);
      },
      keydown: (event) => {
        if (event.key !== 'ArrowDown') return;
        event.preventDefault();
        results.querySelector<HTMLElement>('tbody tr')?.focus();
      },
    },
  });
  const box = h(
    'div', { class: 'search' }, h('label', { for: 'patient-search' }, t('patients.search')), input,
    h('div', { class: 'hint', id: 'patient-search-hint' }, t('patients.hint')));
  void search({});
  const element = h('div', {}, pageHead(t('patients.title'), register), box, results);
  return { title: t('patients.title'), element, focus: input, dispose: () => clearTimeout(timer) };
}
