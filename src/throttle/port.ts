/** Request quotas: token buckets per account, region and quota name. */
export interface Throttle {
  /**
   * Takes `cost` tokens (1 unless given) of each draw, all or none; false = over the quota. A draw
   * may name another region than the request's.
   * Unknown quota names are programmer errors and throw.
   */
  take(
    account: string,
    region: string,
    draws: readonly { quota: string; cost?: number; region?: string }[],
  ): boolean;
  /** Hot key: counts a state change of one key; false when changes come too fast. */
  takeStateChange(keyArn: string): boolean;
  /** Requests per second of a quota in a region; Infinity when off. For metrics and docs. */
  rate(region: string, quota: string): number;
}
