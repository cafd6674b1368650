#!/bin/sh
# Whether the worker is alive: it writes its health file anew every 6 s at the latest while its loop
# runs, whatever it does (gpu_worker/health.py); an older one is the word of a worker that is stuck.
# Loading a model is no illness. Exit status 0: alive; 1: not, with a sentence for `docker inspect`.
set -eu

file=${EMBERFRAME_HEALTH_FILE:?is not set; it must name the file that the worker writes}
longest=30

if ! written=$(stat -c %Y "$file" 2> /dev/null); then
  echo "There is no $file: the worker has not begun, or cannot write there."
  exit 1
fi
age=$(($(date +%s) - written))
if [ "$age" -ge "$longest" ]; then
  echo "$file is $age s old; a live worker's is younger than $longest s."
  exit 1
fi
cat "$file"
