/** The part of snappyjs that is used here. */
export function compress(plain: Uint8Array): Uint8Array;
declare const snappy: { compress: typeof compress };
export default snappy;
