#!/usr/bin/env bats
# framing.bats -- responses= is the number of responses, counted by the clients of real servers
# SPDX-License-Identifier: MIT
#
# Every count is exact: a response that is missed would delay lines, one too many would cut the quiet
# time short. The clients do their own framing (load, http.client, h2load, nghttp).
# shellcheck disable=SC2030,SC2031 # each test is a subshell of its own
# shellcheck disable=SC2154 # bats sets stderr

load helper
load counted

teardown() {
	end_all_counted
	stop_all
}

# --- nginx

# One worker. Sets PORT, and PORT2 for HTTP/2.
start_nginx() {
	local dir
	dir=$(dir_of nginx)
	mkdir -p "$dir/htdocs" "$dir/tmp"
	echo "hello, here is a small file" >"$dir/htdocs/small.txt"
	seq 20000 >"$dir/htdocs/large.txt"
	touch -d '2001-02-03 04:05:06 UTC' "$dir/htdocs/small.txt"
	PORT=$(free_port)
	PORT2=$(free_port)
	cat >"$dir/nginx.conf" <<-END
		worker_processes 1;
		user $(id -un) $(id -gn);
		pid nginx.pid;
		daemon off;
		events { worker_connections 256; }
		http {
			access_log off;
			sendfile on;
			keepalive_requests 1000000;
			client_body_temp_path tmp/body;
			proxy_temp_path tmp/proxy;
			fastcgi_temp_path tmp/fastcgi;
			uwsgi_temp_path tmp/uwsgi;
			scgi_temp_path tmp/scgi;
			default_type text/plain;
			server {
				listen 127.0.0.1:$PORT;
				listen 127.0.0.1:$PORT2 http2;
				root htdocs;
				location /small.txt { }
				location /large.txt { }
				location /gzip/ {
					alias htdocs/;
					gzip on;
					gzip_types text/plain;
					gzip_min_length 1;
					gzip_http_version 1.0;
				}
				location /none { return 204; }
				location /inner { return 200 "inner"; }
				location /upload { proxy_pass http://127.0.0.1:$PORT/inner; }
				location / { rewrite ^ /small.txt; }
			}
		}
	END
	count nginx "$PORT" nginx -p "$dir" -e error.log -c nginx.conf
}

# exact COUNT ARGUMENT...: one run of the client; its count and ours are both COUNT.
exact() {
	local count=$1
	shift
	start_nginx
	assert_equal "$("$CLIENT" "$PORT" "$count" "$@")" "$count"
	end_counted nginx
	assert_equal "$(responses_of nginx)" "$count"
}

@test "nginx: no request, no response" {
	start_nginx
	answers "$PORT"
	end_counted nginx
	assert_equal "$(responses_of nginx)" 0
}

@test "nginx: 10000 requests over 16 connections that stay open" {
	start_nginx
	run -0 "$PROGS/load" --port="$PORT" --connections=16 --count=10000 --rate=1000000
	assert_output --partial "ok=10000 failed=0"
	end_counted nginx
	assert_equal "$(responses_of nginx)" 10000
}

@test "nginx: 1000 requests, each over a connection of its own" {
	exact 1000 --path /small.txt --each
}

@test "nginx: 1000 files by sendfile, larger than the socket's buffer" {
	exact 1000 --path /large.txt
}

@test "nginx: 1000 answers to HEAD" {
	exact 1000 --path /large.txt --method HEAD
}

@test "nginx: 1000 times 204" {
	exact 1000 --path /none --status 204
}

@test "nginx: 1000 times 304" {
	exact 1000 --path /small.txt --status 304 \
		--header "If-Modified-Since: Sat, 03 Feb 2001 04:05:06 GMT"
}

@test "nginx: 1000 compressed answers in chunks" {
	exact 1000 --path /gzip/large.txt --header "Accept-Encoding: gzip"
}

@test "nginx: 1000 answers that last until the connection is closed" {
	exact 1000 --path /gzip/large.txt --header "Accept-Encoding: gzip" --http10 --each
}

@test "nginx: 1008 requests, 16 at once in the pipeline" {
	exact 1008 --path /small.txt --depth 16
}

@test "nginx: 1008 HEADs and as many large files, 16 at once in the pipeline" {
	start_nginx
	"$CLIENT" "$PORT" 1008 --path /large.txt --method HEAD --depth 16
	"$CLIENT" "$PORT" 1008 --path /large.txt --depth 16
	end_counted nginx
	assert_equal "$(responses_of nginx)" 2016
}

@test "nginx: parts of a file, errors and redirects count as well" {
	start_nginx
	"$CLIENT" "$PORT" 100 --path /large.txt --header "Range: bytes=5-20000" --status 206
	"$CLIENT" "$PORT" 100 --path /large.txt --header "Range: bytes=0-1,5-6" --status 206
	"$CLIENT" "$PORT" 100 --path /large.txt --method DELETE --status 405
	"$CLIENT" "$PORT" 1 --path /%00 --status 400
	end_counted nginx
	assert_equal "$(responses_of nginx)" 301
}

# As a proxy for itself nginx answers each request twice, and asks once.
@test "nginx: uploads after 100 Continue, through a proxy" {
	start_nginx
	seq 30000 >"$BATS_TEST_TMPDIR/body"
	for _ in 1 2 3 4 5; do
		run -0 curl --silent --verbose --output /dev/null --header "Expect: 100-continue" \
			--data-binary "@$BATS_TEST_TMPDIR/body" "http://127.0.0.1:$PORT/upload"
		assert_output --partial "< HTTP/1.1 100 Continue"
		assert_output --partial "< HTTP/1.1 200 OK"
	done
	end_counted nginx
	assert_equal "$(responses_of nginx)" 10
}

@test "nginx: a response that the client did not wait for does not count" {
	start_nginx
	for _ in 1 2 3; do
		# The head comes, the rest stays in nginx: 100 KB fit in no buffer of 4 KB.
		run -0 /usr/bin/python3 - "$PORT" <<-'END'
			import socket, sys
			s = socket.socket()
			s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
			s.connect(("127.0.0.1", int(sys.argv[1])))
			s.sendall(b"GET /large.txt HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
			print(s.recv(12).decode())
			s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
		END
		assert_output "HTTP/1.1 200"
	done
	end_counted nginx
	assert [ "$(responses_of nginx)" -lt 1000 ]
}

# --- HTTP/2 in clear

# The requests that succeeded according to h2load.
h2load_count() {
	h2load "$@" | sed -n 's/^requests:.* \([0-9]*\) succeeded.*/\1/p'
}

@test "nginx: 1000 requests by HTTP/2 in clear" {
	start_nginx
	assert_equal "$(h2load_count -n 1000 -c 4 -m 10 "http://127.0.0.1:$PORT2/small.txt")" 1000
	assert_equal "$(h2load_count -n 50 -c 2 -m 5 "http://127.0.0.1:$PORT2/large.txt")" 50
	end_counted nginx
	assert_equal "$(responses_of nginx)" 1050
}

# No signal makes it end normally, so a debugger has it call exit.
end_nghttpd() {
	gdb --nx --batch --pid "${COUNTED_PID[nghttpd]}" --eval-command 'call (void) exit(0)' \
		>"$(dir_of nghttpd)/gdb" 2>&1 </dev/null || true
	wait_until 20 gone "${COUNTED_PID[nghttpd]}"
	unset "COUNTED_PID[nghttpd]"
}

@test "nghttpd: 1000 requests by HTTP/2 in clear" {
	mkdir -p "$(dir_of nghttpd)/htdocs"
	seq 20000 >"$(dir_of nghttpd)/htdocs/large.txt"
	PORT=$(free_port)
	count nghttpd "$PORT" IDLEFLUSH_DEBUG=1 \
		nghttpd --no-tls -a 127.0.0.1 -d "$(dir_of nghttpd)/htdocs" "$PORT"
	assert_equal "$(h2load_count -n 1000 -c 4 -m 32 "http://127.0.0.1:$PORT/large.txt")" 1000
	end_nghttpd
	assert_equal "$(responses_of nghttpd)" 1000
	assert_equal "$(grep -c ': connection [0-9]*: http/2$' "$(dir_of nghttpd)/err")" 4
}

# The response to the request that asked for the upgrade comes on stream 1, after 101.
@test "nghttpx: HTTP/2 by upgrade, in front of nginx" {
	local port
	start_nginx
	port=$(free_port)
	count nghttpx "$port" nghttpx --conf=/dev/null --workers=1 \
		--backend="127.0.0.1,$PORT" --frontend="127.0.0.1,$port;no-tls" \
		--accesslog-file=/dev/null --errorlog-file="$(dir_of nghttpx).log"
	# (curl does not always get through its own upgrade, with or without us.)
	for _ in 1 2 3; do
		run -0 nghttp --null-out --upgrade --stat "http://127.0.0.1:$port/large.txt"
		assert_line --regexp ' 200 .* /large.txt$'
	done
	run -0 nghttp --null-out --upgrade --multiply=20 --stat "http://127.0.0.1:$port/small.txt"
	assert_equal "$(grep -c ' 200 .* /small.txt$' <<<"$output")" 20
	end_counted nghttpx QUIT
	end_counted nginx
	assert_equal "$(responses_of nghttpx)" 23
	assert_equal "$(responses_of nginx)" 23
}

# --- other servers

@test "http.server of Python: 200 answers of HTTP/1.0" {
	local port
	port=$(free_port)
	count python "$port" /usr/bin/python3 -m http.server "$port" --bind 127.0.0.1 \
		--directory "$ROOT/examples"
	"$CLIENT" "$port" 200 --each --http10
	end_counted python INT
	assert_equal "$(responses_of python)" 200
}

@test "Interim responses do not count" {
	start_fixture interim
	run -0 curl --silent --output /dev/null --write-out '%{http_code}\n' \
		"http://127.0.0.1:$(port_of interim)/interim/[1-100]"
	assert_equal "$(grep -c '^200$' <<<"$output")" 100
	stop_server interim
	assert_equal "$(responses_of interim)" 100
}

@test "With --debug the framing of each connection is named once" {
	start_fixture named IDLEFLUSH_DEBUG=1
	"$CLIENT" "$(port_of named)" 5 --path /line/1
	"$CLIENT" "$(port_of named)" 5 --path /close/1 --each
	stop_server named
	assert_equal "$(grep -c '^idleflush: connection [0-9]*: http/1$' "$(dir_of named)/err")" 6
	assert_equal "$(grep -c ': connection ' "$(dir_of named)/err")" 6
}

# --- made by chance

# by_chance PROGRAM SEED: every response that the program says it sent counts. Its conversations are
# HTTP/1, HTTP/2 and others, cut anywhere, by all calls.
by_chance() {
	local program=$1 seed=$2 stats=$BATS_TEST_TMPDIR/stats.$2 sent
	sent=$(timeout 60 env LD_PRELOAD="$LIB" IDLEFLUSH_STATS="$stats" "$program" "$seed" 100)
	assert [ "$sent" -gt 500 ]
	assert_equal "seed $seed: $(sed 's/.* responses=\([0-9]*\) .*/\1/' "$stats")" "seed $seed: $sent"
}

@test "Conversations made by chance: every response counts, once" {
	local seed
	for seed in 1 2 3 4 5 6 7 8; do
		by_chance "$PROGS/framing_property" "$seed"
	done
}

# bats test_tags=musl
@test "Conversations made by chance with a musl server: every response counts, once" {
	local seed
	musl-gcc -D_GNU_SOURCE -O1 -o "$BATS_TEST_TMPDIR/property" \
		"$ROOT/tests/fixtures/framing_property.c"
	for seed in 9 10 11; do
		by_chance "$BATS_TEST_TMPDIR/property" "$seed"
	done
}

# --- storms

# storm PROGRAM KIND COUNT: sets `sent` and `counted`.
storm() {
	local stats=$BATS_TEST_TMPDIR/stats.$2
	sent=$(timeout 60 env LD_PRELOAD="$LIB" IDLEFLUSH_STATS="$stats" "$@")
	counted=$(sed 's/.* responses=\([0-9]*\) .*/\1/' "$stats")
}

@test "10000 connections on one number: none inherits from the one before" {
	storm "$PROGS/framing_storm" reuse 10000
	assert_equal "$sent" 10000
	assert_equal "$counted" "$sent"
}

@test "A connection that another process could have passed inherits nothing from its number" {
	storm "$PROGS/framing_storm" passed 500
	assert_equal "$sent" 1000
	assert_equal "$counted" "$sent"
}

@test "Writes cut short by a small buffer count what was sent" {
	storm "$PROGS/framing_storm" partial 200
	assert_equal "$sent" 200
	assert_equal "$counted" "$sent"
}

@test "Each datagram that answers is a response" {
	storm "$PROGS/framing_storm" datagram 500
	assert_equal "$sent" 1500
	assert_equal "$counted" "$sent"
}

@test "Calls with 1024 pieces count what is in all of them" {
	storm "$PROGS/framing_storm" huge 500
	assert [ "$sent" -gt 10000 ]
	assert_equal "$counted" "$sent"
}

# bats test_tags=musl
@test "Calls of a musl program with 1024 pieces count what is in all of them" {
	musl-gcc -D_GNU_SOURCE -O1 -o "$BATS_TEST_TMPDIR/storm" \
		"$ROOT/tests/fixtures/framing_storm.c" -pthread
	storm "$BATS_TEST_TMPDIR/storm" huge 500
	assert [ "$sent" -gt 10000 ]
	assert_equal "$counted" "$sent"
}

@test "Two threads that answer on one connection at once do no harm" {
	storm "$PROGS/framing_storm" race 100
	assert_equal "$sent" 200
	assert [ "$counted" -ge "$sent" ]
}

@test "What comes back by the error queue does not count as received" {
	cat >"$BATS_TEST_TMPDIR/queue.py" <<-'END'
		import socket
		TIMESTAMPING, SENT_AS_SOFTWARE_SAW_IT = 37, 2 | 16
		listener = socket.create_server(("127.0.0.1", 0))
		client = socket.create_connection(listener.getsockname())
		server, _ = listener.accept()
		server.setsockopt(socket.SOL_SOCKET, TIMESTAMPING, SENT_AS_SOFTWARE_SAW_IT)
		for i in range(3):
		    client.send(b"GET / HTTP/1.1\r\n\r\n")
		    server.recv(4096)
		    server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		    client.recv(4096)
		    print(server.recvmsg(4096, 512, socket.MSG_ERRQUEUE)[0][-2:])
	END
	run -0 --separate-stderr timeout 30 env LD_PRELOAD="$LIB" IDLEFLUSH_DEBUG=1 \
		/usr/bin/python3 "$BATS_TEST_TMPDIR/queue.py"
	assert_output $'b\'ok\'\nb\'ok\'\nb\'ok\''
	assert_regex "$stderr" 'connection [0-9]*: http/1'
	refute_regex "$stderr" opaque
}

# --- in flight

# stream NAME PATH: asks for it in the background, and returns once it has begun; sets STREAM.
stream() {
	curl --silent --no-buffer --output "$(dir_of "$1")/body" \
		"http://127.0.0.1:$(port_of "$1")$2" 3>&- &
	STREAM=$!
	wait_until 10 test -s "$(dir_of "$1")/body"
}

streams() {
	kill -0 "$STREAM" 2>/dev/null
}

@test "A response that streams holds up no line, though no age is set" {
	start_fixture slow IDLEFLUSH_MAX_AGE=0 IDLEFLUSH_HEARTBEAT=0
	stream slow /slow/1/10000
	wait_until 5 arrived slow 1
	assert streams
	kill "$STREAM"
}

@test "A request whose response has not begun holds up no line, though no age is set" {
	start_fixture thinker IDLEFLUSH_MAX_AGE=0 IDLEFLUSH_HEARTBEAT=0
	curl --silent "http://127.0.0.1:$(port_of thinker)/think/1/10000" >/dev/null 3>&- &
	STREAM=$!
	wait_until 10 grep -q thinking "$(dir_of thinker)/err"
	wait_until 5 arrived thinker 1
	assert streams
	kill "$STREAM"
}

@test "Where nothing is in flight, a line comes out without a bound on its age" {
	start_fixture quick IDLEFLUSH_MAX_AGE=0 IDLEFLUSH_HEARTBEAT=0
	"$CLIENT" "$(port_of quick)" 1 --path /line/1
	wait_until 5 arrived quick 1
}

# Two in a row: what the first one left behind must not delay the second.
@test "What is never answered is not in flight" {
	local id
	start_server sink preload IDLEFLUSH_MAX_AGE=0 IDLEFLUSH_HEARTBEAT=0 "$PROGS/sink"
	for id in 1 2; do
		echo -n "$id" >"/dev/udp/127.0.0.1/$(port_of sink)"
		wait_until 5 arrived sink "$id"
	done
}

# libc sends the response and closes the connection, and we see neither.
@test "A request that was answered through stdio is in flight no longer once that stream is closed" {
	local id
	start_server scribe preload IDLEFLUSH_MAX_AGE=0 IDLEFLUSH_HEARTBEAT=0 "$PROGS/scribe"
	for id in 1 2; do
		assert_equal "$(curl --silent "http://127.0.0.1:$(port_of scribe)/$id")" ok
		wait_until 5 arrived scribe "$id"
	done
}

@test "A stream does not hold up its own line past max-age, nor those of other requests" {
	start_fixture busy IDLEFLUSH_HEARTBEAT=0
	stream busy /slow/1/10000
	wait_until 2 arrived busy 1
	for id in 2 3 4; do
		"$CLIENT" "$(port_of busy)" 1 --path "/line/$id"
		wait_until 2 arrived busy "$id"
	done
	assert streams
	kill "$STREAM"
}

@test "Without max-age the heartbeat brings out the lines of a server that streams" {
	start_fixture beat IDLEFLUSH_MAX_AGE=0 IDLEFLUSH_HEARTBEAT=200ms
	stream beat /slow/1/10000
	wait_until 4 arrived beat 1
	assert streams
	kill "$STREAM"
}

# --- cost

# instructions LIB KIND COUNT: of the main thread of framing_cost, with LIB preloaded if any.
# The idle time is so long that the flusher never disarms; how often it would, depends on the machine.
# (It did on a machine that had been up for longer than that, when a pass was due at once after any part
# of a response.)
instructions() {
	local out=$BATS_TEST_TMPDIR/callgrind
	env ${1:+LD_PRELOAD="$1"} IDLEFLUSH_HEARTBEAT=0 IDLEFLUSH_IDLE=1h IDLEFLUSH_MAX_AGE=0 \
		valgrind --tool=callgrind --separate-threads=yes \
		--callgrind-out-file="$out" "$PROGS/framing_cost" "$2" "$3" 2>"$out.err"
	sed -n 's/^totals: //p' "$out-01"
}

# The instructions of one such send, without start and end of the program.
instructions_of_one() {
	echo $((($(instructions "$1" "$2" 2000) - $(instructions "$1" "$2" 1000)) / 1000))
}

# added KIND MOST: the shim adds at most MOST to a send, in a process with a second thread of its own.
added() {
	local plain preloaded
	plain=$(instructions_of_one '' "$1")
	preloaded=$(instructions_of_one "$LIB" "$1")
	echo "$1: $plain instructions, and $((preloaded - plain)) with the shim"
	assert [ "$plain" -gt 10 ]
	assert [ "$preloaded" -gt "$plain" ]
	assert [ $((preloaded - plain)) -le "$2" ]
}

# bats test_tags=not-under-asan
@test "A send within a body takes 60 instructions more, one in an unknown protocol 40" {
	[ "$(uname -m)" = x86_64 ] || skip "counted for x86-64"
	added body 60
	added opaque 40
}

# Six lines as nginx sends them.
# bats test_tags=not-under-asan
@test "A response with a head of 150 bytes takes 500 instructions more" {
	[ "$(uname -m)" = x86_64 ] || skip "counted for x86-64"
	added response 500
}
