/**
 * The part of snappyjs that is used here. It is not in `paths` of tsconfig.json, because the loader of the functions
 * would follow that at run time, too.
 */
declare module 'snappyjs' {
  const snappy: { compress(plain: Uint8Array): Uint8Array };
  export default snappy;
}
