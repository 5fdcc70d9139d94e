// SPDX-License-Identifier: Apache-2.0
//
// Making elements. Text is always text: nothing here parses HTML, and the page's policy forbids it.

export type Child = Node | string | null | undefined | false | readonly Child[];

type Listeners = { [Name in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Name]) => void };

export interface Attributes {
  readonly on?: Listeners;
  readonly [name: string]: string | number | boolean | undefined | Listeners;
}

function append(parent: Node, child: Child): void {
  if (child === null || child === undefined || child === false) return;
  if (typeof child === 'string') parent.appendChild(document.createTextNode(child));
  else if (child instanceof Node) parent.appendChild(child);
  else child.forEach((item) => append(parent, item));
}

/** `class`, `aria-label` and so on as attributes; booleans are there or not; `on` holds listeners. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag, attributes: Attributes = {}, ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'on' || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const [name, listener] of Object.entries(attributes.on ?? {})) {
    element.addEventListener(name, listener as EventListener);
  }
  children.forEach((child) => append(element, child));
  return element;
}

export function replace(parent: Element, ...children: Child[]): void {
  parent.replaceChildren();
  children.forEach((child) => append(parent, child));
}

const SVG = 'http://www.w3.org/2000/svg';

const ICONS = {
  verified: ['M12 2.6 21.4 12 12 21.4 2.6 12Z', 'M8.2 12.2l2.6 2.6 5-5.4'],
  attention: ['M12 3.6 21.6 20H2.4Z', 'M12 10v4.6', 'M12 17.2v.2'],
  refused: ['M8.2 2.8h7.6l5.4 5.4v7.6l-5.4 5.4H8.2l-5.4-5.4V8.2Z', 'M8.8 8.8l6.4 6.4', 'M15.2 8.8l-6.4 6.4'],
  checking: ['M12 3a9 9 0 1 1-9 9', 'M12 7v5l3 2'],
  unknown: ['M12 3a9 9 0 1 0 .01 0Z', 'M8 12h8'],
  right: ['M4 12h15', 'M14 7l5 5-5 5'],
  down: ['M12 4v15', 'M7 14l5 5 5-5'],
  copy: ['M9 9h11v11H9Z', 'M15 5H4v11h1'],
  menu: ['M7 10l5 5 5-5'],
  film: ['M4 4h16v16H4Z', 'M4 9h16', 'M4 15h16', 'M9 4v16', 'M15 4v16'],
  plus: ['M12 5v14', 'M5 12h14'],
} as const;

export type IconName = keyof typeof ICONS;

/** A drawn sign; a word always stands beside it. */
export function icon(name: IconName, size = 16): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('width', String(size));
  svg.setAttribute('height', String(size));
  svg.setAttribute('class', `icon icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  for (const d of ICONS[name]) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    svg.appendChild(path);
  }
  return svg;
}
