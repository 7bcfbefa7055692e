#!/bin/bash
# One training on 2 nodes of 4 GPUs each, one process per node.
#
#   sbatch docs/train_on_slurm.sh
#
# Run the same command again to resume. /shared is a folder that all nodes can read;
# process 0 writes there.
#SBATCH --job-name=translator
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=16
#SBATCH --time=24:00:00
# SIGTERM to the processes two minutes before the time is over: they write a checkpoint
#SBATCH --signal=TERM@120
set -euo pipefail

export KERAS_BACKEND=jax
# srun passes each process the nodes, the number of processes and its own number
srun --kill-on-bad-exit=1 tf-transformer train \
  --run /shared/runs/big \
  --train-source /shared/train.en --train-target /shared/train.de \
  --valid-source /shared/valid.en --valid-target /shared/valid.de \
  --preset big --window 1000000 --batch-tokens 65536 --max-length 128 \
  --max-updates 300000 --validate-every 5000 --checkpoint-every 10m \
  --distribute data
