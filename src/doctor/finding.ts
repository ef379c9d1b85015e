/** `note`: worth knowing, nothing to do. */
export type Verdict = 'ok' | 'note' | 'warning' | 'failed';

/** What one check saw. */
export interface Finding {
  /** A stable word for machines: `dns`, `connect`, `tls`, `trust`, … */
  readonly check: string;
  readonly verdict: Verdict;
  readonly seen: string;
  readonly expected?: string;
  /** The command or the line of the configuration that mends it. */
  readonly mend?: string;
}

/** All that was seen of one server, or of this machine. */
export interface Report {
  /** A URL, or `this machine`. */
  readonly name: string;
  readonly role: 'machine' | 'hop' | 'origin';
  readonly findings: readonly Finding[];
  /** The shortest wait for an answer, in milliseconds. */
  readonly roundTripMs: number | undefined;
  /** What the server is, as far as it tells: `regcache`, `Distribution`, `Harbor`, … */
  readonly server: string | undefined;
  /** The hops behind it that it named, the origin's side first. */
  readonly behind: readonly string[];
}

/** Collects findings in the order in which they are made. */
export class Findings {
  readonly list: Finding[] = [];

  ok(check: string, seen: string): void {
    this.list.push({ check, verdict: 'ok', seen });
  }

  note(check: string, seen: string): void {
    this.list.push({ check, verdict: 'note', seen });
  }

  warn(check: string, seen: string, mend: string, expected?: string): void {
    this.list.push({
      check,
      verdict: 'warning',
      seen,
      mend,
      ...(expected === undefined ? {} : { expected }),
    });
  }

  fail(check: string, seen: string, mend: string, expected?: string): void {
    this.list.push({ check, verdict: 'failed', seen, mend, ...(expected === undefined ? {} : { expected }) });
  }
}

/** The worst of all: what decides about the exit code. */
export function worstOf(reports: readonly Report[]): Verdict {
  const verdicts = new Set(reports.flatMap(({ findings }) => findings.map(({ verdict }) => verdict)));
  for (const verdict of ['failed', 'warning', 'note'] as const) if (verdicts.has(verdict)) return verdict;
  return 'ok';
}
