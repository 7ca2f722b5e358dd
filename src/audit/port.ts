/**
 * Where audit lines go. `append` resolves when the record is accepted: written (durability
 * 'write') or on stable storage ('fsync'). Lines of one turn of the event loop are written together.
 * Rejects, quickly, when the record cannot be written; nothing may be released then.
 */
export interface AuditSink {
  /** One JSON document in ASCII, without newline. */
  append(line: string): Promise<void>;
  /** False while records cannot be written; it recovers by itself. */
  healthy(): boolean;
  /** Writes out all that was accepted; then refuses. */
  close(): Promise<void>;
}
