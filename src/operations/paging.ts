/**
 * Members that all lists share. AWS KMS API reference: Limit and Marker in, NextMarker (while more
 * follow) and Truncated (always) out; a page may always be shorter than was asked for.
 */
import type { Page } from '../keys/service.js';

/** Items of a page: without a Limit, and at most; a larger Limit within its shape means `max`. */
export interface PageSize {
  readonly fallback: number;
  readonly max: number;
}

export function pageLimit(limit: number | undefined, { fallback, max }: PageSize): number {
  return Math.min(limit ?? fallback, max);
}

export function pageMembers(page: Page<unknown>): {
  readonly NextMarker: string | undefined;
  readonly Truncated: boolean;
} {
  return { NextMarker: page.nextMarker, Truncated: page.nextMarker !== undefined };
}
