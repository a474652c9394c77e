package embedded

// The private server's folder, inside the data directory. Everything in it belongs to the server and its user alone.
const (
	folderName = "redis"
	socketName = "redis.sock"
	pidName    = "redis.pid"
	logName    = "redis.log"
)

// serverConfig is the whole configuration of the private server, given on its standard input: nothing that an operator's
// own redis.conf says can weaken it. File names are relative to the server's folder.
//
// A reply means that the change is on disk (appendfsync always); nothing is ever thrown away (noeviction); a half-written
// last command, as a crash leaves it, is cut off at the start, because it was never acknowledged (aof-load-truncated). No
// snapshots: the append-only file is the whole truth. No port: only who may enter the folder can connect.
const serverConfig = `port 0
unixsocket redis.sock
unixsocketperm 700
daemonize no
supervised no
pidfile redis.pid
logfile redis.log
databases 1
save ""
appendonly yes
appendfsync always
no-appendfsync-on-rewrite no
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size 64mb
aof-load-truncated yes
maxmemory 0
maxmemory-policy noeviction
`

// policy is the part of serverConfig that a running server is held to, and set back to if somebody has changed it.
var policy = []struct{ directive, value string }{
	{"appendfsync", "always"},
	{"no-appendfsync-on-rewrite", "no"},
	{"maxmemory-policy", "noeviction"},
	{"appendonly", "yes"}, // last: it writes the file anew, already with the policy above
}
