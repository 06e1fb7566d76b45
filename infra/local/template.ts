type Values = Readonly<Record<string, string | number>>;

/**
 * Replaces every `{{name}}` of a configuration template with its value. Throws an Error that names placeholders without
 * a value and values without a placeholder: such mistakes would otherwise show only as wrong behaviour of a server.
 */
export function renderTemplate(template: string, values: Values): string {
  const [rendered = ''] = renderTemplates([template], values);
  return rendered;
}

/** Renders several templates with the same values: each value has to be used by at least one of them. */
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
