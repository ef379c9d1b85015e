const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it may stand in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** Cut where it would break a drawing. */
export function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** A table in a box of its own, which scrolls where the page is narrow. */
export function htmlTable(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const cells = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? `<th scope="row">${escapeHtml(cell)}</th>` : `<td>${escapeHtml(cell)}</td>`,
      )
      .join('');
  const titles = head.map((title) => `<th scope="col">${escapeHtml(title)}</th>`).join('');
  const body = rows.map((row) => `<tr>${cells(row)}</tr>`).join('\n');
  return `<div class="wide" tabindex="0" role="region" aria-label="${escapeHtml(caption)}"><table><caption>${escapeHtml(caption)}</caption>
<thead><tr>${titles}</tr></thead>
<tbody>${body}</tbody></table></div>`;
}

/** A drawing that says what it shows to those who do not see it. */
export function htmlFigure(
  title: string,
  description: string,
  size: { readonly width: number; readonly height: number },
  drawing: string,
): string {
  return `<figure><div class="wide" tabindex="0" role="region" aria-label="${escapeHtml(title)}"><svg viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" role="img">
<title>${escapeHtml(title)}</title><desc>${escapeHtml(description)}</desc>
${drawing}
</svg></div><figcaption>${escapeHtml(description)}</figcaption></figure>`;
}

export interface TextOptions {
  readonly at?: 'start' | 'middle' | 'end';
  readonly kind?: 'label' | 'quiet';
}

/** Text in a drawing. */
export function svgText(
  x: number,
  y: number,
  text: string,
  { at = 'start', kind = 'label' }: TextOptions = {},
): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${at}" class="${kind}">${escapeHtml(text)}</text>`;
}

/** A bar in a drawing, which tells its meaning when it is pointed at. */
export function svgBar(
  box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  kind: string,
  title: string,
): string {
  return `<rect x="${fixed(box.x)}" y="${fixed(box.y)}" width="${fixed(Math.max(1, box.width))}" height="${fixed(box.height)}" class="${kind}"><title>${escapeHtml(title)}</title></rect>`;
}

/** A number as drawings have it. */
export function fixed(value: number): string {
  return Number.isFinite(value) ? String(Math.round(value * 10) / 10) : '0';
}
