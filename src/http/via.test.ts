import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RegistryError } from '../oci/error.ts';
import { answerVia, passVia } from './via.ts';

const SELF = { name: 'china:5000', id: '6a1f' };

describe('passVia', () => {
  it('begins and continues the way of a request', () => {
    expect(passVia(undefined, SELF)).toEqual({ via: '1.1 china:5000 (6a1f)', hopsPassed: 0 });
    expect(passVia('1.1 beijing (77)', SELF)).toEqual({
      via: '1.1 beijing (77), 1.1 china:5000 (6a1f)',
      hopsPassed: 1,
    });
    expect(passVia('1.0 fred, HTTP/1.1 p.example.net:80 (Apache/1.1) ,2 [::1]:5', SELF).hopsPassed).toBe(3);
  });

  it('answers a request that has been here with 508 and the way it came', () => {
    expect(() => passVia('1.1 asia (x), 1.1 whatever (6a1f), 1.1 b (y)', SELF)).toThrow(
      expect.objectContaining({
        status: 508,
        message: expect.stringContaining('loop') as string,
        detail: { via: ['1.1 asia (x)', '1.1 whatever (6a1f)', '1.1 b (y)'] },
      }),
    );
  });

  it('takes another hop of the same name for no loop: replicas share one', () => {
    expect(passVia('1.1 china:5000 (other)', SELF).hopsPassed).toBe(1);
    expect(passVia('1.1 china:5000', SELF).hopsPassed).toBe(1);
  });

  it('lets eight hops pass and refuses the ninth', () => {
    const via = (hops: number): string =>
      Array.from({ length: hops }, (_, index) => `1.1 h${index} (${index})`).join(', ');
    expect(passVia(via(7), SELF).hopsPassed).toBe(7);
    expect(() => passVia(via(8), SELF)).toThrow(expect.objectContaining({ status: 508 }));
  });

  it.each([
    '',
    ',',
    'nonsense',
    '1.1',
    '1.1 a (b',
    '1.1 a (b) c',
    '1.1 a (b (c))',
    `1.1 ${'a'.repeat(301)}`,
    '1.1 a, ',
    '1.1 a<b>',
  ])('answers the malformed field %j with 400', (field) => {
    expect(() => passVia(field, SELF)).toThrow(expect.objectContaining({ status: 400 }));
  });

  it('refuses a field of more than two kibibytes', () => {
    const field = Array.from({ length: 7 }, () => `1.1 ${'a'.repeat(300)}`).join(', ');
    expect(() => passVia(field, SELF)).toThrow(expect.objectContaining({ status: 400 }));
  });

  it('throws nothing but OCI errors, and builds what the next hop can read', () => {
    const piece = fc.constantFrom(
      '1.1 ',
      'a',
      ', ',
      '(',
      ')',
      'HTTP/',
      '\\',
      ':',
      '[',
      ']',
      '6a1f',
      ' ',
      '\t',
    );
    const field = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 30 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(field, (text) => {
        expect(continued(text)).toMatch(/^(?:refused|one more, and a loop here)$/);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('answerVia', () => {
  it('adds this hop after those behind it', () => {
    expect(answerVia(undefined, SELF)).toBe('1.1 china:5000 (6a1f)');
    expect(answerVia('1.1 asia (x)', SELF)).toBe('1.1 asia (x), 1.1 china:5000 (6a1f)');
  });
});

/** What becomes of a field at this hop, then at the next one, and of its result if it came back here. */
function continued(field: string): string {
  try {
    const { via, hopsPassed } = passVia(field, SELF);
    const next = hopsPassed < 7 ? passVia(via, { name: 'next', id: 'n' }).hopsPassed : hopsPassed + 1;
    const back = loops(via) ? 'a loop here' : 'no loop';
    return `${next === hopsPassed + 1 ? 'one more' : 'lost count'}, and ${back}`;
  } catch (error) {
    return error instanceof RegistryError ? 'refused' : `threw ${String(error)}`;
  }
}

function loops(via: string): boolean {
  try {
    passVia(via, SELF);
    return false;
  } catch (error) {
    return error instanceof RegistryError && error.status === 508;
  }
}
