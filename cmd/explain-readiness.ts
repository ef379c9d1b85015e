import { printable } from '../src/control/printable.ts';

const MAX_CHARACTERS = 1024;

/**
 * Why a daemon does not serve, from the body of its answer: `draining`, `unhealthy; file /maintenance: it exists`.
 * Understands `/readyz`, and `/debug/health` as Distribution answers it.
 * @returns undefined where the body says nothing of that
 */
export function explainReadiness(body: string): string | undefined {
  const told = recordOf(parsed(body));
  const { status, problems } = told;
  const isReadiness = typeof status === 'string' && typeof problems === 'object';
  const parts = Object.entries(isReadiness ? recordOf(problems) : told).flatMap(([part, problem]) =>
    typeof problem === 'string' ? [`${part}: ${problem}`] : [],
  );
  const text = [...(isReadiness ? [status] : []), ...parts].join('; ');
  return text === '' ? undefined : printable(text).slice(0, MAX_CHARACTERS);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isRecord ? { ...value } : {};
}
