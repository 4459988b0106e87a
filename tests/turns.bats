#!/usr/bin/env bats
# turns.bats -- responses of servers that do not speak HTTP: peer and server take turns
# SPDX-License-Identifier: MIT

load helper
load counted

teardown() {
	end_all_counted
	stop_all
}

# --- Redis

start_redis() {
	PORT=$(free_port)
	count redis "$PORT" IDLEFLUSH_DEBUG=1 redis-server --port "$PORT" --bind 127.0.0.1 --save '' \
		--appendonly no --dir "$(dir_of redis)"
}

# How often the server says that a command was called.
redis_calls() {
	sed -n "s/^cmdstat_$1:calls=\([0-9]*\),.*/\1/p" "$BATS_TEST_TMPDIR/commandstats"
}

# Before it starts redis-benchmark asks for two settings in one send: one turn. redis-cli asks last.
@test "redis: 1000 requests of redis-benchmark are 1000 responses" {
	start_redis
	redis-benchmark -p "$PORT" -n 1000 -q PING >/dev/null
	redis-cli -p "$PORT" info commandstats >"$BATS_TEST_TMPDIR/commandstats"
	end_counted redis
	assert_equal "$(redis_calls ping)" 1000
	assert_equal "$(redis_calls 'config|get')" 2
	assert_equal "$(responses_of redis)" $((1000 + 1 + 1))
	assert_file_contains "$(dir_of redis)/err" "^idleflush: connection [0-9]*: opaque$"
	refute grep -q ": http" "$(dir_of redis)/err"
}

@test "redis: an answer of a megabyte is one response" {
	start_redis
	redis-cli -p "$PORT" setrange key 1048576 x >/dev/null
	for _ in 1 2 3 4 5; do
		assert_equal "$(redis-cli -p "$PORT" get key | wc -c)" 1048578
	done
	end_counted redis
	assert_equal "$(responses_of redis)" 6
}

# The server neither reads on nor closes: the turn has ended because the server waits.
@test "redis: the last answer on a connection that stays open counts" {
	local answer
	start_redis
	exec 8<>"/dev/tcp/127.0.0.1/$PORT"
	printf 'PING\r\n' >&8
	read -r -t 10 -u 8 answer
	assert_equal "$answer" $'+PONG\r'
	end_counted redis
	exec 8>&-
	assert_equal "$(responses_of redis)" 1
}

# --- memcached

start_memcached() {
	PORT=$(free_port)
	count memcached "$1" memcached -u "$(id -un)" -l 127.0.0.1 -t 2 "${@:2}"
}

# Sets once and gets COUNT - 1 times, one after the other, and prints how many were answered.
ask_memcached() {
	/usr/bin/python3 - "$@" <<-'END'
		import socket, sys
		port, count, kind = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
		udp = kind == "udp"
		s = socket.socket(type=socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
		s.settimeout(20)
		s.connect(("127.0.0.1", port))
		frame = b"\0\1\0\0\0\1\0\0" if udp else b""
		answered = 0
		for i in range(count):
		    s.send(frame + (b"get key\r\n" if i else b"set key 0 0 5\r\nhello\r\n"))
		    got = b""
		    while not got.endswith(b"END\r\n" if i else b"STORED\r\n"):
		        got += s.recv(4096)
		    answered += 1
		print(answered)
	END
}

@test "memcached: 1000 requests over TCP are 1000 responses" {
	local port
	port=$(free_port)
	start_memcached "$port" -p "$port" -U 0
	assert_equal "$(ask_memcached "$port" 1000 tcp)" 1000
	end_counted memcached
	assert_equal "$(responses_of memcached)" 1000
}

@test "memcached: 1000 datagrams are answered by 1000" {
	local port udp
	port=$(free_port)
	udp=$(free_port)
	start_memcached "$port" -p "$port" -U "$udp"
	assert_equal "$(ask_memcached "$udp" 1000 udp)" 1000
	end_counted memcached
	assert_equal "$(responses_of memcached)" 1000
}

# --- TLS

# The handshake takes turns, too, which look like responses: one or two more.
@test "nginx over TLS: one turn a request, and a few for the handshake" {
	local dir port
	dir=$(dir_of nginx)
	port=$(free_port)
	mkdir -p "$dir/tmp"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj /CN=localhost -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>"$dir/openssl"
	cat >"$dir/nginx.conf" <<-END
		worker_processes 1;
		user $(id -un) $(id -gn);
		pid nginx.pid;
		daemon off;
		events { }
		http {
			access_log off;
			client_body_temp_path tmp/body;
			proxy_temp_path tmp/proxy;
			fastcgi_temp_path tmp/fastcgi;
			uwsgi_temp_path tmp/uwsgi;
			scgi_temp_path tmp/scgi;
			server {
				listen 127.0.0.1:$port ssl;
				ssl_certificate cert.pem;
				ssl_certificate_key key.pem;
				location / { return 200 "hello"; }
			}
		}
	END
	count nginx "$port" nginx -p "$dir" -e error.log -c nginx.conf
	run -0 curl --silent --insecure --http1.1 --output /dev/null \
		--write-out '%{http_code} %{num_connects}\n' "https://127.0.0.1:$port/?[1-200]"
	assert_equal "$(grep -c '^200 ' <<<"$output")" 200
	assert_equal "$(grep -c '^200 1$' <<<"$output")" 1
	end_counted nginx
	assert [ "$(responses_of nginx)" -ge 201 ]
	assert [ "$(responses_of nginx)" -le 203 ]
}

# --- what begins as HTTP

# tunnel PORT FIRST TURNS: sends the first request, then takes turns; prints how many came back.
tunnel() {
	/usr/bin/python3 - "$@" <<-'END'
		import socket, sys
		s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
		s.sendall(sys.argv[2].encode() + b" HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\n\r\n")
		head = b""
		while not head.endswith(b"\r\n\r\n"):
		    head += s.recv(1)
		back = 0
		for i in range(int(sys.argv[3])):
		    text = b"GET /line/9 HTTP/1.1\r\n\r\n\x81\0" * (1 + i % 7)
		    s.sendall(text)
		    got = 0
		    while got < len(text):
		        got += len(s.recv(len(text) - got))
		    back += 1
		print(back)
	END
}

@test "After 101 the 101 counts, and then each turn" {
	start_fixture upgrade IDLEFLUSH_DEBUG=1
	assert_equal "$(tunnel "$(port_of upgrade)" "GET /upgrade" 100)" 100
	stop_server upgrade
	assert_equal "$(responses_of upgrade)" 101
	# The replies come in this order.
	run -0 grep ' connection ' "$(dir_of upgrade)/err"
	assert_line --index 0 --partial ": http/1"
	assert_line --index 1 --partial ": opaque"
}

@test "After CONNECT the 200 counts, and then each turn" {
	start_fixture connect
	assert_equal "$(tunnel "$(port_of connect)" "CONNECT host:1" 100)" 100
	stop_server connect
	assert_equal "$(responses_of connect)" 101
}
