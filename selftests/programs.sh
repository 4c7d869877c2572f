#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# programs.sh - programs that know nothing of Rill, both ends under rill run, each
# judged by what it did: files compared, answers counted.  The README lists them.
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

[ -z "${RILL_TEST_QUICK:-}" ] || { echo "1..0 # SKIP programs take minutes here"; exit 4; }

REQUESTS=1000	# of nginx, and of the Go server

# server PORT COMMAND...: under rill run, until it listens on Rill; its pid in $bg
server() {
	local port=$1; shift
	background "$RILL" run -v "$@" > "$work/server.$port" 2>&1 < /dev/null
	await_listener "$port" || { tail -20 "$work/server.$port"; return 1; }
}

client() { "${LIMIT[@]}" "$RILL" run "$@"; }

# ends PID: it goes when asked, and leaves nothing of TCP behind
ends() {
	kill "$1" && wait "$1"
	local tcp
	tcp=$(awk 'FNR > 1' /proc/net/tcp /proc/net/tcp6)
	[ -z "$tcp" ] || { echo "a TCP socket: $tcp"; return 1; }
}

# ---- nginx and curl ------------------------------------------------------

nginx_start() {
	mkdir -p "$work/www/in"
	chmod -R a+rwX "$work"
	cp "$work/big" "$work/www/big"
	echo small > "$work/www/small"
	cat > "$work/nginx.conf" <<- N
		daemon off;
		worker_processes 2;
		pid $work/nginx.pid;
		error_log stderr;
		events { worker_connections 2048; }
		http {
			access_log off;
			sendfile on;
			keepalive_timeout 60;
			client_max_body_size 1g;
			client_body_temp_path $work/body;
			proxy_temp_path $work/proxy;
			fastcgi_temp_path $work/fastcgi;
			uwsgi_temp_path $work/uwsgi;
			scgi_temp_path $work/scgi;
			server {
				listen 127.0.0.1:80;
				listen [::1]:80;
				root $work/www;
				location /in { dav_methods PUT; }
			}
		}
	N
	server 80 nginx -c "$work/nginx.conf"
}

nginx_curl() {
	local rc=0 got nginx
	nginx_start || return
	nginx=$bg
	client curl -sS -o "$work/got" http://127.0.0.1/big && cmp "$work/big" "$work/got" || rc=1
	client curl -sS -T "$work/big" "http://[::1]/in/big" && cmp "$work/big" "$work/www/in/big" || rc=1
	echo "keep-alive: two files over one connection"
	got=$(client curl -sS -o /dev/null -o /dev/null -w '%{http_code} %{num_connects},' \
		http://127.0.0.1/small http://127.0.0.1/small)
	[ "$got" = '200 1,200 0,' ] || { echo "curl said $got"; rc=1; }
	echo "$REQUESTS requests, up to 100 at once"
	got=$(client curl -sS --no-progress-meter -Z --parallel-max 100 "http://127.0.0.1/small?[1-$REQUESTS]" | sort | uniq -c)
	[ "$got" = "$(printf '%7d small' $REQUESTS)" ] || { echo "curl got $got"; rc=1; }
	ends "$nginx" || rc=1
	return $rc
}

# ---- redis ---------------------------------------------------------------

redis_cli() { client redis-cli -h 127.0.0.1 -p "$@"; }

redis_start() {	# PORT ARGUMENT...
	local port=$1; shift
	mkdir -p "$work/redis.$port"
	server "$port" redis-server --bind 127.0.0.1 --port "$port" --dir "$work/redis.$port" \
		--save '' --daemonize no --enable-debug-command yes --repl-diskless-sync-delay 0 "$@"
}

redis_replica() {
	local rc=0 i first second primary replica
	redis_start 6379 || return
	primary=$bg
	client redis-benchmark -h 127.0.0.1 -q -c 20 -n 2000 -r 1000 -t set,get,lpush,mset > "$work/bench" || rc=1
	tr '\r' '\n' < "$work/bench" | grep 'requests per second'
	[ "$(tr '\r' '\n' < "$work/bench" | grep -c 'requests per second')" = 4 ] || rc=1
	redis_start 6380 --replicaof 127.0.0.1 6379 || return
	replica=$bg
	# WAIT returns when the replica has what was written, or after its time
	[ "$(redis_cli 6379 SET last word)" = OK ] || rc=1
	for ((i = 0; i < WAIT; i++)); do
		[ "$(redis_cli 6379 WAIT 1 1000)" = 1 ] && break
	done
	first=$(redis_cli 6379 DEBUG DIGEST)
	second=$(redis_cli 6380 DEBUG DIGEST)
	echo "primary $first, replica $second"
	[ -n "$first" ] && [ "$first" = "$second" ] || rc=1
	kill "$replica"; wait "$replica"
	ends "$primary" || rc=1
	return $rc
}

# ---- iperf3 --------------------------------------------------------------

iperf() {
	local rc=0 args server
	server 5201 iperf3 -s || return
	server=$bg
	while read -ra args; do
		client iperf3 -c 127.0.0.1 -t 1 --json "${args[@]}" > "$work/iperf" || rc=1
		python3 - "${args[*]}" "$work/iperf" <<- 'P' || { cat "$work/iperf"; rc=1; }
			import json, sys
			end = json.load(open(sys.argv[2]))
			assert "error" not in end, end["error"]
			end = end["end"]
			for name in ("sum_received",) + (("sum_received_bidir_reverse",) if "bidir" in sys.argv[1] else ()):
			    assert end[name]["bytes"] > 0, name
			    print("iperf3", sys.argv[1], name, end[name]["bytes"], "bytes")
		P
	done <<- 'E'

		-R
		-P 4
		--bidir
	E
	ends "$server" || rc=1
	return $rc
}

# ---- openssh -------------------------------------------------------------

ssh_options() {
	echo -i "$work/key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-o LogLevel=ERROR -o BatchMode=yes
}

openssh() {
	local rc=0 sshd options
	grep -q '^sshd:' /etc/passwd || echo 'sshd:x:106:65534::/run/sshd:/usr/sbin/nologin' >> /etc/passwd
	mkdir -p /run/sshd
	chmod 755 "$work"
	ssh-keygen -q -t ed25519 -N '' -f "$work/key" && ssh-keygen -q -t ed25519 -N '' -f "$work/host" || return
	cat > "$work/sshd_config" <<- S
		ListenAddress 127.0.0.1
		Port 2222
		HostKey $work/host
		AuthorizedKeysFile $work/key.pub
		StrictModes no
		UsePAM no
		PidFile none
		Subsystem sftp /usr/lib/openssh/sftp-server
	S
	server 2222 "$(command -v sshd)" -D -e -f "$work/sshd_config" || return
	sshd=$bg
	options=$(ssh_options)
	# shellcheck disable=SC2086 # several words
	[ "$(client ssh $options -p 2222 root@127.0.0.1 "echo \$((6 * 7))")" = 42 ] || rc=1
	# shellcheck disable=SC2086
	client scp -q $options -P 2222 "$work/big" root@127.0.0.1:"$work/scp" && cmp "$work/big" "$work/scp" || rc=1
	mkdir -p "$work/tree/a/b" && cp "$work/big" "$work/tree/a/b/" && cp /etc/os-release "$work/tree/a/"
	client rsync -a -e "ssh $options -p 2222" "$work/tree/" root@127.0.0.1:"$work/copy/" &&
		diff -r "$work/tree" "$work/copy" || rc=1
	[ $rc = 0 ] || tail -20 "$work/server.2222"
	ends "$sshd" || rc=1
	return $rc
}

# ---- python --------------------------------------------------------------

# 50 clients of an asyncio server at once, both over Rill, each gets its own back.
python_asyncio() {
	cat > "$work/echo.py" <<- 'P'
		import asyncio, os
		async def serve(reader, writer):
		    while data := await reader.read(65536):
		        writer.write(data)
		        await writer.drain()
		    writer.close()
		async def ask(port, i):
		    reader, writer = await asyncio.open_connection("127.0.0.1", port)
		    sent = bytes([i]) * (1000 * i + 1)
		    writer.write(sent)
		    writer.write_eof()
		    got = await reader.read()
		    assert got == sent, (i, len(got))
		    writer.close()
		    await writer.wait_closed()
		async def main():
		    server = await asyncio.start_server(serve, "127.0.0.1", 0)
		    port = server.sockets[0].getsockname()[1]
		    await asyncio.gather(*(ask(port, i) for i in range(50)))
		    server.close()
		    print("50 echoed")
		asyncio.run(main())
	P
	client -v python3 "$work/echo.py" > "$work/out" 2> "$work/err"
	cat "$work/out" "$work/err" | head -5
	grep -q '50 echoed' "$work/out" && grep -q 'over Rill' "$work/err"
}

python_http() {
	local rc=0 server
	mkdir -p "$work/py" && cp "$work/big" "$work/py/"
	server 8000 python3 -m http.server --bind 127.0.0.1 --directory "$work/py" 8000 || return
	server=$bg
	client python3 -c 'import sys, urllib.request as u
sys.stdout.buffer.write(u.urlopen("http://127.0.0.1:8000/big").read())' > "$work/got" || rc=1
	cmp "$work/big" "$work/got" || rc=1
	kill "$server"; wait "$server"
	return $rc
}

# ---- a static C program, and Go ------------------------------------------

static_c() {
	local rc=0
	server 8001 busybox httpd -f -p 127.0.0.1:8001 -h "$work/py" || return
	client busybox wget -q -O "$work/got" http://127.0.0.1:8001/big && cmp "$work/big" "$work/got" || rc=1
	kill "$bg"; wait "$bg"
	return $rc
}

# caddy is the server, hey the client: static, no libc, their own poller.
go_programs() {
	local rc=0 caddy
	mkdir -p "$work/go" && cp "$work/big" "$work/go/" && echo small > "$work/go/small"
	XDG_DATA_HOME=$work XDG_CONFIG_HOME=$work server 8002 caddy file-server --listen 127.0.0.1:8002 --root "$work/go" || return
	caddy=$bg
	client hey -n $REQUESTS -c 50 http://127.0.0.1:8002/small > "$work/hey" || rc=1
	grep -E 'Requests/sec|responses' "$work/hey"
	grep -qE "\[200\][[:space:]]+$REQUESTS responses" "$work/hey" || { cat "$work/hey"; rc=1; }
	client curl -sS -o "$work/got" http://127.0.0.1:8002/big && cmp "$work/big" "$work/got" || rc=1
	ends "$caddy" || rc=1
	return $rc
}

# 8 MB that no filesystem or proxy can make up.
head -c 8000000 /dev/urandom > "$work/big"

with_module 'nginx and curl: a file both ways, keep-alive, 1,000 requests' 'nginx curl' nginx_curl
with_module 'redis: redis-benchmark and a replica' 'redis-server redis-benchmark redis-cli' redis_replica
with_module 'iperf3: up, down, four streams, both ways' 'iperf3 python3' iperf
with_module 'openssh: ssh, scp, rsync' 'sshd ssh scp rsync' openssh
with_module 'python3: asyncio, 50 connections' python3 python_asyncio
with_module 'python3: http.server and urllib' python3 python_http
with_module 'busybox, static C: httpd and wget' busybox static_c
with_module 'caddy and hey, Go: 1,000 requests and a file' 'caddy hey curl' go_programs
finish
