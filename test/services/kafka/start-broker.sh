#!/usr/bin/env bash
# Runs a real Apache Kafka (KRaft, combined mode) on the loopback interface, from the jars of Maven Central.
#   start-broker.sh start [NODES]   formats the storage of 1 (default) or more nodes, starts them, waits for readiness
#   start-broker.sh stop            ends the nodes it started (SIGTERM, then SIGKILL after 20 s) and removes the data
#   start-broker.sh kill NODE       kill -9 of one node (for failure tests)
#   start-broker.sh restart NODE    starts a killed node again on its own data
# Environment: KAFKA_VERSION (4.4.0) KAFKA_HEAP (512m) KAFKA_PORT (19092; node i listens on KAFKA_PORT+10*(i-1),
# its controller on that +1) KAFKA_RUN (state folder, by default /tmp/kafka-run.$UID.$KAFKA_PORT)
# KAFKA_SECURE (folder with server.pem: private key and certificate; adds a listener SASL_SSL on the node's port +2 that knows
# the user "tidemark" with KAFKA_PASSWORD by PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512)
# KAFKA_PROXIED (when set: a further listener on the node's port +3 that is advertised as its port +4, for a proxy between)
# KAFKA_JARS (jar folder, by default ~/.cache/tidemark/kafka/$KAFKA_VERSION)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=${KAFKA_VERSION:-4.4.0}
heap=${KAFKA_HEAP:-512m}
port=${KAFKA_PORT:-19092}
run=${KAFKA_RUN:-/tmp/kafka-run.$UID.$port}
jars=${KAFKA_JARS:-${XDG_CACHE_HOME:-$HOME/.cache}/tidemark/kafka/$version}

fetch() {
  [[ -n $(ls "$jars"/kafka_2.13-*.jar 2>/dev/null || true) ]] && return
  mvn -B -q -f "$here/pom.xml" -Dkafka.version="$version" -DincludeScope=runtime \
      -DoutputDirectory="$jars" dependency:copy-dependencies >&2
}
kport() { echo $((port + 10 * ($1 - 1))); }

config() { # NODE NODES
  local i=$1 n=$2 voters= k
  for ((k = 1; k <= n; k++)); do voters+=${voters:+,}$k@127.0.0.1:$(($(kport "$k") + 1)); done
  local proxied= told=
  if [[ -n ${KAFKA_PROXIED:-} ]]; then
    proxied=,PROXIED://127.0.0.1:$(($(kport "$i") + 3)) told=,PROXIED://127.0.0.1:$(($(kport "$i") + 4))
  fi
  local rf=$((n < 3 ? n : 3)) isr=$((n < 3 ? 1 : 2))
  cat <<CONF
process.roles=broker,controller
node.id=$i
controller.quorum.voters=$voters
listeners=PLAINTEXT://127.0.0.1:$(kport "$i"),CONTROLLER://127.0.0.1:$(($(kport "$i") + 1))$proxied
advertised.listeners=PLAINTEXT://127.0.0.1:$(kport "$i")$told
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$run/node$i/data
num.partitions=1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=$rf
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=$rf
transaction.state.log.min.isr=$isr
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=$rf
share.coordinator.state.topic.min.isr=$isr
default.replication.factor=$rf
min.insync.replicas=$isr
group.initial.rebalance.delay.ms=0
log.cleaner.backoff.ms=500
auto.create.topics.enable=false
message.max.bytes=16777216
replica.fetch.max.bytes=16777216
CONF
  [[ -n ${KAFKA_SECURE:-} ]] || return 0
  local login=org.apache.kafka.common.security
  cat <<CONF
listeners=PLAINTEXT://127.0.0.1:$(kport "$i"),CONTROLLER://127.0.0.1:$(($(kport "$i") + 1)),SECURE://127.0.0.1:$(($(kport "$i") + 2))
advertised.listeners=PLAINTEXT://127.0.0.1:$(kport "$i"),SECURE://127.0.0.1:$(($(kport "$i") + 2))
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL
ssl.keystore.type=PEM
ssl.keystore.location=$KAFKA_SECURE/server.pem
listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.secure.plain.sasl.jaas.config=$login.plain.PlainLoginModule required user_tidemark="$KAFKA_PASSWORD";
listener.name.secure.scram-sha-256.sasl.jaas.config=$login.scram.ScramLoginModule required;
listener.name.secure.scram-sha-512.sasl.jaas.config=$login.scram.ScramLoginModule required;
CONF
}
scram() { # arguments of the storage tool that make the user known
  local mechanism
  [[ -n ${KAFKA_SECURE:-} ]] || return 0
  for mechanism in 256 512; do printf '%s\n' --add-scram "SCRAM-SHA-$mechanism=[name=tidemark,password=$KAFKA_PASSWORD]"; done
}
launch() { # NODE
  local d=$run/node$1
  (cd "$d"; exec setsid java -Xms"$heap" -Xmx"$heap" -XX:+UseG1GC -Djava.awt.headless=true -cp "$jars/*" \
     kafka.Kafka "$d/server.properties" >"$d/log" 2>&1 </dev/null) &
  echo $! >"$d/pid"
  disown
}
probe() { # PORT: the first 10 bytes of the answer to an ApiVersions v0 request, in hex: size, correlation id 1, error 0
  exec 3<>"/dev/tcp/127.0.0.1/$1" && printf '\0\0\0\012\0\022\0\0\0\0\0\001\0\0' >&3 && timeout 2 head -c 10 <&3 | od -An -tx1 | tr -d ' \n'
}
wait_ready() { # NODE
  local i=$1 p; p=$(kport "$1")
  for _ in $(seq 600); do
    kill -0 "$(cat "$run/node$i/pid")" 2>/dev/null || { echo "node $i died:" >&2; tail -20 "$run/node$i/log" >&2; return 1; }
    if [[ $(probe "$p" 2>/dev/null || true) == ????????000000010000* ]]; then return 0; fi
    sleep 0.1
  done
  echo "node $i not ready" >&2; return 1
}

case ${1:-} in
  start)
    n=${2:-1}; fetch
    [[ -e $run ]] && { echo "$run exists: stop it first" >&2; exit 1; }
    mkdir -p "$run"; echo "$n" >"$run/nodes"
    # 22 characters of url-safe base64: a Kafka Uuid
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | cut -c1-22)
    for ((i = 1; i <= n; i++)); do
      mkdir -p "$run/node$i"; config "$i" "$n" >"$run/node$i/server.properties"
      mapfile -t users < <(scram)
      java -Xmx128m -XX:TieredStopAtLevel=1 -cp "$jars/*" kafka.tools.StorageTool format "${users[@]}" \
        -t "$id" -c "$run/node$i/server.properties" >"$run/node$i/format.log" 2>&1 || { cat "$run/node$i/format.log" >&2; exit 1; }
    done
    for ((i = 1; i <= n; i++)); do launch "$i"; done
    for ((i = 1; i <= n; i++)); do wait_ready "$i"; done
    list=; for ((i = 1; i <= n; i++)); do list+=${list:+,}127.0.0.1:$(kport "$i"); done
    echo "$list"
    ;;
  stop)
    [[ -d $run ]] || exit 0
    for f in "$run"/node*/pid; do kill "$(cat "$f")" 2>/dev/null || true; done
    for f in "$run"/node*/pid; do
      for _ in $(seq 200); do kill -0 "$(cat "$f")" 2>/dev/null || break; sleep 0.1; done
      kill -9 "$(cat "$f")" 2>/dev/null || true
    done
    rm -rf "$run"
    ;;
  kill) kill -9 "$(cat "$run/node$2/pid")" ;;
  restart) launch "$2"; wait_ready "$2" ;;
  *) sed -n "2,12p" "${BASH_SOURCE[0]}"; exit 2 ;;
esac
