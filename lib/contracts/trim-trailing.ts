/**
 * Returns the text without the characters of that kind at its end. Linear: the regex `/0+$/` tries again
 * at each zero, which for a long text that does not end in one takes the square of its length.
 */
export function withoutTrailing(text: string, character: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === character) end--;
  return text.slice(0, end);
}
