/** A value that the file cannot hold: said to the person who asked, with its row and column. */
export class Unfit extends Error {}
