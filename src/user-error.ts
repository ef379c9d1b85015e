/** What an operator did that cannot work: shown as one line with the way out, never with a stack trace. */
export class UserError extends Error {
  override readonly name = 'UserError';
  /** A stable word for machines, such as `CONFIG_INVALID` or `ADDRESS_IN_USE`. */
  readonly code: string;
  /** The offending value, as far as it may be shown. */
  readonly value: string | undefined;
  /** What to do about it. */
  readonly hint: string | undefined;
  /** 2: the configuration, the arguments or the machine are wrong; 1: the work failed. */
  readonly exitCode: number;

  constructor(
    code: string,
    message: string,
    options: { value?: string; hint?: string; exitCode?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.value = options.value;
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? 2;
  }
}
