import { z } from 'zod';
import { parsed, unparsable } from './parsed.ts';
import { textOf } from './schema-values.ts';

const headerValue = textOf(
  z.string(),
  (written) =>
    /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(written)
      ? parsed(written)
      : unparsable('holds a character that no header may carry; write plain text on one line'),
  (value) => value,
);

/** HTTP header fields by name, each with its values. */
export const headerFields = z.record(
  z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'is no name of a header'),
  z.array(headerValue),
);
