/**
 * Returns the text without trailing repetitions of a character, in linear time. The regex `/0+$/` starts again at each
 * zero, which takes quadratic time for a long text that does not end with one.
 */
export function withoutTrailing(text: string, character: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === character) end--;
  return text.slice(0, end);
}
