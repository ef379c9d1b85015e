/** A TOML basic string (TOML 1.0, "String"): JSON's escapes, and DEL, which JSON leaves as it is. */
export function tomlString(text: string): string {
  return JSON.stringify(text).replaceAll('\u007F', String.raw`\u007F`);
}
