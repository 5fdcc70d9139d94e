// SPDX-License-Identifier: Apache-2.0
//
// Accounts, for the administrator.

import type { App, Page } from '../app/context.js';
import type { Account } from '../app/platform.js';
import type { Role } from '../app/session.js';
import { newIdempotencyKey } from '../channel/sealed.js';
import { h, replace } from '../view/dom.js';
import { errorNotice } from '../view/error.js';
import { field, validateAll, type Validator } from '../view/form.js';
import { locked } from '../view/lock.js';
import { button, loading, notice, pageHead } from '../view/parts.js';
import { t, wordOr } from '../view/words.js';

const ROLES: readonly Role[] = ['clerk', 'clinician', 'administrator'];
const PASSWORD_MIN = 12;

const userName: Validator = (value) => (/^[A-Za-z0-9._-]{2,64}$/.test(value) ? undefined : t('field.userForm'));
const passwordLength: Validator = (value) => (value.length < PASSWORD_MIN ? t('field.passwordShort') : undefined);

function table(accounts: readonly Account[]): HTMLElement {
  const rows = accounts.map((item) => h(
    'tr', { 'data-testid': 'account-row' }, h('td', {}, item.name), h('td', {}, h('code', {}, item.user)),
    h('td', {}, wordOr(`role.${item.role}`, item.role))));
  const heads = [t('accounts.name'), t('accounts.user'), t('accounts.role')];
  return h('div', { class: 'table-box' }, h('table', { class: 'list' },
    h('thead', {}, h('tr', {}, heads.map((text) => h('th', { scope: 'col' }, text)))), h('tbody', {}, rows)));
}

export function accountsPage(app: App): Page {
  const list = h('div', { 'aria-live': 'polite' }, loading());
  const message = h('div', {});
  const load = async () => {
    try {
      const accounts = await app.platform.accounts();
      replace(list, accounts.length === 0 ? h('p', { class: 'empty' }, t('accounts.empty')) : table(accounts));
    } catch (thrown) {
      replace(list, errorNotice(thrown, undefined, () => void load()));
    }
  };
  const fields = {
    name: field({ name: 'account-name', label: t('accounts.name'), required: true, maximum: 100 }),
    user: field({ name: 'account-user', label: t('accounts.user'), required: true, check: userName }),
    role: field({ name: 'account-role', label: t('accounts.role'), required: true, choices: ROLES.map((role) => [role, t(`role.${role}`)] as const) }),
    password: field({
      name: 'account-password', label: t('accounts.password'), type: 'password', required: true, check: passwordLength,
      autocomplete: 'new-password', hint: t('accounts.passwordHint'), maximum: 1024,
    }),
  };
  let key = newIdempotencyKey(); // one for each content: a retry creates once
  const submit = button(t('accounts.save'), () => undefined, { kind: 'primary', submit: true, test: 'create-account' });
  const run = async () => {
    if (!validateAll(Object.values(fields))) return;
    submit.disabled = true;
    submit.textContent = t('accounts.saving');
    const name = fields.name.value();
    try {
      const account = { user: fields.user.value(), name, role: fields.role.value() as Role, password: fields.password.value() };
      await app.platform.createAccount(account, key);
      [fields.name, fields.user, fields.password].forEach((item) => item.set(''));
      key = newIdempotencyKey();
      replace(message, notice('good', t('accounts.created', { name })));
      fields.name.input.focus();
      await load();
    } catch (thrown) {
      replace(message, errorNotice(thrown));
    } finally {
      submit.disabled = false;
      submit.textContent = t('accounts.save');
    }
  };
  const form = h('form', {
    class: 'account-form', novalidate: true,
    on: {
      submit: (event) => { event.preventDefault(); void run(); },
      input: () => { key = newIdempotencyKey(); },
    },
  }, h('h2', {}, t('accounts.create')), Object.values(fields).map((item) => item.element), message, submit);
  const lock = locked(app.keeper, form);
  void load();
  const element = h('div', {}, pageHead(t('accounts.title')), h('div', { class: 'two-columns wide-left' }, list, lock.element));
  return { title: t('accounts.title'), element, dispose: () => lock.dispose() };
}
