/**
 * Makes of some work one that is done once for all who ask while it is under way and for `milliseconds` after it
 * began, whatever came of it.
 */
export function shareFor<T>(milliseconds: number, work: () => Promise<T>): () => Promise<T> {
  let shared: Promise<T> | undefined;
  let underWay = false;
  let until = 0;
  return () => {
    if (shared === undefined || (!underWay && performance.now() >= until)) {
      underWay = true;
      until = performance.now() + milliseconds;
      shared = work().finally(() => {
        underWay = false;
      });
    }
    return shared;
  };
}
