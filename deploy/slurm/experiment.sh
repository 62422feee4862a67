# One experiment in a clone of its own, stopped and requeued before the job's time is up.
#
# The scripts beside this one source it; their arguments go to `dvc exp run`. Submit from the top of the
# repository, on a disk that all nodes see. Of the environment it takes
#   MLFLOW_TRACKING_URI   the server that all jobs log to
#   VENV                  the environment with dvc and TensorFlow (.venv)
#   JOBS                  a folder for the jobs' clones and what they share (one beside the repository)
#   MAX_RESTARTS          how often a job may ask for another go (100)
# shellcheck shell=bash
set -euo pipefail

repository=$SLURM_SUBMIT_DIR
jobs=${JOBS:-$repository-jobs}
job=${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID} # as squeue shows it
name=slurm-$job # of the experiment and of its MLflow run
clone=$jobs/$job
export PATH=${VENV:-$repository/.venv}/bin:$PATH

refuse() {
  echo "error: $1" >&2
  exit 1
}
[ -f "$repository/dvc.yaml" ] || refuse "$repository: not the top of the repository; submit from there"
[ -n "${MLFLOW_TRACKING_URI:-}" ] || refuse "MLFLOW_TRACKING_URI is not set; export the server's address"
command -v dvc >/dev/null || refuse "no dvc in ${VENV:-$repository/.venv}; run make setup, or set VENV"

make_clone() {
  git -C "$repository" diff --quiet HEAD -- . ':!dvc.lock' ||
    refuse "$repository: changes that are not committed; jobs work on clones of the last commit"
  rm -rf "$clone" "$clone.partial"
  git clone --quiet "$repository" "$clone.partial"
  dvc --cd "$clone.partial" config --local cache.dir "$(dvc --cd "$repository" cache dir)"
  # The data of all jobs take the room of one.
  dvc --cd "$clone.partial" config --local cache.type reflink,hardlink,copy
  # Shared by all jobs: states, so that an experiment that is submitted again goes on too, and what waits for
  # the tracking server to come back.
  mkdir -p "$jobs/states" "$jobs/spool"
  ln -s "$jobs/states" "$clone.partial/.resume"
  ln -s "$jobs/spool" "$clone.partial/.mlflow-spool"
  mv "$clone.partial" "$clone"
}

# What an experiment runs in its clone; leaves it as DVC's experiment $name.
run_stages() {
  dvc exp run --name "$name" "$@"
}

experiment() {
  # A requeued job finds its clone, with the stages that are done; another one may have left a clone of that name.
  [ -d "$clone" ] && [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ] || make_clone
  cd "$clone"
  [ "$(dvc exp list --name-only | grep --count --line-regexp "$name")" = 1 ] || run_stages "$@"
  # Back to where it was submitted. Its files are in the cache that both share.
  dvc exp push --no-cache origin "$name"
  rm -rf "$clone"
}

# Runs a command so that SIGUSR1, the warning before the time limit, ends it like Ctrl-C and queues the job
# again, and SIGTERM, as `scancel` sends it, only ends it.
with_requeue() {
  local work='' status warned=''
  trap 'warned=yes; kill -INT -- "-$work" 2>/dev/null || true' USR1
  # Never twice: a second Ctrl-C would not wait for the step.
  trap '[ -n "$warned" ] || kill -INT -- "-$work" 2>/dev/null || true' TERM
  set -m # a process group of its own: Ctrl-C is for DVC and its stage, not for this shell
  "$@" &
  work=$!
  set +m
  while wait "$work" && status=0 || status=$?; kill -0 "$work" 2>/dev/null; do :; done
  # `scancel` ends DVC at once, its stage after the step that it is in; Slurm kills what outlives this shell.
  while kill -0 -- "-$work" 2>/dev/null; do sleep 0.2; done
  trap '' TERM USR1
  if [ -z "$warned" ] || [ "$status" -eq 0 ]; then
    exit "$status"
  fi
  if [ "${SLURM_RESTART_COUNT:-0}" -ge "${MAX_RESTARTS:-100}" ]; then
    refuse "not done after ${MAX_RESTARTS:-100} restarts; is a stage longer than --time?"
  fi
  echo "the job's time is nearly up: queued again, to go on from here"
  scontrol requeue "$SLURM_JOB_ID"
}
