/** The properties of a field that edits one value of the draft. */
export interface FieldProps<T> {
  id: string;
  value: T;
  onChange: (value: T) => void;
  error: string | undefined;
}
