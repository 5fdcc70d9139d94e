// SPDX-License-Identifier: Apache-2.0
//
// The language in use, and its words.

import { keep, stored } from '../app/storage.js';
import { en, type WordKey, type Words } from '../words/en.js';
import { zh } from '../words/zh.js';
import { Signal } from './signal.js';

export type Language = 'en' | 'zh';

const CATALOGUES: Record<Language, Words> = { en, zh };
const STORED = 'lazaret.language';
const LOCALES: Record<Language, string> = { en: 'en-GB', zh: 'zh-CN' };

function first(): Language {
  const chosen = stored('for-good', STORED);
  if (chosen === 'en' || chosen === 'zh') return chosen;
  return navigator.language.startsWith('zh') ? 'zh' : 'en';
}

export const language = new Signal<Language>(first());
language.watch((value) => {
  document.documentElement.lang = LOCALES[value];
});

export function setLanguage(value: Language): void {
  keep('for-good', STORED, value);
  language.set(value);
}

export function locale(): string {
  return LOCALES[language.value];
}

export type Parameters = Readonly<Record<string, string | number>>;

export function t(key: WordKey, parameters: Parameters = {}): string {
  return CATALOGUES[language.value][key].replace(/\{(\w+)\}/g, (whole, name: string) =>
    String(parameters[name] ?? whole));
}

export function isWord(key: string): key is WordKey {
  return Object.hasOwn(en, key);
}

/** The word under a key that is made at run time, or another. */
export function wordOr(key: string, fallback: string, parameters: Parameters = {}): string {
  return isWord(key) ? t(key, parameters) : fallback;
}
