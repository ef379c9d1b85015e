import type { Finding, Report, Verdict } from './finding.ts';

const SIGNS: Readonly<Record<Verdict, string>> = { ok: '✔', note: '·', warning: '!', failed: '✖' };
const COLOURS: Readonly<Record<Verdict, number>> = { ok: 32, note: 36, warning: 33, failed: 31 };

/** All reports as text: each server with a line a check, and the way of a pull at the end. */
export function reportText(reports: readonly Report[], colour: boolean): string {
  const paint = (text: string, code: number): string => (colour ? `\u001B[${code}m${text}\u001B[0m` : text);
  const line = ({ check, verdict, seen, expected, mend }: Finding): string => {
    const lines = [`  ${paint(SIGNS[verdict], COLOURS[verdict])} ${check.padEnd(11)} ${safe(seen)}`];
    if (expected !== undefined) lines.push(`${INDENT}expected: ${safe(expected)}`);
    if (mend !== undefined)
      lines.push(`${INDENT}${paint('→', 36)} ${safe(mend).replaceAll('\n', `\n${INDENT}  `)}`);
    return `${lines.join('\n')}\n`;
  };
  const groups = reports.map(({ name, role, server, findings }) => {
    const what = [role === 'machine' ? '' : role, server ?? ''].filter((word) => word !== '').join(', ');
    return `${paint(safe(name), 1)}${what === '' ? '' : ` (${safe(what)})`}\n${findings.map(line).join('')}`;
  });
  return `${groups.join('\n')}\n${pathText(reports)}${summaryText(reports)}\n`;
}

const INDENT = ' '.repeat(16);

/** `this machine ─ 2.1 ms ─ asia.example:5000 ─ dtr.example.com` */
function pathText(reports: readonly Report[]): string {
  const ways = reports
    .filter(({ role }) => role !== 'machine')
    .map(({ name, roundTripMs, behind, findings }) => {
      const broken = findings.some(({ verdict }) => verdict === 'failed');
      const step = broken ? '─✖─' : roundTripMs === undefined ? '─' : `─ ${roundTripMs.toFixed(1)} ms ─`;
      return `this machine ${[`${step} ${new URL(name).host}`, ...behind.toReversed().map((hop) => `─ ${safe(hop)}`)].join(' ')}\n`;
    });
  return ways.length === 0 ? '' : `${ways.join('')}\n`;
}

function summaryText(reports: readonly Report[]): string {
  const all = reports.flatMap(({ findings }) => findings);
  const count = (verdict: Verdict): number => all.filter((each) => each.verdict === verdict).length;
  const [failed, warnings] = [count('failed'), count('warning')];
  if (failed === 0 && warnings === 0) return `all is well: ${all.length} checks`;
  return `${all.length} checks, ${failed} failed, ${warnings} with a warning`;
}

/** What a server said goes to a terminal: no control character does. */
function safe(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is taken out
  return text.replaceAll(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/g, '?');
}
