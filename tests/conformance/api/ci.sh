#!/usr/bin/env bash
# Makes a request as a build does: submits it, polls its event until that is done, and reads the Run.
#
# usage: BASE=http://127.0.0.1:3000/api/v1 TOKEN=symbot_… ci.sh FLOW_SRN FLOW_INPUTS KEY
set -euo pipefail
flow=$1 inputs=$2 key=$3

call() {
    curl --fail-with-body --silent --show-error --max-time 30 -H "Authorization: Bearer $TOKEN" "$@"
}

member() {
    python3 -c 'import json, sys; value = json.load(sys.stdin)[sys.argv[1]]; print(json.dumps(value) if isinstance(value, dict) else value)' "$1"
}

request() {
    call -H "Idempotency-Key: $key" --json "{\"flow_srn\": \"$flow\", \"flow_inputs\": $inputs}" "$BASE/events/request"
}

receipt=$(request)
run=$(member run_id <<<"$receipt")
event=$(member event_id <<<"$receipt")

# A build that is started again with the same key makes no other request.
again=$(request | member run_id)
[ "$again" = "$run" ] || { echo "the repeated request began another Run: $again, not $run" >&2 && exit 1; }

for _ in $(seq 50); do
    status=$(call "$BASE/events/$event" | python3 -c 'import json, sys; print(json.load(sys.stdin)["status"])')
    case $status in
        success) break ;;
        error) echo "the event failed: $(call "$BASE/events/$event")" >&2 && exit 1 ;;
    esac
    sleep 0.2
done
[ "$status" = success ] || { echo "the event is still $status" >&2 && exit 1; }

call "$BASE/runs/$run"
