// SPDX-License-Identifier: Apache-2.0
//
// Times, numbers and identifiers as people read them.

import type { Shown } from '../trust/refusal.js';
import { locale, t, wordOr } from './words.js';

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

const SPAN_MAX_S = 1e12; // longer spans and later times are somebody's mistake, and no calendar shows them

function isShowable(seconds: number): boolean {
  return Number.isFinite(seconds) && Math.abs(seconds) < SPAN_MAX_S;
}

/** The local time, with the date when it is not today. */
export function moment(seconds: number): string {
  if (!isShowable(seconds)) return t('app.unknown');
  const date = new Date(seconds * 1000);
  const today = date.toDateString() === new Date().toDateString();
  const options: Intl.DateTimeFormatOptions = today
    ? { hour: '2-digit', minute: '2-digit' }
    : { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' };
  return new Intl.DateTimeFormat(locale(), options).format(date);
}

export function momentOf(text: string | undefined): string {
  const milliseconds = Date.parse(text ?? '');
  return Number.isNaN(milliseconds) ? t('app.unknown') : moment(milliseconds / 1000);
}

/** A day without a time, as a birth date is. */
export function day(text: string | undefined): string {
  const match = /^(\d{4})-(\d\d)-(\d\d)/.exec(text ?? '');
  if (match === null) return text ?? t('app.unknown');
  const date = new Date(Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])));
  if (date.getUTCMonth() + 1 !== Number(match[2])) return text ?? t('app.unknown'); // no such day: shown as it stands
  const options: Intl.DateTimeFormatOptions = { year: 'numeric', month: 'short', day: '2-digit', timeZone: 'UTC' };
  return new Intl.DateTimeFormat(locale(), options).format(date);
}

function unit(value: number, name: string): string {
  return new Intl.NumberFormat(locale(), { style: 'unit', unit: name, unitDisplay: 'long' }).format(value);
}

/** A span of time in its largest sensible unit. */
export function span(seconds: number): string {
  if (!isShowable(seconds)) return t('app.unknown');
  if (seconds < 120) return unit(Math.round(seconds), 'second');
  if (seconds < 7200) return unit(Math.round(seconds / 60), 'minute');
  if (seconds < 172800) return unit(Math.round(seconds / 3600), 'hour');
  return unit(Math.round(seconds / 86400), 'day');
}

export function ago(seconds: number): string {
  const relative = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' });
  const age = Math.max(0, nowSeconds() - seconds);
  if (!isShowable(age)) return t('app.unknown');
  if (age < 60) return relative.format(0, 'second');
  if (age < 7200) return relative.format(-Math.round(age / 60), 'minute');
  if (age < 172800) return relative.format(-Math.round(age / 3600), 'hour');
  return relative.format(-Math.round(age / 86400), 'day');
}

export function percent(fraction: number): string {
  return new Intl.NumberFormat(locale(), { style: 'percent' }).format(fraction);
}

export function decimal(value: number, digits = 2): string {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(locale(), options).format(value);
}

export function fileSize(bytes: number): string {
  const [value, name] = bytes >= 1048576 ? [bytes / 1048576, 'MiB'] : [bytes / 1024, 'KiB'];
  return `${new Intl.NumberFormat(locale(), { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value)} ${name}`;
}

/** Long identifiers are shortened in the middle. */
export function shorten(text: string, length = 19): string {
  if (text.length <= length) return text;
  const half = Math.floor((length - 1) / 2);
  return `${text.slice(0, half)}…${text.slice(-half)}`;
}

export function shown(value: Shown): string {
  if (typeof value === 'string') return value === '' ? '–' : value;
  if ('at' in value) return moment(value.at);
  if ('seconds' in value) return span(value.seconds);
  return wordOr(`shown.${value.word}`, value.word);
}

/** Whole years, or months below two years. */
export function ageOf(birth: string | undefined): string {
  const match = /^(\d{4})-(\d\d)-(\d\d)/.exec(birth ?? '');
  if (match === null) return '';
  const now = new Date();
  const months =
    (now.getFullYear() - Number(match[1])) * 12 + now.getMonth() + 1 - Number(match[2]) -
    (now.getDate() < Number(match[3]) ? 1 : 0);
  return months < 24 ? t('record.ageMonths', { months }) : t('record.age', { years: Math.floor(months / 12) });
}
