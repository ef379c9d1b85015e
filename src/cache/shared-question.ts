import { SharedTask } from '../async/shared-task.ts';
import type { RequestSpan } from '../telemetry/tracer.ts';
import type { Pull } from './pull.ts';

/** One question to an upstream for all who ask it at the same time; whoever joins has in its trace who asked. */
export class SharedQuestion<T> {
  readonly #running = new SharedTask<{ readonly value: T; readonly asker: RequestSpan | undefined }>();

  /**
   * Joins the question of `key`, or asks it.
   * @returns the answer, and whether this call asked
   * @throws what `ask` throws, or the signal's reason when this asker leaves
   */
  async run(
    key: string,
    { signal, passport: { span } }: Pick<Pull, 'signal' | 'passport'>,
    ask: () => Promise<T>,
  ): Promise<{ readonly value: T; readonly started: boolean }> {
    const run = async (): Promise<{ value: T; asker: RequestSpan | undefined }> => ({
      value: await ask(),
      asker: span,
    });
    const { value: answered, started } = await this.#running.run(key, signal, run);
    if (!started) span?.joins(answered.asker);
    return { value: answered.value, started };
  }
}
