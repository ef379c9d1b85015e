import type { Answer, Asked } from './asker.ts';

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isJson(body: Buffer): boolean {
  return Object.keys(jsonOf(body)).length > 0;
}

export function jsonOf(body: Buffer): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(body.toString('utf8'));
    return isRecord(json) ? json : {};
  } catch {
    return {};
  }
}

export function listOf(value: unknown): readonly Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

export function textsOf(answer: Answer, key: string): readonly string[] {
  if (!answer.ok || answer.status !== 200) return [];
  const value = jsonOf(answer.body)[key];
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

/** The message of an OCI error (distribution-spec, "Error codes"), on one line. */
export function messageOf({ body }: Asked): string | undefined {
  const [error] = listOf(jsonOf(body)['errors']);
  const message = error?.['message'];
  return typeof message === 'string' ? message.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 300) : undefined;
}
