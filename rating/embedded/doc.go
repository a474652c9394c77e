// Package embedded opens the store that Tollgate keeps its money in: a private redis-server that it starts, supervises and
// adopts again after a crash of its own; an in-process engine for trying things out; or an external Redis, which it checks.
//
// Open is for the process that serves calls, Attach for a tool beside it. Both give a Store: a go-redis client, what can be
// lost (Report) and whether the store answers at this moment (State).
package embedded
