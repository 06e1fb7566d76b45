/** A small change of a file: the characters from `start` up to `end` become `text`. */
export interface Edit {
  start: number;
  end: number;
  text: string;
  /** The name of the mutation operator. */
  operator: string;
}
