// Attention weights of one sentence: matrices [query][key] of numbers.

// The matrix of whole units: the mean over the rows of their tokens, the sum over the
// columns.
export function pooled(matrix, queries, keys) {
  return queries.map((query) => {
    const rows = matrix.slice(query.start, query.end);
    return keys.map((key) => {
      let sum = 0;
      for (const row of rows) for (let k = key.start; k < key.end; k += 1) sum += row[k];
      return sum / rows.length;
    });
  });
}

// The mean over the rows of entropy / ln(number of visible keys): 0 to 1. Rows with one
// visible key are left out.
export function entropyShare(matrix, seesPastOnly) {
  const shares = [];
  matrix.forEach((row, i) => {
    const keys = seesPastOnly ? i + 1 : row.length;
    if (keys < 2) return;
    const entropy = row.reduce((sum, w) => (w > 0 ? sum - w * Math.log(w) : sum), 0);
    shares.push(entropy / Math.log(keys));
  });
  return shares.length ? shares.reduce((a, b) => a + b, 0) / shares.length : 0;
}

// Weights of one query over the keys, or of all queries for one key.
export const looksOf = (matrix, { side, index }) =>
  side === "queries" ? matrix[index] : matrix.map((row) => row[index]);

export const percent = (weight) => `${Math.round(weight * 100)}%`;

// [index, weight] of the largest weights of at least 1 %, largest first.
export function strongest(weights, count) {
  return weights
    .map((weight, index) => [index, weight])
    .filter(([, weight]) => weight >= 0.01)
    .sort((a, b) => b[1] - a[1])
    .slice(0, count);
}
