import { type Row } from './csv.ts';

export interface DemoTable {
  /** As written in SQL, with its schema unless that is public. */
  name: string;
  columns: readonly string[];
  /** The same rows at every call. */
  rows: () => Iterable<Row>;
}

/** One database: <database>.sql makes its tables, which are filled in this order; <database>.indexes.sql follows. */
export interface Demo {
  database: 'sales' | 'iot';
  tables: readonly DemoTable[];
}
