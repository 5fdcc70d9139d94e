// SPDX-License-Identifier: Apache-2.0
//
// Names the file that did not match its digest or did not arrive. The policy allows exactly these letters.
addEventListener('error', function (event) {
  var at = event.target, title = document.getElementById('boot-title'), text = 'Not the file that this page names, or it did not arrive: ';
  if (!(at instanceof HTMLScriptElement || at instanceof HTMLLinkElement) || at.rel === 'icon') return;
  var tell = function () {
    title = document.getElementById('boot-title');
    if (!title) return;
    title.textContent = 'This page did not start';
    document.getElementById('boot-file').textContent += text + (at.src || at.href) + ' (' + at.integrity + '). ';
  };
  if (title) tell(); else addEventListener('DOMContentLoaded', tell);
}, true);
