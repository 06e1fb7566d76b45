/** The looks of the lines by slot: their classes are in the style sheet, their dashes in px. */
const styles = [
  { className: 'text-line-1', dash: [] },
  { className: 'text-line-2', dash: [8, 4] },
  { className: 'text-line-3', dash: [2, 3] },
  { className: 'text-line-4', dash: [10, 3, 2, 3] },
  { className: 'text-line-5', dash: [5, 3] },
  { className: 'text-line-6', dash: [14, 4] },
  { className: 'text-line-7', dash: [2, 3, 8, 3] },
  { className: 'text-line-8', dash: [4, 6] },
] as const;

export const lineStyle = (slot: number): { className: string; dash: readonly number[] } =>
  styles[slot] ?? styles[0];
