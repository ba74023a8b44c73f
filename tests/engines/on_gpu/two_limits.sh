#!/bin/bash
# The limits of two configurations of one model on one GPU, each by concurrency and by rate, with open loops around them.
#
#   two_limits.sh start MODEL [default|fp8]                  both servers, side by side, or one; returns once they answer
#   two_limits.sh measure default|fp8 BIN OUT [BUDGET [...]] one of them, while the other one is idle: OUT/NAME.json and .log; "..." are
#                                                            more arguments of verify_best.py limits
#   two_limits.sh stop
#
# BUDGET is in seconds, 540 by default: about 130 for the limit by rate with its warm-up, 150 for the open loops at 0.9 and 1.1 of it, 180 for
# the limit by concurrency, the rest for the limit by rate once more. In this order, because 270 s once ended before any limit by rate.
# Both stay up: the cache of each is given in bytes, more than its sequences need, so that neither is short of memory because of
# the other. A machine whose commands may not take long can so be used in two calls. `vllm` is on the PATH.
set -u
here=$(cd "$(dirname "$0")" && pwd)
logs=${TWO_LIMITS_LOGS:-/tmp/two-limits}
mkdir -p "$logs"

serve() {  # NAME PORT flags
  local name=$1 port=$2
  shift 2
  setsid nohup vllm serve "$model" --host 127.0.0.1 --port "$port" --load-format dummy --max-model-len 8192 \
    --gpu-memory-utilization 0.45 --max-num-seqs 512 "$@" > "$logs/$name.log" 2>&1 < /dev/null &
  echo $! > "$logs/$name.pid"
}

wait_for() {  # NAME PORT
  until curl -sf -o /dev/null "http://127.0.0.1:$2/health"; do
    if ! kill -0 "$(cat "$logs/$1.pid")" 2> /dev/null; then
      echo "$1: no server:" >&2
      tail -n 25 "$logs/$1.log" >&2
      return 1
    fi
    sleep 1
  done
  echo "$1: healthy after $SECONDS s"
}

port_of() { [ "$1" = fp8 ] && echo 18002 || echo 18001; }

start() {  # NAME
  case $1 in
    default) serve default 18001 --max-num-batched-tokens 8192 --kv-cache-memory-bytes 46G ;;
    fp8) serve fp8 18002 --max-num-batched-tokens 2048 --kv-cache-memory-bytes 40G --quantization fp8 --kv-cache-dtype fp8 ;;
    *) echo "$1: not a server of this program" >&2; return 2 ;;
  esac
}

case ${1:-} in
  start)
    model=$2
    failed=0
    for name in ${3:-default fp8}; do start "$name" || exit; done
    for name in ${3:-default fp8}; do wait_for "$name" "$(port_of "$name")" || failed=1; done
    exit $failed
    ;;
  measure)
    python3 "$here/verify_best.py" limits "http://127.0.0.1:$(port_of "$2")" --bin "$3" --slo ttft.p99=2s --scenario "D(512,128)" \
      --out "$4/$2.json" --budget "${5:-540}" "${@:6}" > "$4/$2.log" 2>&1
    echo "rc $?" >> "$4/$2.log"
    tail -n 200 "$logs/$2.log" > "$4/$2.server.log"
    ;;
  stop)
    for file in "$logs"/*.pid; do
      [ -f "$file" ] || continue
      session=$(cat "$file")  # nothing but the server is in it
      pkill -TERM -s "$session"
      for _ in {1..20}; do pgrep -s "$session" > /dev/null || break; sleep 1; done
      pkill -KILL -s "$session"
      rm -f "$file"
    done
    ;;
  *)
    sed -n '2,15p' "$0"
    exit 2
    ;;
esac
