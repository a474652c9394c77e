#!/bin/sh
# A working system and a month's billing with nothing but curl and the API's own description. An example to read and to copy from.
#
#   month.sh setup sip:203.0.113.5:5060       trunk, dial rule, prices, extensions, billing on, a billing manager, money
#   month.sh bill 2026-11 FOLDER              what the month came to, per extension and in all, as CSV and as workbooks
#
# TOLLGATE (default http://127.0.0.1:8080) is where the API is; TOLLGATE_USER (admin) and TOLLGATE_PASSWORD log in.
set -eu

api=${TOLLGATE:-http://127.0.0.1:8080}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The description says where each operation is: "recharge POST /api/v1/recharges".
curl -fsS "$api/api/v1/openapi.json" -o "$work/openapi.json"
awk -F'"' '/^  "\/api\// { path = $2 } /^   "(get|post|put|patch|delete)":/ { method = toupper($2) } /^    "operationId":/ { print $4, method, path }' \
  "$work/openapi.json" >"$work/operations"

# call OPERATION[/NAME][?QUERY] [CURL'S OPTIONS…]: NAME takes the place of {…} in the path.
call() {
  operation=${1%%[/?]*} name='' query=''
  case $1 in *\?*) query="?${1#*\?}" ;; esac
  case ${1%%\?*} in */*) name=${1#*/} name=${name%%\?*} ;; esac
  shift
  place=$(grep "^$operation " "$work/operations") || { echo "the API has no operation $operation" >&2; exit 1; }
  place=${place#* }
  path=$(echo "${place#* }" | sed "s|{[a-z]*}|$name|")
  curl --fail-with-body -sS -X "${place%% *}" "$api$path$query" -H "Authorization: Bearer ${token:-}" "$@"
}
json() { call "$1" -H 'Content-Type: application/json' -d "$2"; }
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

# login USER PASSWORD. The password goes through a file that only we can read, not through the list of processes.
login() {
  (umask 077 && printf '{"username":"%s","password":"%s"}' "$1" "$2" >"$work/login")
  token=$(call login -H 'Content-Type: application/json' -d "@$work/login" | field token)
  rm -f "$work/login"
}

setup() {
  json create-trunk "{\"name\":\"carrier\",\"uri\":\"$1\"}" >/dev/null
  json create-dial-rule '{"prefix":"9","strip":1,"trunks":["carrier"]}' >/dev/null
  echo "988360046 is sent as $(json test-dial-rules '{"number":"988360046"}' | field sent)"

  cat >"$work/rates.csv" <<'END'
remark,prefix,initial_cost,initial_time,rate,billing_unit,extensions
city,9,0.1,60,0.02,55,*
mobile,96,0,0,0.05,1,*
END
  cat >"$work/extensions.csv" <<'END'
number,username,billing_enabled,balance
101,Ann,true,
102,Bob,true,0.1
103,Cyd,true,
END
  for sheet in rates extensions; do # look first, then store: all of it, or nothing
    for dry in 1 0; do call "import-$sheet?dry_run=$dry" -H 'Content-Type: text/csv' --data-binary "@$work/$sheet.csv" >/dev/null; done
  done
  json quote '{"extension":"102","number":"988360046","duration":238}' | sed 's/.*"cost":"\([^"]*\)".*/a call of 238 s to 988360046 costs \1/'

  json replace-billing '{"active":true}' >/dev/null
  json create-manager '{}' | sed 's/.*"username":"\([^"]*\)".*"password":"\([^"]*\)".*/billing manager: \1 \2/'
  # One key for one recharge: sent again, after a time-out for instance, it moves no money twice.
  call recharge -H 'Idempotency-Key: first-of-the-month' -H 'Content-Type: application/json' -d '{"extensions":["101"],"amount":"10"}' >/dev/null
  echo "101 has $(call get-extension/101 | field balance)"
}

bill() {
  from=$1-01 folder=$2
  to=$(date -u -d "$from +1 month -1 day" +%Y-%m-%d)
  mkdir -p "$folder"
  span="from=$from&to=$to"
  for kind in csv xlsx; do
    call "statistics?by=month&$span&format=$kind" -o "$folder/invoice.$kind"
    call "list-calls?$span&sort=started_at&format=$kind" -o "$folder/calls.$kind"
    call "list-recharges?$span&sort=at&format=$kind" -o "$folder/recharges.$kind"
  done
  call 'list-extensions?format=csv&sort=number' | tail -n +2 | cut -d, -f1 | while read -r number; do
    call "statistics?by=month&$span&extension=$number&format=csv" | tail -n +2
  done >"$folder/extensions.csv"
  tail -n +2 "$folder/invoice.csv"
}

case ${1:-} in
  setup) [ $# -eq 2 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2; } ;;
  bill) [ $# -eq 3 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2; } ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
login "${TOLLGATE_USER:-admin}" "${TOLLGATE_PASSWORD:?the password to log in with}"
"$@"
call logout >/dev/null
