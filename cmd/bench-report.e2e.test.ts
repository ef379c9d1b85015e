import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { htmlReport } from '../src/bench/report/html.ts';
import type { BenchResult } from '../src/bench/result.ts';
import { missingPeers, needPeers } from '../fixtures/peers.ts';
import { type TempFolder, tempFolder } from '../fixtures/temp-folder.ts';
import { timedResult } from '../fixtures/timed-result.ts';

const EVIL = '<script>alert(1)</script><img src="https://evil.example/x.png">';

const around = (ms: number): number[] => [0, 1, -1, 2, -2, 0.5].map((step) => ms * (1 + step / 50));
const REQUESTS = ['tag', 'manifest', 'config', 'layer 1', 'layer 2'].map((what, index) => ({
  what,
  startMs: index * 100,
  firstByteMs: index * 100 + 150,
  endMs: index * 100 + 300,
  bytes: 1000 * 10 ** index,
  newConnection: index === 0,
  hops: [
    {
      hop: 'china',
      outcome: (['miss', 'hit', 'prefetched', 'joined', undefined] as const)[index],
      waitedMs: 12,
    },
    { hop: 'asia', outcome: 'miss' as const, waitedMs: undefined },
  ],
}));

/** A result with everything that a report can show. */
function everything(): BenchResult {
  const result = timedResult({
    direct: { direct: around(4000) },
    asia: { cold: around(2500), warm: around(1600) },
    'china>asia': { cold: around(2300), warm: around(400) },
  });
  const variants = result.variants.map((variant) => ({
    ...variant,
    phases: variant.phases.map((phase) => ({
      ...phase,
      pulls: phase.pulls.map((pull) => ({ ...pull, requests: REQUESTS })),
    })),
  }));
  return {
    ...result,
    interrupted: true,
    links: [
      {
        name: 'client-origin',
        roundTripMs: 235,
        rateBitsPerSecond: 200e6,
        lossRatio: 3e-4,
        jitterMs: 0,
        connectionBitsPerSecond: 3.5e6,
        measuredRoundTripMs: 236,
        measuredConnectionBitsPerSecond: 3.49e6,
      },
    ],
    variants: [
      ...variants,
      { name: EVIL, hops: ['x'.repeat(200)], problem: EVIL, notes: [EVIL], phases: [], traffic: [] },
    ],
  };
}

let folder: TempFolder | undefined;
let browser: Browser | undefined;

beforeAll(async () => {
  if (missingPeers('chromium').length > 0) return;
  folder = await tempFolder('report');
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await folder?.[Symbol.asyncDispose]();
});

interface Opened {
  readonly page: Page;
  /** Everything that the page asked for beside itself, and all that it complained about. */
  readonly trouble: readonly string[];
}

async function open(result: BenchResult, width: number, colorScheme: 'dark' | 'light'): Promise<Opened> {
  if (browser === undefined || folder === undefined) throw new Error('no browser');
  const file = join(folder.path, 'report.html');
  await writeFile(file, htmlReport(result));
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const trouble: string[] = [];
  const { href } = pathToFileURL(file);
  page.on('request', (request) => {
    if (request.url() !== href) trouble.push(`request ${request.url()}`);
  });
  page.on('console', (message) => trouble.push(`console ${message.text()}`));
  page.on('dialog', (dialog) => {
    trouble.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(href);
  const pictures = process.env['REGCACHE_SCREENSHOTS'];
  if (pictures !== undefined) {
    await page.screenshot({ path: join(pictures, `report-${width}-${colorScheme}.png`), fullPage: true });
  }
  return { page, trouble };
}

interface Seen {
  readonly boxes: readonly { readonly marks: number; readonly drawn: number; readonly named: string }[];
  readonly scrollWidth: number;
  readonly clientWidth: number;
  readonly color: string;
  readonly backgroundColor: string;
  readonly scripts: number;
  readonly images: number;
}

/** Runs in the page. */
const LOOK = `(() => {
  const boxes = [...document.querySelectorAll('figure svg')].map((svg) => {
    const marks = [...svg.querySelectorAll('rect, circle')];
    const drawn = marks.filter((mark) => {
      const { width, height } = mark.getBoundingClientRect();
      return width > 0 && height > 0 && getComputedStyle(mark).fill !== 'rgb(0, 0, 0)';
    });
    return { marks: marks.length, drawn: drawn.length, named: svg.querySelector('title').textContent };
  });
  const { scrollWidth, clientWidth } = document.documentElement;
  const { color, backgroundColor } = getComputedStyle(document.body);
  const [scripts, images] = [document.scripts.length, document.images.length];
  return { boxes, scrollWidth, clientWidth, color, backgroundColor, scripts, images };
})()`;

describe.each([
  [1200, 'light'],
  [1200, 'dark'],
  [360, 'light'],
] as const)('in Chromium, %i pixels wide and %s', (width, scheme) => {
  test('the report is drawn, asks nobody for anything and fits', async (context) => {
    needPeers(context, 'chromium');
    const { page, trouble } = await open(everything(), width, scheme);
    const seen = await page.evaluate<Seen>(LOOK);
    expect(trouble).toEqual([]);
    expect(seen.scripts + seen.images).toBe(0);
    // One of times, one of traffic, one for a pull of each variant and kind.
    expect(seen.boxes).toHaveLength(7);
    for (const { marks, drawn, named } of seen.boxes) {
      expect(named).not.toBe('');
      expect(marks).toBeGreaterThan(0);
      expect(drawn).toBe(marks);
    }
    expect(seen.scrollWidth).toBeLessThanOrEqual(seen.clientWidth);
    expect(contrast(seen.color, seen.backgroundColor)).toBeGreaterThan(7);
    await expect(page.locator('h1').textContent()).resolves.toContain(EVIL);
    await expect(page.locator('.recommended').textContent()).resolves.toBe('recommended: china>asia');
    await expect(page.getByText('Interrupted').count()).resolves.toBe(1);
    await page.close();
  }, 60_000);
});

/** Of WCAG 2.1: 4.5 is enough for text, 7 is better. */
function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [one, other].map(luminance).toSorted((left, right) => right - left);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = (colour.match(/\d+/g) ?? []).map((part) => {
    const share = Number(part) / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
