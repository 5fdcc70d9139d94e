// SPDX-License-Identifier: Apache-2.0
//
// A small picture of a film, fetched through the sealed channel.

import type { App } from '../app/context.js';
import { h, icon } from './dom.js';

export interface Thumbnail {
  readonly element: HTMLElement;
  dispose(): void;
}

const SIDE = 192;

export function thumbnail(app: App, film: string, label: string): Thumbnail {
  const element = h('div', { class: 'thumbnail' }, icon('film', 28));
  let url = '';
  let gone = false;
  void app.platform.filmImage(film, SIDE).then((blob) => {
    if (gone) return;
    url = URL.createObjectURL(blob);
    const missing = () => element.replaceChildren(icon('film', 28));
    element.replaceChildren(h('img', { src: url, alt: label, 'data-testid': 'thumbnail', on: { error: missing } }));
  }).catch(() => element.classList.add('thumbnail-missing'));
  const dispose = () => {
    gone = true;
    if (url !== '') URL.revokeObjectURL(url);
  };
  return { element, dispose };
}
