/**
 * The part of snappyjs that is used here. Not by `paths` of tsconfig.json: what loads the functions follows
 * those when it runs them, too.
 */
declare module 'snappyjs' {
  const snappy: { compress(plain: Uint8Array): Uint8Array };
  export default snappy;
}
