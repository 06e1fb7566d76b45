import { type Row } from './csv.ts';

export interface DemoTable {
  /** Name in SQL, with its schema unless that is public. */
  name: string;
  columns: readonly string[];
  /** Returns the same rows at every call. */
  rows: () => Iterable<Row>;
}

/** A database: <database>.sql creates its tables, which are filled in this order; then <database>.indexes.sql runs. */
export interface Demo {
  database: 'sales' | 'iot';
  tables: readonly DemoTable[];
}
