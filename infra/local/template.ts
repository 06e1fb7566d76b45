type Values = Readonly<Record<string, string | number>>;

/**
 * Replaces every `{{name}}` of a configuration template by its value.
 * @throws Error naming placeholders without a value and values without a placeholder: both are slips that would
 * show much later, in a server that does something else than meant.
 */
export function renderTemplate(template: string, values: Values): string {
  const [rendered = ''] = renderTemplates([template], values);
  return rendered;
}

/** Renders several templates of one thing: each may leave out values that another has. */
export function renderTemplates(templates: readonly string[], values: Values): string[] {
  const used = new Set(
    templates.flatMap((template) =>
      [...template.matchAll(/\{\{(\w+)\}\}/g)].map(([, name = '']) => name),
    ),
  );
  const unknown = [...used].filter((name) => !Object.hasOwn(values, name));
  const unused = Object.keys(values).filter((name) => !used.has(name));
  if (unknown.length > 0) throw new Error(`placeholders without a value: ${unknown.join(', ')}`);
  if (unused.length > 0) throw new Error(`values without a placeholder: ${unused.join(', ')}`);
  return templates.map((template) =>
    template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => String(values[name])),
  );
}
