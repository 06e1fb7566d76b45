/**
 * The distinct values of a Parquet page, in PLAIN encoding, in the order in which they first occur, and for each value
 * the number of that one: what `Dictionary` (lib/formats/parquet/dictionary.ts) needs of a page.
 *
 * It uses a region of `scratchBytes`:
 *
 *   the hash table   numbers plus one, 2 bytes each; 0 is a free place
 *   hashes           of the distinct values, 4 bytes each
 *   starts           offsets of the distinct values in the page, 4 bytes each
 *   indices          of all values, 2 bytes each
 */
const MAX_DISTINCT: u32 = 32768;
const PLACES: u32 = 2 * MAX_DISTINCT;
const HASHES: usize = 2 * <usize>PLACES;
const STARTS: usize = HASHES + 4 * <usize>MAX_DISTINCT;
const INDICES: usize = STARTS + 4 * <usize>MAX_DISTINCT;
/** Places that are searched for a value. */
const MAX_PROBES: u32 = 256;

export function startsAt(scratch: usize): usize {
  return scratch + STARTS;
}

export function indicesAt(scratch: usize): usize {
  return scratch + INDICES;
}

/**
 * Returns the number of distinct values, 0 if there are too many, or more than half of the first `sample`.
 *
 * @param width of a value, 0 for texts, which begin with their length
 * @param sample 0 if the first values are not looked at
 */
export function findDistinct(
  start: usize,
  length: usize,
  width: usize,
  scratch: usize,
  sample: u32,
): u32 {
  memory.fill(scratch, 0, HASHES);
  let found: u32 = 0;
  let count: u32 = 0;
  let index = scratch + INDICES;
  for (let at: usize = 0; at < length; ) {
    const size = width == 0 ? 4 + <usize>load<u32>(start + at) : width;
    const hash = hashOf(start + at, size);
    let place = hash & (PLACES - 1);
    let number: u32 = 0;
    for (let probe: u32 = 0; ; probe++) {
      if (probe == MAX_PROBES) return 0;
      const entry = <u32>load<u16>(scratch + 2 * <usize>place);
      if (entry == 0) {
        if (found == MAX_DISTINCT) return 0;
        number = found++;
        store<u16>(scratch + 2 * <usize>place, <u16>found);
        store<u32>(scratch + HASHES + 4 * <usize>number, hash);
        store<u32>(scratch + STARTS + 4 * <usize>number, <u32>at);
        break;
      }
      number = entry - 1;
      if (
        load<u32>(scratch + HASHES + 4 * <usize>number) == hash &&
        equals(start + load<u32>(scratch + STARTS + 4 * <usize>number), start + at, size)
      )
        break;
      place = (place + 1) & (PLACES - 1);
    }
    store<u16>(index, <u16>number);
    index += 2;
    count++;
    if (count == sample && found > sample / 2) return 0;
    at += size;
  }
  return found;
}

function hashOf(at: usize, size: usize): u32 {
  let hash: u64 = size;
  let n: usize = 0;
  for (; n + 8 <= size; n += 8) hash = mix(hash ^ load<u64>(at + n));
  if (n < size) {
    // The bytes after a value are not its own.
    const unused = 64 - 8 * <u64>(size - n);
    hash = mix(hash ^ ((load<u64>(at + n) << unused) >> unused));
  }
  return <u32>(hash >> 32);
}

// @ts-ignore: decorator
@inline function mix(value: u64): u64 {
  const product = value * 0x9e3779b97f4a7c15;
  return product ^ (product >> 29);
}

/** Compares values that begin alike if they have the same size: a text with its length. */
function equals(a: usize, b: usize, size: usize): bool {
  let n: usize = 0;
  for (; n + 8 <= size; n += 8) if (load<u64>(a + n) != load<u64>(b + n)) return false;
  if (n == size) return true;
  const unused = 64 - 8 * <u64>(size - n);
  return (load<u64>(a + n) ^ load<u64>(b + n)) << unused == 0;
}
