/**
 * Replaces every `{{name}}` of a configuration template by its value.
 * @throws Error naming placeholders without a value and values without a placeholder: both are slips that would
 * show much later, in a server that does something else than meant.
 */
export function renderTemplate(
  template: string,
  values: Readonly<Record<string, string | number>>,
): string {
  const used = new Set([...template.matchAll(/\{\{(\w+)\}\}/g)].map(([, name = '']) => name));
  const unknown = [...used].filter((name) => !Object.hasOwn(values, name));
  const unused = Object.keys(values).filter((name) => !used.has(name));
  if (unknown.length > 0) throw new Error(`placeholders without a value: ${unknown.join(', ')}`);
  if (unused.length > 0) throw new Error(`values without a placeholder: ${unused.join(', ')}`);
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => String(values[name]));
}
