// Translates its arguments with an exported folder, in Node.js without Python.
//
//   scripts/nodejs/build.sh     # once
//   NODE_PATH=build/nodejs/node_modules \
//     node scripts/nodejs/translate.js saved_models/mine/1 "I am a student." ""
//
// Prints one JSON array, `[{"translation": ..., "score": ...}, ...]`.

const util = require('util');
// tfjs-node 4.22 calls two functions that Node.js 23 no longer has
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
util.isArray ??= Array.isArray;
const tf = require('@tensorflow/tfjs-node');

async function main([folder, ...texts]) {
  if (folder === undefined || texts.length === 0) {
    throw new Error('usage: translate.js FOLDER TEXT...');
  }
  const model = await tf.node.loadSavedModel(folder, ['serve'], 'serving_default');
  const outputs = model.predict({text: tf.tensor(texts, [texts.length], 'string')});
  const translations = await outputs.translation.data();
  const scores = await outputs.score.data();
  const answer = texts.map((_, i) => ({
    translation: translations[i],
    score: scores[i],
  }));
  console.log(JSON.stringify(answer));
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
