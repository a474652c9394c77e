// Package redistest gives tests a Redis of their own: a real redis-server in a folder of its own, a cluster of three, a
// master with replica and sentinel, or the in-process engine.
//
// Nothing here is shared between tests, nothing uses a fixed port, and nothing survives the test: servers are killed by
// t.Cleanup and, when the test process itself is killed, by the kernel. Where redis-server is missing the test fails and
// says so; it is never skipped.
package redistest
