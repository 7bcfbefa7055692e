#!/usr/bin/env bash
# Compiles tfjs-node with the TensorFlow of a Python environment, so that Node.js runs
# exported folders with the TensorFlow that wrote them.
#
#   scripts/nodejs/build.sh [PYTHON]     default: .venv/bin/python
#
# The result is in build/nodejs; use NODE_PATH=build/nodejs/node_modules.
# Needs node, npm, make and g++. Node's headers are expected next to the `node` program;
# NODE_HEADERS=FOLDER (the folder that contains include/node) overrides this.
set -euo pipefail
scripts="$(cd "$(dirname "$0")" && pwd)"
root="$(dirname "$(dirname "$scripts")")"

python="${1:-$root/.venv/bin/python}"
tensorflow="$("$python" -c 'import importlib.util as util
print(util.find_spec("tensorflow").submodule_search_locations[0])')"
node_headers="${NODE_HEADERS:-$(dirname "$(dirname "$(realpath "$(command -v node)")")")}"
for file in "$tensorflow/libtensorflow_cc.so.2" "$node_headers/include/node/node_api.h"; do
  [ -e "$file" ] || { echo "build.sh needs $file" >&2; exit 1; }
done

mkdir -p "$root/build/nodejs"
cp "$scripts/package.json" "$root/build/nodejs"
cd "$root/build/nodejs"
# the package's install step would download an older TensorFlow library
npm install --ignore-scripts --no-audit --no-fund --no-package-lock

cd node_modules/@tensorflow/tfjs-node
mkdir -p deps/lib
ln -sfn "$tensorflow/include" deps/include
for name in libtensorflow.so libtensorflow.so.2 libtensorflow_cc.so.2; do
  ln -sf "$tensorflow/libtensorflow_cc.so.2" "deps/lib/$name"
done
for name in libtensorflow_framework.so libtensorflow_framework.so.2; do
  ln -sf "$tensorflow/libtensorflow_framework.so.2" "deps/lib/$name"
done
../../.bin/node-pre-gyp install --build-from-source --nodedir="$node_headers"
