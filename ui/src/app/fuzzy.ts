/**
 * How well a text answers what was typed; 0: not at all. Every word must be found: at the start of a word counts most,
 * inside a word less, as scattered letters least. Shorter texts win among equals.
 */
export function score(typed: string, text: string): number {
  const have = text.toLowerCase();
  let sum = 0;
  for (const word of typed.toLowerCase().split(/\s+/).filter(Boolean)) {
    const points = wordScore(word, have);
    if (points === 0) return 0;
    sum += points;
  }
  return sum === 0 ? 0 : sum + 10 / (10 + have.length);
}

function wordScore(word: string, text: string): number {
  let best = 0;
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const starts = at === 0 || !/[a-z0-9]/.test(text[at - 1] ?? "");
    best = Math.max(best, at === 0 ? 100 : starts ? 80 : 40);
  }
  if (best > 0 || word.length < 3) return best;
  let at = -1;
  for (const letter of word) {
    at = text.indexOf(letter, at + 1);
    if (at < 0) return 0;
  }
  return 10;
}
