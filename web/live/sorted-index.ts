/** Returns the index of the first point at or after an instant; the length if all are before it. */
export function sortedIndex(points: readonly { at: number }[], at: number): number {
  // New points come at the end nearly always.
  const newest = points.at(-1);
  if (!newest || newest.at < at) return points.length;
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const point = points[middle];
    if (point && point.at < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
