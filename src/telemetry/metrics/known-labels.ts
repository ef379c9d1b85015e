/** What a configuration names, and a metric may therefore be labelled with. */
export interface KnownNames {
  readonly namespaces: readonly string[];
  /** Hosts and ports. */
  readonly upstreams: readonly string[];
}

/** Keeps label sets bounded: whatever no configuration has named is told as nothing. */
export class KnownLabels {
  readonly #namespaces = new Set<string>();
  readonly #upstreams = new Set<string>();

  constructor(names: KnownNames) {
    this.learn(names);
  }

  /** After a reload: what was known stays known, as its counts go on. */
  learn({ namespaces, upstreams }: KnownNames): void {
    for (const name of namespaces) this.#namespaces.add(name);
    for (const name of upstreams) this.#upstreams.add(name);
  }

  get namespaces(): readonly string[] {
    return [...this.#namespaces];
  }

  get upstreams(): readonly string[] {
    return [...this.#upstreams];
  }

  namespace(name: string | undefined): string {
    return name !== undefined && this.#namespaces.has(name) ? name : '';
  }

  upstream(name: string): string {
    return this.#upstreams.has(name) ? name : '';
  }
}
