/** What `doc_lint_test.ts` must find wrong. */

interface Hidden {
  readonly size: number;
}

/** A type with a field that nobody explains. */
export interface Shown {
  readonly size: number;
  /** A field whose type cannot be looked up. */
  readonly hidden: Hidden;
}
