// SPDX-License-Identifier: Apache-2.0
//
// Pages that say why there is nothing to see.

import type { Page } from '../app/context.js';
import { session } from '../app/session.js';
import { h } from '../view/dom.js';
import { link, pageHead } from '../view/parts.js';
import { t } from '../view/words.js';

export function notFoundPage(): Page {
  const text = h('p', {}, t('notFound.text'), ' ', link('#/', t('nav.patients')));
  return { title: t('notFound.title'), element: h('div', {}, pageHead(t('notFound.title')), text) };
}

export function forbiddenPage(): Page {
  const role = session.value?.user.role;
  const text = h('p', {}, t('forbidden.text', { role: role === undefined ? t('app.unknown') : t(`role.${role}`) }));
  return { title: t('forbidden.title'), element: h('div', {}, pageHead(t('forbidden.title')), text) };
}
