#!/usr/bin/env bash
# Runs waymark-local as a user would: starts the demo on ports of its own, posts an event with curl, reads it back over
# ClickHouse's HTTP, looks at Kafka with kcat where that is installed, stops it, starts it again and finds the data still there.
set -euo pipefail
cd "$(dirname "$0")/../.."

data=$(mktemp -d)
# free prints a loopback address that nobody listens on.
free() {
  local port
  while port=$((20000 + RANDOM % 12000)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "127.0.0.1:$port"
}
edge=$(free) console=$(free) kafka=$(free) native=$(free) http=$(free) admin=$(free)
pid=

stop() {
  [ -n "$pid" ] || return 0
  kill -TERM "$pid" 2>/dev/null || true
  wait "$pid" && status=0 || status=$?
  pid=
  [ "$status" -eq 0 ] || fail "waymark-local ended with status $status"
}
fail() {
  echo "smoke: $*" >&2
  tail -n 40 "$data/out" >&2 || true
  tail -n 20 "$data/waymark/waymark.log" >&2 || true
  exit 1
}
trap '[ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null || true; rm -rf "$data"' EXIT

start() {
  bin/waymark-local --data "$data/waymark" --edge $edge --console $console --kafka $kafka --clickhouse-native $native --clickhouse-http $http \
    --admin $admin "$@" >"$data/out" 2>&1 &
  pid=$!
  within 90 "ready" curl -fsS -o /dev/null "http://$admin/readyz"
}
# within SECONDS WHAT COMMAND…: runs the command until it succeeds.
within() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" 2>/dev/null; do
    [ $SECONDS -lt $deadline ] || fail "not $what in time"
    [ -z "$pid" ] || kill -0 "$pid" 2>/dev/null || fail "waymark-local ended early"
    sleep 0.2
  done
}
sql() { curl -fsS "http://$http/?database=$1" --data-binary "$2"; }
lag_is_small() { bin/waymarkctl lag --region us | awk '$3 == "all" { sum += $4 } END { exit sum > 200 }'; }
answers() { [ "$(sql "$1" "$2")" = "$3" ]; }

start --demo 20 --seed 1
within 60 "an event of the demo in both regions" answers waymark_us "SELECT (SELECT count() > 0 FROM waymark_us.events) AND (SELECT count() > 0 FROM waymark_eu.events)" 1

id=01890c3a-7b1e-7c3d-8e4f-5a6b7c8d9e0f
curl -fsS "http://$edge/v1/events" -H 'X-Write-Key: wk_demo_us' -H 'Content-Type: application/json' -o "$data/answer" \
  --data "{\"id\":\"$id\",\"time\":$(date +%s000),\"type\":\"play\",\"data\":{\"type\":\"wt\",\"oId\":124909,\"oName\":\"Log in\"}}"
grep -q '"accepted"' "$data/answer" || fail "the edge answered $(cat "$data/answer")"
within 30 "the posted event in ClickHouse" answers waymark_us "SELECT item_type, item_id, item_name FROM events WHERE event_id = '$id'" $'walkthru\t124909\tLog in'
export WAYMARK_WAYMARKCTL_REGIONS_US_KAFKA_BROKERS=$kafka WAYMARK_WAYMARKCTL_REGIONS_US_CLICKHOUSE_ADDRESSES=$native
export WAYMARK_WAYMARKCTL_REGIONS_US_CLICKHOUSE_DATABASE=waymark_us
within 30 "caught up" lag_is_small

if command -v kcat >/dev/null; then
  kcat -L -b $kafka | grep -q 'topic "events.raw.eu"' || fail "kcat does not list the topics"
  kcat -C -b $kafka -t events.raw.us -o beginning -e -q -f '%h\n' | grep -q "event_id=$id" || fail "kcat does not read the event"
  echo "smoke: kcat lists and reads the embedded Kafka"
fi

rows=$(sql waymark_us "SELECT uniqExact(event_id) FROM events")
stop
start
after=$(sql waymark_us "SELECT uniqExact(event_id) FROM events")
[ "$after" -ge "$rows" ] || fail "$rows events before the restart, $after after it"
answers waymark_us "SELECT count() FROM events WHERE event_id = '$id'" 1 || fail "the posted event is not there once after the restart"
stop
echo "smoke: the demo ran, answered, stopped, and kept $after events over a restart"
