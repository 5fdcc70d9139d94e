// SPDX-License-Identifier: Apache-2.0
//
// Who needs to know what; acknowledged by one key.

import type { App, Page } from '../app/context.js';
import { nameOf } from '../app/fhir.js';
import type { Message } from '../app/platform.js';
import { h, replace } from '../view/dom.js';
import { errorNotice } from '../view/error.js';
import { moment } from '../view/format.js';
import { button, chip, link, loading, pageHead, rowKeys, tableRow } from '../view/parts.js';
import { t } from '../view/words.js';

/** Messages name resources by id or by reference. */
function idOf(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1);
}

class Inbox {
  readonly list = h('div', { 'aria-live': 'polite' }, loading());
  readonly message = h('div', {});
  private readonly names = new Map<string, string>();
  private messages: readonly Message[] = [];

  constructor(private readonly app: App) {}

  async load(): Promise<void> {
    try {
      this.messages = await this.app.platform.inbox();
      this.app.waiting.set(this.messages.filter((item) => item.acknowledged === undefined).length);
      await this.findNames();
      this.draw();
    } catch (thrown) {
      replace(this.list, errorNotice(thrown, undefined, () => void this.load()));
    }
  }

  private async findNames(): Promise<void> {
    const ids = new Set(this.messages.map((item) => idOf(item.patient)).filter((id) => !this.names.has(id)));
    await Promise.all([...ids].map(async (id) => {
      try {
        this.names.set(id, nameOf(await this.app.platform.resource('Patient', id)));
      } catch {
        this.names.set(id, id); // the row still opens the result
      }
    }));
  }

  private async acknowledge(id: string): Promise<void> {
    const item = this.messages.find((other) => other.id === id);
    if (item === undefined || item.acknowledged !== undefined) return;
    try {
      await this.app.platform.acknowledge(id);
      replace(this.message);
      await this.load();
      this.list.querySelector<HTMLElement>(`tr[data-id="${CSS.escape(id)}"]`)?.focus();
    } catch (thrown) {
      replace(this.message, errorNotice(thrown));
    }
  }

  private row(item: Message, index: number): HTMLElement {
    const name = this.names.get(idOf(item.patient)) ?? '';
    const state = item.acknowledged === undefined
      ? chip('attention', t('inbox.waits')) : chip('plain', t('inbox.acknowledged', { time: moment(item.acknowledged) }));
    const acknowledge = item.acknowledged !== undefined ? null : button(
      t('inbox.acknowledge'), () => void this.acknowledge(item.id), { kind: 'plain', test: 'acknowledge', label: `${t('inbox.acknowledge')}: ${name}` });
    return tableRow(
      index, { 'data-id': item.id, 'data-testid': 'inbox-row' },
      h('td', {}, link(`#/reports/${idOf(item.report)}`, t('inbox.open'), 'row-link')), h('td', {}, name),
      h('td', {}, moment(item.sent)), h('td', {}, state), h('td', { class: 'cell-action' }, acknowledge));
  }

  private draw(): void {
    if (this.messages.length === 0) {
      replace(this.list, h('p', { class: 'empty' }, t('inbox.empty')));
      return;
    }
    const order = [...this.messages].sort((a, b) => Number(a.acknowledged !== undefined) - Number(b.acknowledged !== undefined));
    const body = h('tbody', {}, order.map((item, index) => this.row(item, index)));
    rowKeys(body, (row, key) => {
      if (key.toLowerCase() !== 'a') return false;
      void this.acknowledge(row.dataset.id ?? '');
      return true;
    });
    const heads = [t('inbox.result'), t('inbox.patient'), t('inbox.sent'), t('inbox.state'), ''];
    replace(
      this.list, h('p', { class: 'soft' }, t('inbox.keys')),
      h('div', { class: 'table-box' }, h('table', { class: 'list' },
        h('thead', {}, h('tr', {}, heads.map((text) => h('th', { scope: 'col' }, text)))), body)));
  }
}

export function inboxPage(app: App): Page {
  const inbox = new Inbox(app);
  void inbox.load();
  const element = h('div', {}, pageHead(t('inbox.title')), inbox.message, inbox.list);
  const before = { count: app.waiting.value };
  const dispose = app.waiting.watch((count) => {
    if (count > before.count) void inbox.load();
    before.count = count;
  });
  return { title: t('inbox.title'), element, dispose };
}
