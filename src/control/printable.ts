/** What another program said goes to a terminal: nothing that could steer it, or turn its text around, does. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, '?');
}
