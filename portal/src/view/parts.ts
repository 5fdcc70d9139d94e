// SPDX-License-Identifier: Apache-2.0
//
// Small things that every page uses.

import { h, icon, replace, type Child, type IconName } from './dom.js';
import { shorten } from './format.js';
import { t } from './words.js';

export type Tone = 'good' | 'attention' | 'bad' | 'plain';

const TONE_ICON: Record<Tone, IconName> = {
  good: 'verified', attention: 'attention', bad: 'refused', plain: 'unknown',
};

/** A state: never colour alone, an icon and a word stand beside it. */
export function chip(tone: Tone, text: string, sign: IconName = TONE_ICON[tone]): HTMLElement {
  return h('span', { class: `chip chip-${tone}` }, icon(sign, 14), h('span', {}, text));
}

export function notice(tone: Tone, ...children: Child[]): HTMLElement {
  const role = tone === 'bad' ? 'alert' : 'status';
  return h('div', { class: `notice notice-${tone}`, role }, icon(TONE_ICON[tone], 18), h('div', {}, ...children));
}

/** An identifier: monospace, shortened in the middle, copied whole with one click. */
export function identifier(text: string, length?: number): HTMLElement {
  const said = h('span', { class: 'visually-hidden', role: 'status' });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      return; // the whole text stands in the button's title all the same
    }
    said.textContent = t('app.copied');
    button.classList.add('copied');
    setTimeout(() => {
      said.textContent = '';
      button.classList.remove('copied');
    }, 1500);
  };
  const label = `${t('app.copy')}: ${text}`;
  const button = h(
    'button', { type: 'button', class: 'identifier', title: text, 'aria-label': label, on: { click: () => void copy() } },
    h('code', {}, shorten(text, length)), icon('copy', 12));
  return h('span', { class: 'identifier-box' }, button, said);
}

/** A definition list of name and value. */
export function facts(rows: readonly (readonly [string, Child])[], className = 'facts'): HTMLElement {
  return h('dl', { class: className }, rows.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
}

export function link(href: string, text: Child, className = ''): HTMLAnchorElement {
  return h('a', { href, class: className || undefined }, text);
}

export interface ButtonOptions {
  readonly kind?: 'primary' | 'quiet' | 'plain';
  readonly test?: string;
  readonly label?: string;
  readonly submit?: boolean;
}

export function button(text: string, run: () => void, options: ButtonOptions = {}): HTMLButtonElement {
  return h('button', {
    type: options.submit === true ? 'submit' : 'button', class: `button button-${options.kind ?? 'plain'}`,
    'data-testid': options.test, 'aria-label': options.label, on: { click: run },
  }, text);
}

/** The top of a page: its title, which takes the focus, and its primary action. */
export function pageHead(title: Child, ...actions: Child[]): HTMLElement {
  return h('div', { class: 'page-head' }, h('h1', { tabindex: -1 }, title), h('div', { class: 'page-actions' }, ...actions));
}

export function loading(): HTMLElement {
  return h('p', { class: 'loading', role: 'status' }, t('app.loading'));
}

/** Arrow keys move between the rows of a table, Enter opens the row's link. */
export function rowKeys(body: HTMLElement, extra: (row: HTMLElement, key: string) => boolean = () => false): void {
  body.addEventListener('keydown', (event) => {
    const row = (event.target as HTMLElement).closest('tr');
    if (row === null || event.ctrlKey || event.altKey || event.metaKey) return;
    const step = event.key === 'ArrowDown' ? 'nextElementSibling' : event.key === 'ArrowUp' ? 'previousElementSibling' : null;
    if (step !== null) (row[step] as HTMLElement | null)?.focus();
    else if (event.key === 'Enter' && event.target === row) row.querySelector<HTMLElement>('a')?.click();
    else if (!extra(row, event.key)) return;
    event.preventDefault();
  });
  body.addEventListener('focusin', (event) => {
    const current = (event.target as HTMLElement).closest('tr');
    body.querySelectorAll('tr').forEach((row) => row.setAttribute('tabindex', row === current ? '0' : '-1'));
  });
}

/** Rows that can be reached by one tab stop. */
export function tableRow(index: number, attributes: Record<string, string>, ...cells: Child[]): HTMLTableRowElement {
  return h('tr', { tabindex: index === 0 ? 0 : -1, ...attributes }, ...cells);
}

export function show(parent: Element, ...children: Child[]): void {
  replace(parent, ...children);
}

