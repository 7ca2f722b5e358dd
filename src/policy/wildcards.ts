/** Wildcards of policies: `*` stands for any text, `?` for one character. */

/** True when `pattern` matches all of `text`; time grows with the product of their lengths. */
export function matchesWildcards(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  // Where the last `*` was, and the text from which it is being tried.
  let star = -1;
  let from = 0;
  while (t < text.length) {
    if (
      p < pattern.length &&
      (pattern[p] === '?' || (pattern[p] === text[t] && pattern[p] !== '*'))
    ) {
      p++;
      t++;
    } else if (pattern[p] === '*') {
      star = p++;
      from = t;
    } else if (star >= 0) {
      p = star + 1;
      t = ++from;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** As matchesWildcards, part by part between the colons of an ARN: the last part takes the rest. */
export function matchesArn(pattern: string, arn: string): boolean {
  const patternParts = arnParts(pattern);
  const parts = arnParts(arn);
  if (parts === undefined) return false;
  if (patternParts === undefined) return pattern === '*';
  return patternParts.every((part, i) => matchesWildcards(part, parts[i]!));
}

const ARN_PARTS = 6;

function arnParts(text: string): readonly string[] | undefined {
  const parts = text.split(':');
  if (parts.length < ARN_PARTS || parts[0] !== 'arn') return undefined;
  return [...parts.slice(0, ARN_PARTS - 1), parts.slice(ARN_PARTS - 1).join(':')];
}
